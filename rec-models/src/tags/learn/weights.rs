//! A linear scorer of all labels.

use rayon::prelude::*;
use rec_core::data::Csr;

/// `scores = x W + b`; the weights lie feature by feature, so that a text touches few rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Weights {
    pub(crate) n_labels: usize,
    /// `[n_features, n_labels]`.
    pub(crate) w: Vec<f32>,
    /// `[n_labels]`.
    pub(crate) bias: Vec<f32>,
}

impl Weights {
    /// Of one column of weights and a bias a label.
    pub(super) fn from_columns(columns: Vec<(Vec<f32>, f32)>) -> Self {
        let n_labels = columns.len();
        let n_features = columns.first().map_or(0, |(w, _)| w.len());
        let mut w = vec![0.0; n_features * n_labels];
        w.par_chunks_mut(n_labels.max(1)).enumerate().for_each(|(feature, row)| {
            row.iter_mut().zip(&columns).for_each(|(w, (column, _))| *w = column[feature]);
        });
        Self { n_labels, w, bias: columns.into_iter().map(|(_, bias)| bias).collect() }
    }

    /// `[texts, n_labels]`; with `binary` every stored entry counts 1.
    pub(crate) fn scores(&self, rows: &Csr, binary: bool) -> Vec<f32> {
        let mut scores = vec![0.0; rows.n_rows() * self.n_labels];
        scores.par_chunks_mut(self.n_labels).enumerate().for_each(|(row, out)| {
            out.copy_from_slice(&self.bias);
            for (column, x) in rows.iter_row(row) {
                let x = if binary { 1.0 } else { x };
                let w = &self.w[column as usize * self.n_labels..][..self.n_labels];
                out.iter_mut().zip(w).for_each(|(out, w)| *out += x * w);
            }
        });
        scores
    }
}
