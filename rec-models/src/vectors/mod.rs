//! Vectors of words and items, learned from what stands together.

pub(crate) mod corpus;
mod folder;
mod formats;
mod item2vec;
mod nearest;
mod table;
mod word2vec;

pub use corpus::{Corpus, CorpusBuilder};
pub use formats::{Duplicates, Import, VectorFormat};
pub use item2vec::{Item2Vec, Item2VecModel, ItemScore};
pub use nearest::{Neighbour, Term};
pub use table::Vectors;
pub use word2vec::{Architecture, Word2Vec, Word2VecModel};
