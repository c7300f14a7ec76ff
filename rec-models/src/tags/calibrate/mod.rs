//! From scores to probabilities.

mod mixture;
mod platt;
mod temperature;

use rec_core::data::Csr;
use serde::{Deserialize, Serialize};

pub(crate) use mixture::mixture_weights;

use super::labels::{Labels, Task};

/// How scores become probabilities. Fit it on texts that the model was not trained on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Calibration {
    /// `p = softmax(s / T)`: labels that exclude each other (Guo et al. 2017, §4.2).
    Temperature(f32),
    /// `p_l = σ(a_l s_l + b_l)`: each label by itself (Platt 1999).
    Platt {
        /// Slope of each label.
        a: Vec<f32>,
        /// Offset of each label.
        b: Vec<f32>,
    },
}

impl Calibration {
    /// Scores taken as they are: `softmax(s)` or `σ(s)`.
    pub fn none(labels: &Labels) -> Self {
        match labels.task() {
            Task::Single => Self::Temperature(1.0),
            Task::Multi => Self::Platt { a: vec![1.0; labels.len()], b: vec![0.0; labels.len()] },
        }
    }

    /// Fits the calibration to scores, `[texts, labels]`, of texts with these labels.
    pub fn fit(labels: &Labels, scores: &[f32], truth: &Csr) -> Self {
        match labels.task() {
            Task::Single => Self::Temperature(temperature::fit(scores, truth)),
            Task::Multi => {
                let (a, b) =
                    (0..labels.len()).map(|label| platt::fit(scores, truth, label)).unzip();
                Self::Platt { a, b }
            }
        }
    }

    /// This calibration for more labels: `fresh` is that of all of them, `places` says where each
    /// of those known is now.
    pub(super) fn moved(&self, fresh: Self, places: &[u32]) -> Self {
        match (self, fresh) {
            (Self::Platt { a, b }, Self::Platt { a: mut all_a, b: mut all_b }) => {
                for (&place, (a, b)) in places.iter().zip(a.iter().zip(b)) {
                    all_a[place as usize] = *a;
                    all_b[place as usize] = *b;
                }
                Self::Platt { a: all_a, b: all_b }
            }
            _ => self.clone(),
        }
    }

    /// Scores, `[texts, labels]`, become probabilities in place.
    pub fn apply(&self, scores: &mut [f32], n_labels: usize) {
        for row in scores.chunks_exact_mut(n_labels) {
            match self {
                Self::Temperature(t) => softmax(row, *t),
                Self::Platt { a, b } => {
                    for ((s, a), b) in row.iter_mut().zip(a).zip(b) {
                        *s = sigmoid(a * *s + b);
                    }
                }
            }
        }
    }
}

pub(crate) fn sigmoid(s: f32) -> f32 {
    1.0 / (1.0 + (-s).exp())
}

pub(crate) fn softmax(row: &mut [f32], temperature: f32) {
    let top = row.iter().copied().fold(f32::MIN, f32::max);
    let mut sum = 0.0;
    for s in row.iter_mut() {
        *s = ((*s - top) / temperature).exp();
        sum += *s;
    }
    row.iter_mut().for_each(|s| *s /= sum);
}

#[cfg(test)]
mod tests;
