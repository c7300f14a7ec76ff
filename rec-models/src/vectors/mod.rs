//! Vectors of words and items, learned from what stands together.

mod analogies;
mod cooccurrence;
mod copies;
pub(crate) mod corpus;
mod fasttext;
mod folder;
mod formats;
mod glove;
mod index;
mod item2vec;
mod mapped;
mod nearest;
mod parts;
mod reconstruction;
mod rows;
mod sentence;
mod spill;
mod table;
mod word2vec;

pub use analogies::{Analogies, AnalogyOptions, AnalogySection};
pub use cooccurrence::{Cooccurrences, Counting};
pub use corpus::{Corpus, CorpusBuilder};
pub use fasttext::{FastText, FastTextModel};
pub use formats::{Duplicates, Import, VectorFormat};
pub use glove::{Glove, GloveModel};
pub use index::{IndexOptions, VectorIndex};
pub use item2vec::{Item2Vec, Item2VecModel, ItemScore};
pub use nearest::{Neighbour, Term};
pub use reconstruction::{ContextReconstruction, ReconstructionModel};
pub use sentence::Sif;
pub use table::Vectors;
pub(crate) use word2vec::vectors_of_ids;
pub use word2vec::{Architecture, Word2Vec, Word2VecModel};
