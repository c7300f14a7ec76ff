//! Models that learn from the graph of who had what.

mod adam;
mod bspm;
mod filter;
mod gfcf;
mod lightgcn;
mod link;
mod ngcf;
mod paths;
mod sept;
mod sgfcf;
mod social;
mod ultragcn;
mod weights;

pub use bspm::{Bspm, BspmModel, Merge, Solver};
pub use gfcf::{GfCf, GfCfModel};
pub use lightgcn::{
    Contrast, GraphLoss, LightGcn, LightGcnModel, PositiveSampling, ScoreBy, Views,
};
pub use link::{LinkModel, LinkPredictor, Network};
pub use ngcf::{Ngcf, NgcfModel};
pub use paths::Path;
pub use sept::{Sept, SeptModel};
pub use sgfcf::{Sgfcf, SgfcfModel};
pub use social::{Influence, SocialLightGcn, SocialLightGcnModel};
pub use ultragcn::{UltraGcn, UltraGcnModel};
