//! The whole job in one object: from files to explained recommendations.

mod config;
mod content;
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
    ContentVectors, DataFiles, Diversity, Fresh, FusionOptions, Keywords, PipelineConfig,
    Recommender, Reorder, TagPrediction, TextOptions,
};
pub use model::{Catalogue, PipelineModel, PipelineReport};
pub use run::Pipeline;
pub use stages::StageReport;
