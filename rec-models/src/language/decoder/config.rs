//! The `config.json` of Llama and Qwen.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::language::config::{ConfigFile, HiddenAct, OtherFields};
use crate::language::rope::Rope;
use crate::{Error, Result};

/// The shape of a [`super::Decoder`]; the fields are named as in `config.json`. What it says of
/// rotary positions lies in [`DecoderConfig::other`], read by [`Rope::from_config`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct DecoderConfig {
    pub model_type: Family,
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub num_attention_heads: usize,
    /// As many as there are query heads where none are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub num_key_value_heads: Option<usize>,
    /// `hidden_size / num_attention_heads` where none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_dim: Option<usize>,
    pub hidden_act: HiddenAct,
    /// Tokens a text may have.
    pub max_position_embeddings: usize,
    pub rms_norm_eps: f64,
    /// Whether the head is the token table.
    pub tie_word_embeddings: bool,
    /// Whether the projections of attention have biases; Qwen2 has them for queries, keys and
    /// values whatever this says.
    pub attention_bias: bool,
    /// Whether the feed-forward projections have biases.
    pub mlp_bias: bool,
    /// Standard deviation of a new model's weights.
    pub initializer_range: f64,
    /// Fields that are kept.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// The architectures that a [`super::Decoder`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Touvron et al. 2023, arXiv:2302.13971.
    Llama,
    /// Yang et al. 2024, arXiv:2407.10671: biases for queries, keys and values.
    Qwen2,
    /// Yang et al. 2025, arXiv:2505.09388: each head's query and key normalised.
    #[default]
    Qwen3,
}

impl Default for DecoderConfig {
    /// Those that `transformers` has for Qwen3.
    fn default() -> Self {
        Self::of(Family::Qwen3)
    }
}

impl DecoderConfig {
    /// What `transformers` takes a family's config to say where it says nothing.
    pub fn of(family: Family) -> Self {
        let llama = family == Family::Llama;
        let qwen_heads = (!llama).then_some(32);
        Self {
            model_type: family,
            vocab_size: if llama { 32_000 } else { 151_936 },
            hidden_size: 4096,
            intermediate_size: if llama { 11_008 } else { 22_016 },
            num_hidden_layers: 32,
            num_attention_heads: 32,
            num_key_value_heads: qwen_heads,
            head_dim: (family == Family::Qwen3).then_some(128),
            hidden_act: HiddenAct::Silu,
            max_position_embeddings: if llama { 2048 } else { 32_768 },
            rms_norm_eps: 1e-6,
            tie_word_embeddings: false,
            attention_bias: false,
            mlp_bias: false,
            initializer_range: 0.02,
            other: OtherFields::default(),
        }
    }

    /// A checkpoint's.
    pub(in crate::language) fn read(file: &ConfigFile) -> Result<Self> {
        let family = match file.model_type() {
            Some("llama") => Family::Llama,
            Some("qwen2") => Family::Qwen2,
            Some("qwen3") => Family::Qwen3,
            other => {
                let name = other.unwrap_or("none");
                let why = "not one of this decoder's families, llama, qwen2 and qwen3";
                return Err(Error::parameter("model_type", name, why));
            }
        };
        file.over(&Self::of(family))
    }

    /// Key and value heads.
    pub fn kv_heads(&self) -> usize {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    /// Columns of a head.
    pub fn head_dim(&self) -> usize {
        self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads.max(1))
    }

    /// Which rotary positions it has.
    ///
    /// # Errors
    /// As [`Rope::from_config`].
    pub fn rope(&self) -> Result<Rope> {
        let mut fields = self.other.clone();
        fields.insert("max_position_embeddings".into(), self.max_position_embeddings.into());
        Rope::from_config(&fields)
    }

    pub(super) fn check(&self) -> Result<()> {
        let (heads, kv_heads) = (self.num_attention_heads, self.kv_heads());
        if heads == 0 || kv_heads == 0 || !heads.is_multiple_of(kv_heads) {
            let why = format!("must divide num_attention_heads {heads} evenly");
            return Err(Error::parameter("num_key_value_heads", kv_heads, why));
        }
        if self.head_dim() == 0 || !self.head_dim().is_multiple_of(2) {
            let why = "must be even and positive: coordinates turn in pairs";
            return Err(Error::parameter("head_dim", self.head_dim(), why));
        }
        self.full_attention()
    }

    /// Attention over a window of recent tokens is not built.
    fn full_attention(&self) -> Result<()> {
        let why = "every layer attends to all tokens here; use a checkpoint of full attention";
        if self.other.get("use_sliding_window").and_then(Value::as_bool) == Some(true) {
            return Err(Error::parameter("use_sliding_window", true, why));
        }
        let types = self.other.get("layer_types").and_then(Value::as_array);
        let mut types = types.into_iter().flatten().filter_map(Value::as_str);
        match types.find(|name| *name != "full_attention") {
            Some(name) => Err(Error::parameter("layer_types", name, why)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(change: impl Fn(&mut DecoderConfig)) -> String {
        let mut config = DecoderConfig::of(Family::Qwen3);
        config.check().unwrap();
        change(&mut config);
        config.check().unwrap_err().to_string()
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused_by_the_field() {
        let kv = message(|config| config.num_key_value_heads = Some(3));
        assert!(kv.contains("num_key_value_heads = 3") && kv.contains("32"), "{kv}");
        let odd = message(|config| config.head_dim = Some(5));
        assert!(odd.contains("head_dim = 5"), "{odd}");
    }

    #[test]
    fn attention_over_a_window_is_refused_by_name() {
        let flag = message(|config| {
            config.other.insert("use_sliding_window".into(), json!(true));
        });
        assert!(flag.contains("use_sliding_window"), "{flag}");
        let types = json!(["full_attention", "sliding_attention"]);
        let layers = message(|config| {
            config.other.insert("layer_types".into(), types.clone());
        });
        assert!(layers.contains("sliding_attention"), "{layers}");
    }

    #[test]
    fn a_saved_config_has_no_field_that_the_family_lacks() {
        let qwen2 = serde_json::to_value(DecoderConfig::of(Family::Qwen2)).unwrap();
        assert!(qwen2.get("head_dim").is_none());
        assert_eq!(qwen2["model_type"], "qwen2");
    }
}
