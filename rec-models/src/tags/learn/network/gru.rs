//! A recurrent network on the words and characters of a text, in their order.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::recipe::recipe;
use super::{Recipe, Shape, Tokens};
use crate::{Error, Result};

/// Gated recurrent units that read a text both ways (Cho et al. 2014, "Learning Phrase Representations
/// using RNN Encoder–Decoder"). Of tokens with embeddings `e_t`, each way has states
///
/// `r = σ(W_r e_t + U_r h + b_r)`, `z = σ(W_z e_t + U_z h + b_z)`,
/// `n = tanh(W_n e_t + b_n + r ∘ (U_n h + c))`, `h ← (1 − z) ∘ n + z ∘ h`
///
/// from `h = 0` on, as in cuDNN and torch; in the paper `r` multiplies `h` before `U_n`. The greatest
/// and the mean of each number of the states, over the text and both ways, make `4 · hidden` numbers
/// `p`; scores are `B p + b`. Trained and read as [`TextCnn`](super::TextCnn), whose parameters the
/// others are.
///
/// Same seed, same result, on any number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TextGru {
    /// Length of a state, each way.
    pub hidden: usize,
    /// Length of an embedding.
    pub dim: usize,
    /// Passes over the texts.
    pub epochs: usize,
    /// Adam's rate at its peak.
    pub learning_rate: f32,
    /// Texts of a step.
    pub batch_size: usize,
    /// The share of the pooled numbers that is dropped while training.
    pub dropout: f32,
    /// The share of the embeddings' numbers that is dropped while training.
    pub embedding_dropout: f32,
    /// Tokens that occur fewer times than this share one embedding.
    pub min_count: usize,
    /// Tokens of a text that are read, from its beginning.
    pub max_len: usize,
    /// How far an adversary moves the embeddings of a step, as a share of their length; 0 for none.
    pub adversary: f32,
    /// What a token is.
    pub tokens: Tokens,
    /// Passes of skip-gram over all texts, whose vectors the embeddings start from; 0: they start at
    /// random.
    pub pretraining: usize,
    /// Passes over all texts, those without labels among them, in which each way learns to predict the
    /// token that it reads next (Dai and Le 2015, "Semi-supervised Sequence Learning", there with LSTMs
    /// of one way): of a state `h` scores `E (P h) + b` of all tokens, `E` being the embeddings; Adam's
    /// rate is 0.002 at its peak. All that learned then but `P` and `b` is where training on labels
    /// starts. It is done once, on all texts, and not again for every part of them that is held out:
    /// held-out texts are then read, their labels are not. 0 for none.
    pub language_passes: usize,
    /// The folder of a [`GruLanguageModel`](super::GruLanguageModel) that training starts from, learned once for
    /// any number of labellings; `language_passes` go on from there over the texts at hand. `hidden`, `dim`,
    /// `tokens` and `fixed_channel` must be the folder's.
    pub language: Option<PathBuf>,
    /// Tokens each way that skip-gram predicts, at most.
    pub window: usize,
    /// The root mean square that those vectors are brought to.
    pub scale: f32,
    /// Whether the units also see those vectors as they were, beside the embeddings that learn.
    pub fixed_channel: bool,
    /// Networks, each from a seed of its own, whose scores are averaged.
    pub networks: usize,
}

impl Default for TextGru {
    fn default() -> Self {
        Self {
            hidden: 128,
            dim: 128,
            epochs: 4,
            learning_rate: 2e-3,
            batch_size: 64,
            dropout: 0.5,
            embedding_dropout: 0.25,
            min_count: 2,
            max_len: 256,
            adversary: 0.0,
            tokens: Tokens::Characters,
            pretraining: 0,
            language_passes: 0,
            language: None,
            window: 5,
            scale: 0.1,
            fixed_channel: false,
            networks: 1,
        }
    }
}

impl TextGru {
    pub(crate) fn check(&self) -> Result<()> {
        if self.hidden == 0 {
            return Err(Error::parameter("hidden", 0, "at least 1 is needed; 128 is usual"));
        }
        self.recipe().check()
    }

    pub(crate) fn recipe(&self) -> Recipe {
        recipe!(self {
            name: "gru",
            shape: Shape::Recurrent { hidden: self.hidden },
            language_passes: self.language_passes,
            language: self.language.clone(),
        })
    }
}
