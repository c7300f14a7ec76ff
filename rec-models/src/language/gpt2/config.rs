//! GPT-2's `config.json`.

use serde::{Deserialize, Serialize};

use crate::language::config::{HiddenAct, OtherFields, check_heads};
use crate::{Error, Result};

/// The shape of a [`super::Gpt2`]; the fields are named as in `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Gpt2Config {
    pub model_type: String,
    pub vocab_size: usize,
    /// Tokens a text may have.
    pub n_positions: usize,
    /// Columns of a hidden vector.
    pub n_embd: usize,
    pub n_layer: usize,
    pub n_head: usize,
    /// Columns within the feed-forward step; `4 · n_embd` where none are given.
    pub n_inner: Option<usize>,
    pub activation_function: HiddenAct,
    pub layer_norm_epsilon: f64,
    /// Whether scores are divided by `√head_dim`.
    pub scale_attn_weights: bool,
    /// Whether scores of layer `i` are divided by `i + 1` besides.
    pub scale_attn_by_inverse_layer_idx: bool,
    pub add_cross_attention: bool,
    /// Whether the head is the token table.
    pub tie_word_embeddings: bool,
    /// Standard deviation of a new model's weights.
    pub initializer_range: f64,
    /// Fields that are kept and not read.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl Default for Gpt2Config {
    /// The published model of 124 million parameters.
    fn default() -> Self {
        Self {
            model_type: "gpt2".into(),
            vocab_size: 50_257,
            n_positions: 1024,
            n_embd: 768,
            n_layer: 12,
            n_head: 12,
            n_inner: None,
            activation_function: HiddenAct::GeluNew,
            layer_norm_epsilon: 1e-5,
            scale_attn_weights: true,
            scale_attn_by_inverse_layer_idx: false,
            add_cross_attention: false,
            tie_word_embeddings: true,
            initializer_range: 0.02,
            other: OtherFields::default(),
        }
    }
}

impl Gpt2Config {
    /// Columns within the feed-forward step.
    pub fn inner(&self) -> usize {
        self.n_inner.unwrap_or(4 * self.n_embd)
    }

    /// Columns of a head.
    pub fn head_dim(&self) -> usize {
        self.n_embd / self.n_head
    }

    pub(super) fn check(&self) -> Result<()> {
        check_heads(("n_embd", self.n_embd), ("n_head", self.n_head))?;
        if !self.add_cross_attention {
            return Ok(());
        }
        let why = "it stands beside an encoder; load a GPT-2 that generates by itself";
        Err(Error::unsupported("add_cross_attention", "GPT-2", why))
    }
}
