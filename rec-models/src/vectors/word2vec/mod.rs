//! word2vec: vectors that predict the words around.

mod bags;
mod batch;
mod ids;
mod kernel;
mod model;
mod steps;
mod tensor;
#[cfg(test)]
mod tests;
mod train;
mod walk;

use serde::{Deserialize, Serialize};

pub(crate) use ids::vectors_of_ids;
pub use model::Word2VecModel;
pub(super) use train::{Tables, Trainer};

use super::Corpus;
use crate::fit::FitContext;
use crate::{Error, Result};

/// word2vec with negative sampling or hierarchical softmax (Mikolov, Sutskever, Chen, Corrado and Dean, "Distributed
/// representations of words and phrases and their compositionality", NIPS 2013): stochastic gradient
/// descent on [`rec_core::objective::SkipGram`] over the windows of a corpus, the learning rate
/// falling linearly from `alpha` to `min_alpha`. Names, defaults and meanings are those of the
/// `gensim` package, with two differences: negatives are shared, with skip-gram by the words of a
/// window, which step together, up to 16 of them, with a bag of words by two windows that follow
/// one another; and σ is not cut off at ±6.
///
/// With one worker the result depends on the seed alone. More workers update the same vectors
/// without locks (Recht, Ré, Wright and Niu, "Hogwild!", NIPS 2011): faster, and slightly different
/// each time. They have copies of the rows they write most, merged every few steps.
///
/// On another device than the CPU the same objective trains as tensors, in batches of windows, with
/// negatives of each pair's own; `workers` is then of no account, and hierarchical softmax refused.
/// A vector that stands in a batch more than 16 times takes 16 times its mean step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Word2Vec {
    /// Length of a vector.
    pub vector_size: usize,
    /// Words looked at each way, at most.
    pub window: usize,
    /// Whether the window is drawn anew for each word, uniformly from 1 to `window`.
    pub shrink_windows: bool,
    /// What predicts what.
    pub architecture: Architecture,
    /// Hierarchical softmax in place of negatives, `negative` then being 0: outputs belong to the
    /// inner nodes of a Huffman tree, and a word is predicted by the turns of its path
    /// ([`rec_core::objective::SkipGram::path_loss`]).
    pub hs: bool,
    /// Negatives a window.
    pub negative: usize,
    /// Negatives are drawn in proportion to `count^ns_exponent`.
    pub ns_exponent: f64,
    /// Relative frequency above which words are sub-sampled; 0 for none.
    pub sample: f64,
    /// Learning rate at the start.
    pub alpha: f64,
    /// Learning rate at the end.
    pub min_alpha: f64,
    /// Passes over the corpus.
    pub epochs: usize,
    /// Parallel workers; 1 is deterministic.
    pub workers: usize,
}

/// What predicts what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// Each word of the context predicts the word.
    SkipGram,
    /// The mean of the context predicts the word. As in word2vec, each word of the context takes
    /// the whole step of the mean, not its share.
    #[default]
    Cbow,
    /// The sum of the context predicts the word, each word of the context taking its share of the
    /// step, as `gensim` does for `cbow_mean=0`.
    CbowSum,
}

impl Default for Word2Vec {
    fn default() -> Self {
        Self {
            vector_size: 100,
            window: 5,
            shrink_windows: true,
            architecture: Architecture::Cbow,
            hs: false,
            negative: 5,
            ns_exponent: 0.75,
            sample: 1e-3,
            alpha: 0.025,
            min_alpha: 1e-4,
            epochs: 5,
            workers: 3,
        }
    }
}

/// Most workers: more than any machine has threads.
const MOST_WORKERS: usize = 1024;

/// The longest vectors: far past what helps.
const MOST_DIM: usize = 1 << 16;

impl Word2Vec {
    pub(super) fn check(&self) -> Result<()> {
        for (name, value, most) in [
            ("vector_size", self.vector_size, MOST_DIM),
            ("window", self.window, 1 << 31),
            ("epochs", self.epochs, usize::MAX),
            ("workers", self.workers, MOST_WORKERS),
        ] {
            if value == 0 || value > most {
                return Err(Error::parameter(name, value, format!("choose 1 to {most}")));
            }
        }
        match (self.hs, self.negative) {
            (true, 0) | (false, 1..=65_536) => {}
            (true, n) => {
                let why = "hierarchical softmax (hs) has no negatives; choose 0, or leave hs out";
                return Err(Error::parameter("negative", n, why));
            }
            (false, n) => {
                let why = "choose 1 to 65536, or 0 with hierarchical softmax (hs)";
                return Err(Error::parameter("negative", n, why));
            }
        }
        for (name, value) in [("alpha", self.alpha), ("min_alpha", self.min_alpha)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::parameter(name, value, "give a number of at least 0"));
            }
        }
        if !self.ns_exponent.is_finite() {
            return Err(Error::parameter("ns_exponent", self.ns_exponent, "give a finite number"));
        }
        Ok(())
    }

    /// Trains on a corpus, on the context's device; its progress and cancellation are heeded.
    ///
    /// # Errors
    /// [`Error::Parameter`] for parameters outside their domain, [`Error::Data`] where training
    /// diverged, [`Error::Cancelled`] when told to stop, [`Error::Unsupported`] for a device that this
    /// build lacks, or hierarchical softmax on another than the CPU.
    pub fn fit(&self, corpus: &Corpus, ctx: &FitContext<'_>) -> Result<Word2VecModel> {
        self.check()?;
        train::run(self, corpus, None, ctx)
    }

    /// Trains on from a model, on another corpus: words the model knows go on from their vectors,
    /// words it lacks are added, and words the corpus lacks stay as they are. Counts add up.
    /// With hierarchical softmax the outputs start anew, for each vocabulary has a tree of its own.
    ///
    /// # Errors
    /// As [`Word2Vec::fit`]; [`Error::Shape`] for a model of vectors of another length.
    pub fn fit_on(
        &self,
        model: &Word2VecModel,
        corpus: &Corpus,
        ctx: &FitContext<'_>,
    ) -> Result<Word2VecModel> {
        self.check()?;
        train::run(self, corpus, Some(model), ctx)
    }
}
