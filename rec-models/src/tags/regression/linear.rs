//! Logistic regression on dense vectors, all labels at once.

use rayon::prelude::*;
use rec_core::data::Csr;

use super::lbfgs::{Stop, minimise};
use crate::fit::Cancel;
use crate::language::Vectors;
use crate::ops::gemm::{AsIs, Matrix, product, product_finished};
use crate::tags::labels::Task;
use crate::{Error, Result};

/// `scores = x Wᵀ + b`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Linear {
    pub(crate) dim: usize,
    /// `[labels, dim]`.
    pub(crate) weights: Vec<f32>,
    /// `[labels]`.
    pub(crate) bias: Vec<f32>,
}

impl Linear {
    /// `[texts, dim] → [texts, labels]`.
    pub(crate) fn scores(&self, vectors: &[f32]) -> Vec<f32> {
        let n_labels = self.bias.len();
        let mut scores = vec![0.0; vectors.len() / self.dim * n_labels];
        let rows =
            scores.par_chunks_mut(BLOCK * n_labels).zip(vectors.par_chunks(BLOCK * self.dim));
        rows.for_each(|(scores, x)| scores.copy_from_slice(&logits(x, &self.weights, &self.bias)));
        scores
    }
}

/// Rows that are multiplied at once; fixed, so that sums do not depend on the threads.
const BLOCK: usize = 256;

/// `x Wᵀ + b`, `[rows, labels]`.
fn logits(x: &[f32], weights: &[f32], bias: &[f32]) -> Vec<f32> {
    let (n_labels, dim) = (bias.len(), weights.len() / bias.len());
    let x = Matrix::new(x, [x.len() / dim, dim]);
    let weights = Matrix::new(weights, [n_labels, dim]).transposed();
    product_finished(x, weights, Some(bias), AsIs, false).0
}

/// The problem: `min Σᵢ lossᵢ / n + ‖W‖² / (2 C n)`; the bias is not shrunk, nor are offsets.
///
/// With one label a text the loss is `−w_y ln softmax(s)_y`, multinomial logistic regression as
/// scikit-learn's `LogisticRegression` has it (for two labels too). With several it is
/// `−Σ_l w_l t_l ln σ(s_l) + (1 − t_l) ln σ(−s_l)`: each label by itself.
///
/// Where columns are standardised for the solver, one `C` suits every encoder; the weights given back
/// are for the vectors as they are.
pub(super) struct Problem<'a> {
    rows: Vec<f32>,
    dim: usize,
    mean: Vec<f32>,
    scale: Vec<f32>,
    labels: &'a Csr,
    task: Task,
    /// Added to the scores: `[texts, labels]`.
    offsets: Option<&'a [f32]>,
    /// By label.
    class_weights: &'a [f32],
    pub(super) stop: Stop,
    pub(super) cancel: &'a Cancel,
}

/// How the solver, and with it the ridge, sees the vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Each of mean 0 and deviation 1.
    Standardised,
    /// Each of mean 0.
    Centred,
    /// As they are: a column that hardly varies gets no large weight.
    AsTheyAre,
}

