//! A vocabulary: words or items, dense ids, and how often each was seen.

mod build;
mod file;
#[cfg(test)]
mod tests;

use crate::data::{IdMap, IdRef};
use crate::{Error, Result};

pub use build::VocabBuilder;

/// The map between words and `0..len`: special entries first, then words by count downward, those
/// of equal count in the order of their text (code points).
#[derive(Clone)]
pub struct Vocab {
    words: IdMap,
    counts: Vec<u64>,
    n_special: usize,
    max_undercount: u64,
}

impl std::fmt::Debug for Vocab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vocab")
            .field("len", &self.len())
            .field("n_special", &self.n_special)
            .field("total_count", &self.total_count())
            .finish()
    }
}

impl PartialEq for Vocab {
    fn eq(&self, other: &Self) -> bool {
        self.n_special == other.n_special
            && self.counts == other.counts
            && self.words.same_as(&other.words)
    }
}

impl Vocab {
    /// A vocabulary of given entries in that order, the first `n_special` of them special.
    ///
    /// # Errors
    /// [`Error::Data`] for a word given twice, [`Error::Shape`] for more special entries than
    /// entries.
    pub fn from_counts<S: AsRef<str>>(
        entries: impl IntoIterator<Item = (S, u64)>,
        n_special: usize,
    ) -> Result<Self> {
        let mut words = IdMap::strings();
        let mut counts = Vec::new();
        for (word, count) in entries {
            let word = word.as_ref();
            if words.intern_str(word) as usize != counts.len() {
                let why = "it stands there twice; a word has one id";
                return Err(Error::data(format!("the vocabulary entry {word:?}"), why));
            }
            counts.push(count);
        }
        if n_special > counts.len() {
            let got = format!("{n_special} special ones");
            return Err(Error::shape("vocabulary entries", counts.len(), got));
        }
        Ok(Self { words, counts, n_special, max_undercount: 0 })
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Entries that are special; their ids are `0..n_special`.
    pub fn n_special(&self) -> usize {
        self.n_special
    }

    /// The id of a word.
    pub fn get(&self, word: &str) -> Option<u32> {
        self.words.get(word)
    }

    /// The word with an id.
    pub fn word(&self, id: u32) -> Option<&str> {
        match self.words.id(id) {
            Some(IdRef::Str(word)) => Some(word),
            _ => None,
        }
    }

    /// How often the word with an id was seen; 0 past the end.
    pub fn count(&self, id: u32) -> u64 {
        self.counts.get(id as usize).copied().unwrap_or(0)
    }

    /// The counts, by id.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The sum of the counts.
    pub fn total_count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// By how much a count may fall short, and how often a missing word may have been seen:
    /// not 0 where the builder had to prune.
    pub fn max_undercount(&self) -> u64 {
        self.max_undercount
    }

    /// The words with their counts, in order of id.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.words.iter().zip(&self.counts).map(|(word, &count)| match word {
            IdRef::Str(word) => (word, count),
            IdRef::Int(_) => ("", count),
        })
    }

    /// The ids of a sequence's words; words that are not in the vocabulary are left out.
    pub fn encode<S: AsRef<str>>(&self, sequence: impl IntoIterator<Item = S>) -> Vec<u32> {
        sequence.into_iter().filter_map(|word| self.get(word.as_ref())).collect()
    }
}
