//! The config of BERT, RoBERTa and XLM-R.

use serde::{Deserialize, Serialize};

use crate::language::config::{HiddenAct, OtherFields, check_heads};
use crate::{Error, Result};

/// The `config.json` of a BERT, and of RoBERTa and XLM-R, which have the same fields and other
/// defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct BertConfig {
    pub model_type: String,
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    pub intermediate_size: usize,
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
    pub is_decoder: bool,
    /// What else the file says.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl Default for BertConfig {
    fn default() -> Self {
        Self {
            model_type: "bert".into(),
            vocab_size: 30_522,
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3072,
            hidden_act: HiddenAct::Gelu,
            hidden_dropout_prob: 0.1,
            attention_probs_dropout_prob: 0.1,
            max_position_embeddings: 512,
            type_vocab_size: 2,
            initializer_range: 0.02,
            layer_norm_eps: 1e-12,
            pad_token_id: Some(0),
            tie_word_embeddings: true,
            position_embedding_type: "absolute".into(),
            is_decoder: false,
            other: OtherFields::default(),
        }
    }
}

impl BertConfig {
    /// The defaults of RoBERTa.
    pub fn roberta() -> Self {
        Self {
            model_type: "roberta".into(),
            vocab_size: 50_265,
            pad_token_id: Some(1),
            ..Self::default()
        }
    }

    /// The defaults of XLM-R.
    pub fn xlm_roberta() -> Self {
        Self { model_type: "xlm-roberta".into(), vocab_size: 30_522, ..Self::roberta() }
    }

    /// Columns of a head.
    pub(in crate::language) fn head_dim(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }

    /// # Errors
    /// A field outside what the model can be.
    pub(in crate::language) fn check(&self) -> Result<()> {
        check_heads(
            ("hidden_size", self.hidden_size),
            ("num_attention_heads", self.num_attention_heads),
        )?;
        if self.type_vocab_size == 0 {
            return Err(Error::parameter("type_vocab_size", 0, "must be at least 1"));
        }
        if self.position_embedding_type != "absolute" {
            let why = "only \"absolute\" position embeddings are read";
            return Err(Error::parameter(
                "position_embedding_type",
                &self.position_embedding_type,
                why,
            ));
        }
        if self.is_decoder {
            let why = "a decoder's weights are not an encoder's; take a GPT-2, Llama or Qwen3";
            return Err(Error::parameter("is_decoder", true, why));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut BertConfig), named: &str) {
        let mut config = BertConfig::default();
        change(&mut config);
        let message = config.check().unwrap_err().to_string();
        assert!(message.contains(named), "{message}");
    }

    #[test]
    fn what_is_not_a_bert_is_refused_by_the_field() {
        BertConfig::default().check().unwrap();
        refused(|c| c.num_attention_heads = 7, "num_attention_heads");
        refused(|c| c.num_attention_heads = 0, "num_attention_heads");
        refused(|c| c.hidden_size = 0, "num_attention_heads");
        refused(|c| c.type_vocab_size = 0, "type_vocab_size");
        refused(|c| c.position_embedding_type = "relative_key".into(), "relative_key");
        refused(|c| c.is_decoder = true, "is_decoder");
    }
}
