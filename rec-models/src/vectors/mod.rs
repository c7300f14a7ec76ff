//! Vectors of words and items, learned from what stands together.

mod cooccurrence;
pub(crate) mod corpus;
mod fasttext;
mod folder;
mod formats;
mod glove;
mod item2vec;
mod nearest;
mod parts;
mod rows;
mod spill;
mod table;
mod word2vec;

pub use cooccurrence::{Cooccurrences, Counting};
pub use corpus::{Corpus, CorpusBuilder};
pub use fasttext::{FastText, FastTextModel};
pub use formats::{Duplicates, Import, VectorFormat};
pub use glove::{Glove, GloveModel};
pub use item2vec::{Item2Vec, Item2VecModel, ItemScore};
pub use nearest::{Neighbour, Term};
pub use table::Vectors;
pub use word2vec::{Architecture, Word2Vec, Word2VecModel};
