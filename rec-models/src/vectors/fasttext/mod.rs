//! fastText: words made of their pieces, so that unseen words have vectors.

mod model;
mod subwords;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use model::FastTextModel;

use super::word2vec::{Tables, Trainer};
use super::{Corpus, Word2Vec};
use crate::fit::FitContext;
use crate::{Error, Result};
use subwords::Subwords;

/// word2vec with subword information (Bojanowski, Grave, Joulin and Mikolov, "Enriching word vectors
/// with subword information", TACL 2017): a word's vector is the mean of one of its own and those of
/// its character n-grams, which share a table by their hash. Names, defaults, hash and n-grams are
/// those of `gensim` and of the authors' program.
///
/// One thing differs: an n-gram that no word of the vocabulary has takes no part in an unseen
/// word's mean, where the others add the random vector it began with; so the table has rows for the
/// n-grams that were seen alone, and not for every hash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FastText {
    /// How words are trained.
    pub word2vec: Word2Vec,
    /// Characters of the shortest n-grams, the marks `<` and `>` of a word's ends among them.
    pub min_n: usize,
    /// Characters of the longest n-grams; less than `min_n` for none.
    pub max_n: usize,
    /// Hashes of n-grams.
    pub bucket: u32,
}

impl Default for FastText {
    fn default() -> Self {
        Self { word2vec: Word2Vec::default(), min_n: 3, max_n: 6, bucket: 2_000_000 }
    }
}

/// Longest n-grams: past the longest words.
const MOST_N: usize = 256;

impl FastText {
    pub(super) fn check(&self) -> Result<()> {
        self.word2vec.check()?;
        if self.min_n == 0 {
            return Err(Error::parameter("min_n", 0, "choose 1 or more characters"));
        }
        if self.max_n > MOST_N {
            let why = format!("choose at most {MOST_N} characters");
            return Err(Error::parameter("max_n", self.max_n, why));
        }
        if self.bucket == 0 {
            return Err(Error::parameter("bucket", 0, "choose 1 or more; 2000000 is usual"));
        }
        Ok(())
    }

    /// Trains on a corpus. The context's device must be the CPU; its progress and cancellation are
    /// heeded.
    ///
    /// # Errors
    /// As [`Word2Vec::fit`].
    pub fn fit(&self, corpus: &Corpus, ctx: &FitContext<'_>) -> Result<FastTextModel> {
        self.check()?;
        rec_core::parallel::install(ctx.cpu_threads("FastText")?, || {
            let vocab = corpus.vocab();
            let (mut subwords, parts) = Subwords::of(self, vocab.iter().map(|(word, _)| word))?;
            let (words, dim) = (vocab.len(), self.word2vec.vector_size);
            let mut tables = Tables::with_parts(words + subwords.len(), words, dim, ctx.seed);
            let trainer = Trainer::new(&self.word2vec, vocab.counts())?;
            let trainer = trainer.with_parts(parts, vocab.counts());
            trainer.run("fasttext", corpus.sentences(), &mut tables, ctx)?;
            let [inputs, _] = tables.packed();
            let parts = trainer.into_parts();
            subwords.take_vectors(&inputs[words * dim..], dim);
            FastTextModel::trained(self, corpus, (&inputs, parts), subwords, ctx.seed)
        })
    }
}
