//! What the models put forward for a user, and which of it was right.

use std::sync::Arc;

use rand::seq::SliceRandom as _;
use rayon::prelude::*;

use super::FusionLearner;
use crate::data::{Csr, Interactions};
use crate::metrics::ndcg_of_ranks;
use crate::rank::normalize::by_rank;
use crate::rank::{Recommend, Selection, TopK, better, top_k};
use crate::rng::{mix, stream};
use crate::{Error, Result};

/// One user's candidates.
pub(super) struct Sample {
    pub(super) activity: usize,
    /// Which half of the users, 0 or 1.
    pub(super) half: usize,
    /// How many candidates there are.
    n: usize,
    /// Scaled scores by ascending item: `[models, items]`.
    scores: Vec<f32>,
    /// Reciprocal rank fusion's score: `[items]`.
    ranked: Vec<f32>,
    /// Places of the candidates that are relevant.
    hits: Vec<u32>,
    /// Relevant items in all; those no model put forward count as missed.
    n_relevant: usize,
}

impl Sample {
    /// The scores of a weighted sum are written over `sums`.
    pub(super) fn ndcg(&self, weights: &[f32], k: usize, sums: &mut Vec<f32>) -> f64 {
        if self.hits.is_empty() {
            return 0.0;
        }
        sums.clear();
        sums.resize(self.n, 0.0);
        // A model at a time, so that a pass is over neighbours; one without weight changes nothing.
        for (scores, &w) in self.scores.chunks_exact(self.n).zip(weights).filter(|m| *m.1 != 0.0) {
            sums.iter_mut().zip(scores).for_each(|(sum, &s)| *sum += s * w);
        }
        self.of_scores(sums, k)
    }

    pub(super) fn ndcg_by_rank(&self, k: usize) -> f64 {
        self.of_scores(&self.ranked, k)
    }

    /// Only the relevant items' ranks count, so nothing is sorted: a rank is the number of items
    /// that are better, by score and then by id.
    fn of_scores(&self, scores: &[f32], k: usize) -> f64 {
        let rank = |&at: &u32| {
            let (before, after) = scores.split_at(at as usize);
            let (own, after) = (after[0], &after[1..]);
            let above = before.iter().map(|&s| u32::from(s >= own)).sum::<u32>();
            above + after.iter().map(|&s| u32::from(s > own)).sum::<u32>()
        };
        let mut ranks: Vec<u32> = self.hits.iter().map(rank).collect();
        ranks.sort_unstable();
        ndcg_of_ranks(&ranks, self.n_relevant, k.min(self.n).max(1))
    }
}

/// The candidates of the users who have something new in `truth` and whom all models know.
pub(super) fn samples(
    learner: &FusionLearner,
    models: &[Arc<dyn Recommend>],
    truth: &Interactions,
) -> Result<Vec<Sample>> {
    let (users, relevant) = news(models, truth, learner.max_users, learner.seed)?;
    let all = match learner.shortlists {
        true => of_lists(learner, models, &relevant, &users)?,
        false => {
            let one = |&user: &u32| of_rows(learner, models, &relevant, user);
            users.par_iter().map(one).collect::<Result<Vec<Sample>>>()?
        }
    };
    let new: Vec<Sample> = all.into_iter().filter(|sample| sample.n_relevant > 0).collect();
    if new.is_empty() {
        let why = "no user that all models know did anything in it that is new to them; hold out part \
                   of the users' last events";
        return Err(Error::empty("the held-out part", why));
    }
    Ok(new)
}

/// The users who have something in `truth` and whom all models know, at most so many drawn by the seed,
/// and what it is.
pub(in crate::rank) fn news(
    models: &[Arc<dyn Recommend>],
    truth: &Interactions,
    max_users: usize,
    seed: u64,
) -> Result<(Vec<u32>, Csr)> {
    let relevant = truth.matrix();
    let known = |user: &u32| models.iter().all(|model| model.knows(*user));
    let mut users: Vec<u32> = (0..truth.n_users() as u32)
        .filter(|&user| !relevant.row(user as usize).is_empty())
        .filter(known)
        .collect();
    check_new(&users, models, &relevant)?;
    if users.len() > max_users {
        users.shuffle(&mut stream(seed, "fusion", 0));
        users.truncate(max_users);
        users.sort_unstable();
    }
    Ok((users, relevant))
}

