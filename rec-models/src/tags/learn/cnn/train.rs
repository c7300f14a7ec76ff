//! Training of the network.

use rand::RngExt as _;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use rec_core::data::Csr;
use rec_core::rng::{Rng, stream};

use super::TextCnn;
use super::adam::Adam;
use super::batch::Batch;
use super::net::Network;
use crate::fit::FitContext;
use crate::tags::features::Vocabulary;
use crate::tags::learn::Effort;
use crate::{Error, Result};

/// The share of all steps over which the rate rises.
const WARMUP: f32 = 0.06;

impl TextCnn {
    /// Learns `labels`, `[texts, n_labels]`, from texts as tokens.
    pub(in crate::tags::learn) fn fit(
        &self,
        texts: &[&[u64]],
        labels: &Csr,
        effort: &Effort,
        ctx: &FitContext<'_>,
    ) -> Result<Network> {
        let mut rng = stream(ctx.seed, "cnn", 0);
        let mut network = self.start(texts, labels.n_cols(), &mut rng);
        let texts: Vec<Vec<u32>> = texts.iter().map(|text| network.ids(text)).collect();
        let mut adam = Adam::new(&network);
        let mut order: Vec<usize> = (0..texts.len()).collect();
        let steps = self.epochs * order.len().div_ceil(self.batch_size);
        for _ in 0..self.epochs {
            order.shuffle(&mut rng);
            for rows in order.chunks(self.batch_size) {
                ctx.cancel.check("cnn")?;
                let batch = Batch::new(rows.iter().map(|&row| texts[row].as_slice()));
                let drops = self.drops(&network, &batch, &mut rng);
                let gradients = network.gradients(&batch, &drops, (labels, rows), effort);
                let rate = self.rate(adam.steps() as f32, steps as f32);
                adam.step(&mut network, &batch, &gradients, rate);
            }
        }
        if network.output.iter().chain(&network.kernels).any(|w| !w.is_finite()) {
            let why =
                format!("training diverged; choose a learning_rate below {}", self.learning_rate);
            return Err(Error::data("cnn", why));
        }
        Ok(network)
    }

    fn rate(&self, done: f32, all: f32) -> f32 {
        self.learning_rate * ((done + 1.0) / (WARMUP * all)).min(1.0) * (1.0 - done / all)
    }

    /// Uniform: embeddings of deviation 0.1, the rest within `±1/√inputs`.
    fn start(&self, texts: &[&[u64]], n_labels: usize, rng: &mut Rng) -> Network {
        let mut uniform = |n: usize, spread: f32| -> Vec<f32> {
            (0..n).map(|_| rng.random_range(-spread..spread)).collect()
        };
        let vocabulary = self.vocabulary(texts);
        let embeddings = uniform((vocabulary.len() + 1) * self.dim, 0.03f32.sqrt());
        let mut kernels = Vec::new();
        for _ in 0..self.dim {
            for width in self.widths.0..=self.widths.1 {
                let inputs = (width * self.dim) as f32;
                kernels.extend(uniform(width * self.filters, inputs.sqrt().recip()));
            }
        }
        let pooled = self.filters * (self.widths.1 + 1 - self.widths.0);
        Network {
            filters: self.filters,
            widths: self.widths,
            max_len: self.max_len,
            vocabulary,
            embeddings,
            kernels,
            bias: vec![0.0; pooled],
            output: uniform(n_labels * pooled, (pooled as f32).sqrt().recip()),
            output_bias: vec![0.0; n_labels],
        }
    }

    fn vocabulary(&self, texts: &[&[u64]]) -> Vocabulary {
        let read = texts.iter().flat_map(|text| text.iter().take(self.max_len));
        let mut all: Vec<u64> = read.copied().collect();
        all.par_sort_unstable();
        let kept = all.chunk_by(|a, b| a == b).filter(|same| same.len() >= self.min_count);
        Vocabulary::new(kept.map(|same| same[0]).collect())
    }

    fn drops(&self, network: &Network, batch: &Batch, rng: &mut Rng) -> Drops {
        let mut scales = |n: usize, share: f32| -> Vec<f32> {
            let kept = (1.0 - share).recip();
            (0..n).map(|_| if rng.random::<f32>() < share { 0.0 } else { kept }).collect()
        };
        Drops {
            embeddings: scales(batch.tokens.len() * self.dim, self.embedding_dropout),
            pooled: scales(batch.len() * network.pooled(), self.dropout),
        }
    }
}

/// What numbers of a step are multiplied by: 0, or what makes up for those dropped.
pub(super) struct Drops {
    /// `[tokens, dim]`.
    pub(super) embeddings: Vec<f32>,
    /// `[texts, pooled]`.
    pub(super) pooled: Vec<f32>,
}
