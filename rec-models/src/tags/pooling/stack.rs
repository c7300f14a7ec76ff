//! Stacking on top of a mixture.

use rec_core::store::{ModelReader, ModelWriter};

use crate::fit::FitContext;
use crate::language::Vectors;
use crate::tags::class_weights::ClassWeights;
use crate::tags::labels::{Labelled, Task};
use crate::tags::regression::{Columns, Linear, Regression, Stop, loss};
use crate::{Error, Result};

/// `s + W (ln p₁, …, ln p_M) + b` in place of the mixture's scores `s`: multinomial logistic regression on the
/// learners' probabilities of every label, fitted to texts that no learner was trained on (Wolpert 1992; Ting
/// and Witten 1999).
///
/// Learners of one label against the rest do not know which labels go together; here a label's score rises and
/// falls with the probabilities of the others. It departs from the papers in that it starts from the mixture:
/// the ridge draws `W` to 0, which leaves the mixture as it was. Where labels weigh differently, texts count by
/// these weights while it is fitted, but not where it is compared with the mixture.
#[derive(Clone, Debug)]
pub(in crate::tags) struct Stack(Linear);

/// Costs tried, in ascending order, with `ln p` in nats.
const COSTS: [f64; 3] = [0.003, 0.01, 0.03];
const FOLDS: usize = 4;
const STOP: Stop = Stop { tolerance: 1e-3, max_iterations: 100 };
/// Probabilities are taken to be at least this.
const LEAST: f32 = 1e-6;

impl Stack {
    /// A stack and the scores of the texts by stacks that were trained without them; none where the mixture
    /// alone makes them likelier, where a text may have several labels, or where there would be more weights
    /// than texts.
    pub(super) fn fit(
        parts: &[Vec<f32>],
        mixed: &[f32],
        labelled: &Labelled,
        class_weights: &ClassWeights,
        ctx: &FitContext<'_>,
    ) -> Result<Option<(Self, Vec<f32>)>> {
        let n_labels = labelled.labels.len();
        let n_weights = parts.len() * n_labels * n_labels;
        if labelled.labels.task() == Task::Multi || n_weights > labelled.len() {
            return Ok(None);
        }
        let vectors = Vectors::new(parts.len() * n_labels, features(parts, n_labels))?;
        let regression = Regression {
            vectors: &vectors,
            columns: Columns::Centred,
            offsets: Some(mixed),
            class_weights,
            stop: STOP,
        };
        let Some(held_out) = regression.held_out(labelled, &COSTS, FOLDS, ctx)? else {
            return Ok(None);
        };
        let (rows, task) = (&labelled.rows, Task::Single);
        if loss(&held_out.scores, rows, task) >= loss(mixed, rows, task) {
            return Ok(None);
        }
        let stack = regression.fit(labelled, held_out.c, ctx)?;
        Ok(Some((Self(stack), held_out.scores)))
    }

    /// The scores of a mixture, corrected: `[texts, n_labels]`.
    pub(in crate::tags) fn correct(
        &self,
        parts: &[Vec<f32>],
        mut mixed: Vec<f32>,
        n_labels: usize,
    ) -> Vec<f32> {
        let added = self.0.scores(&features(parts, n_labels));
        mixed.iter_mut().zip(added).for_each(|(s, added)| *s += added);
        mixed
    }

    pub(in crate::tags) fn write(&self, writer: &mut ModelWriter, prefix: &str) -> Result<()> {
        let Linear { dim, weights, bias } = &self.0;
        writer.f32(&format!("{prefix}stack.weights"), &[bias.len(), *dim], weights)?;
        writer.f32(&format!("{prefix}stack.bias"), &[bias.len()], bias)?;
        Ok(())
    }

    pub(in crate::tags) fn read(
        reader: &ModelReader,
        prefix: &str,
        [n_learners, n_labels]: [usize; 2],
    ) -> Result<Self> {
        let (shape, weights) = reader.f32(&format!("{prefix}stack.weights"))?;
        let (_, bias) = reader.f32(&format!("{prefix}stack.bias"))?;
        let dim = n_learners * n_labels;
        if shape != [n_labels, dim] || bias.len() != n_labels {
            let expected = format!("[{n_labels}, {dim}]");
            return Err(Error::shape("saved stack", expected, format!("{shape:?}")));
        }
        Ok(Self(Linear { dim, weights, bias }))
    }
}

/// `ln p` of all learners side by side: `[texts, learners · n_labels]`.
fn features(parts: &[Vec<f32>], n_labels: usize) -> Vec<f32> {
    let n = parts.first().map_or(0, |part| part.len() / n_labels);
    let rows =
        (0..n).flat_map(|row| parts.iter().map(move |part| &part[row * n_labels..][..n_labels]));
    rows.flatten().map(|p| p.max(LEAST).ln()).collect()
}
