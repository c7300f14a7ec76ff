//! Texts as sparse rows: TF-IDF over n-grams of words and of characters, known by their hashes.

mod grams;
#[cfg(test)]
mod tests;
mod tfidf;
mod vocabulary;

pub use grams::{Bag, NgramOptions};
pub use tfidf::TfIdf;
pub(crate) use vocabulary::Vocabulary;
