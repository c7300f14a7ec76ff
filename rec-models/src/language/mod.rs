//! Language models: checkpoints of the Hugging Face families, texts to vectors, text generation.

mod batch;
pub mod config;
mod init;
pub mod layers;
mod save;
pub mod weights;

pub use batch::{Backbone, Batch};
pub use init::Init;
pub use save::save_checkpoint;
