//! The network, forward and back.

use rayon::prelude::*;

use super::Tokens;
use super::batch::Batch;
use crate::ops::gemm::{Matrix, product};
use crate::tags::features::Vocabulary;

/// The trained arrays.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Network {
    pub(crate) filters: usize,
    pub(crate) widths: (usize, usize),
    /// Tokens of a text that are read.
    pub(crate) max_len: usize,
    pub(super) tokens: Tokens,
    /// How many of an embedding's numbers, its last, do not learn.
    pub(super) fixed: usize,
    /// The tokens that have an embedding of their own.
    pub(crate) vocabulary: Vocabulary,
    /// `[tokens + 1, dim]`; the last is that of all others.
    pub(crate) embeddings: Vec<f32>,
    /// `[dim, columns]`, the columns of each width one after another, and in a width `[k, filters]`.
    pub(crate) kernels: Vec<f32>,
    /// `[pooled]`: `filters` of each width.
    pub(crate) bias: Vec<f32>,
    /// `[n_labels, pooled]`.
    pub(crate) output: Vec<f32>,
    /// `[n_labels]`.
    pub(crate) output_bias: Vec<f32>,
}

/// What filters found in a text: `[pooled]` each.
pub(super) struct Pooled {
    /// `max_t max(z_t, 0)`.
    pub(super) best: Vec<f32>,
    /// The `t` of it; where `best` is 0 it says nothing.
    at: Vec<i32>,
}

/// Texts whose scores are computed at a time.
const BLOCK: usize = 256;

impl Network {
    pub(crate) fn dim(&self) -> usize {
        self.embeddings.len() / (self.vocabulary.len() + 1)
    }

    pub(crate) fn n_labels(&self) -> usize {
        self.output_bias.len()
    }

    /// Number of maxima: filters of all widths.
    pub(crate) fn pooled(&self) -> usize {
        self.filters * (self.widths.1 + 1 - self.widths.0)
    }

    /// Columns of the kernels.
    pub(crate) fn columns(&self) -> usize {
        self.filters * (self.widths.0..=self.widths.1).sum::<usize>()
    }

    /// Each width, with where its filters begin among the maxima and among the kernels' columns.
    fn each_width(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let (filters, narrow) = (self.filters, self.widths.0);
        let column = move |width: usize| filters * (narrow..width).sum::<usize>();
        (narrow..=self.widths.1)
            .map(move |width| (width, (width - narrow) * filters, column(width)))
    }

    /// The numbers of a text's tokens.
    pub(super) fn ids(&self, tokens: &[u64]) -> Vec<u32> {
        let other = self.vocabulary.len() as u32;
        let id = |&token: &u64| self.vocabulary.column(token).unwrap_or(other);
        tokens.iter().take(self.max_len).map(id).collect()
    }

    /// The embeddings of the distinct tokens of a batch: `[tokens, dim]`.
    pub(super) fn embedded(&self, batch: &Batch) -> Vec<f32> {
        let dim = self.dim();
        let row = |&token: &u32| &self.embeddings[token as usize * dim..][..dim];
        batch.tokens.iter().flat_map(row).copied().collect()
    }

    /// What all filters make of embeddings, at each of their places: `[tokens, columns]`.
    pub(super) fn projected(&self, embedded: &[f32]) -> Vec<f32> {
        let (dim, columns) = (self.dim(), self.columns());
        let embedded = Matrix::new(embedded, [embedded.len() / dim, dim]);
        product(embedded, Matrix::new(&self.kernels, [dim, columns]))
    }

    /// The maxima of a text, `text` being rows of `projected`.
    pub(super) fn pool(&self, projected: &[f32], text: &[u32]) -> Pooled {
        let (columns, filters) = (self.columns(), self.filters);
        let mut found = Pooled { best: vec![0.0; self.pooled()], at: vec![0; self.pooled()] };
        let mut z = vec![0.0; filters];
        for (width, from, column) in self.each_width() {
            let best = &mut found.best[from..from + filters];
            let at = &mut found.at[from..from + filters];
            for t in 1 - width as i32..text.len() as i32 {
                z.copy_from_slice(&self.bias[from..from + filters]);
                for (offset, place) in inside(t, width, text) {
                    let row = place as usize * columns + column + offset * filters;
                    let row = &projected[row..row + filters];
                    z.iter_mut().zip(row).for_each(|(z, x)| *z += x);
                }
                for ((best, at), &z) in best.iter_mut().zip(at.iter_mut()).zip(&z) {
                    *at = if z > *best { t } else { *at };
                    *best = if z > *best { z } else { *best };
                }
            }
        }
        found
    }

    /// Adds the gradients that those of a text's maxima, `[pooled]`, bring to `projected` and to the
    /// filters' bias.
    pub(super) fn unpool(
        &self,
        (found, gradient): (&Pooled, &[f32]),
        text: &[u32],
        of_projected: &mut [f32],
        of_bias: &mut [f32],
    ) {
        let (columns, filters) = (self.columns(), self.filters);
        for (width, from, column) in self.each_width() {
            for filter in 0..filters {
                let (best, gradient) = (found.best[from + filter], gradient[from + filter]);
                if best <= 0.0 || gradient == 0.0 {
                    continue;
                }
                of_bias[from + filter] += gradient;
                for (offset, place) in inside(found.at[from + filter], width, text) {
                    let row = place as usize * columns + column + offset * filters;
                    of_projected[row + filter] += gradient;
                }
            }
        }
    }

    /// `B h + b`.
    pub(super) fn linear(&self, pooled: &[f32], scores: &mut [f32]) {
        let rows = self.output.chunks_exact(pooled.len()).zip(&self.output_bias);
        for (score, (w, bias)) in scores.iter_mut().zip(rows) {
            *score = bias + w.iter().zip(pooled).map(|(w, h)| w * h).sum::<f32>();
        }
    }

    /// The scores of texts, as tokens: `[texts, n_labels]`.
    pub(crate) fn scores(&self, texts: &[&[u64]]) -> Vec<f32> {
        let n_labels = self.n_labels();
        let mut scores = vec![0.0; texts.len() * n_labels];
        for (texts, scores) in texts.chunks(BLOCK).zip(scores.chunks_mut(BLOCK * n_labels)) {
            let ids: Vec<Vec<u32>> = texts.iter().map(|text| self.ids(text)).collect();
            let batch = Batch::new(ids.iter().map(Vec::as_slice));
            let projected = self.projected(&self.embedded(&batch));
            scores.par_chunks_mut(n_labels).enumerate().for_each(|(at, scores)| {
                self.linear(&self.pool(&projected, batch.text(at)).best, scores);
            });
        }
        scores
    }
}

/// The tokens under a filter of a width at `t`, each with its offset in the filter.
fn inside(t: i32, width: usize, text: &[u32]) -> impl Iterator<Item = (usize, u32)> {
    let first = (-t).max(0) as usize;
    let last = width.min((text.len() as i32 - t).max(0) as usize);
    (first..last).map(move |offset| (offset, text[(t + offset as i32) as usize]))
}
