//! The shop's log and catalogue.

use std::error::Error;
use std::sync::Arc;

use rec_core::data::read::{
    Column, EventWeights, Events, ItemOptions, ReadOptions, read_items, read_path,
};
use rec_core::data::synthetic::Shop;
use rec_core::data::{Dataset, Duplicates, Interactions};

use crate::Args;

/// Reads (or generates) the shop: repeated events made one, their weights added, and every item of
/// the catalogue in the id map.
pub(crate) fn load(args: &Args) -> Result<Dataset, Box<dyn Error>> {
    let (Some(events), Some(items)) = (&args.events, &args.items) else {
        let shop = Shop { seed: args.seed, ..Shop::default() };
        println!("No --events given: a generated shop of {} items.", shop.items);
        let data = shop.generate()?;
        return Ok(data.with_interactions(data.interactions.deduplicated(Duplicates::Sum)));
    };
    let (items, report) = read_items(items, &ItemOptions::default())?;
    print!("{report}");
    let log = log(args, events)?.deduplicated(Duplicates::Sum).with_items(items.ids());
    Ok(Dataset { interactions: log, items: Some(Arc::new(items)), social: None })
}

fn log(args: &Args, path: &std::path::Path) -> Result<Interactions, Box<dyn Error>> {
    let weights: Vec<(String, f32)> =
        args.event_weights.iter().map(|pair| weight(pair)).collect::<Result<_, _>>()?;
    let event = args.event.as_ref().map(|name| EventWeights::new(column(name), weights));
    let options = ReadOptions { events: event, ..ReadOptions::default() };
    match read_path(path, &options)?.events {
        Events::Log(log) => {
            print!("{}", log.report);
            Ok(log.interactions)
        }
        Events::Split(_) => Err("this example wants one log, not a folder of parts".into()),
    }
}

fn column(name: &str) -> Column {
    name.parse().map_or_else(|_| Column::Name(name.to_owned()), Column::Index)
}

fn weight(pair: &str) -> Result<(String, f32), Box<dyn Error>> {
    let parsed = pair.split_once('=').and_then(|(name, w)| Some((name, w.parse().ok()?)));
    let (name, weight) =
        parsed.ok_or_else(|| format!("--event-weights {pair}: write type=number"))?;
    Ok((name.to_owned(), weight))
}
