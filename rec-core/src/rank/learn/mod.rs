//! How much each model counts, learned from what users did next.

mod ascent;
mod candidates;
#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use self::ascent::{ascend, mean_ndcg};
use self::candidates::{Sample, samples};
#[cfg(feature = "trees")]
pub(super) use self::candidates::{half_of, news};
use super::{ActivityLevel, Fusion, Normalize, Recommend};
use crate::data::Interactions;
use crate::{Error, Result};

/// Learns a [`Fusion::ByActivity`] that ranks what users did after training as high as it can.
///
/// For each user of a held-out part, the best `candidates` of every model are put together; the
/// weights of a level of activity are those that maximise the users' mean NDCG@k, found by
/// coordinate ascent on the metric itself (D. Metzler, W. B. Croft, "Linear feature-based models for
/// information retrieval", 2007) from the best single model and from equal weights. A level with
/// fewer than `min_users` of them takes the weights learned on all users together.
///
/// Whether this helps is measured on users that the weights did not see: the users are cut in two,
/// and each half is ranked by the weights of the other. Where reciprocal rank fusion does at least
/// as well there, it is what comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FusionLearner {
    /// Levels of activity, by their least number of distinct items; ascending from 0.
    pub levels: Vec<usize>,
    /// The cut-off of NDCG.
    pub k: usize,
    /// How many of each model's items join the candidates.
    pub candidates: usize,
    /// How each model's scores are scaled.
    pub normalize: Normalize,
    /// Whether they are scaled among the model's candidates alone, as [`super::Shortlisted`] does;
    /// else over all items, as [`super::Fused`] does.
    pub shortlists: bool,
    /// Users fewer than this learn no weights of their own.
    pub min_users: usize,
    /// At most so many users are looked at, drawn by the seed.
    pub max_users: usize,
    /// The constant of reciprocal rank fusion.
    pub rank_constant: f32,
    /// Seed of the draw and of the halves.
    pub seed: u64,
}

impl Default for FusionLearner {
    fn default() -> Self {
        Self {
            levels: vec![0, 5, 20, 100],
            k: 10,
            candidates: 100,
            normalize: Normalize::MinMax,
            shortlists: false,
            min_users: 100,
            max_users: 10_000,
            rank_constant: 60.0,
            seed: 0,
        }
    }
}

/// What [`FusionLearner::learn`] found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LearntFusion {
    /// The fusion to use.
    pub fusion: Fusion,
    /// Mean NDCG@k of each model alone, over the users looked at.
    pub alone: Vec<f64>,
    /// That of reciprocal rank fusion.
    pub reciprocal_rank: f64,
    /// That of weights learned on the other half of the users.
    pub learnt: f64,
    /// Users looked at, by level.
    pub users: Vec<usize>,
}

impl FusionLearner {
    /// Learns from `truth`, what each user did after what the models were fitted on. Only users
    /// that every model knows are looked at, and only items that no model has of the user.
    ///
    /// # Errors
    /// [`Error::Parameter`] for parameters outside their domain, [`Error::IdMismatch`] for models or
    /// truth of other ids, [`Error::Data`] where a model was fitted with all of `truth` (the
    /// weights would be learned from what is known already), [`Error::Empty`] without models, or
    /// where `truth` holds nothing new of any user that all models know; and whatever scoring
    /// returns.
    pub fn learn(
        &self,
        models: &[Arc<dyn Recommend>],
        truth: &Interactions,
    ) -> Result<LearntFusion> {
        self.check(models, truth)?;
        let samples = samples(self, models, truth)?;
        let level = |sample: &Sample| {
            self.levels.partition_point(|&least| least <= sample.activity).saturating_sub(1)
        };
        let (n, all): (_, Vec<&Sample>) = (models.len(), samples.iter().collect());
        let halves: [Vec<&Sample>; 2] =
            [0, 1].map(|half| all.iter().copied().filter(|s| s.half == half).collect());
        let across: f64 = [(0, 1), (1, 0)]
            .into_par_iter()
            .map(|(from, to): (usize, usize)| {
                let levels = self.by_level(&halves[from], n, level);
                let mut sums = Vec::new();
                let mut ndcg = |s: &Sample| s.ndcg(&levels[level(s)].weights, self.k, &mut sums);
                halves[to].iter().map(|sample| ndcg(sample)).sum::<f64>()
            })
            .sum();
        let one = |model: usize| -> Vec<f32> {
            (0..n).map(|other| f32::from(u8::from(other == model))).collect()
        };
        let alone = (0..n).map(|model| mean_ndcg(&all, &one(model), self.k)).collect();
        let by_rank: f64 = all.iter().map(|sample| sample.ndcg_by_rank(self.k)).sum();
        let mean = |sum: f64| sum / all.len() as f64;
        let (learnt, reciprocal_rank) = (mean(across), mean(by_rank));
        let fusion = if learnt > reciprocal_rank {
            let levels = self.by_level(&all, n, level);
            Fusion::ByActivity { levels, normalize: self.normalize }
        } else {
            Fusion::ReciprocalRank { k: self.rank_constant }
        };
        let mut users = vec![0; self.levels.len()];
        all.iter().for_each(|sample| users[level(sample)] += 1);
        Ok(LearntFusion { fusion, alone, reciprocal_rank, learnt, users })
    }

    fn by_level(
        &self,
        samples: &[&Sample],
        n: usize,
        level: impl Fn(&Sample) -> usize + Sync,
    ) -> Vec<ActivityLevel> {
        let together = ascend(samples, n, self.k);
        let own = |at: usize| {
            let mine: Vec<&Sample> = samples.iter().copied().filter(|s| level(s) == at).collect();
            let enough = mine.len() >= self.min_users.max(1);
            if enough { ascend(&mine, n, self.k) } else { together.clone() }
        };
        let levels = self.levels.par_iter().enumerate();
        levels.map(|(at, &min_items)| ActivityLevel { min_items, weights: own(at) }).collect()
    }

    fn check(&self, models: &[Arc<dyn Recommend>], truth: &Interactions) -> Result<()> {
        let Some(first) = models.first() else {
            return Err(Error::empty("the list of models", "give at least one to fuse"));
        };
        for (at, model) in models.iter().enumerate() {
            model.ids().check_same(first.ids(), &format!("model 1 and model {}", at + 1))?;
        }
        truth.ids().check_same(first.ids(), "the models and the held-out part")?;
        for (name, value) in
            [("k", self.k), ("candidates", self.candidates), ("max_users", self.max_users)]
        {
            if value == 0 {
                return Err(Error::parameter(name, value, "give a number of at least 1"));
            }
        }
        let weights = vec![1.0; models.len()];
        let level = |&min_items: &usize| ActivityLevel { min_items, weights: weights.clone() };
        let levels = self.levels.iter().map(level).collect();
        Fusion::ByActivity { levels, normalize: self.normalize }.check(models.len())?;
        Fusion::ReciprocalRank { k: self.rank_constant }.check(models.len())
    }
}
