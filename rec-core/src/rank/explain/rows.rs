//! Each recommender's scores of one user, before and after scaling.

use std::sync::Arc;

use crate::data::Csr;
use crate::rank::shortlist::distinct;
use crate::rank::{
    Fused, Fusion, History, Normalize, Recommend, Scorer, Selection, Shortlisted, TopK,
};
use crate::{Error, Result};

/// Whose scores.
#[derive(Clone, Copy)]
pub(super) enum Who<'a> {
    /// A row of the fusion.
    User(u32),
    /// Someone known by what they had.
    History(&'a History),
}

/// What one recommender says of all items.
pub(super) struct MemberRow<'a> {
    /// Its place among the recommenders.
    pub(super) member: usize,
    pub(super) model: &'a dyn Recommend,
    /// The model's own row of a trained user.
    pub(super) user: Option<u32>,
    pub(super) raw: Vec<f32>,
    scaled: Vec<f32>,
    /// What an item it does not score adds.
    absent: f32,
    /// By how much the fused score grows with the raw one; none where ranks are fused.
    pub(super) slope: Option<f32>,
}

impl MemberRow<'_> {
    /// What it adds to the fused score.
    pub(super) fn part(&self, item: u32) -> f32 {
        let own = self.scaled[item as usize];
        if own == f32::NEG_INFINITY { self.absent } else { own }
    }
}

/// One model by itself: its score is its part.
pub(super) fn of_one<'a>(model: &'a dyn Recommend, who: Who<'_>) -> Result<MemberRow<'a>> {
    let user = match who {
        Who::User(user) => Some(user),
        Who::History(_) => None,
    };
    let raw = raw_row(model, user, who)?;
    let scaled = raw.clone();
    Ok(MemberRow { member: 0, model, user, raw, scaled, absent: 0.0, slope: Some(1.0) })
}

fn raw_row(model: &dyn Recommend, user: Option<u32>, who: Who<'_>) -> Result<Vec<f32>> {
    let mut raw = vec![0.0; model.n_items()];
    match (user, who) {
        (Some(user), _) => model.score(&[user], &mut raw)?,
        (None, Who::History(history)) => {
            model.score_histories(std::slice::from_ref(history), &mut raw)?;
        }
        (None, Who::User(_)) => raw.fill(f32::NEG_INFINITY),
    }
    Ok(raw)
}

