//! Models that learn from the graph of who had what.

mod adam;
mod gfcf;
mod lightgcn;
mod link;
mod ngcf;
mod paths;
mod sept;
mod social;
mod ultragcn;
mod weights;

pub use gfcf::{GfCf, GfCfModel};
pub use lightgcn::{Contrast, GraphLoss, LightGcn, LightGcnModel, PositiveSampling, Views};
pub use link::{LinkModel, LinkPredictor, Network};
pub use ngcf::{Ngcf, NgcfModel};
pub use paths::Path;
pub use sept::{Sept, SeptModel};
pub use social::{Influence, SocialLightGcn, SocialLightGcnModel};
pub use ultragcn::{UltraGcn, UltraGcnModel};
