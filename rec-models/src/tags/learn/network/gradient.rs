//! The gradient of a step's loss.

use rec_core::data::Csr;

use super::batch::Batch;
use super::net::Network;
use super::train::Drops;
use crate::tags::calibrate::{sigmoid, softmax};
use crate::tags::labels::Task;
use crate::tags::learn::Effort;

/// Of the mean loss over the texts of a step, by the arrays of a [`Network`].
pub(super) struct Gradients {
    /// Of the distinct tokens: `[tokens, dim]`, zeros where embeddings do not learn.
    pub(super) embeddings: Vec<f32>,
    pub(super) kernels: Vec<f32>,
    /// Of each of the body's.
    pub(super) body: Vec<Vec<f32>>,
    pub(super) output: Vec<f32>,
    pub(super) output_bias: Vec<f32>,
}

/// The texts of a step: which rows of the labels they are.
pub(super) type Rows<'a> = (&'a Csr, &'a [usize]);

impl Network {
    /// The gradients of a batch, which are `rows` of `labels`; with `adversary` above 0 those of the
    /// mean of two losses, the other where the embeddings are moved by [`Network::adversary`].
    pub(super) fn gradients(
        &self,
        batch: &Batch,
        drops: &Drops,
        rows: Rows<'_>,
        effort: &Effort,
        adversary: f32,
    ) -> Gradients {
        let embedded = self.embedded(batch);
        let mut gradients = self.gradients_at(embedded.clone(), batch, drops, rows, effort);
        if adversary > 0.0 {
            let moved = self.adversary(embedded, &gradients, adversary);
            gradients.mean_with(&self.gradients_at(moved, batch, drops, rows, effort));
        }
        gradients
    }

    /// Embeddings moved to where the loss rises most, by a share of their own length: `e + ε ‖e‖ g / ‖g‖`,
    /// lengths being those of all tokens of a step together.
    pub(super) fn adversary(&self, mut embedded: Vec<f32>, of: &Gradients, share: f32) -> Vec<f32> {
        let length = |values: &[f32]| values.iter().map(|x| x * x).sum::<f32>().sqrt();
        let by = share * length(&embedded) / length(&of.embeddings).max(f32::MIN_POSITIVE);
        embedded.iter_mut().zip(&of.embeddings).for_each(|(x, g)| *x += by * g);
        embedded
    }

    /// The gradients where the tokens of a batch have these embeddings.
    pub(super) fn gradients_at(
        &self,
        mut embedded: Vec<f32>,
        batch: &Batch,
        drops: &Drops,
        (labels, rows): Rows<'_>,
        effort: &Effort,
    ) -> Gradients {
        scale(&mut embedded, &drops.embeddings);
        let projected = self.projected(&embedded);
        let trace = self.body.read(&projected, batch);
        let mut of_projected = vec![0.0; projected.len()];
        let mut gradients = Gradients {
            embeddings: Vec::new(),
            kernels: Vec::new(),
            body: Vec::new(),
            output: vec![0.0; self.output.len()],
            output_bias: vec![0.0; self.n_labels()],
        };
        // In the order of the texts, so that sums are the same on any number of threads.
        let pooled = self.body.pooled();
        let mut of_pooled = Vec::with_capacity(trace.pooled.len());
        let texts = trace.pooled.chunks_exact(pooled).zip(drops.pooled.chunks_exact(pooled));
        for ((found, drops), &row) in texts.zip(rows) {
            let truth = |label: usize| labels.contains(row, label as u32);
            of_pooled.extend(self.head(found, drops, truth, effort, rows.len(), &mut gradients));
        }
        gradients.body = trace.back(&of_pooled, batch, &mut of_projected);
        let dim = self.dim();
        (gradients.kernels, gradients.embeddings) = self.inputs_back(&embedded, &of_projected);
        scale(&mut gradients.embeddings, &drops.embeddings);
        let rows = gradients.embeddings.chunks_exact_mut(dim);
        rows.for_each(|row| row[dim - self.fixed..].fill(0.0));
        gradients
    }

    /// Adds the gradients of the output layer, and gives that of the body's numbers: `[pooled]`.
    fn head(
        &self,
        found: &[f32],
        drops: &[f32],
        truth: impl Fn(usize) -> bool,
        effort: &Effort,
        texts: usize,
        gradients: &mut Gradients,
    ) -> Vec<f32> {
        let mut hidden = found.to_vec();
        scale(&mut hidden, drops);
        let mut scores = vec![0.0; self.n_labels()];
        self.linear(&hidden, &mut scores);
        slopes(&mut scores, truth, effort);
        let mut below = vec![0.0; hidden.len()];
        for (label, slope) in scores.iter().map(|slope| slope / texts as f32).enumerate() {
            let at = label * hidden.len()..(label + 1) * hidden.len();
            let weights = self.output[at.clone()].iter().zip(&mut gradients.output[at]);
            for ((below, h), (w, of_w)) in below.iter_mut().zip(&hidden).zip(weights) {
                *below += slope * w;
                *of_w += slope * h;
            }
            gradients.output_bias[label] += slope;
        }
        scale(&mut below, drops);
        below
    }
}

impl Gradients {
    fn mean_with(&mut self, other: &Self) {
        let mean = |mine: &mut [f32], other: &[f32]| {
            mine.iter_mut().zip(other).for_each(|(x, y)| *x = 0.5 * (*x + y));
        };
        mean(&mut self.embeddings, &other.embeddings);
        mean(&mut self.kernels, &other.kernels);
        self.body.iter_mut().zip(&other.body).for_each(|(mine, other)| mean(mine, other));
        mean(&mut self.output, &other.output);
        mean(&mut self.output_bias, &other.output_bias);
    }
}

/// Scores become the gradient of the cross-entropy: of the softmax with one label a text, where a
/// text without labels teaches nothing; of each label's sigmoid with several.
fn slopes(scores: &mut [f32], truth: impl Fn(usize) -> bool, effort: &Effort) {
    match effort.task {
        Task::Single => {
            let own = (0..scores.len()).find(|&label| truth(label));
            let weight = own.map_or(0.0, |label| effort.class_weights[label]);
            softmax(scores, 1.0);
            own.into_iter().for_each(|label| scores[label] -= 1.0);
            scores.iter_mut().for_each(|s| *s *= weight);
        }
        Task::Multi => {
            for (label, score) in scores.iter_mut().enumerate() {
                let has = truth(label);
                let weight = if has { effort.class_weights[label] } else { 1.0 };
                *score = weight * (sigmoid(*score) - f32::from(u8::from(has)));
            }
        }
    }
}

pub(super) fn scale(values: &mut [f32], by: &[f32]) {
    values.iter_mut().zip(by).for_each(|(x, by)| *x *= by);
}
