//! Models that learn from the graph of who had what.

mod adam;
mod gfcf;
mod lightgcn;
mod ultragcn;

pub use gfcf::{GfCf, GfCfModel};
pub use lightgcn::{Contrast, GraphLoss, LightGcn, LightGcnModel, Path, PositiveSampling, Views};
pub use ultragcn::{UltraGcn, UltraGcnModel};