/// Which half of the users, 0 or 1.
pub(in crate::rank) fn half_of(seed: u64, user: u32) -> usize {
    (mix(seed ^ mix(u64::from(user))) & 1) as usize
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

/// What each model puts forward of itself, its scores scaled among those.
fn of_lists(
    learner: &FusionLearner,
    models: &[Arc<dyn Recommend>],
    truth: &Csr,
    users: &[u32],
) -> Result<Vec<Sample>> {
    let all = 0..truth.n_rows() as u32;
    let seen = |user: u32| seen_by_any(models, user).into_iter().map(|item| (item, 1.0)).collect();
    let seen = Csr::from_rows(all.map(seen), models[0].n_items());
    let k = learner.candidates.min(models[0].n_items());
    let selection = Selection { seen: Some(&seen), ..Selection::top(k) };
    let lists = models.iter().map(|model| top_k(model.as_ref(), users, &selection));
    let lists: Vec<TopK> = lists.collect::<Result<_>>()?;
    let one = |(row, &user): (usize, &u32)| {
        let mut items: Vec<u32> = lists.iter().flat_map(|list| list.row(row).0).copied().collect();
        items.sort_unstable();
        items.dedup();
        let (mut ranked, mut scores) = (vec![0.0; items.len()], Vec::new());
        for list in &lists {
            let (own, own_scores) = list.row(row);
            let mut scaled = own_scores.to_vec();
            let absent = learner.normalize.apply(&mut scaled);
            let start = scores.len();
            scores.resize(start + items.len(), absent);
            for (rank, (item, score)) in own.iter().zip(scaled).enumerate() {
                if let Ok(at) = items.binary_search(item) {
                    scores[start + at] = score;
                    ranked[at] += 1.0 / (learner.rank_constant + rank as f32 + 1.0);
                }
            }
        }
        finish(learner, truth, user, seen.row(user as usize), Candidates { items, scores, ranked })
    };
    Ok(users.par_iter().enumerate().map(one).collect())
}

/// The best of each model, scores scaled over all items.
fn of_rows(
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
        items.extend(best(row, &seen, learner.candidates));
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
    let of_model = |row: &Vec<f32>| items.iter().map(|&i| row[i as usize]).collect::<Vec<_>>();
    let scores = scaled.iter().flat_map(of_model).collect();
    let ranked = items.iter().map(|&item| ranks[item as usize]).collect();
    Ok(finish(learner, truth, user, &seen, Candidates { items, scores, ranked }))
}

/// What the models put forward for a user.
struct Candidates {
    /// Ascending.
    items: Vec<u32>,
    /// Scaled scores, a model's after another's.
    scores: Vec<f32>,
    /// By reciprocal ranks.
    ranked: Vec<f32>,
}

fn finish(
    learner: &FusionLearner,
    truth: &Csr,
    user: u32,
    seen: &[u32],
    candidates: Candidates,
) -> Sample {
    let Candidates { items, scores, ranked } = candidates;
    let is_new = |item: &&u32| seen.binary_search(item).is_err();
    let relevant: Vec<u32> = truth.row(user as usize).iter().filter(is_new).copied().collect();
    let place = |item: &u32| items.binary_search(item).ok().map(|at| at as u32);
    Sample {
        activity: seen.len(),
        half: half_of(learner.seed, user),
        n: items.len(),
        scores,
        ranked,
        hits: relevant.iter().filter_map(place).collect(),
        n_relevant: relevant.len(),
    }
}

fn seen_by_any(models: &[Arc<dyn Recommend>], user: u32) -> Vec<u32> {
    let mut seen: Vec<u32> =
        models.iter().flat_map(|model| model.seen().row(user as usize)).copied().collect();
    seen.sort_unstable();
    seen.dedup();
    seen
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::ndcg;

    /// Scores in few steps, so that there are ties, from a hash.
    fn drawn(seed: u64, n: usize, models: usize) -> Sample {
        let score = |at: u64| (mix(seed ^ mix(at)) % 7) as f32 / 7.0;
        let hits = (0..n as u32).filter(|&i| mix(seed ^ u64::from(i)).is_multiple_of(9)).collect();
        Sample {
            activity: 0,
            half: 0,
            n,
            scores: (0..(n * models) as u64).map(score).collect(),
            ranked: (0..n as u64).map(|at| score(at + 999)).collect(),
            hits,
            n_relevant: 5 + n,
        }
    }

    /// Sorts the whole list, items being their places.
    fn by_sorting(sample: &Sample, scores: &[f32], k: usize) -> f64 {
        let mut order: Vec<(u32, f32)> = (0..sample.n as u32).zip(scores.iter().copied()).collect();
        order.sort_by(|a, b| better(*a, *b));
        let k = k.min(order.len());
        let list: Vec<u32> = order[..k].iter().map(|&(item, _)| item).collect();
        let missed = (sample.hits.len()..sample.n_relevant).map(|at| (sample.n + at) as u32);
        let relevant: Vec<u32> = sample.hits.iter().copied().chain(missed).collect();
        ndcg(&list, &relevant, k.max(1))
    }

    #[test]
    fn counting_ranks_is_sorting_to_the_last_bit() {
        let weights = [0.3f32, 0.0, 0.45, 0.25];
        for seed in 0..200u64 {
            let sample = drawn(seed, 1 + seed as usize % 40, 4);
            let score = |at: usize| {
                weights.iter().enumerate().map(|(m, w)| sample.scores[m * sample.n + at] * w).sum()
            };
            let scores: Vec<f32> = (0..sample.n).map(score).collect();
            for k in [1, 3, 10, 50] {
                let got = sample.ndcg(&weights, k, &mut vec![9.0; 3]);
                assert_eq!(got, by_sorting(&sample, &scores, k));
                assert_eq!(sample.ndcg_by_rank(k), by_sorting(&sample, &sample.ranked, k));
            }
        }
    }
}
