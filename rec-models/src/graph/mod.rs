//! Models that learn from the graph of who had what.

mod lightgcn;

pub use lightgcn::{GraphLoss, LightGcn, LightGcnModel, Path, PositiveSampling};
