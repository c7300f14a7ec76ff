//! Candidates ranked by gradient-boosted trees: a second way of learning a fusion.

mod features;
mod learn;
mod model;
mod ranker;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::features::ItemFacts;
pub use self::model::TreeRanked;
pub use self::ranker::TreeRanker;
use super::{FusionLearner, LearntFusion};

/// Learns to rank the joined shortlists of several recommenders by gradient-boosted trees (J. H.
/// Friedman, "Greedy function approximation: a gradient boosting machine", 2001; histograms and
/// leaves as in LightGBM, by the crate `forust-ml`).
///
/// The loss is logistic and pointwise: a candidate is what the user did next, or one of `negatives`
/// drawn among the user's other candidates; what is right and what is not weigh one a user each.
/// Columns are, of each recommender, the candidate's score (scaled within the user's list) and rank,
/// missing where it is not in the list; in how many lists it is; its popularity and the user's
/// activity; its age and the share of the user's interests that its tags cover, where known. How alike
/// texts are is the score of a recommender by content, when one is among them.
///
/// Nothing is learned from what it is measured on: as in [`FusionLearner`], the users are cut in two, and
/// each half is ranked by the trees of the other, and the same halves by weights. Where trees do not beat
/// both weights and reciprocal ranks there, no ranker comes back, and the fusion is what to use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TreeLearner {
    /// Candidates drawn beside the right ones, a user.
    pub negatives: usize,
    /// Trees.
    pub trees: usize,
    /// Leaves a tree has at most.
    pub leaves: usize,
    /// How much of each tree counts.
    pub learning_rate: f32,
    /// How weights are learned beside it; its `k`, `max_users` and `seed` hold for trees as well. It
    /// scales within shortlists of the recommenders' length, whatever it says.
    pub weights: FusionLearner,
}

impl Default for TreeLearner {
    fn default() -> Self {
        let weights = FusionLearner::default();
        Self { negatives: 50, trees: 100, leaves: 15, learning_rate: 0.1, weights }
    }
}

/// What [`TreeLearner::learn`] found.
#[derive(Debug, Serialize, Deserialize)]
pub struct LearntTrees {
    /// What weights reach, and the fusion to use without a ranker.
    pub weights: LearntFusion,
    /// Mean NDCG@k of the trees learned on the other half of the users.
    pub trees: f64,
    /// The trees learned on all users, where they beat weights and reciprocal ranks.
    pub ranker: Option<TreeRanker>,
}
