//! What the models put forward for a user, and which of it was right.

use std::sync::Arc;

use rand::seq::SliceRandom as _;
use rayon::prelude::*;

use super::FusionLearner;
use crate::data::{Csr, Interactions};
use crate::metrics::ndcg;
use crate::rank::normalize::by_rank;
use crate::rank::{Recommend, better};
use crate::rng::{mix, stream};
use crate::{Error, Result};

/// One user's candidates.
pub(super) struct Sample {
    pub(super) activity: usize,
    /// Which half of the users, 0 or 1.
    pub(super) half: usize,
    /// Ascending.
    items: Vec<u32>,
    /// Scaled scores, `[items, models]`.
    scores: Vec<f32>,
    /// Reciprocal rank fusion's score: `[items]`.
    ranked: Vec<f32>,
    /// Ascending; those no model put forward count as missed.
    relevant: Vec<u32>,
}

impl Sample {
    pub(super) fn ndcg(&self, weights: &[f32], k: usize) -> f64 {
        let score = |row: &[f32]| row.iter().zip(weights).map(|(s, w)| s * w).sum();
        self.of_scores(self.scores.chunks_exact(weights.len()).map(score), k)
    }

    pub(super) fn ndcg_by_rank(&self, k: usize) -> f64 {
        self.of_scores(self.ranked.iter().copied(), k)
    }

    fn of_scores(&self, scores: impl Iterator<Item = f32>, k: usize) -> f64 {
        let mut order: Vec<(u32, f32)> = self.items.iter().copied().zip(scores).collect();
        let k = k.min(order.len());
        if k < order.len() {
            order.select_nth_unstable_by(k, |a, b| better(*a, *b));
            order.truncate(k);
        }
        order.sort_unstable_by(|a, b| better(*a, *b));
        let list: Vec<u32> = order.into_iter().map(|(item, _)| item).collect();
        ndcg(&list, &self.relevant, k.max(1))
    }
}

/// The candidates of the users who have something new in `truth` and whom all models know.
pub(super) fn samples(
    learner: &FusionLearner,
    models: &[Arc<dyn Recommend>],
    truth: &Interactions,
) -> Result<Vec<Sample>> {
    let relevant = truth.matrix();
    let known = |user: &u32| models.iter().all(|model| model.knows(*user));
    let mut users: Vec<u32> = (0..truth.n_users() as u32)
        .filter(|&user| !relevant.row(user as usize).is_empty())
        .filter(known)
        .collect();
    check_new(&users, models, &relevant)?;
    if users.len() > learner.max_users {
        users.shuffle(&mut stream(learner.seed, "fusion", 0));
        users.truncate(learner.max_users);
        users.sort_unstable();
    }
    let all: Result<Vec<Sample>> =
        users.par_iter().map(|&user| sample(learner, models, &relevant, user)).collect();
    let new: Vec<Sample> = all?.into_iter().filter(|sample| !sample.relevant.is_empty()).collect();
    if new.is_empty() {
        let why = "no user that all models know did anything in it that is new to them; hold out part \
                   of the users' last events";
        return Err(Error::empty("the held-out part", why));
    }
    Ok(new)
}

/// Refuses events that the models were fitted on.
fn check_new(users: &[u32], models: &[Arc<dyn Recommend>], truth: &Csr) -> Result<()> {
    for (at, model) in models.iter().enumerate() {
        let known = |&&user: &&u32| {
            let (seen, user) = (model.seen(), user as usize);
            truth.row(user).iter().all(|&item| seen.contains(user, item))
        };
        // Users may come back to an item; all of them, and to nothing else, is the training part.
        if !users.is_empty() && users.iter().filter(known).count() == users.len() {
            return Err(Error::data(
                "the held-out part",
                format!(
                    "model {} was fitted with all of it; fit on the training part alone",
                    at + 1
                ),
            ));
        }
    }
    Ok(())
}

fn sample(
    learner: &FusionLearner,
    models: &[Arc<dyn Recommend>],
    truth: &Csr,
    user: u32,
) -> Result<Sample> {
    let (n, m) = (models[0].n_items(), models.len());
    let seen: Vec<u32> = seen_by_any(models, user);
    let (mut scaled, mut ranks) = (vec![vec![0.0f32; n]; m], vec![0.0f32; n]);
    let mut items: Vec<u32> = Vec::with_capacity(m * learner.candidates);
    for (model, row) in models.iter().zip(&mut scaled) {
        model.score(&[user], row)?;
        let list = best(row, &seen, learner.candidates);
        if learner.shortlists {
            keep(row, &list);
        }
        items.extend(list);
        let mut by = row.clone();
        by_rank(&mut by, |rank| 1.0 / (f64::from(learner.rank_constant) + rank + 1.0));
        for (sum, &share) in ranks.iter_mut().zip(&by) {
            *sum += if share == f32::NEG_INFINITY { 0.0 } else { share };
        }
        let absent = learner.normalize.apply(row);
        row.iter_mut().filter(|s| **s == f32::NEG_INFINITY).for_each(|s| *s = absent);
    }
    items.sort_unstable();
    items.dedup();
    let scores = items.iter().flat_map(|&i| scaled.iter().map(move |row| row[i as usize]));
    Ok(Sample {
        activity: seen.len(),
        half: (mix(learner.seed ^ mix(u64::from(user))) & 1) as usize,
        scores: scores.collect(),
        ranked: items.iter().map(|&item| ranks[item as usize]).collect(),
        relevant: truth
            .row(user as usize)
            .iter()
            .copied()
            .filter(|item| seen.binary_search(item).is_err())
            .collect(),
        items,
    })
}

fn seen_by_any(models: &[Arc<dyn Recommend>], user: u32) -> Vec<u32> {
    let mut seen: Vec<u32> =
        models.iter().flat_map(|model| model.seen().row(user as usize)).copied().collect();
    seen.sort_unstable();
    seen.dedup();
    seen
}

/// Takes the scores of all items but these away.
fn keep(row: &mut [f32], items: &[u32]) {
    let kept: Vec<f32> = items.iter().map(|&item| row[item as usize]).collect();
    row.fill(f32::NEG_INFINITY);
    items.iter().zip(kept).for_each(|(&item, score)| row[item as usize] = score);
}

/// The best unseen items of a row of scores.
fn best(scores: &[f32], seen: &[u32], k: usize) -> Vec<u32> {
    let unseen = (0u32..).zip(scores.iter().copied());
    let mut all: Vec<(u32, f32)> = unseen
        .filter(|&(item, s)| s > f32::NEG_INFINITY && seen.binary_search(&item).is_err())
        .collect();
    if all.len() > k {
        all.select_nth_unstable_by(k, |a, b| better(*a, *b));
        all.truncate(k);
    }
    all.into_iter().map(|(item, _)| item).collect()
}
