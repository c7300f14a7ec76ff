//! Ranking: what a model gives, what is asked of it, and how the best items are selected.

mod query;
mod scorer;
mod topk;

pub use query::{OnUnknown, Query, Recommendations, Users, recommend};
pub use scorer::{Explain, Explanation, Factors, History, Recommend, Scorer, Similar};
pub use topk::{Selection, TopK, better, top_k};