impl<'a> Problem<'a> {
    pub(super) fn new(
        (vectors, columns): (&Vectors, Columns),
        (labels, task): (&'a Csr, Task),
        class_weights: &'a [f32],
        stop: Stop,
        cancel: &'a Cancel,
    ) -> Self {
        let dim = vectors.dim();
        let (mean, scale) = match columns {
            Columns::Standardised => moments(vectors),
            Columns::Centred => (moments(vectors).0, vec![1.0; dim]),
            Columns::AsTheyAre => (vec![0.0; dim], vec![1.0; dim]),
        };
        let mut rows = vectors.as_slice().to_vec();
        rows.par_chunks_mut(dim).for_each(|row| {
            let columns = row.iter_mut().zip(&mean).zip(&scale);
            columns.for_each(|((x, mean), scale)| *x = (*x - mean) * scale);
        });
        Self { rows, dim, mean, scale, labels, task, offsets: None, class_weights, stop, cancel }
    }

    /// With scores that those of the vectors are added to, `[texts, labels]`.
    pub(super) fn around(self, offsets: Option<&'a [f32]>) -> Self {
        Self { offsets, ..self }
    }

    /// A start at zero: `[labels, dim]` weights, then the biases.
    pub(super) fn zero(&self) -> Vec<f64> {
        vec![0.0; self.labels.n_cols() * (self.dim + 1)]
    }

    /// The solution for a cost, from a start on.
    pub(super) fn solve(&self, c: f64, start: Vec<f64>) -> Result<Vec<f64>> {
        minimise(start, self.stop, |x, gradient| {
            self.cancel.check("training a linear head")?;
            self.evaluate(c, x, gradient)
        })
    }

    fn evaluate(&self, c: f64, x: &[f64], gradient: &mut [f64]) -> Result<f64> {
        let n_labels = self.labels.n_cols();
        let split = n_labels * self.dim;
        let single: Vec<f32> = x.iter().map(|&x| x as f32).collect();
        let (weights, bias) = single.split_at(split);
        let n = self.labels.n_rows();
        // At most 64 sums are held, however many rows there are.
        let group = BLOCK * n.div_ceil(64 * BLOCK);
        let groups: Vec<usize> = (0..n).step_by(group).collect();
        let sums: Vec<(f64, Vec<f32>, Vec<f64>)> = groups
            .into_par_iter()
            .map(|from| self.group(from..(from + group).min(n), weights, bias))
            .collect();
        let ridge = 1.0 / (c * n as f64);
        let mut value = x[..split].iter().map(|w| w * w).sum::<f64>() * 0.5 * ridge;
        gradient.iter_mut().zip(&x[..split]).for_each(|(g, w)| *g = ridge * w);
        gradient[split..].fill(0.0);
        let share = 1.0 / n as f64;
        for (loss, by_weight, by_bias) in sums {
            value += share * loss;
            let (weights, biases) = gradient.split_at_mut(split);
            weights.iter_mut().zip(by_weight).for_each(|(g, d)| *g += share * f64::from(d));
            biases.iter_mut().zip(by_bias).for_each(|(g, d)| *g += share * d);
        }
        if value.is_finite() {
            return Ok(value);
        }
        Err(Error::data("the loss of a linear head", "it is not a number; check the vectors"))
    }

    /// Loss and gradients of some rows.
    fn group(
        &self,
        rows: std::ops::Range<usize>,
        weights: &[f32],
        bias: &[f32],
    ) -> (f64, Vec<f32>, Vec<f64>) {
        let n_labels = bias.len();
        let (mut loss, mut by_weight) = (0.0, vec![0f32; weights.len()]);
        let mut by_bias = vec![0f64; n_labels];
        for from in rows.clone().step_by(BLOCK) {
            let n = BLOCK.min(rows.end - from);
            let x = &self.rows[from * self.dim..][..n * self.dim];
            let mut scores = logits(x, weights, bias);
            if let Some(offsets) = self.offsets {
                let offsets = &offsets[(from * n_labels)..][..scores.len()];
                scores.iter_mut().zip(offsets).for_each(|(s, o)| *s += o);
            }
            for (row, scores) in scores.chunks_exact_mut(n_labels).enumerate() {
                loss += self.slopes(from + row, scores);
                by_bias.iter_mut().zip(&*scores).for_each(|(g, s)| *g += f64::from(*s));
            }
            let slopes = Matrix::new(&scores, [n, n_labels]).transposed();
            let found = product(slopes, Matrix::new(x, [n, self.dim]));
            by_weight.iter_mut().zip(found).for_each(|(g, found)| *g += found);
        }
        (loss, by_weight, by_bias)
    }

    /// The loss of a row; its scores become the loss's derivatives by them.
    fn slopes(&self, row: usize, scores: &mut [f32]) -> f64 {
        match (self.task, self.labels.row(row)) {
            (Task::Single, [label, ..]) => {
                softmax_slopes(scores, *label as usize, self.class_weights[*label as usize])
            }
            (Task::Single, []) => {
                scores.fill(0.0);
                0.0
            }
            (Task::Multi, own) => sigmoid_slopes(scores, own, self.class_weights),
        }
    }

    /// The solution as weights for vectors that are not standardised.
    pub(super) fn linear(&self, x: &[f64]) -> Linear {
        let (weights, bias) = x.split_at(self.labels.n_cols() * self.dim);
        let mut all = Vec::with_capacity(weights.len());
        let mut biases = Vec::with_capacity(bias.len());
        for (row, bias) in weights.chunks_exact(self.dim).zip(bias) {
            let row: Vec<f64> =
                row.iter().zip(&self.scale).map(|(w, &scale)| w * f64::from(scale)).collect();
            let at_mean: f64 = row.iter().zip(&self.mean).map(|(w, &m)| w * f64::from(m)).sum();
            biases.push((bias - at_mean) as f32);
            all.extend(row.into_iter().map(|w| w as f32));
        }
        Linear { dim: self.dim, weights: all, bias: biases }
    }
}

/// Mean and reciprocal standard deviation of each column; 1 for one that does not vary.
fn moments(vectors: &Vectors) -> (Vec<f32>, Vec<f32>) {
    let n = vectors.len().max(1) as f64;
    let (mut sums, mut squares) = (vec![0f64; vectors.dim()], vec![0f64; vectors.dim()]);
    for row in vectors.as_slice().chunks_exact(vectors.dim()) {
        sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    let mean: Vec<f64> = sums.into_iter().map(|sum| sum / n).collect();
    for row in vectors.as_slice().chunks_exact(vectors.dim()) {
        let off = row.iter().zip(&mean).map(|(&x, mean)| f64::from(x) - mean);
        squares.iter_mut().zip(off).for_each(|(sum, off)| *sum += off * off);
    }
    let scale = |square: f64| {
        let deviation = (square / n).sqrt();
        if deviation > 1e-9 { (1.0 / deviation) as f32 } else { 1.0 }
    };
    (mean.into_iter().map(|m| m as f32).collect(), squares.into_iter().map(scale).collect())
}

fn softmax_slopes(scores: &mut [f32], label: usize, weight: f32) -> f64 {
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let of_label = f64::from(scores[label] - top);
    let mut sum = 0f64;
    for s in scores.iter_mut() {
        *s = (*s - top).exp();
        sum += f64::from(*s);
    }
    scores.iter_mut().for_each(|s| *s *= weight / sum as f32);
    scores[label] -= weight;
    f64::from(weight) * (sum.ln() - of_label)
}

fn sigmoid_slopes(scores: &mut [f32], own: &[u32], weights: &[f32]) -> f64 {
    let mut loss = 0.0;
    let mut own = own.iter().peekable();
    for (label, s) in scores.iter_mut().enumerate() {
        let has = own.next_if(|&&l| l as usize == label).is_some();
        let z = f64::from(*s);
        let p = 1.0 / (1.0 + (-z).exp());
        // ln (1 + exp x) without overflow.
        let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
        let (cost, slope) = match has {
            true => {
                (f64::from(weights[label]) * softplus(-z), f64::from(weights[label]) * (p - 1.0))
            }
            false => (softplus(z), p),
        };
        loss += cost;
        *s = slope as f32;
    }
    loss
}
