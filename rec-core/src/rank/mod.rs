//! Ranking: what a model gives, what is asked of it, and how the best items are selected.

mod product;
mod query;
mod scorer;
mod similar;
mod topk;

pub use product::{dot, scores_block};
pub use query::{OnUnknown, Query, Recommendations, Users, recommend};
pub use scorer::{Explain, Explanation, Factors, History, Recommend, Scorer, Similar};
pub use similar::similar_rows;
pub use topk::{Selection, TopK, better, top_k};
