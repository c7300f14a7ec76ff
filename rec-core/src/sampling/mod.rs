//! Sampling: negatives for training, and candidates for sampled metrics.

mod alias;
mod batch;
mod candidates;
mod co_consumed;
pub mod draw;
mod hard;
mod masking;
mod negatives;
mod windows;

pub use alias::AliasTable;
pub use batch::InBatch;
pub use candidates::CandidateSampler;
pub use co_consumed::CoConsumed;
pub use hard::DynamicNegatives;
pub use masking::{Masked, TokenMasking};
pub use negatives::NegativeSampler;
pub use windows::{Subsampling, Windows};
