//! Listens, artists and friends.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use rec_core::data::read::{
    Column, Events, ItemOptions, ReadOptions, SocialOptions, read_interactions, read_items,
    read_path, read_social, read_text_columns,
};
use rec_core::data::synthetic::Scene;
use rec_core::data::{
    Dataset, Duplicates, IdRef, Interactions, InteractionsBuilder, Items, UnknownUsers,
};

use crate::Args;

/// Reads (or generates) the scene; a listener's plays of an artist are one event, weighing the logarithm
/// of their number.
pub(crate) fn load(args: &Args) -> Result<Dataset, Box<dyn Error>> {
    let options = SocialOptions { unknown: UnknownUsers::Drop, ..SocialOptions::default() };
    if let Some(folder) = &args.hetrec {
        let log = read_interactions(file(folder, "user_artists"), &ReadOptions::default())?.0;
        let items = hetrec_artists(folder)?;
        let log = damped(&log)?.with_items(items.ids());
        let (social, _) = read_social(file(folder, "user_friends"), log.ids(), &options)?;
        return Ok(Dataset {
            interactions: log,
            items: Some(Arc::new(items)),
            social: Some(Arc::new(social)),
        });
    }
    let Some(listens) = &args.listens else {
        println!("No --listens given: a generated scene.");
        let data = Scene { seed: args.seed, ..Scene::default() }.generate()?;
        let log = data.interactions.deduplicated(Duplicates::Count);
        return Ok(data.with_interactions(damped(&log)?));
    };
    let log = match read_path(listens, &ReadOptions::default())?.events {
        Events::Log(log) => {
            print!("{}", log.report);
            damped(&log.interactions.deduplicated(Duplicates::Sum))?
        }
        Events::Split(_) => return Err("this example wants one log, not a folder of parts".into()),
    };
    let items = args.artists.as_ref().map(|path| read_items(path, &ItemOptions::default()));
    let items = items.transpose()?.map(|(items, _)| Arc::new(items));
    let log = items.as_ref().map_or_else(|| log.clone(), |items| log.with_items(items.ids()));
    let social = args.friends.as_ref().map(|path| read_social(path, log.ids(), &options));
    let social = social.transpose()?.map(|(graph, _)| Arc::new(graph));
    Ok(Dataset { interactions: log, items, social })
}

/// `1 + ln(plays)`, so that one artist on repeat does not drown the others.
fn damped(log: &Interactions) -> Result<Interactions, Box<dyn Error>> {
    let mut builder = InteractionsBuilder::with_ids((**log.ids()).clone());
    builder.time_unit(log.time_unit());
    for event in log.events() {
        let weight = 1.0 + event.weight.max(1.0).ln();
        builder.push_dense(event.user, event.item, Some(weight), event.time)?;
    }
    Ok(builder.build()?)
}

fn file(folder: &Path, name: &str) -> std::path::PathBuf {
    let plain = folder.join(format!("{name}.dat"));
    if plain.is_file() { plain } else { folder.join(format!("{name}.dat.gz")) }
}

/// The artists' names, and the tags that at least three listeners gave them.
fn hetrec_artists(folder: &Path) -> Result<Items, Box<dyn Error>> {
    const LISTENERS: usize = 3;
    // The tags are in Latin-1.
    let latin1 = ItemOptions {
        latin1: Some(true),
        id: "tagID".into(),
        text: Some(vec!["tagValue".into()]),
        ..ItemOptions::default()
    };
    let (tags, _) = read_items(file(folder, "tags"), &latin1)?;
    let columns = ["artistID".into(), "tagID".into()];
    let given = read_text_columns(file(folder, "user_taggedartists"), &columns)?;
    let mut counts: BTreeMap<(&String, &String), usize> = BTreeMap::new();
    for pair in given[0].iter().zip(&given[1]) {
        *counts.entry(pair).or_default() += 1;
    }
    let mut of: HashMap<&String, Vec<&str>> = HashMap::new();
    for ((artist, tag), n) in counts {
        let name = tags.ids().get(tag.as_str()).and_then(|row| tags.title(row));
        if let Some(name) = name.filter(|_| n >= LISTENERS) {
            of.entry(artist).or_default().push(name);
        }
    }
    let named = ItemOptions {
        id: "id".into(),
        text: Some(vec!["name".into()]),
        tags: Column::Absent,
        ..ItemOptions::default()
    };
    let (artists, _) = read_items(file(folder, "artists"), &named)?;
    let tags = |id: IdRef<'_>| of.get(&id.to_string()).cloned().unwrap_or_default();
    let tags: Vec<Vec<&str>> = artists.ids().iter().map(tags).collect();
    Ok(artists.with_tags(&tags)?)
}
