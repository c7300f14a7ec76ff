//! Models that learn from the graph of who had what.

mod gfcf;
mod lightgcn;
mod link;
mod sept;
mod social;

pub use gfcf::{GfCf, GfCfModel};
pub use lightgcn::{GraphLoss, LightGcn, LightGcnModel, Path, PositiveSampling};
pub use link::{LinkModel, LinkPredictor, Network};
pub use sept::{Sept, SeptModel};
pub use social::{Influence, SocialLightGcn, SocialLightGcnModel};
