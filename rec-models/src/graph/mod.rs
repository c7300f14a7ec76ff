//! Models that learn from the graph of who had what.

mod gfcf;
mod lightgcn;

pub use gfcf::{GfCf, GfCfModel};
pub use lightgcn::{GraphLoss, LightGcn, LightGcnModel, Path, PositiveSampling};
