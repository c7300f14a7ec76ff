//! Ranking: what a model gives, what is asked of it, and how the best items are selected.

pub mod explain;
mod fuse;
mod fused;
mod learn;
mod normalize;
mod product;
mod query;
mod rerank;
mod resolve;
mod scorer;
mod shortlist;
mod similar;
mod topk;
#[cfg(feature = "trees")]
mod trees;

pub use fuse::{ActivityLevel, Fusion, reciprocal_rank, switch, weighted_sum};
pub use fused::Fused;
pub use learn::{FusionLearner, LearntFusion};
pub use normalize::Normalize;
pub use product::{dot, scores_block};
pub use query::{OnUnknown, Query, Recommendations, Users, recommend};
pub use rerank::{
    Boost, Bound, Calibration, Dpp, Freshness, Mmr, Pin, Quota, Rules, cosine, jaccard,
    tag_profiles,
};
pub use scorer::{Explain, Explanation, Factors, History, Recommend, Scorer, Similar};
pub use shortlist::Shortlisted;
pub use similar::{nearest_rows, similar_rows};
pub use topk::{Selection, TopK, better, top_k};
#[cfg(feature = "trees")]
pub use trees::{ItemFacts, LearntTrees, TreeLearner, TreeRanked, TreeRanker};
