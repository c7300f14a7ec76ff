//! Language models: checkpoints of the Hugging Face families, texts to vectors, text generation.

mod batch;
mod cache;
mod causal;
pub mod config;
pub mod decoder;
pub mod generate;
pub mod gpt2;
mod init;
pub mod layers;
mod likelihood;
mod load_causal;
mod rope;
mod save;
pub mod t5;
pub mod weights;

pub use batch::{Backbone, Batch};
pub use cache::Cache;
pub use causal::Causal;
pub use init::Init;
pub use likelihood::{Likelihood, likelihoods};
pub use load_causal::{CAUSAL_FAMILIES, load_causal};
pub use rope::{Rope, RopeScaling};
pub use save::save_checkpoint;
