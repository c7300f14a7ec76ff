//! Several models as one, by the best of each.

use std::sync::Arc;

use super::query::Folded;
use super::{Fusion, History, Recommend, Scorer, Selection, TopK, better, top_k};
use crate::data::{Csr, IdMaps};
use crate::{Error, Result};

/// A recommender that fuses the shortlists of several: each puts its best `candidates` forward, and
/// their scores are fused as [`Fusion::fuse`] says. What [`super::Fused`] does over all items costs as
/// much as there are items and models; this costs what finding the best of each does, so it is the one
/// for large catalogues.
///
/// A query's filters hold for each model's list, so none of them empties the answer. Asked for the
/// scores of all items, it gives those of its candidates, and `-∞` for the others and what the user had.
pub struct Shortlisted {
    models: Vec<Arc<dyn Recommend>>,
    fusion: Fusion,
    candidates: usize,
}

impl Shortlisted {
    /// Fuses models that were fitted on one log.
    ///
    /// # Errors
    /// [`Error::IdMismatch`] where their ids differ, [`Error::Empty`] without models,
    /// [`Error::Shape`] or [`Error::Parameter`] where the fusion's parameters do not fit or
    /// `candidates` is 0.
    pub fn new(models: Vec<Arc<dyn Recommend>>, fusion: Fusion, candidates: usize) -> Result<Self> {
        fusion.check(models.len())?;
        if candidates == 0 {
            return Err(Error::parameter("candidates", candidates, "choose at least 1 a model"));
        }
        let first = models[0].ids();
        let differs = |m: &Arc<dyn Recommend>| {
            !(m.ids().items.same_as(&first.items) && m.ids().users.same_as(&first.users))
        };
        if let Some(at) = models.iter().position(differs) {
            return Err(Error::IdMismatch {
                what: format!("model 1 and model {} of a fusion", at + 1),
                why: "fit all on parts of one data set".into(),
            });
        }
        Ok(Self { models, fusion, candidates })
    }

    /// The models.
    pub fn models(&self) -> &[Arc<dyn Recommend>] {
        &self.models
    }

    /// The fusion.
    pub fn fusion(&self) -> &Fusion {
        &self.fusion
    }

    /// How many items each model puts forward.
    pub fn candidates(&self) -> usize {
        self.candidates
    }

    /// What each model puts forward for users, as [`super::top_k`] of it; nothing for users it does
    /// not know.
    ///
    /// # Errors
    /// As [`super::top_k`].
    pub fn lists(&self, users: &[u32], selection: &Selection<'_>) -> Result<Vec<TopK>> {
        let selection = self.wider(selection);
        self.models
            .iter()
            .map(|model| {
                let known = |&at: &usize| model.knows(users[at]);
                let at: Vec<usize> = (0..users.len()).filter(known).collect();
                let own: Vec<u32> = at.iter().map(|&at| users[at]).collect();
                let candidates: Option<Vec<&[u32]>> =
                    selection.candidates.map(|lists| at.iter().map(|&at| lists[at]).collect());
                let selection = Selection { candidates: candidates.as_deref(), ..selection };
                let mut top = TopK::empty(users.len(), selection.k);
                top.fill(&at, &top_k(model.as_ref(), &own, &selection)?);
                Ok(top)
            })
            .collect()
    }

    /// The same for histories, of the models that fold in.
    ///
    /// # Errors
    /// As [`super::top_k`]; [`Error::Unsupported`] if no model folds in.
    pub fn lists_of(&self, histories: &[History], selection: &Selection<'_>) -> Result<Vec<TopK>> {
        let (selection, n) = (self.wider(selection), histories.len());
        let (all, mut refusal, mut able) = ((0..n as u32).collect::<Vec<_>>(), None, 0);
        let mut lists = Vec::with_capacity(self.models.len());
        for model in &self.models {
            let folded = Folded { model: model.as_ref(), histories: histories.iter().collect() };
            lists.push(match top_k(&folded, &all, &selection) {
                Ok(top) => {
                    able += 1;
                    top
                }
                Err(e @ Error::Unsupported { .. }) => {
                    refusal = Some(e);
                    TopK::empty(n, selection.k)
                }
                Err(e) => return Err(e),
            });
        }
        match refusal {
            Some(refusal) if able == 0 && n > 0 => Err(refusal),
            _ => Ok(lists),
        }
    }

