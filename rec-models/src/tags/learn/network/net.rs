//! The network, forward and back.

use rayon::prelude::*;

use super::Tokens;
use super::batch::Batch;
use super::body::Body;
use crate::ops::gemm::{Matrix, product};
use crate::tags::features::Vocabulary;

/// The trained arrays.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Network {
    /// Tokens of a text that are read.
    pub(super) max_len: usize,
    pub(super) tokens: Tokens,
    /// How many of an embedding's numbers, its last, do not learn.
    pub(super) fixed: usize,
    /// The tokens that have an embedding of their own.
    pub(super) vocabulary: Vocabulary,
    /// `[tokens + 1, dim]`; the last is that of all others.
    pub(super) embeddings: Vec<f32>,
    /// `[dim, columns]`, what the body sees of an embedding.
    pub(super) kernels: Vec<f32>,
    pub(super) body: Body,
    /// `[n_labels, pooled]`.
    pub(super) output: Vec<f32>,
    /// `[n_labels]`.
    pub(super) output_bias: Vec<f32>,
}

/// Texts whose scores are computed at a time.
const BLOCK: usize = 256;

impl Network {
    pub(super) fn dim(&self) -> usize {
        self.embeddings.len() / (self.vocabulary.len() + 1)
    }

    pub(super) fn n_labels(&self) -> usize {
        self.output_bias.len()
    }

    /// The numbers of a text's tokens.
    pub(super) fn ids(&self, tokens: &[u64]) -> Vec<u32> {
        self.vocabulary.columns(tokens, self.max_len)
    }

    /// The embeddings of the distinct tokens of a batch: `[tokens, dim]`.
    pub(super) fn embedded(&self, batch: &Batch) -> Vec<f32> {
        let dim = self.dim();
        let row = |&token: &u32| &self.embeddings[token as usize * dim..][..dim];
        batch.tokens.iter().flat_map(row).copied().collect()
    }

    /// The products of embeddings with the kernels: `[tokens, columns]`.
    pub(super) fn projected(&self, embedded: &[f32]) -> Vec<f32> {
        let (dim, columns) = (self.dim(), self.body.columns());
        let embedded = Matrix::new(embedded, [embedded.len() / dim, dim]);
        product(embedded, Matrix::new(&self.kernels, [dim, columns]))
    }

    /// From the gradients of a batch's `projected`, `[tokens, columns]`, those of the kernels and of the
    /// embeddings of its tokens, fixed numbers among them.
    pub(super) fn inputs_back(
        &self,
        embedded: &[f32],
        of_projected: &[f32],
    ) -> (Vec<f32>, Vec<f32>) {
        let (dim, columns) = (self.dim(), self.body.columns());
        let tokens = embedded.len() / dim;
        let of_projected = Matrix::new(of_projected, [tokens, columns]);
        let kernels = Matrix::new(&self.kernels, [dim, columns]);
        (
            product(Matrix::new(embedded, [tokens, dim]).transposed(), of_projected),
            product(of_projected, kernels.transposed()),
        )
    }

    /// `B h + b`.
    pub(super) fn linear(&self, pooled: &[f32], scores: &mut [f32]) {
        let rows = self.output.chunks_exact(pooled.len()).zip(&self.output_bias);
        for (score, (w, bias)) in scores.iter_mut().zip(rows) {
            *score = bias + w.iter().zip(pooled).map(|(w, h)| w * h).sum::<f32>();
        }
    }

    /// The scores of texts, as tokens: `[texts, n_labels]`.
    pub(super) fn scores(&self, texts: &[&[u64]]) -> Vec<f32> {
        let (n_labels, pooled) = (self.n_labels(), self.body.pooled());
        let mut scores = vec![0.0; texts.len() * n_labels];
        for (texts, scores) in texts.chunks(BLOCK).zip(scores.chunks_mut(BLOCK * n_labels)) {
            let ids: Vec<Vec<u32>> = texts.iter().map(|text| self.ids(text)).collect();
            let batch = Batch::new(ids.iter().map(Vec::as_slice));
            let read = self.body.read(&self.projected(&self.embedded(&batch)), &batch).pooled;
            let texts = scores.par_chunks_mut(n_labels).zip(read.par_chunks(pooled));
            texts.for_each(|(scores, pooled)| self.linear(pooled, scores));
        }
        scores
    }
}
