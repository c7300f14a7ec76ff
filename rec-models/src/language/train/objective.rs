//! What a language model is trained to do.

use burn::tensor::Tensor;
use rec_core::rng::Rng;

use super::TextTokens;
use crate::Result;
use crate::language::Backbone;

/// A self-supervised objective: what is to be predicted of a pass over some texts, and the loss.
///
/// What is drawn at random is drawn by [`Objective::prepare`], before the model sees anything, so
/// that a run can be resumed bit for bit.
pub trait Objective<M: Backbone> {
    /// What the model sees and has to predict.
    type Pass;

    /// The name that progress and checkpoints go by (`masked LM`).
    fn name(&self) -> &'static str;

    /// That the model can be trained so.
    ///
    /// # Errors
    /// What it lacks.
    fn check(&self, model: &M) -> Result<()>;

    /// Whether anything can be predicted of a text.
    fn usable(&self, text: TextTokens<'_>) -> bool;

    /// Chooses what is to be predicted.
    fn prepare(&self, texts: &[TextTokens<'_>], rng: &mut Rng) -> Self::Pass;

    /// How many predictions a pass makes.
    fn predictions(&self, pass: &Self::Pass) -> usize;

    /// The mean loss of a prediction, in nats: `[1]`.
    fn loss(&self, model: &M, pass: &Self::Pass) -> Tensor<1>;
}
