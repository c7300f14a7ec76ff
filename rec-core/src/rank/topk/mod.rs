//! Selection of the best items: blocks of users, a bounded buffer each, filters tested on the few
//! items that reach a user's floor. Exact, and the same at any number of threads.

mod common;
mod factors;
mod filter;
mod key;
mod rows;
mod screen;
mod select;
mod sieve;

use std::cmp::Ordering;

use rayon::prelude::*;

use self::filter::Filter;
use self::select::Best;
use super::Scorer;
use super::product::check_users;
use crate::data::Csr;
use crate::{Error, Result};

/// The best items of each row, best first; ties go to the smaller dense id.
#[derive(Clone, Debug, PartialEq)]
pub struct TopK {
    k: usize,
    lens: Vec<u32>,
    items: Vec<u32>,
    scores: Vec<f32>,
}

impl TopK {
    /// `n` rows with nothing in them.
    pub fn empty(n: usize, k: usize) -> Self {
        Self { k, lens: vec![0; n], items: vec![0; n * k], scores: vec![0.0; n * k] }
    }

    /// Rows of `(item, score)`, each already in order and no longer than `k`.
    ///
    /// # Errors
    /// [`Error::Shape`] for a longer row.
    pub fn from_rows(rows: &[Vec<(u32, f32)>], k: usize) -> Result<Self> {
        let mut top = Self::empty(rows.len(), k);
        for (at, row) in rows.iter().enumerate() {
            if row.len() > k {
                return Err(Error::shape("row of ranked items", format!("≤ {k}"), row.len()));
            }
            top.set(at, row);
        }
        Ok(top)
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.lens.len()
    }

    /// The longest a row may be.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Items and scores of one row, best first.
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let range = row * self.k..row * self.k + self.lens[row] as usize;
        (&self.items[range.clone()], &self.scores[range])
    }

    /// Replaces one row.
    pub(crate) fn set(&mut self, row: usize, ranked: &[(u32, f32)]) {
        self.lens[row] = ranked.len() as u32;
        for (at, &(item, score)) in ranked.iter().enumerate() {
            self.items[row * self.k + at] = item;
            self.scores[row * self.k + at] = score;
        }
    }

    /// Copies the rows of `from` to the places `at`.
    pub(crate) fn fill(&mut self, at: &[usize], from: &TopK) {
        for (row, &to) in at.iter().enumerate() {
            let (items, scores) = from.row(row);
            self.lens[to] = items.len() as u32;
            self.items[to * self.k..][..items.len()].copy_from_slice(items);
            self.scores[to * self.k..][..items.len()].copy_from_slice(scores);
        }
    }
}

/// Which items may be selected, by dense ids.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    /// How many items a row.
    pub k: usize,
    /// Left out for each user: `[n_users, n_items]`, by the scorer's rows.
    pub seen: Option<&'a Csr>,
    /// Only these, ascending.
    pub allow: Option<&'a [u32]>,
    /// None of these, ascending.
    pub block: &'a [u32],
    /// Only these for each asked user, ascending, beside the users.
    pub candidates: Option<&'a [&'a [u32]]>,
    /// Items that come after the others of equal score, for each user: `[n_users, n_items]`, by
    /// the scorer's rows. Pessimistic evaluation gives the relevant items here.
    pub losing_ties: Option<&'a Csr>,
}

impl<'a> Selection<'a> {
    /// The best `k` of everything.
    pub fn top(k: usize) -> Self {
        Self { k, seen: None, allow: None, block: &[], candidates: None, losing_ties: None }
    }
}

/// The better of two scored items first: higher score, then smaller id. Scores are not NaN.
pub fn better(a: (u32, f32), b: (u32, f32)) -> Ordering {
    b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal).then(a.0.cmp(&b.0))
}

/// The best items for each of these users: by score, then items that do not lose ties, then the
/// smaller id. Items scored `-∞` are never selected.
///
/// Where the scorer gives [`Scorer::factors`], scores are computed by [`super::dot`] and no row of
/// scores is ever written. The answer does not depend on the number of threads, nor on which other
/// users are asked for.
///
/// # Errors
/// [`Error::Data`] if the model scores an item NaN or a list of the selection does not ascend,
/// [`Error::Shape`] for users, items or rows the scorer does not have, [`Error::Parameter`] for a
/// `k` that no catalogue has, and whatever scoring returns.
pub fn top_k(scorer: &dyn Scorer, users: &[u32], selection: &Selection<'_>) -> Result<TopK> {
    let (n, m, k) = (users.len(), scorer.n_items(), selection.k);
    check_users(users, scorer.n_users())?;
    if k > key::MAX_ITEMS {
        return Err(Error::parameter("k", k, format!("choose 1 to {m}, the catalogue's size")));
    }
    if let Some(own) = scorer.select(users, selection) {
        return own;
    }
    let filter = Filter::new(selection, users, scorer.n_users(), m)?;
    let mut top = TopK::empty(n, k);
    if n == 0 || k == 0 || m == 0 {
        return Ok(top);
    }
    match (scorer.common_scores(), scorer.factors()) {
        (Some(scores), _) => common::top_k(scores, users, &filter, &mut top)?,
        (None, Some(factors)) => factors::top_k(&factors, users, &filter, &mut top)?,
        (None, None) => rows::top_k(scorer, users, &filter, &mut top)?,
    }
    Ok(top)
}

impl TopK {
    /// Fills all rows, `block` at a time and in parallel: `rank(first, n)` gives the best items of
    /// the rows `first .. first + n`.
    fn fill_blocks(
        &mut self,
        block: usize,
        rank: impl Fn(usize, usize) -> Result<Vec<Best>> + Sync,
    ) -> Result<()> {
        let k = self.k;
        self.lens
            .par_chunks_mut(block)
            .zip(self.items.par_chunks_mut(block * k))
            .zip(self.scores.par_chunks_mut(block * k))
            .enumerate()
            .try_for_each(|(b, ((lens, items), scores))| {
                let ranked = rank(b * block, lens.len())?;
                for (row, best) in ranked.into_iter().enumerate() {
                    let (items, scores) = (&mut items[row * k..], &mut scores[row * k..]);
                    let sorted = best.into_sorted();
                    lens[row] = sorted.len() as u32;
                    for (at, (item, score)) in sorted.enumerate() {
                        items[at] = item;
                        scores[at] = score;
                    }
                }
                Ok(())
            })
    }
}

#[cfg(test)]
mod tests;
