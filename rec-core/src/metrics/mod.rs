//! How good recommendations are: accuracy of ranked lists, what lies beyond it, and how sure one can
//! be of either.
//!
//! [`evaluate`] measures a model on a test part; [`evaluate_lists`] and [`evaluate_run`] measure
//! ready-made lists; [`leaderboard`] sets models side by side; [`paired_test`] compares two reports; [`classify`] judges tags. The
//! metrics of rankings are plain functions of one list: [`ndcg`], [`recall`] and the others.

mod beyond;
mod board;
mod bootstrap;
pub mod classify;
mod evaluate;
mod hits;
mod leaderboard;
mod lists;
mod metric;
mod options;
mod paired;
mod ranking;
mod report;
mod rows;
mod sample;
mod segments;
mod similarity;
mod spread;
#[cfg(test)]
mod tests;
mod truth;

pub use beyond::{Popularity, coverage, gini, intra_list_diversity, novelty, serendipity};
pub use evaluate::evaluate;
pub use leaderboard::{Cell, Entry, Leaderboard, LeaderboardOptions, Versus, leaderboard};
pub use lists::{ListOptions, RankedLists, Run, evaluate_lists, evaluate_run};
pub use metric::Metric;
pub use options::{Candidates, EvaluateOptions, Missing, Sampler, Seen, Ties};
pub use paired::{PairedOptions, PairedTest, paired_test};
pub use ranking::{
    Gain, auc, average_precision, average_precision_full, hit_rate, ndcg, ndcg_graded,
    ndcg_of_ranks, precision, r_precision, recall, reciprocal_rank,
};
pub use report::{Figure, Report, UserIds};
pub use segments::{Segment, UserSegments};
pub use similarity::{ItemSimilarity, TagCosine, TagJaccard, VectorCosine};
pub use spread::{alignment, uniformity};
pub use truth::Counts;
