//! Events as sentences.

use rec_core::data::{Csr, Dataset, Interactions};

use super::Item2Vec;
use crate::vectors::corpus::{END, Sentences};
use crate::{Error, Result};

/// Sentences of items and their tags: item `i` is token `i`, tag `t` token `n_items + t`.
pub(super) struct Text {
    pub(super) sentences: Sentences,
    /// How often each token stands there: `[n_items + n_tags]`.
    pub(super) counts: Vec<u64>,
    /// The tags of each item, where they are used.
    pub(super) tags: Option<Csr>,
}

pub(super) fn read(config: &Item2Vec, data: &Dataset) -> Result<Text> {
    let log = &data.interactions;
    let gap = config.max_gap.map(|seconds| ticks(log, seconds)).transpose()?;
    let tags = config.tags.then(|| tags(data)).transpose()?;
    let n_tokens = log.n_items() + tags.as_ref().map_or(0, Csr::n_cols);
    let mut counts = vec![0; n_tokens];
    let mut ids = Vec::with_capacity(log.len() + log.n_users());
    for user in 0..log.n_users() as u32 {
        let range = log.range(user);
        for at in range.clone() {
            if at > range.start && is_apart(log, gap, at) {
                ids.push(END);
            }
            let item = log.items()[at];
            let own = tags.iter().flat_map(|tags| tags.row(item as usize));
            let own = own.map(|tag| log.n_items() as u32 + tag);
            for token in std::iter::once(item).chain(own) {
                counts[token as usize] += 1;
                ids.push(token);
            }
        }
        ids.push(END);
    }
    Ok(Text { sentences: Sentences::new(ids), counts, tags })
}

/// Whether a session begins at an event.
fn is_apart(log: &Interactions, gap: Option<i64>, at: usize) -> bool {
    match (gap, log.times()) {
        (Some(gap), Some(times)) => times[at].saturating_sub(times[at - 1]) > gap,
        _ => false,
    }
}

/// Seconds in the log's own unit.
fn ticks(log: &Interactions, seconds: f64) -> Result<i64> {
    let per_second = log.time_unit().per_second();
    match (log.times(), per_second) {
        (Some(_), Some(per_second)) => Ok((seconds * per_second as f64) as i64),
        (None, _) => {
            let why = "the events have no timestamps; load them with a time column, or leave \
                       max_gap out";
            Err(Error::data("cutting sessions by max_gap", why))
        }
        _ => {
            let why = "the unit of the timestamps is not known; name it when loading (time_unit)";
            Err(Error::data("cutting sessions by max_gap", why))
        }
    }
}

fn tags(data: &Dataset) -> Result<Csr> {
    let items = &data.interactions.ids().items;
    let tags = data.items.as_ref().and_then(|table| table.tags_for(items));
    tags.ok_or_else(|| {
        let why = "the data set has no item tags; set ds.items with tags, or leave tags out";
        Error::data("item2vec with tags", why)
    })
}
