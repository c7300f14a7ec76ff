//! GloVe: vectors whose products are logarithms of co-occurrence counts.

mod kernel;
mod model;
mod order;
#[cfg(test)]
mod tests;
mod train;

use serde::{Deserialize, Serialize};

pub use model::GloveModel;

use super::{Cooccurrences, Corpus, Counting};
use crate::fit::FitContext;
use crate::{Error, Result};

/// GloVe (Pennington, Socher and Manning, "GloVe: global vectors for word representation", EMNLP
/// 2014): [`rec_core::objective::Glove`] on the counts of [`Cooccurrences`], by AdaGrad (Duchi, Hazan
/// and Singer 2011), one count after the other in an order that is shuffled once. A word's vector is
/// the sum of its vectors as word and as context. Defaults are those of the authors' program, but for
/// `vector_size` and `window`.
///
/// As in the authors' program a step is `g / √(1/η² + Σ g²)`, with `η` the learning rate: the first
/// is `η g`, and none is longer than 1.
///
/// With one worker the result depends on the seed alone. More workers update the same vectors without
/// locks: faster, and slightly different each time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Glove {
    /// Length of a vector.
    pub vector_size: usize,
    /// Words looked at each way.
    pub window: usize,
    /// Whether the words after a word count as those before it do; else only those before.
    pub symmetric: bool,
    /// The count from which on all pairs weigh the same.
    pub x_max: f64,
    /// A count `x` below weighs `(x / x_max)^exponent`.
    pub exponent: f64,
    /// `η`.
    pub learning_rate: f64,
    /// Passes over the counts.
    pub epochs: usize,
    /// Bytes, about, of counts held in memory; past them they go to temporary files.
    pub memory_limit: usize,
    /// Parallel workers; 1 is deterministic.
    pub workers: usize,
}

impl Default for Glove {
    fn default() -> Self {
        Self {
            vector_size: 100,
            window: 10,
            symmetric: true,
            x_max: 100.0,
            exponent: 0.75,
            learning_rate: 0.05,
            epochs: 25,
            memory_limit: 2 << 30,
            workers: 3,
        }
    }
}

/// The longest vectors: far past what helps.
const MOST_DIM: usize = 1 << 16;

impl Glove {
    pub(super) fn check(&self) -> Result<()> {
        for (name, value, most) in [
            ("vector_size", self.vector_size, MOST_DIM),
            ("window", self.window, 1 << 16),
            ("epochs", self.epochs, usize::MAX),
            ("workers", self.workers, 1024),
        ] {
            if value == 0 || value > most {
                return Err(Error::parameter(name, value, format!("choose 1 to {most}")));
            }
        }
        for (name, value) in [
            ("x_max", self.x_max),
            ("exponent", self.exponent),
            ("learning_rate", self.learning_rate),
        ] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::parameter(name, value, "give a number above 0"));
            }
        }
        Ok(())
    }

    /// How the pairs are counted.
    pub fn counting(&self) -> Counting {
        let Self { window, symmetric, memory_limit, .. } = *self;
        Counting { window, symmetric, memory_limit }
    }

    /// Counts a corpus and trains on the counts. The context's device must be the CPU; its progress
    /// and cancellation are heeded.
    ///
    /// # Errors
    /// [`Error::Parameter`] for parameters outside their domain, those of [`Cooccurrences::count`],
    /// [`Error::Data`] where training diverged, [`Error::Cancelled`] when told to stop.
    pub fn fit(&self, corpus: &Corpus, ctx: &FitContext<'_>) -> Result<GloveModel> {
        self.check()?;
        let counts = Cooccurrences::count(corpus, &self.counting(), ctx)?;
        train::run(self, &counts, ctx)
    }

    /// Trains on counts at hand, whatever `window` and `symmetric` say.
    ///
    /// # Errors
    /// As [`Glove::fit`].
    pub fn fit_counts(&self, counts: &Cooccurrences, ctx: &FitContext<'_>) -> Result<GloveModel> {
        self.check()?;
        train::run(self, counts, ctx)
    }
}
