//! Training of the network.

use rand::RngExt as _;
use rand::seq::SliceRandom;
use rec_core::data::Csr;
use rec_core::rng::{Rng, stream};

use super::Recipe;
use super::adam::Adam;
use super::batch::Batch;
use super::language::Learned;
use super::net::Network;
use super::pretrain::Start;
use crate::fit::FitContext;
use crate::tags::learn::Effort;
use crate::{Error, Result};

/// The share of all steps over which the rate rises.
const WARMUP: f32 = 0.06;

impl Recipe {
    /// Learns `labels`, `[texts, n_labels]`, from texts as tokens; networks differ by `number`.
    pub(super) fn fit_one(
        &self,
        texts: &[&[u64]],
        start: &Start,
        labels: &Csr,
        effort: &Effort,
        number: u64,
        ctx: &FitContext<'_>,
    ) -> Result<Network> {
        let mut rng = stream(ctx.seed, self.name, number);
        let mut network = self.start(start, labels.n_cols(), &mut rng);
        let texts: Vec<Vec<u32>> = texts.iter().map(|text| network.ids(text)).collect();
        let mut adam = Adam::new(&network);
        let mut order: Vec<usize> = (0..texts.len()).collect();
        let steps = self.epochs * order.len().div_ceil(self.batch_size);
        for _ in 0..self.epochs {
            order.shuffle(&mut rng);
            for rows in order.chunks(self.batch_size) {
                ctx.cancel.check(self.name)?;
                let batch = Batch::new(rows.iter().map(|&row| texts[row].as_slice()));
                let drops = self.drops(&network, &batch, &mut rng);
                let gradients =
                    network.gradients(&batch, &drops, (labels, rows), effort, self.adversary);
                let rate = peak_and_fall(self.learning_rate, adam.steps() as f32, steps as f32);
                adam.step(&mut network, &batch.tokens, &gradients, rate);
            }
        }
        let body = network.body.arrays().into_iter().flat_map(|(_, _, values)| values);
        let weights = network.output.iter().chain(&network.kernels).chain(body);
        finite(
            self.name,
            &format!("choose a learning_rate below {}", self.learning_rate),
            weights,
        )?;
        Ok(network)
    }

    /// What the units learned of the language where they did; else uniform: embeddings of deviation 0.1
    /// where none are given, the rest within `±1/√inputs`.
    pub(super) fn start(&self, start: &Start, n_labels: usize, rng: &mut Rng) -> Network {
        let mut uniform = |n: usize, spread: f32| -> Vec<f32> {
            (0..n).map(|_| rng.random_range(-spread..spread)).collect()
        };
        let vocabulary = start.vocabulary.clone();
        let (embeddings, kernels, body) = match &start.learned {
            Some(Learned { network: Network { embeddings, kernels, body, .. }, .. }) => {
                (embeddings.clone(), kernels.clone(), body.clone())
            }
            None => {
                let embeddings = match &start.vectors {
                    Some(vectors) => self.channels(vectors),
                    None => {
                        self.channels(&uniform((vocabulary.len() + 1) * self.dim, 0.03f32.sqrt()))
                    }
                };
                let kernels = self.shape.kernels(self.width(), &mut uniform);
                (embeddings, kernels, self.shape.body(&mut uniform))
            }
        };
        let pooled = body.pooled();
        Network {
            max_len: self.max_len,
            tokens: self.tokens,
            fixed: self.width() - self.dim,
            vocabulary,
            embeddings,
            kernels,
            body,
            output: uniform(n_labels * pooled, (pooled as f32).sqrt().recip()),
            output_bias: vec![0.0; n_labels],
        }
    }

    /// Vectors as embeddings, each a second time where a channel stays as it is.
    fn channels(&self, vectors: &[f32]) -> Vec<f32> {
        let rows = vectors.chunks_exact(self.dim);
        rows.flat_map(|row| row.iter().cycle().take(self.width())).copied().collect()
    }

    fn drops(&self, network: &Network, batch: &Batch, rng: &mut Rng) -> Drops {
        let embeddings = batch.tokens.len() * network.dim();
        Drops {
            embeddings: scales(embeddings, self.embedding_dropout, rng),
            pooled: scales(batch.len() * network.body.pooled(), self.dropout, rng),
        }
    }
}

/// 0 for a share of so many numbers, and what makes up for them for the others.
pub(super) fn scales(n: usize, share: f32, rng: &mut Rng) -> Vec<f32> {
    let kept = (1.0 - share).recip();
    (0..n).map(|_| if rng.random::<f32>() < share { 0.0 } else { kept }).collect()
}

/// The rate after so many of all steps: it rises over the first of them and falls to 0.
pub(super) fn peak_and_fall(peak: f32, done: f32, all: f32) -> f32 {
    peak * ((done + 1.0) / (WARMUP * all)).min(1.0) * (1.0 - done / all)
}

/// That training has not diverged; `advice` is what to do where it has.
pub(super) fn finite<'w>(
    learner: &str,
    advice: &str,
    mut weights: impl Iterator<Item = &'w f32>,
) -> Result<()> {
    match weights.all(|w| w.is_finite()) {
        true => Ok(()),
        false => Err(Error::data(learner, format!("training diverged; {advice}"))),
    }
}

/// What numbers of a step are multiplied by: 0, or what makes up for those dropped.
pub(super) struct Drops {
    /// `[tokens, dim]`.
    pub(super) embeddings: Vec<f32>,
    /// `[texts, pooled]`.
    pub(super) pooled: Vec<f32>,
}