    /// What each model is asked for. Which items lose ties is known to whoever measures, and no part of
    /// what a model puts forward: it holds for the fused list alone.
    fn wider<'a>(&self, selection: &Selection<'a>) -> Selection<'a> {
        let k = self.candidates.max(selection.k).min(self.n_items().max(1));
        Selection { k, losing_ties: None, ..*selection }
    }

    fn activity(&self, users: &[u32]) -> Vec<usize> {
        users.iter().map(|&user| self.seen().row(user as usize).len()).collect()
    }

    /// The best of lists; `losing(row)` are the items that come after the others of equal score.
    fn best<'s>(
        &self,
        lists: &[TopK],
        activity: &[usize],
        k: usize,
        losing: impl Fn(usize) -> Option<&'s [u32]>,
    ) -> Result<TopK> {
        let lists: Vec<&TopK> = lists.iter().collect();
        let room: usize = lists.iter().map(|list| list.k()).sum();
        let fused = self.fusion.fuse(&lists, activity, room.max(1))?;
        let row = |row: usize| {
            let (items, scores) = fused.row(row);
            let pairs = items.iter().copied().zip(scores.iter().copied()).collect();
            in_order(pairs, losing(row), k)
        };
        TopK::from_rows(&(0..fused.n_rows()).map(row).collect::<Vec<_>>(), k)
    }
}

impl Scorer for Shortlisted {
    fn n_users(&self) -> usize {
        self.models[0].n_users()
    }

    fn n_items(&self) -> usize {
        self.models[0].n_items()
    }

    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        let k = self.candidates.min(self.n_items());
        let selection = Selection { seen: Some(self.seen()), ..Selection::top(k) };
        let lists = self.lists(users, &selection)?;
        let all = self.best(&lists, &self.activity(users), k * lists.len(), |_| None)?;
        scatter(&all, self.n_items(), out)
    }

    fn select(&self, users: &[u32], selection: &Selection<'_>) -> Option<Result<TopK>> {
        let losing = |row: usize| selection.losing_ties.map(|items| items.row(users[row] as usize));
        let lists = self.lists(users, selection);
        Some(lists.and_then(|lists| self.best(&lists, &self.activity(users), selection.k, losing)))
    }
}

impl Recommend for Shortlisted {
    fn ids(&self) -> &Arc<IdMaps> {
        self.models[0].ids()
    }

    fn seen(&self) -> &Csr {
        self.models[0].seen()
    }

    fn knows(&self, user: u32) -> bool {
        self.models.iter().any(|model| model.knows(user))
    }

    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        let seen = Csr::from_rows(histories.iter().cloned(), self.n_items()).binary();
        let k = self.candidates.min(self.n_items());
        let selection = Selection { seen: Some(&seen), ..Selection::top(k) };
        let lists = self.lists_of(histories, &selection)?;
        let activity: Vec<usize> = histories.iter().map(|history| distinct(history)).collect();
        let all = self.best(&lists, &activity, k * lists.len(), |_| None)?;
        scatter(&all, self.n_items(), out)
    }

    fn select_histories(
        &self,
        histories: &[History],
        selection: &Selection<'_>,
    ) -> Option<Result<TopK>> {
        let activity: Vec<usize> = histories.iter().map(|history| distinct(history)).collect();
        let losing = |row: usize| selection.losing_ties.map(|items| items.row(row));
        let lists = self.lists_of(histories, selection);
        Some(lists.and_then(|lists| self.best(&lists, &activity, selection.k, losing)))
    }
}

/// How many different items a history has.
pub(super) fn distinct(history: &[(u32, f32)]) -> usize {
    distinct_items(history).len()
}

/// The different items of a history, ascending.
pub(super) fn distinct_items(history: &[(u32, f32)]) -> Vec<u32> {
    let mut items: Vec<u32> = history.iter().map(|&(item, _)| item).collect();
    items.sort_unstable();
    items.dedup();
    items
}

/// The best `k`; those in `losing` come after others of equal score.
pub(super) fn in_order(
    mut pairs: Vec<(u32, f32)>,
    losing: Option<&[u32]>,
    k: usize,
) -> Vec<(u32, f32)> {
    let loses = |item: u32| losing.is_some_and(|losing| losing.binary_search(&item).is_ok());
    pairs.sort_by(|&a, &b| {
        let by_score = better((0, a.1), (0, b.1));
        by_score.then(loses(a.0).cmp(&loses(b.0))).then(a.0.cmp(&b.0))
    });
    pairs.truncate(k);
    pairs
}

pub(super) fn scatter(top: &TopK, n_items: usize, out: &mut [f32]) -> Result<()> {
    if out.len() != top.n_rows() * n_items {
        let expected = format!("[{}, {n_items}]", top.n_rows());
        return Err(Error::shape("scores", expected, out.len()));
    }
    out.fill(f32::NEG_INFINITY);
    for (row, out) in out.chunks_exact_mut(n_items.max(1)).enumerate() {
        let (items, scores) = top.row(row);
        items.iter().zip(scores).for_each(|(&item, &score)| out[item as usize] = score);
    }
    Ok(())
}

#[cfg(test)]
#[path = "shortlist_tests.rs"]
mod tests;
