//! What is asked of a model, and what comes back.

use std::sync::Arc;

use super::resolve::{Candidates, Resolved, dense_set};
use super::{History, Recommend, Scorer, Selection, TopK, top_k};
use crate::data::{Csr, Id, IdMaps, IdRef};
use crate::{Error, Result};

/// Whom to recommend for.
#[derive(Clone, Debug)]
pub enum Users<'a> {
    /// Every user the model knows.
    All,
    /// These users, by the caller's ids.
    Ids(&'a [Id]),
    /// Users the model need not know, by what they had: the caller's item ids with weights, in
    /// order of time.
    Histories(&'a [Vec<(Id, f32)>]),
}

/// What to do with a user the model does not know.
#[derive(Clone, Copy, Default)]
pub enum OnUnknown<'a> {
    /// [`Error::UnknownId`] names the first.
    #[default]
    Error,
    /// Leave them out, and list them in [`Recommendations::skipped`].
    Skip,
    /// Ask this model, as for a user without a past. It must share the item ids.
    Fallback(&'a dyn Recommend),
}

/// A question to a model.
#[derive(Clone)]
pub struct Query<'a> {
    /// Whom to recommend for.
    pub users: Users<'a>,
    /// How many items each.
    pub k: usize,
    /// Leave out what the user had in training (or in the given history).
    pub filter_seen: bool,
    /// Only these items may be recommended.
    pub allow: Option<&'a [Id]>,
    /// These items may not.
    pub block: &'a [Id],
    /// Only these items for each user: a list beside each of `users`, skipped ones included; for
    /// [`Users::All`] beside each user of the id map.
    pub candidates: Option<&'a [Vec<Id>]>,
    /// What to do with unknown users.
    pub on_unknown: OnUnknown<'a>,
}

impl<'a> Query<'a> {
    /// The best `k` unseen items for these users.
    pub fn new(users: Users<'a>, k: usize) -> Self {
        Self {
            users,
            k,
            filter_seen: true,
            allow: None,
            block: &[],
            candidates: None,
            on_unknown: OnUnknown::Error,
        }
    }
}

/// Ranked items for each of the asked users (or items).
#[derive(Clone, Debug)]
pub struct Recommendations {
    /// The ids behind the dense items in `top`.
    pub ids: Arc<IdMaps>,
    /// Whom each row is for. For histories: their position.
    pub queries: Vec<Id>,
    /// The rows; one may be shorter than `k` where filters left fewer items.
    pub top: TopK,
    /// Unknown users that were left out.
    pub skipped: Vec<Id>,
}

impl Recommendations {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.queries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    /// One row by the caller's ids, best first, with scores.
    pub fn row(&self, row: usize) -> impl Iterator<Item = (IdRef<'_>, f32)> + '_ {
        let (items, scores) = self.top.row(row);
        items.iter().zip(scores).filter_map(|(&i, &s)| Some((self.ids.items.id(i)?, s)))
    }
}

/// Answers a query with any model; what [`Recommend::recommend`] calls.
///
/// # Errors
/// As [`Recommend::recommend`].
pub fn recommend(model: &dyn Recommend, query: &Query<'_>) -> Result<Recommendations> {
    let ids = model.ids().clone();
    check_k(query.k, ids.items.len())?;
    let asked = Resolved::new(model, query)?;
    let filters = Filters {
        query,
        allow: query.allow.map(|items| dense_set(&ids, items)).transpose()?,
        block: dense_set(&ids, query.block)?,
        candidates: Candidates::new(&ids, query.candidates, &asked)?,
    };
    let mut top = TopK::empty(asked.len(), query.k);
    let (users, at) = asked.users();
    top.fill(&at, &filters.select(model, &users, &at, model.seen())?);
    let (histories, at) = asked.histories();
    if !histories.is_empty() {
        let model = who_folds_in(model, query)?;
        let folded = Folded { model, histories };
        let all: Vec<u32> = (0..at.len() as u32).collect();
        top.fill(&at, &filters.select(&folded, &all, &at, &folded.seen(ids.items.len()))?);
    }
    let Resolved { queries, skipped, .. } = asked;
    Ok(Recommendations { ids, queries, top, skipped })
}

fn check_k(k: usize, n_items: usize) -> Result<()> {
    if k == 0 || k > n_items {
        return Err(Error::parameter(
            "k",
            k,
            format!("choose 1 to {n_items}, the catalogue's size"),
        ));
    }
    Ok(())
}

/// The model that scores histories: the asked one, or the fallback where the histories stand for
/// users it does not know.
fn who_folds_in<'a>(model: &'a dyn Recommend, query: &Query<'a>) -> Result<&'a dyn Recommend> {
    let (Users::Ids(_), OnUnknown::Fallback(other)) = (&query.users, query.on_unknown) else {
        return Ok(model);
    };
    if !other.ids().items.same_as(&model.ids().items) {
        return Err(Error::IdMismatch {
            what: "the model and its fallback".into(),
            why: "fit both on parts of one data set".into(),
        });
    }
    Ok(other)
}

struct Filters<'q> {
    query: &'q Query<'q>,
    allow: Option<Vec<u32>>,
    block: Vec<u32>,
    candidates: Option<Candidates>,
}

impl Filters<'_> {
    /// `at[i]` is the row of the whole answer that `users[i]` fills.
    fn select(&self, from: &dyn Scorer, users: &[u32], at: &[usize], seen: &Csr) -> Result<TopK> {
        let candidates: Option<Vec<&[u32]>> =
            self.candidates.as_ref().map(|lists| at.iter().map(|&row| lists.row(row)).collect());
        top_k(
            from,
            users,
            &Selection {
                k: self.query.k,
                seen: self.query.filter_seen.then_some(seen),
                allow: self.allow.as_deref(),
                block: &self.block,
                candidates: candidates.as_deref(),
                losing_ties: None,
            },
        )
    }
}

/// Histories as users of a scorer.
pub(super) struct Folded<'a> {
    pub(super) model: &'a dyn Recommend,
    pub(super) histories: Vec<&'a History>,
}

impl Folded<'_> {
    fn seen(&self, n_items: usize) -> Csr {
        Csr::from_rows(self.histories.iter().map(|h| h.to_vec()), n_items).binary()
    }

    fn of(&self, rows: &[u32]) -> Vec<History> {
        rows.iter().map(|&row| self.histories[row as usize].clone()).collect()
    }
}

impl Scorer for Folded<'_> {
    fn n_users(&self) -> usize {
        self.histories.len()
    }
    fn n_items(&self) -> usize {
        self.model.n_items()
    }
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        self.model.score_histories(&self.of(users), out)
    }
    fn select(&self, users: &[u32], selection: &Selection<'_>) -> Option<Result<TopK>> {
        let all = (0..self.n_users() as u32).eq(users.iter().copied());
        all.then(|| self.model.select_histories(&self.of(users), selection)).flatten()
    }
}

#[cfg(test)]
mod tests;
