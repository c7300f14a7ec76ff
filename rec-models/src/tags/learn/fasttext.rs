//! The classifier of fastText: averaged embeddings of hashed n-grams under a linear layer.

use rand::RngExt as _;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use rec_core::data::Csr;
use rec_core::rng::stream;
use serde::{Deserialize, Serialize};

use super::Effort;
use crate::fit::FitContext;
use crate::tags::calibrate::softmax;
use crate::tags::labels::Task;
use crate::{Error, Result};

/// Joulin et al. 2016, "Bag of Tricks for Efficient Text Classification": `h = Σ_j x_j A_j / Σ_j x_j`,
/// scores `B h + b`, trained by SGD, one text a step, the rate falling to 0. N-grams share `buckets`
/// embeddings by hashing. One label a text: softmax; several: a sigmoid each. It departs from the
/// paper in that the average is weighted by TF-IDF.
///
/// Training is sequential, so that it is the same on any number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FastText {
    /// Length of an embedding.
    pub dim: usize,
    /// Passes over the texts.
    pub epochs: usize,
    /// Step size at the start.
    pub learning_rate: f32,
    /// Embeddings, which n-grams share.
    pub buckets: usize,
    /// The part of the probability that is spread over all labels (Szegedy et al. 2016, §7).
    pub label_smoothing: f32,
    /// `γ` of the focal loss `−(1 − p)^γ ln p` (Lin et al. 2017, eq. 4); 0 for cross-entropy.
    pub focal_gamma: f32,
}

impl Default for FastText {
    fn default() -> Self {
        Self {
            dim: 32,
            epochs: 12,
            learning_rate: 1.0,
            buckets: 1 << 18,
            label_smoothing: 0.0,
            focal_gamma: 0.0,
        }
    }
}

/// The trained arrays.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Embeddings {
    pub(crate) dim: usize,
    /// `[buckets, dim]`.
    pub(crate) input: Vec<f32>,
    /// `[n_labels, dim]`.
    pub(crate) output: Vec<f32>,
    /// `[n_labels]`.
    pub(crate) bias: Vec<f32>,
}

impl FastText {
    pub(crate) fn check(&self) -> Result<()> {
        let counts = [("dim", self.dim), ("epochs", self.epochs), ("buckets", self.buckets)];
        if let Some((name, _)) = counts.iter().find(|(_, n)| *n == 0) {
            return Err(Error::parameter(*name, 0, "at least 1 is needed"));
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            let why = "choose a number above 0; 0.1 to 2 are usual";
            return Err(Error::parameter("learning_rate", self.learning_rate, why));
        }
        if !(0.0..1.0).contains(&self.label_smoothing) {
            let why = "choose 0 to below 1; 0.1 is usual";
            return Err(Error::parameter("label_smoothing", self.label_smoothing, why));
        }
        if !(0.0..=10.0).contains(&self.focal_gamma) {
            let why = "choose 0 to 10; 2 is usual, 0 is cross-entropy";
            return Err(Error::parameter("focal_gamma", self.focal_gamma, why));
        }
        if self.label_smoothing > 0.0 && self.focal_gamma > 0.0 {
            let why = "choose label smoothing or the focal loss; the one undoes the other";
            return Err(Error::parameter("focal_gamma", self.focal_gamma, why));
        }
        Ok(())
    }

    pub(super) fn fit(
        &self,
        rows: &Csr,
        labels: &Csr,
        effort: &Effort,
        ctx: &FitContext<'_>,
    ) -> Result<Embeddings> {
        let mut rng = stream(ctx.seed, "fasttext", 0);
        let mut model = self.start(rows.n_cols(), labels.n_cols(), &mut rng);
        let mut order: Vec<u32> = (0..rows.n_rows() as u32).collect();
        let total = (self.epochs * order.len()) as f32;
        let mut step = Step::new(self.dim, labels.n_cols());
        let mut done = 0f32;
        for _ in 0..self.epochs {
            ctx.cancel.check("fasttext")?;
            order.shuffle(&mut rng);
            for &row in &order {
                let rate = self.learning_rate * (1.0 - done / total);
                self.step(&mut model, rows, labels, row as usize, rate, effort, &mut step);
                done += 1.0;
            }
        }
        if model.bias.iter().chain(&model.output).any(|w| !w.is_finite()) {
            let why =
                format!("training diverged; choose a learning_rate below {}", self.learning_rate);
            return Err(Error::data("fastText", why));
        }
        Ok(model)
    }

