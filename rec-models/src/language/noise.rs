//! What is dropped at random while a model is trained.

use burn::tensor::Tensor;
use rec_core::rng::mix;
use serde::{Deserialize, Serialize};

use crate::ops::{Attention, Dropout, dropout};
use crate::{Error, Result};

/// The shares that are dropped (Srivastava et al. 2014): nothing by default. Most checkpoints of
/// BERT's kind were trained with 0.1 each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DropoutRates {
    /// Of the embeddings and of the output of every sub-layer, where the model's family has it.
    pub hidden: f64,
    /// Of the attention weights.
    pub attention: f64,
}

impl DropoutRates {
    /// The same share of both.
    pub fn all(rate: f64) -> Self {
        Self { hidden: rate, attention: rate }
    }

    /// # Errors
    /// A rate below 0, or 1 and above.
    pub fn check(&self) -> Result<()> {
        let rates = [("dropout.hidden", self.hidden), ("dropout.attention", self.attention)];
        match rates.into_iter().find(|(_, rate)| !(0.0..1.0).contains(rate)) {
            Some((name, rate)) => {
                let why = "a share, from 0 to below 1; usual is 0.1";
                Err(Error::parameter(name, rate, why))
            }
            None => Ok(()),
        }
    }

    /// A draw of what is dropped.
    pub fn noise(self, seed: u64) -> Noise {
        Noise { rates: self, adapters: 0.0, seed }
    }
}

/// What one pass through a model drops. The same noise drops the same of the same batch, so that a
/// pass can be repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Noise {
    rates: DropoutRates,
    /// Of what goes into adapters.
    adapters: f64,
    seed: u64,
}

impl Noise {
    /// Nothing is dropped.
    pub fn none() -> Self {
        Self::default()
    }

    /// The noise of a place in the model: independent of that of its other places.
    pub(super) fn at(self, place: usize) -> Self {
        Self { seed: mix(self.seed ^ mix(place as u64 + 1)), ..self }
    }

    /// With a share of what goes into adapters dropped.
    #[must_use]
    pub fn with_adapters(self, rate: f64) -> Self {
        Self { adapters: rate, ..self }
    }

    /// The share of what goes into adapters that is dropped.
    pub(super) fn adapters(self) -> f64 {
        self.adapters
    }

    /// Drops of what goes into an adapter: `[tokens, d] → [tokens, d]`.
    pub(super) fn adapter(self, x: Tensor<2>) -> Tensor<2> {
        dropout(x, Dropout { probability: self.adapters, seed: self.seed })
    }

    /// Drops of hidden vectors: `[tokens, d] → [tokens, d]`.
    pub(super) fn hidden(self, x: Tensor<2>) -> Tensor<2> {
        dropout(x, Dropout { probability: self.rates.hidden, seed: self.seed })
    }

    /// `shape` that drops attention weights.
    pub(super) fn attention(self, shape: Attention) -> Attention {
        let dropout = Dropout { probability: self.rates.attention, seed: self.seed };
        Attention { dropout, ..shape }
    }
}
