//! The whole job in one object: from files to explained recommendations.

mod clusters;
mod config;
mod content;
mod declared;
mod interests;
mod memory;
mod model;
mod read;
mod reorder;
mod run;
mod saved;
mod stages;
#[cfg(test)]
mod tests;
mod toml;

pub use config::{
    Clusters, ContentVectors, DataFiles, Diversity, Fresh, FusionOptions, Keywords, PipelineConfig,
    Recommender, Reorder, TagPrediction, TextOptions,
};
pub use interests::Interests;
pub use model::{Catalogue, PipelineModel, PipelineReport};
pub use run::Pipeline;
pub use stages::StageReport;
