//! The config of DistilBERT.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::language::config::{HiddenAct, OtherFields, check_heads};

/// The `config.json` of a DistilBERT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DistilBertConfig {
    pub model_type: String,
    pub vocab_size: usize,
    pub max_position_embeddings: usize,
    pub sinusoidal_pos_embds: bool,
    pub n_layers: usize,
    pub n_heads: usize,
    pub dim: usize,
    pub hidden_dim: usize,
    pub dropout: f64,
    pub attention_dropout: f64,
    pub activation: HiddenAct,
    pub initializer_range: f64,
    pub pad_token_id: Option<u32>,
    pub tie_word_embeddings: bool,
    /// What else the file says.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl Default for DistilBertConfig {
    fn default() -> Self {
        Self {
            model_type: "distilbert".into(),
            vocab_size: 30_522,
            max_position_embeddings: 512,
            sinusoidal_pos_embds: false,
            n_layers: 6,
            n_heads: 12,
            dim: 768,
            hidden_dim: 3072,
            dropout: 0.1,
            attention_dropout: 0.1,
            activation: HiddenAct::Gelu,
            initializer_range: 0.02,
            pad_token_id: Some(0),
            tie_word_embeddings: true,
            other: OtherFields::default(),
        }
    }
}

impl DistilBertConfig {
    /// # Errors
    /// A field outside what the model can be.
    pub(super) fn check(&self) -> Result<()> {
        check_heads(("dim", self.dim), ("n_heads", self.n_heads))
    }
}
