//! Files of who follows or befriends whom.

use std::path::Path;
use std::sync::Arc;

use super::columns::{FRIEND, FROM};
use super::events::Usual;
use super::load::read_raw;
use super::options::ReadOptions;
use super::report::{ReadReport, Reason, Refusal};
use crate::data::{IdMaps, SocialGraph, UnknownUsers};
use crate::{Error, Result};

/// How to read a file of edges between users.
#[derive(Clone, Debug)]
pub struct SocialOptions {
    /// The file's layout and columns: `user` and `item` name the two ends of an edge, `weight` its
    /// weight.
    pub read: ReadOptions,
    /// Whether an edge goes one way only, as the file writes it. Otherwise each is stored both ways,
    /// and one written both ways weighs double.
    pub directed: bool,
    /// What to do with users who have no events.
    pub unknown: UnknownUsers,
}

impl Default for SocialOptions {
    fn default() -> Self {
        Self { read: ReadOptions::default(), directed: true, unknown: UnknownUsers::Error }
    }
}

/// Reads edges between the users of a data set.
///
/// # Errors
/// As [`read_interactions`](super::read_interactions) and [`SocialGraph::new`]; a user as their own
/// friend is counted instead under `skip_bad`.
pub fn read_social(
    path: impl AsRef<Path>,
    ids: &Arc<IdMaps>,
    options: &SocialOptions,
) -> Result<(SocialGraph, ReadReport)> {
    let path = path.as_ref();
    let usual = Usual { user: FROM, item: FRIEND };
    let raw = read_raw(path, &options.read, usual, IdMaps::default())?;
    let (sink, mut report) = (raw.sink, raw.report);
    let mut loops = 0;
    let mut edges = Vec::with_capacity(sink.items.len());
    for (at, (&from, &to)) in sink.users.iter().zip(&sink.items).enumerate() {
        let (Some(from), Some(to)) = (sink.ids.users.id(from), sink.ids.items.id(to)) else {
            return Err(Error::data("edges", "an end is not in its map"));
        };
        if options.read.skip_bad && from.to_string() == to.to_string() {
            loops += 1;
        } else {
            edges.push((from, to, sink.weights.get(at).copied().unwrap_or(1.0)));
        }
    }
    if loops > 0 {
        report.refused.push(Refusal { reason: Reason::SelfLoop, count: loops, examples: vec![] });
    }
    let graph = SocialGraph::new(ids.clone(), edges, options.directed, options.unknown)?;
    report.kept = (sink.items.len() - graph.dropped()) as u64 - loops;
    if let Some(item) = report.columns.iter_mut().find(|(part, _)| *part == "item") {
        item.0 = "friend";
    }
    Ok((graph, report))
}