    fn start(
        &self,
        n_features: usize,
        n_labels: usize,
        rng: &mut rec_core::rng::Rng,
    ) -> Embeddings {
        let spread = 1.0 / self.dim as f32;
        let n = self.buckets.min(n_features.max(1)) * self.dim;
        Embeddings {
            dim: self.dim,
            input: (0..n).map(|_| rng.random_range(-spread..spread)).collect(),
            output: vec![0.0; n_labels * self.dim],
            bias: vec![0.0; n_labels],
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn step(
        &self,
        model: &mut Embeddings,
        rows: &Csr,
        labels: &Csr,
        row: usize,
        rate: f32,
        effort: &Effort,
        step: &mut Step,
    ) {
        let sum = model.hidden(rows, row, &mut step.hidden);
        model.linear(&step.hidden, &mut step.scores);
        match effort.task {
            Task::Single => {
                let Some(&label) = labels.row(row).first() else { return };
                let weight = effort.class_weights[label as usize];
                self.softmax_gradient(&mut step.scores, label as usize, weight);
            }
            Task::Multi => {
                for (label, score) in step.scores.iter_mut().enumerate() {
                    let has = labels.contains(row, label as u32);
                    let weight = if has { effort.class_weights[label] } else { 1.0 };
                    *score = weight * self.sigmoid_gradient(*score, has);
                }
            }
        }
        step.back.fill(0.0);
        for (label, &gradient) in step.scores.iter().enumerate() {
            let w = &mut model.output[label * self.dim..][..self.dim];
            for ((w, back), h) in w.iter_mut().zip(&mut step.back).zip(&step.hidden) {
                *back += gradient * *w;
                *w -= rate * gradient * h;
            }
            model.bias[label] -= rate * gradient;
        }
        if sum > 0.0 {
            for (column, x) in rows.iter_row(row) {
                let at = model.bucket(column);
                let scale = rate * x / sum;
                let input = &mut model.input[at..at + self.dim];
                input.iter_mut().zip(&step.back).for_each(|(a, g)| *a -= scale * g);
            }
        }
    }

    /// Scores become the gradient of `−Σ_k q_k ln p_k`, `q` being the smoothed target, or of the focal
    /// loss.
    fn softmax_gradient(&self, scores: &mut [f32], label: usize, weight: f32) {
        softmax(scores, 1.0);
        let (p, gamma) = (scores[label], self.focal_gamma);
        // −d/dp of the focal loss is this factor over p; 1 for cross-entropy.
        let focus = if gamma == 0.0 {
            1.0
        } else {
            let q = (1.0 - p).max(1e-7);
            q.powf(gamma) - gamma * p * q.powf(gamma - 1.0) * p.max(1e-7).ln()
        };
        let spread = self.label_smoothing / scores.len() as f32;
        for (k, s) in scores.iter_mut().enumerate() {
            let target = spread + if k == label { 1.0 - self.label_smoothing } else { 0.0 };
            *s = weight * focus * (*s - target);
        }
    }

    fn sigmoid_gradient(&self, score: f32, has: bool) -> f32 {
        let sign = if has { 1.0 } else { -1.0 };
        // p of what is true, and the derivative by sign · score.
        let p = 1.0 / (1.0 + (-sign * score).exp());
        let gamma = self.focal_gamma;
        let slope = if gamma == 0.0 {
            p - 1.0
        } else {
            let q = (1.0 - p).max(1e-7);
            q.powf(gamma) * (gamma * p * p.max(1e-7).ln() - q)
        };
        let smooth = self.label_smoothing * (0.5 - if has { 1.0 } else { 0.0 });
        sign * slope - smooth
    }
}

struct Step {
    hidden: Vec<f32>,
    scores: Vec<f32>,
    back: Vec<f32>,
}

impl Step {
    fn new(dim: usize, n_labels: usize) -> Self {
        Self { hidden: vec![0.0; dim], scores: vec![0.0; n_labels], back: vec![0.0; dim] }
    }
}

impl Embeddings {
    fn bucket(&self, column: u32) -> usize {
        column as usize % (self.input.len() / self.dim) * self.dim
    }

    /// The weighted average of the row's embeddings; returns the sum of the weights.
    fn hidden(&self, rows: &Csr, row: usize, hidden: &mut [f32]) -> f32 {
        hidden.fill(0.0);
        let mut sum = 0.0;
        for (column, x) in rows.iter_row(row) {
            let at = self.bucket(column);
            let input = &self.input[at..at + self.dim];
            hidden.iter_mut().zip(input).for_each(|(h, a)| *h += x * a);
            sum += x;
        }
        if sum > 0.0 {
            hidden.iter_mut().for_each(|h| *h /= sum);
        }
        sum
    }

    fn linear(&self, hidden: &[f32], scores: &mut [f32]) {
        let rows = self.output.chunks_exact(self.dim).zip(&self.bias);
        for (score, (w, bias)) in scores.iter_mut().zip(rows) {
            *score = bias + w.iter().zip(hidden).map(|(w, h)| w * h).sum::<f32>();
        }
    }

    /// `[texts, n_labels]`.
    pub(super) fn scores(&self, rows: &Csr) -> Vec<f32> {
        let n_labels = self.bias.len();
        let mut scores = vec![0.0; rows.n_rows() * n_labels];
        scores.par_chunks_mut(n_labels).enumerate().for_each_init(
            || vec![0.0; self.dim],
            |hidden, (row, out)| {
                self.hidden(rows, row, hidden);
                self.linear(hidden, out);
            },
        );
        scores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(loss: impl Fn(&[f64]) -> f64, at: &[f32]) -> Vec<f64> {
        let at: Vec<f64> = at.iter().map(|&s| f64::from(s)).collect();
        let h = 1e-5;
        let moved = |k: usize, by: f64| {
            let mut s = at.clone();
            s[k] += by;
            loss(&s)
        };
        (0..at.len()).map(|k| (moved(k, h) - moved(k, -h)) / (2.0 * h)).collect()
    }

    #[test]
    fn gradients_are_those_of_the_losses() {
        let at = [0.3f32, -0.8, 1.1];
        for (label_smoothing, focal_gamma) in [(0.0, 0.0), (0.1, 0.0), (0.0, 2.0)] {
            let model = FastText { label_smoothing, focal_gamma, ..FastText::default() };
            let (e, g) = (f64::from(label_smoothing), f64::from(focal_gamma));
            let softmax_loss = |s: &[f64]| {
                let sum: f64 = s.iter().map(|s| s.exp()).sum();
                let ln_p: Vec<f64> = s.iter().map(|s| s - sum.ln()).collect();
                let spread: f64 = ln_p.iter().map(|l| -l * e / 3.0).sum();
                (1.0 - ln_p[1].exp()).powf(g) * (spread - (1.0 - e) * ln_p[1])
            };
            let mut gradient = at.to_vec();
            model.softmax_gradient(&mut gradient, 1, 1.0);
            for (got, want) in gradient.iter().zip(numeric(softmax_loss, &at)) {
                assert!((f64::from(*got) - want).abs() < 1e-4, "{model:?}: {got} {want}");
            }
        }
    }

    #[test]
    fn the_sigmoid_gradient_is_that_of_the_loss() {
        for (smoothing, gamma, has) in [
            (0.0, 0.0, true),
            (0.1, 0.0, false),
            (0.1, 0.0, true),
            (0.0, 2.0, false),
            (0.0, 2.0, true),
        ] {
            let model =
                FastText { label_smoothing: smoothing, focal_gamma: gamma, ..FastText::default() };
            let (e, g) = (f64::from(smoothing), f64::from(gamma));
            let loss = |s: &[f64]| {
                let p = 1.0 / (1.0 + (-s[0]).exp());
                let t = f64::from(u8::from(has)) * (1.0 - e) + e / 2.0;
                if e > 0.0 {
                    return -t * p.ln() - (1.0 - t) * (1.0 - p).ln();
                }
                let p = if has { p } else { 1.0 - p };
                -(1.0 - p).powf(g) * p.ln()
            };
            let got = f64::from(model.sigmoid_gradient(0.7, has));
            let want = numeric(loss, &[0.7])[0];
            assert!((got - want).abs() < 1e-4, "{model:?} {has}: {got} {want}");
        }
    }
}
