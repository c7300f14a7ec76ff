//! A convolutional network on the words and characters of a text, in their order.

mod adam;
mod batch;
mod gradient;
mod net;
mod pretrain;
mod save;
#[cfg(test)]
mod tests;
mod train;

use rec_core::data::Csr;
use serde::{Deserialize, Serialize};

pub(crate) use net::Network;

use super::{Effort, Inputs};
use crate::fit::FitContext;
use crate::tags::features::Bag;
use crate::{Error, Result};

/// Kim 2014, "Convolutional Neural Networks for Sentence Classification": of tokens with embeddings
/// `e_t`, filters of every width `k` give `z_t = b + Σ_{o<k} W_{k,o} e_{t+o}`, what is above a
/// text's borders being zero; `h = max_t max(z_t, 0)`, scores `B h + b`. A token is a character
/// where the script has ideographs, a word elsewhere. One label a text: softmax; several: a sigmoid
/// each. Trained by Adam, the rate rising over the first 6 % of the steps and falling to 0. It departs
/// from the paper in that embeddings are dropped too, that weights have no greatest norm, and that
/// the rate falls. Embeddings start at random, or with `pretraining` from vectors that skip-gram
/// ([`crate::vectors::Word2Vec`]) finds in the very texts, those without labels among them.
///
/// Same seed, same result, on any number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextCnn {
    /// Length of an embedding.
    pub dim: usize,
    /// Filters of each width.
    pub filters: usize,
    /// The narrowest and the widest filter, in tokens.
    pub widths: (usize, usize),
    /// Passes over the texts.
    pub epochs: usize,
    /// Adam's rate at its peak.
    pub learning_rate: f32,
    /// Texts of a step.
    pub batch_size: usize,
    /// The share of the filters' maxima that is dropped while training.
    pub dropout: f32,
    /// The share of the embeddings' numbers that is dropped while training, of a token the same ones
    /// throughout a step.
    pub embedding_dropout: f32,
    /// Tokens that occur fewer times than this share one embedding.
    pub min_count: usize,
    /// Tokens of a text that are read, from its beginning.
    pub max_len: usize,
    /// How far an adversary moves the embeddings of a step, as a share of their length; 0 for none. The
    /// network then learns from the mean of two losses, the other where the embeddings lie at
    /// `e + ε ‖e‖ g / ‖g‖`, `g` being the gradient of the first (Miyato, Dai and Goodfellow 2017,
    /// "Adversarial Training Methods for Semi-Supervised Text Classification", eqs. 3 and 5). It departs
    /// from them in that a token moves the same way throughout a step and lengths are those of all
    /// its tokens together. Doubles the time.
    pub adversary: f32,
    /// What a token is.
    pub tokens: Tokens,
    /// Passes over all texts, those without labels among them, in which skip-gram learns the vectors
    /// that the embeddings start from; 0: they start at random.
    pub pretraining: usize,
    /// Tokens each way that skip-gram predicts, at most.
    pub window: usize,
    /// The root mean square that those vectors are brought to.
    pub scale: f32,
    /// Whether the filters also see those vectors as they were, beside the embeddings that learn
    /// (Kim's CNN-multichannel, each channel with weights of its own).
    pub fixed_channel: bool,
    /// Networks, each from a seed of its own, whose scores are averaged.
    pub networks: usize,
}

/// What a network reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    /// Characters where the script has ideographs, words elsewhere.
    #[default]
    Characters,
    /// Words as the pipeline parts them.
    Words,
}

impl Tokens {
    pub(super) fn of(self, bag: &Bag) -> &[u64] {
        match self {
            Self::Characters => bag.symbols(),
            Self::Words => bag.words(),
        }
    }
}

impl Default for TextCnn {
    fn default() -> Self {
        Self {
            dim: 128,
            filters: 128,
            widths: (1, 5),
            epochs: 4,
            learning_rate: 1e-3,
            batch_size: 64,
            dropout: 0.5,
            embedding_dropout: 0.25,
            min_count: 2,
            max_len: 256,
            adversary: 0.0,
            tokens: Tokens::Characters,
            pretraining: 0,
            window: 5,
            scale: 0.1,
            fixed_channel: false,
            networks: 1,
        }
    }
}

impl TextCnn {
    pub(crate) fn check(&self) -> Result<()> {
        let counts = [
            ("dim", self.dim),
            ("filters", self.filters),
            ("epochs", self.epochs),
            ("batch_size", self.batch_size),
            ("min_count", self.min_count),
            ("max_len", self.max_len),
            ("window", self.window),
            ("networks", self.networks),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, n)| *n == 0) {
            return Err(Error::parameter(*name, 0, "at least 1 is needed"));
        }
        let (narrow, wide) = self.widths;
        if !(1 <= narrow && narrow <= wide && wide <= 9) {
            let why = "choose 1 ≤ narrowest ≤ widest ≤ 9; (1, 5) is usual";
            return Err(Error::parameter("widths", format!("({narrow}, {wide})"), why));
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            let why = "choose a number above 0; 0.001 is usual";
            return Err(Error::parameter("learning_rate", self.learning_rate, why));
        }
        for (name, share) in
            [("dropout", self.dropout), ("embedding_dropout", self.embedding_dropout)]
        {
            if !(0.0..1.0).contains(&share) {
                return Err(Error::parameter(name, share, "a share, from 0 to below 1"));
            }
        }
        for (name, value, least) in
            [("adversary", self.adversary, 0.0), ("scale", self.scale, f32::MIN_POSITIVE)]
        {
            if !(value.is_finite() && value >= least) {
                let why = "give a finite number: adversary 0 or more, scale above 0";
                return Err(Error::parameter(name, value, why));
            }
        }
        if self.fixed_channel && self.pretraining == 0 {
            let why = "its vectors are those of pretraining; choose 5 or more passes for it";
            return Err(Error::parameter("fixed_channel", true, why));
        }
        Ok(())
    }

    /// Numbers of a token that the filters see.
    fn width(&self) -> usize {
        if self.fixed_channel { 2 * self.dim } else { self.dim }
    }

    /// Learns `labels`, `[texts, n_labels]`.
    pub(super) fn fit(
        &self,
        inputs: &Inputs<'_>,
        labels: &Csr,
        effort: &Effort,
        ctx: &FitContext<'_>,
    ) -> Result<Vec<Network>> {
        let texts: Vec<&[u64]> = inputs.bags.iter().map(|bag| self.tokens.of(bag)).collect();
        let unlabelled: Vec<&[u64]> =
            inputs.unlabelled.iter().map(|bag| self.tokens.of(bag)).collect();
        let start = self.vocabulary_and_vectors(&texts, &unlabelled, ctx)?;
        let fit = |at| self.fit_one(&texts, &start, labels, effort, at as u64, ctx);
        (0..self.networks).map(fit).collect()
    }
}

/// The mean of the scores of networks: `[texts, n_labels]`.
pub(super) fn scores(networks: &[Network], bags: &[&Bag]) -> Vec<f32> {
    let Some(first) = networks.first() else { return Vec::new() };
    let texts: Vec<&[u64]> = bags.iter().map(|bag| first.tokens.of(bag)).collect();
    let mut sum = first.scores(&texts);
    for network in &networks[1..] {
        sum.iter_mut().zip(network.scores(&texts)).for_each(|(sum, x)| *sum += x);
    }
    let share = (networks.len() as f32).recip();
    sum.iter_mut().for_each(|x| *x *= share);
    sum
}
