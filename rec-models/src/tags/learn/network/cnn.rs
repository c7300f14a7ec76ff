//! A convolutional network on the words and characters of a text, in their order.

use serde::{Deserialize, Serialize};

use super::recipe::recipe;
use super::{Recipe, Shape, Tokens};
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
        if self.filters == 0 {
            return Err(Error::parameter("filters", 0, "at least 1 is needed"));
        }
        let (narrow, wide) = self.widths;
        if !(1 <= narrow && narrow <= wide && wide <= 9) {
            let why = "choose 1 ≤ narrowest ≤ widest ≤ 9; (1, 5) is usual";
            return Err(Error::parameter("widths", format!("({narrow}, {wide})"), why));
        }
        self.recipe().check()
    }

    pub(crate) fn recipe(&self) -> Recipe {
        recipe!(self {
            name: "cnn",
            shape: Shape::Filters { filters: self.filters, widths: self.widths },
            language_passes: 0,
            language: None,
        })
    }
}
