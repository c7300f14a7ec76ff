//! Sentences as word ids: in memory, or in a file of their own where they are more than that.

mod builder;
mod compact;
#[cfg(test)]
mod tests;
mod words;

use rec_core::text::Vocab;

pub use builder::CorpusBuilder;

use super::spill::Stored;
use compact::Collector;

/// Stands after each sentence.
pub(crate) const END: u32 = u32::MAX;

/// Sentences to learn vectors from, as ids of a vocabulary, rare words left out.
pub struct Corpus {
    vocab: Vocab,
    sentences: Sentences,
}

/// Sentences of ids, each followed by [`END`].
pub(crate) struct Sentences {
    ids: Stored<u32>,
    /// Where chunks of whole sentences begin, and the end: `[chunks + 1]`.
    chunks: Vec<usize>,
    words: u64,
}

impl std::fmt::Debug for Corpus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Corpus")
            .field("vocab", &self.vocab)
            .field("words", &self.words())
            .field("spilled", &self.sentences.ids.is_mapped())
            .finish_non_exhaustive()
    }
}

impl Corpus {
    /// The vocabulary: words by count downward.
    pub fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    /// Occurrences of words of the vocabulary.
    pub fn words(&self) -> u64 {
        self.sentences.words
    }

    pub(crate) fn sentences(&self) -> &Sentences {
        &self.sentences
    }
}

impl Sentences {
    /// Sentences of ids at hand, each followed by [`END`].
    pub(crate) fn new(mut ids: Vec<u32>) -> Self {
        let mut collect = Collector::default();
        collect.compact(&mut ids, None);
        Self::of(Stored::Memory(ids), collect)
    }

    fn of(ids: Stored<u32>, collect: Collector) -> Self {
        let words = collect.words();
        Self { ids, chunks: collect.finish(), words }
    }

    /// Chunks of whole sentences.
    pub(crate) fn chunks(&self) -> usize {
        self.chunks.len() - 1
    }

    pub(crate) fn chunk(&self, chunk: usize) -> &[u32] {
        &self.ids[self.chunks[chunk]..self.chunks[chunk + 1]]
    }

    /// The share of all words that comes before a chunk.
    pub(crate) fn share_before(&self, chunk: usize) -> f64 {
        self.chunks[chunk] as f64 / self.ids.len().max(1) as f64
    }
}
