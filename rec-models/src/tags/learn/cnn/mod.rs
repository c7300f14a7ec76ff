//! A convolutional network on the words and characters of a text, in their order.

mod adam;
mod batch;
mod gradient;
mod net;
mod save;
#[cfg(test)]
mod tests;
mod train;

use serde::{Deserialize, Serialize};

pub(crate) use net::Network;

use crate::{Error, Result};

/// Kim 2014, "Convolutional Neural Networks for Sentence Classification": of tokens with embeddings
/// `e_t`, filters of every width `k` give `z_t = b + Σ_{o<k} W_{k,o} e_{t+o}`, what is above a
/// text's borders being zero; `h = max_t max(z_t, 0)`, scores `B h + b`. A token is a character
/// where the script has ideographs, a word elsewhere. One label a text: softmax; several: a sigmoid
/// each. Trained by Adam, the rate rising over the first 6 % of the steps and falling to 0. It departs
/// from the paper in that embeddings start at random and are dropped too, that weights have no
/// greatest norm, and that the rate falls.
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
        Ok(())
    }
}
