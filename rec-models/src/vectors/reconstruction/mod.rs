//! Context reconstruction: vectors that are rebuilt from those of the words around.

mod associations;
mod model;
mod subspace;
#[cfg(test)]
mod tests;

use rec_core::{parallel, rng};
use serde::{Deserialize, Serialize};

pub use model::ReconstructionModel;

use super::{Cooccurrences, Corpus, Counting};
use crate::fit::FitContext;
use crate::{Error, Result};
use associations::Associations;
use subspace::Subspace;

/// Vectors that minimise [`rec_core::objective::Reconstruction`] under its constraint, and the
/// association weights that rebuild them.
///
/// A word's contexts are the `neighbours` words of largest `X PMI` with it, by the counts of
/// [`Cooccurrences`], and `p` is their positive pointwise mutual information, as shares that add up to
/// 1; the contexts' frequencies are smoothed by the power ¾ (Levy, Goldberg and Dagan, "Improving
/// distributional similarity with lessons learned from word embeddings", TACL 2015).
///
/// Each epoch is a step by the vectors and one by the weights, and neither makes the objective larger.
/// Given the weights, the best vectors are the eigenvectors of `(I − W)ᵀ (I − W)` of least eigenvalue;
/// the step is a Chebyshev-filtered subspace iteration (Zhou, Saad, Tiago and Chelikowsky 2006) with
/// the vectors it started from kept in the subspace. Given the vectors, a word's weights are a ridge
/// regression, solved exactly. The result depends on the seed alone, at any number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ContextReconstruction {
    /// Length of a vector; at most one less than there are words.
    pub vector_size: usize,
    /// Words looked at each way.
    pub window: usize,
    /// Contexts a word is rebuilt from, at most.
    pub neighbours: usize,
    /// `λ`: how much holds the weights to what the counts say. A word's vector has squared length
    /// `vector_size` on average, so that as much makes both terms alike.
    pub l2: f64,
    /// Steps by the vectors and the weights in turn.
    pub epochs: usize,
    /// Bytes, about, of counts held in memory; past them they go to temporary files.
    pub memory_limit: usize,
}

impl Default for ContextReconstruction {
    fn default() -> Self {
        let (vector_size, window) = (100, 5);
        let memory_limit = Counting::default().memory_limit;
        Self { vector_size, window, neighbours: 30, l2: 100.0, epochs: 10, memory_limit }
    }
}

impl ContextReconstruction {
    fn check(&self) -> Result<()> {
        for (name, value, most) in [
            ("vector_size", self.vector_size, 4096),
            ("neighbours", self.neighbours, 1024),
            ("epochs", self.epochs, usize::MAX),
        ] {
            if value == 0 || value > most {
                return Err(Error::parameter(name, value, format!("choose 1 to {most}")));
            }
        }
        if !(self.l2.is_finite() && self.l2 > 0.0) {
            return Err(Error::parameter("l2", self.l2, "give a number above 0"));
        }
        Ok(())
    }

    /// Counts a corpus and trains on the counts. The context's device must be the CPU; its progress
    /// and cancellation are heeded.
    ///
    /// # Errors
    /// [`Error::Parameter`] for parameters outside their domain, as those of more numbers than words;
    /// those of [`Cooccurrences::count`]; [`Error::Cancelled`] when told to stop.
    pub fn fit(&self, corpus: &Corpus, ctx: &FitContext<'_>) -> Result<ReconstructionModel> {
        self.check()?;
        let words = corpus.vocab().len();
        if self.vector_size >= words {
            let why = format!("choose fewer than the {words} words, or lower min_count");
            return Err(Error::parameter("vector_size", self.vector_size, why));
        }
        let counting =
            Counting { window: self.window, symmetric: true, memory_limit: self.memory_limit };
        let counts = Cooccurrences::count(corpus, &counting, ctx)?;
        parallel::install(ctx.cpu_threads("ContextReconstruction")?, || {
            let mut weights = Associations::of(&counts, self.neighbours);
            let mut rng = rng::stream(ctx.seed, "reconstruction.vectors", 0);
            let mut space = Subspace::random(words, self.vector_size, &mut rng);
            let mut losses = Vec::new();
            ctx.progress.begin("reconstruction", self.epochs as u64);
            let trained = (0..self.epochs).try_for_each(|epoch| {
                ctx.cancel.check("training of context reconstruction")?;
                let rebuilt = space.step(&weights, &mut rng)?;
                losses.push((rebuilt + self.l2 * weights.distance()) / words as f64);
                weights.solve(&space, self.l2)?;
                ctx.progress.step(epoch as u64 + 1, &format!("loss {:.4}", losses[epoch]));
                Ok(())
            });
            ctx.progress.end();
            trained?;
            ReconstructionModel::trained(self, &counts, (&space, &weights), ctx.seed, losses)
        })
    }
}
