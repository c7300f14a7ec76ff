//! Language models: checkpoints of the Hugging Face families, texts to vectors, text generation.

mod batch;
mod cache;
mod causal;
pub mod config;
mod init;
pub mod layers;
mod rope;
mod save;
pub mod weights;

pub use batch::{Backbone, Batch};
pub use cache::Cache;
pub use causal::Causal;
pub use init::Init;
pub use rope::{Rope, RopeScaling};
pub use save::save_checkpoint;
