//! The foundation of the `rec` recommender library: data, splits, ranking, metrics, sampling,
//! objectives and the model store. It knows no tensor framework.

pub mod data;
mod error;
pub mod graph;
pub mod metrics;
pub mod objective;
pub mod parallel;
pub mod profile;
pub mod rank;
pub mod rng;
pub mod sampling;
pub mod store;
pub mod text;

pub use error::{Error, IdKind, Result, bytes};
