//! Language models: checkpoints of the Hugging Face families, texts to vectors, text generation.

mod batch;
mod init;
pub mod layers;
pub mod weights;

pub use batch::{Backbone, Batch};
pub use init::Init;
