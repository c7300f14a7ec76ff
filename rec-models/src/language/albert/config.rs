//! The config of ALBERT.

use serde::{Deserialize, Serialize};

use crate::language::config::{HiddenAct, OtherFields, check_heads};
use crate::{Error, Result};

/// The `config.json` of an ALBERT.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AlbertConfig {
    pub model_type: String,
    pub vocab_size: usize,
    pub embedding_size: usize,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_hidden_groups: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
    pub inner_group_num: usize,
    pub hidden_act: HiddenAct,
    pub hidden_dropout_prob: f64,
    pub attention_probs_dropout_prob: f64,
    pub max_position_embeddings: usize,
    pub type_vocab_size: usize,
    pub initializer_range: f64,
    pub layer_norm_eps: f64,
    pub pad_token_id: Option<u32>,
    pub tie_word_embeddings: bool,
    pub position_embedding_type: String,
    /// What else the file says.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl Default for AlbertConfig {
    fn default() -> Self {
        Self {
            model_type: "albert".into(),
            vocab_size: 30_000,
            embedding_size: 128,
            hidden_size: 4096,
            num_hidden_layers: 12,
            num_hidden_groups: 1,
            num_attention_heads: 64,
            intermediate_size: 16_384,
            inner_group_num: 1,
            hidden_act: HiddenAct::GeluNew,
            hidden_dropout_prob: 0.0,
            attention_probs_dropout_prob: 0.0,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            initializer_range: 0.02,
            layer_norm_eps: 1e-12,
            pad_token_id: Some(0),
            tie_word_embeddings: true,
            position_embedding_type: "absolute".into(),
            other: OtherFields::default(),
        }
    }
}

impl AlbertConfig {
    /// # Errors
    /// A field outside what the model can be.
    pub(super) fn check(&self) -> Result<()> {
        check_heads(
            ("hidden_size", self.hidden_size),
            ("num_attention_heads", self.num_attention_heads),
        )?;
        let (groups, layers) = (self.num_hidden_groups, self.num_hidden_layers);
        if layers > 0 && !(1..=layers).contains(&groups) {
            let why = format!("must be from 1 to num_hidden_layers, {layers}");
            return Err(Error::parameter("num_hidden_groups", groups, why));
        }
        if self.type_vocab_size == 0 {
            return Err(Error::parameter("type_vocab_size", 0, "must be at least 1"));
        }
        if self.position_embedding_type != "absolute" {
            let (name, why) = ("position_embedding_type", "only \"absolute\" is read");
            return Err(Error::parameter(name, &self.position_embedding_type, why));
        }
        Ok(())
    }

    /// The group whose weights layer `i` has.
    pub(super) fn group(&self, i: usize) -> usize {
        i * self.num_hidden_groups / self.num_hidden_layers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_share_groups_in_order() {
        let config =
            AlbertConfig { num_hidden_layers: 5, num_hidden_groups: 2, ..AlbertConfig::default() };
        config.check().unwrap();
        assert_eq!((0..5).map(|i| config.group(i)).collect::<Vec<_>>(), [0, 0, 0, 1, 1]);
    }

    #[test]
    fn more_groups_than_layers_are_refused() {
        for num_hidden_groups in [0, 13] {
            let config = AlbertConfig { num_hidden_groups, ..AlbertConfig::default() };
            assert!(config.check().unwrap_err().to_string().contains("num_hidden_groups"));
        }
    }
}
