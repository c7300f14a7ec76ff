//! Parts of the users, measured apart.

use serde::{Deserialize, Serialize};

use super::board::Board;
use super::bootstrap::Bootstrap;
use super::report;
use super::{EvaluateOptions, Figure};
use crate::data::{IdRef, Interactions};
use crate::{Error, Result};

/// The part that each test user belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSegments {
    names: Vec<String>,
    /// By the test data's dense users.
    of: Vec<usize>,
}

impl UserSegments {
    /// Named parts, and the place of each test user's part among them, by the test data's dense ids.
    ///
    /// # Errors
    /// [`Error::Empty`] without names, [`Error::Shape`] for a place past them.
    pub fn new(names: Vec<String>, of: Vec<usize>) -> Result<Self> {
        if names.is_empty() {
            return Err(Error::empty("the segments", "name at least one"));
        }
        match of.iter().find(|&&at| at >= names.len()) {
            Some(at) => Err(Error::shape("a user's segment", format!("< {}", names.len()), at)),
            None => Ok(Self { names, of }),
        }
    }

    /// By how much training knows of each test user: `activity` gives the events (or distinct items)
    /// of a user there. Levels are names with the least number, ascending from 0: a user belongs to
    /// the last that they reach.
    ///
    /// # Errors
    /// [`Error::Parameter`] for levels that do not ascend from 0.
    pub fn by_activity(
        levels: &[(String, usize)],
        test: &Interactions,
        activity: impl Fn(IdRef<'_>) -> usize,
    ) -> Result<Self> {
        let least: Vec<usize> = levels.iter().map(|level| level.1).collect();
        if least.first() != Some(&0) || !least.windows(2).all(|pair| pair[0] < pair[1]) {
            let why = "give levels in ascending order, the first from 0";
            return Err(Error::parameter("levels", format!("{least:?}"), why));
        }
        let level = |user| least.partition_point(|&least| least <= activity(user)) - 1;
        let of = test.ids().users.iter().map(level).collect();
        Self::new(levels.iter().map(|level| level.0.clone()).collect(), of)
    }

    /// How many parts there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Never: there is at least one part.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub(crate) fn of(&self, user: u32) -> usize {
        self.of[user as usize]
    }

    pub(crate) fn check(&self, n_users: usize) -> Result<()> {
        if self.of.len() == n_users {
            return Ok(());
        }
        Err(Error::shape("users with a segment", n_users, self.of.len()))
    }
}

/// What an evaluation found of one part of the users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Its name.
    pub name: String,
    /// Evaluated users in it.
    pub users: usize,
    /// One a metric, as in the report; the coverage is that of the segment's lists.
    pub figures: Vec<Figure>,
}

/// The figures of each segment, from the values of all users at `positions`.
pub(crate) fn figures(
    options: &EvaluateOptions<'_>,
    board: &Board<'_>,
    positions: &[u32],
    values: &[f64],
    bootstrap: Bootstrap,
    prefix: &str,
) -> Vec<Segment> {
    let Some(segments) = options.segments else { return Vec::new() };
    let width = board.per_user.len();
    let one = |(segment, name): (usize, &String)| {
        let mine = || (0..positions.len()).filter(|&at| segments.of(positions[at]) == segment);
        let own: Vec<f64> = mine().flat_map(|at| &values[at * width..][..width]).copied().collect();
        let (users, metrics) = (mine().count(), &options.metrics);
        let figures =
            report::figures(metrics, board, Some(segment), &own, users, bootstrap, prefix);
        Segment { name: name.clone(), users, figures }
    };
    segments.names.iter().enumerate().map(one).collect()
}
