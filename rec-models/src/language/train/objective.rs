//! What a language model is trained to do.

use burn::tensor::Tensor;
use rec_core::rng::Rng;

use super::TrainingData;
use crate::Result;
use crate::language::Backbone;
use crate::language::noise::Noise;

/// What is to be predicted of a pass over some rows of the data, and the loss.
///
/// What is drawn at random is drawn by [`Objective::prepare`], before the model sees anything, so
/// that a run can be resumed bit for bit.
pub trait Objective<M: Backbone> {
    /// What it trains on.
    type Data: TrainingData;
    /// What the model sees and has to predict.
    type Pass;

    /// The name that progress and checkpoints go by (`masked LM`).
    fn name(&self) -> &'static str;

    /// That the model can be trained so.
    ///
    /// # Errors
    /// What it lacks.
    fn check(&self, model: &M) -> Result<()>;

    /// Whether anything can be predicted of a row.
    fn usable(&self, data: &Self::Data, row: usize) -> bool;

    /// Chooses what is to be predicted.
    fn prepare(&self, data: &Self::Data, rows: &[usize], rng: &mut Rng) -> Self::Pass;

    /// How many predictions a pass makes.
    fn predictions(&self, pass: &Self::Pass) -> usize;

    /// The mean loss of a prediction, in nats: `[1]`. `noise` is to reach the model: put it into
    /// the batch.
    fn loss(&self, model: &M, pass: &Self::Pass, noise: Noise) -> Tensor<1>;
}
