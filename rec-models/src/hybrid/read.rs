//! The first stage: files to a data set.

use std::sync::Arc;

use rec_core::data::read::{
    Column, EventWeights, Events, ItemOptions, ReadOptions, SocialOptions, read_items, read_path,
    read_social,
};
use rec_core::data::{Dataset, Duplicates, Interactions, UnknownUsers};

use super::config::DataFiles;
use crate::{Error, Result};

/// Reads the files; every item of the table is in the id map, whether somebody had it or not.
pub(super) fn read(files: &DataFiles) -> Result<Dataset> {
    let mut log = log(files)?;
    if files.merge_repeated {
        log = log.deduplicated(Duplicates::Sum);
    }
    let items =
        files.items.as_ref().map(|path| read_items(path, &item_options(files))).transpose()?;
    let items = items.map(|(items, report)| {
        tracing::info!(%report, "items");
        Arc::new(items)
    });
    if let Some(items) = &items {
        log = log.with_items(items.ids());
    }
    let options = SocialOptions { unknown: UnknownUsers::Drop, ..SocialOptions::default() };
    let social = files.social.as_ref().map(|path| read_social(path, log.ids(), &options));
    let social = social.transpose()?.map(|(graph, _)| Arc::new(graph));
    Ok(Dataset { interactions: log, items, social })
}

fn log(files: &DataFiles) -> Result<Interactions> {
    let events = files.event.as_ref().map(|column| {
        EventWeights::new(
            column.as_str(),
            files.event_weights.iter().map(|(name, &w)| (name.as_str(), w)),
        )
    });
    if events.is_none() && !files.event_weights.is_empty() {
        let why = "say which column holds the event types, as event = \"…\"";
        return Err(Error::parameter("event_weights", format!("{:?}", files.event_weights), why));
    }
    let options = ReadOptions {
        user: column(&files.user),
        item: column(&files.item),
        time: column(&files.time),
        weight: column(&files.weight),
        events,
        skip_bad: files.skip_bad,
        ..ReadOptions::default()
    };
    match read_path(&files.events, &options)?.events {
        Events::Log(log) => {
            tracing::info!(report = %log.report, "events");
            Ok(log.interactions)
        }
        Events::Split(_) => {
            let why = "holds a split; a pipeline splits by itself, so give it one log";
            Err(Error::format(&files.events, None, why))
        }
    }
}

fn item_options(files: &DataFiles) -> ItemOptions {
    ItemOptions {
        id: column(&files.id),
        text: files.texts.as_ref().map(|names| names.iter().map(|n| n.as_str().into()).collect()),
        tags: column(&files.tags),
        skip_bad: files.skip_bad,
        ..ItemOptions::default()
    }
}

fn column(name: &Option<String>) -> Column {
    name.as_ref().map_or(Column::Auto, |name| name.as_str().into())
}
