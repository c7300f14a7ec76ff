//! A recommender that ranks shortlists by trees.

use std::sync::Arc;

use rayon::prelude::*;

use super::features::candidates;
use super::{ItemFacts, TreeRanker};
use crate::data::{Csr, IdMaps};
use crate::rank::shortlist::{distinct_items, in_order, scatter};
use crate::rank::{History, Recommend, Scorer, Selection, Shortlisted, TopK};
use crate::{Error, Result};

/// A recommender that joins the shortlists of several and ranks them by trees. Asked for the scores of
/// all items, it gives the log-odds of its candidates, and `-∞` for the others and what the user had.
pub struct TreeRanked {
    lists: Shortlisted,
    ranker: TreeRanker,
    facts: ItemFacts,
    counts: Vec<u32>,
}

impl TreeRanked {
    /// Ranks by trees learned from these recommenders and facts.
    ///
    /// # Errors
    /// [`Error::Shape`] where the trees were learned from other columns, or facts are of another
    /// catalogue.
    pub fn new(lists: Shortlisted, ranker: TreeRanker, facts: ItemFacts) -> Result<Self> {
        facts.check(lists.n_items())?;
        let columns = facts.columns(lists.models().len());
        if columns != ranker.columns() {
            let (expected, got) = (ranker.columns().join(", "), columns.join(", "));
            return Err(Error::shape("the columns that trees rank by", expected, got));
        }
        let counts = lists.seen().column_counts();
        Ok(Self { lists, ranker, facts, counts })
    }

    /// The shortlists.
    pub fn lists(&self) -> &Shortlisted {
        &self.lists
    }

    /// The trees.
    pub fn ranker(&self) -> &TreeRanker {
        &self.ranker
    }

    fn best<'s>(
        &self,
        lists: &[TopK],
        past: impl Fn(usize) -> &'s [u32] + Sync,
        losing: impl Fn(usize) -> Option<&'s [u32]> + Sync,
        k: usize,
    ) -> Result<TopK> {
        let rows = lists.first().map_or(0, TopK::n_rows);
        let row = |row: usize| {
            let of = candidates(lists, row, past(row), &self.counts, &self.facts);
            let scores = self.ranker.scores(&of);
            in_order(of.items.into_iter().zip(scores).collect(), losing(row), k)
        };
        TopK::from_rows(&(0..rows).into_par_iter().map(row).collect::<Vec<_>>(), k)
    }
}

impl Scorer for TreeRanked {
    fn n_users(&self) -> usize {
        self.lists.n_users()
    }

    fn n_items(&self) -> usize {
        self.lists.n_items()
    }

    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        let (k, seen) = (self.lists.candidates().min(self.n_items()), self.seen());
        let lists =
            self.lists.lists(users, &Selection { seen: Some(seen), ..Selection::top(k) })?;
        let room = k * lists.len();
        let all = self.best(&lists, |row| seen.row(users[row] as usize), |_| None, room)?;
        scatter(&all, self.n_items(), out)
    }

    fn select(&self, users: &[u32], selection: &Selection<'_>) -> Option<Result<TopK>> {
        let losing = |row: usize| selection.losing_ties.map(|items| items.row(users[row] as usize));
        let past = |row: usize| self.seen().row(users[row] as usize);
        let lists = self.lists.lists(users, selection);
        Some(lists.and_then(|lists| self.best(&lists, past, losing, selection.k)))
    }
}

impl Recommend for TreeRanked {
    fn ids(&self) -> &Arc<IdMaps> {
        self.lists.ids()
    }

    fn seen(&self) -> &Csr {
        self.lists.seen()
    }

    fn knows(&self, user: u32) -> bool {
        self.lists.knows(user)
    }

    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        let seen = Csr::from_rows(histories.iter().cloned(), self.n_items()).binary();
        let k = self.lists.candidates().min(self.n_items());
        let selection = Selection { seen: Some(&seen), ..Selection::top(k) };
        let lists = self.lists.lists_of(histories, &selection)?;
        let all = self.best(&lists, |row| seen.row(row), |_| None, k * lists.len())?;
        scatter(&all, self.n_items(), out)
    }

    fn select_histories(
        &self,
        histories: &[History],
        selection: &Selection<'_>,
    ) -> Option<Result<TopK>> {
        let past: Vec<Vec<u32>> = histories.iter().map(|history| distinct_items(history)).collect();
        let losing = |row: usize| selection.losing_ties.map(|items| items.row(row));
        let lists = self.lists.lists_of(histories, selection);
        Some(lists.and_then(|lists| self.best(&lists, |row| &past[row][..], losing, selection.k)))
    }
}
