//! Where the events come from, and how they are parted.

use std::error::Error;
use std::sync::Arc;

use rec_core::data::read::{
    Column, EventWeights, Events, ItemOptions, ReadOptions, read_items, read_path,
};
use rec_core::data::split::{self, Split};
use rec_core::data::synthetic::Shop;
use rec_core::data::{Dataset, Duplicates, Interactions, Items};

use crate::{Args, SplitBy};

/// The log, whole and in parts.
pub(crate) struct Parts {
    /// Everything, to train on in the end.
    pub(crate) all: Dataset,
    /// What the models learn from while they compete.
    pub(crate) train: Dataset,
    /// What the best is chosen by.
    pub(crate) valid: Interactions,
    /// What the figures are from.
    pub(crate) test: Interactions,
    /// The protocol, in words.
    pub(crate) protocol: String,
}

/// Reads (or generates) the log and parts it.
pub(crate) fn load(args: &Args) -> Result<Parts, Box<dyn Error>> {
    let Some(path) = &args.events else {
        let shop = Shop { seed: args.seed, ..Shop::default() };
        println!(
            "No --events given: a generated shop with {} users and {} items.",
            shop.users, shop.items
        );
        let data = shop.generate()?;
        let repeats = data.interactions.duplicates();
        println!("{} events, {repeats} of them repeats.", data.interactions.len());
        return part(args, data.interactions, data.items);
    };
    let loaded = read_path(path, &options(args)?)?;
    let beside = loaded.items.map(|(items, report)| {
        print!("{report}");
        Arc::new(items)
    });
    let items = match &args.items {
        Some(path) => {
            let options = ItemOptions { id_map: args.item_map.clone(), ..ItemOptions::default() };
            let (items, report) = read_items(path, &options)?;
            print!("{report}");
            Some(Arc::new(items))
        }
        None => beside,
    };
    match loaded.events {
        Events::Log(log) => {
            print!("{}", log.report);
            part(args, log.interactions, items)
        }
        Events::Split(fixed) => {
            fixed.reports.iter().for_each(|report| print!("{report}"));
            let (whole, test) = (relevant(args, fixed.train), relevant(args, fixed.test));
            let (train, valid) = match fixed.valid {
                Some(valid) => (whole.clone(), relevant(args, valid)),
                None => hold_out(args, &whole)?,
            };
            let all = match train.len() == whole.len() {
                true => Interactions::concat(&[&train, &valid, &test])?,
                false => Interactions::concat(&[&whole, &test])?,
            };
            let protocol = format!("the split of {}", path.display());
            Ok(Parts::new(all, train, valid, test, items, protocol))
        }
    }
}

/// A tenth of a fixed split's training part to choose by, where it has no validation part.
fn hold_out(
    args: &Args,
    train: &Interactions,
) -> Result<(Interactions, Interactions), Box<dyn Error>> {
    let parts = split::random(train, &[0.9, 0.1], args.seed)?;
    Ok((parts.train, parts.test))
}

/// The events that count. What a user had is not recommended to them again, so repeated events are
/// merged into the last, their weights added.
fn relevant(args: &Args, log: Interactions) -> Interactions {
    let log = match args.min_weight {
        Some(least) => log.binarized(least),
        None => log,
    };
    match log.duplicates() {
        0 => log,
        _ => log.deduplicated(Duplicates::Sum),
    }
}

fn part(
    args: &Args,
    log: Interactions,
    items: Option<Arc<Items>>,
) -> Result<Parts, Box<dyn Error>> {
    let log = relevant(args, log);
    let tenths = [0.8, 0.1, 0.1];
    let Split { train, valid, test, report, .. } = match args.split {
        SplitBy::LeaveLastOut => split::leave_last_out(&log, 1, true)?,
        SplitBy::Time => split::by_time(&log, &tenths)?,
        SplitBy::UserRatio => split::by_user_ratio(&log, &tenths)?,
        SplitBy::Random => split::random(&log, &tenths, args.seed)?,
    };
    println!("Split: {report}");
    report.warnings.iter().for_each(|warning| println!("  warning: {warning}"));
    Ok(Parts::new(log, train, valid, test, items, report.protocol.to_string()))
}

impl Parts {
    fn new(
        all: Interactions,
        train: Interactions,
        valid: Interactions,
        test: Interactions,
        items: Option<Arc<Items>>,
        protocol: String,
    ) -> Self {
        let all = Dataset { interactions: all, items, social: None };
        Self { train: all.with_interactions(train), all, valid, test, protocol }
    }
}

fn options(args: &Args) -> Result<ReadOptions, Box<dyn Error>> {
    let events = match &args.event {
        None => None,
        Some(name) => Some(EventWeights::new(column(Some(name)), weights(&args.event_weights)?)),
    };
    Ok(ReadOptions {
        user: column(args.user.as_ref()),
        item: column(args.item.as_ref()),
        time: column(args.time.as_ref()),
        weight: column(args.weight.as_ref()),
        events,
        skip_bad: args.skip_bad,
        ..ReadOptions::default()
    })
}

fn column(name: Option<&String>) -> Column {
    match name {
        None => Column::Auto,
        Some(name) => name.parse().map_or_else(|_| Column::Name(name.clone()), Column::Index),
    }
}

fn weights(pairs: &[String]) -> Result<Vec<(String, f32)>, Box<dyn Error>> {
    let parse = |pair: &String| -> Option<(String, f32)> {
        let (name, weight) = pair.split_once('=')?;
        Some((name.to_owned(), weight.parse().ok()?))
    };
    pairs
        .iter()
        .map(|pair| {
            parse(pair).ok_or_else(|| format!("--event-weights {pair}: write type=number").into())
        })
        .collect()
}
