//! Objectives: the loss and gradient of each model family in plain `ndarray`, with formula and
//! source. They favour being right over being fast: kernels and trainers are tested against them.

mod bpr;
pub mod dense;
mod ease;
mod edge;
mod glove;
mod huffman;
mod least_squares;
#[cfg(test)]
mod numeric;
mod reconstruction;
mod skipgram;

pub use bpr::{Bpr, BprFactors, log_sigmoid, sigmoid};
pub use ease::Ease;
pub use edge::{EdgeFactors, EdgeLoss, EdgeSample, EdgeTerms};
pub use glove::{Glove, GloveFactors};
pub use huffman::HuffmanTree;
pub use least_squares::{Confidence, ImplicitFactors, ImplicitLeastSquares, NormalEquations};
pub use reconstruction::{Association, Reconstruction};
pub use skipgram::{SkipGram, WordFactors};