impl Fused {
    /// The rows of the recommenders that take part, in the fusion's order.
    pub(super) fn member_rows(&self, who: Who<'_>) -> Result<Vec<MemberRow<'_>>> {
        let activity = match who {
            Who::User(user) => self.seen().row(user as usize).len(),
            Who::History(history) => distinct(history),
        };
        let raw = self.raw_rows(who)?;
        let able = |member: usize| raw[member].is_some();
        let takes: Vec<bool> =
            (0..raw.len()).map(|member| self.fusion().takes(member, activity, able)).collect();
        let models = self.models().map(Arc::as_ref);
        let all = raw.into_iter().zip(models).enumerate();
        let row = |(member, (raw, model)): (usize, (Option<Scored>, _))| {
            let (raw, user) = raw.filter(|_| takes[member])?;
            let mut scaled = raw.clone();
            let absent = self.scale(member, activity, &mut scaled);
            let slope = is_linear(self.fusion()).then(|| slope(&raw, &scaled));
            Some(MemberRow { member, model, user, raw, scaled, absent, slope })
        };
        Ok(all.filter_map(row).collect())
    }

    /// The scores of the recommenders that can give them.
    fn raw_rows(&self, who: Who<'_>) -> Result<Vec<Option<Scored>>> {
        let (mut rows, mut refusal) = (Vec::new(), None);
        for (member, model) in self.models().enumerate() {
            let user = match who {
                Who::User(user) => self.member_user(member, user),
                Who::History(_) => None,
            };
            if user.is_none() && matches!(who, Who::User(_)) {
                rows.push(None);
                continue;
            }
            match raw_row(model.as_ref(), user, who) {
                Ok(raw) => rows.push(Some((raw, user))),
                Err(error @ Error::Unsupported { .. }) => {
                    refusal = Some(error);
                    rows.push(None);
                }
                Err(error) => return Err(error),
            }
        }
        match refusal.filter(|_| rows.iter().all(Option::is_none)) {
            Some(refusal) => Err(refusal),
            None => Ok(rows),
        }
    }
}

impl Shortlisted {
    /// The rows of the recommenders that put items forward: only those have scores.
    pub(super) fn member_rows(&self, who: Who<'_>) -> Result<Vec<MemberRow<'_>>> {
        let k = self.candidates().min(self.n_items());
        let (lists, activity) = match who {
            Who::User(user) => {
                let selection = Selection { seen: Some(self.seen()), ..Selection::top(k) };
                (self.lists(&[user], &selection)?, self.seen().row(user as usize).len())
            }
            Who::History(history) => {
                let seen = Csr::from_rows([history.clone()], self.n_items()).binary();
                let selection = Selection { seen: Some(&seen), ..Selection::top(k) };
                let lists = self.lists_of(std::slice::from_ref(history), &selection)?;
                (lists, distinct(history))
            }
        };
        let able = |member: usize| !lists[member].row(0).0.is_empty();
        let taken = (0..lists.len()).filter(|&m| self.fusion().takes(m, activity, able));
        taken.map(|member| self.member_row(member, &lists, activity, who)).collect()
    }

    fn member_row(
        &self,
        member: usize,
        lists: &[TopK],
        activity: usize,
        who: Who<'_>,
    ) -> Result<MemberRow<'_>> {
        // Alone among empty lists, a list's fused scores are its scaled ones.
        let empty = TopK::empty(1, 1);
        let alone: Vec<&TopK> = lists
            .iter()
            .enumerate()
            .map(|(at, list)| if at == member { list } else { &empty })
            .collect();
        let own = self.fusion().fuse(&alone, &[activity], lists[member].k().max(1))?;
        let dense = |top: &TopK| {
            let mut row = vec![f32::NEG_INFINITY; self.n_items()];
            let (items, scores) = top.row(0);
            items.iter().zip(scores).for_each(|(&item, &score)| row[item as usize] = score);
            row
        };
        let (raw, scaled) = (dense(&lists[member]), dense(&own));
        let user = match who {
            Who::User(user) => Some(user),
            Who::History(_) => None,
        };
        Ok(MemberRow {
            member,
            model: self.models()[member].as_ref(),
            user,
            absent: absent(self.fusion(), &scaled),
            slope: is_linear(self.fusion()).then(|| slope(&raw, &scaled)),
            raw,
            scaled,
        })
    }
}

/// What an item missing from a list counts as, given the list's scaled scores.
fn absent(fusion: &Fusion, scaled: &[f32]) -> f32 {
    match fusion {
        Fusion::WeightedSum { normalize, .. } | Fusion::ByActivity { normalize, .. }
            if matches!(normalize, Normalize::None | Normalize::ZScore) =>
        {
            scaled.iter().copied().filter(|s| s.is_finite()).reduce(f32::min).unwrap_or(0.0)
        }
        _ => 0.0,
    }
}

/// Whether a user's scaled scores are a straight line of the raw ones.
fn is_linear(fusion: &Fusion) -> bool {
    match fusion {
        Fusion::WeightedSum { normalize, .. } | Fusion::ByActivity { normalize, .. } => {
            *normalize != Normalize::Rank
        }
        Fusion::ReciprocalRank { .. } => false,
        Fusion::Switch { .. } => true,
    }
}

/// A row of scores, and the model's own row of the user.
type Scored = (Vec<f32>, Option<u32>);

/// The slope between the lowest and the highest score; 0 where all are equal.
fn slope(raw: &[f32], scaled: &[f32]) -> f32 {
    let scored = || raw.iter().zip(scaled).filter(|(raw, _)| raw.is_finite());
    let low = scored().min_by(|a, b| a.0.total_cmp(b.0));
    let high = scored().max_by(|a, b| a.0.total_cmp(b.0));
    match (low, high) {
        (Some(low), Some(high)) if high.0 > low.0 => (high.1 - low.1) / (high.0 - low.0),
        _ => 0.0,
    }
}
