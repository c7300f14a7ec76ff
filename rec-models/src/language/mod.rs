//! Language models: checkpoints of the Hugging Face families, texts to vectors, text generation.

mod batch;
pub mod weights;

pub use batch::{Backbone, Batch};
