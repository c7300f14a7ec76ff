//! T5's `config.json`.

use serde::{Deserialize, Serialize};

use crate::language::config::{ConfigFile, OtherFields};
use crate::ops::Activation;
use crate::{Error, Result};

/// The shape of a [`super::T5Encoder`]; the fields are named as in `config.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct T5Config {
    pub model_type: String,
    pub vocab_size: usize,
    /// Columns of a hidden vector.
    pub d_model: usize,
    /// Columns of a head.
    pub d_kv: usize,
    /// Columns within the feed-forward step.
    pub d_ff: usize,
    /// Layers of the encoder.
    pub num_layers: usize,
    pub num_heads: usize,
    /// Into how many classes relative positions are sorted.
    pub relative_attention_num_buckets: usize,
    /// Distances from this on are one class.
    pub relative_attention_max_distance: usize,
    pub layer_norm_epsilon: f64,
    /// An activation (`relu`), or a gated one (`gated-gelu`).
    pub feed_forward_proj: String,
    /// Scales the standard deviations of a new model's weights.
    pub initializer_factor: f64,
    /// Fields that are kept and not read.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl Default for T5Config {
    /// `t5-small`.
    fn default() -> Self {
        Self {
            model_type: "t5".into(),
            vocab_size: 32_128,
            d_model: 512,
            d_kv: 64,
            d_ff: 2048,
            num_layers: 6,
            num_heads: 8,
            relative_attention_num_buckets: 32,
            relative_attention_max_distance: 128,
            layer_norm_epsilon: 1e-6,
            feed_forward_proj: "relu".into(),
            initializer_factor: 1.0,
            other: OtherFields::default(),
        }
    }
}

impl T5Config {
    /// `mt5-small` (Xue et al. 2021, arXiv:2010.11934).
    pub fn mt5() -> Self {
        Self {
            model_type: "mt5".into(),
            vocab_size: 250_112,
            d_ff: 1024,
            num_layers: 8,
            num_heads: 6,
            feed_forward_proj: "gated-gelu".into(),
            ..Self::default()
        }
    }

    /// A checkpoint's.
    pub(super) fn read(file: &ConfigFile) -> Result<Self> {
        let multilingual = matches!(file.model_type(), Some("mt5" | "umt5"));
        file.over(&if multilingual { Self::mt5() } else { Self::default() })
    }

    /// Columns of all heads together.
    pub fn inner(&self) -> usize {
        self.num_heads * self.d_kv
    }

    /// The feed-forward step's activation, and whether it gates a second projection.
    ///
    /// # Errors
    /// An activation that is not known.
    pub fn feed_forward(&self) -> Result<(Activation, bool)> {
        let name = self.feed_forward_proj.as_str();
        let (gated, act) = match name.strip_prefix("gated-") {
            Some(act) => (true, act),
            None => (false, name),
        };
        let act = match act {
            // Of `gated-gelu` alone, the tanh approximation is meant (T5 v1.1).
            "gelu" if gated => Activation::GeluTanh,
            "gelu" => Activation::Gelu,
            "gelu_new" => Activation::GeluTanh,
            "relu" => Activation::Relu,
            "silu" | "swish" => Activation::Silu,
            _ => {
                let why = "not known here; relu, gelu, gelu_new, silu and gated- before them are";
                return Err(Error::parameter("feed_forward_proj", name, why));
            }
        };
        Ok((act, gated))
    }

    pub(super) fn check(&self) -> Result<()> {
        let umt5 = self.model_type == "umt5";
        if umt5 {
            let why = "its layers each have a bias of their own; load a T5 or mT5 checkpoint";
            return Err(Error::unsupported("umt5", "the T5 encoder", why));
        }
        for (name, value) in [("num_heads", self.num_heads), ("d_kv", self.d_kv)] {
            if value == 0 {
                return Err(Error::parameter(name, value, "must be at least 1"));
            }
        }
        let buckets = self.relative_attention_num_buckets;
        if buckets < 4 || !buckets.is_multiple_of(2) {
            let why = "must be even and at least 4: half for each direction";
            return Err(Error::parameter("relative_attention_num_buckets", buckets, why));
        }
        let distance = self.relative_attention_max_distance;
        if distance <= buckets / 4 {
            let why = format!("must be above {}, a quarter of the buckets", buckets / 4);
            return Err(Error::parameter("relative_attention_max_distance", distance, why));
        }
        self.feed_forward().map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_feed_forward_step_is_read_by_its_name() {
        let read = |name: &str| {
            T5Config { feed_forward_proj: name.into(), ..T5Config::default() }.feed_forward()
        };
        assert_eq!(read("relu").unwrap(), (Activation::Relu, false));
        assert_eq!(read("gated-gelu").unwrap(), (Activation::GeluTanh, true));
        assert_eq!(read("gelu").unwrap(), (Activation::Gelu, false));
        let message = read("gated-mish").unwrap_err().to_string();
        assert!(message.contains("gated-mish") && message.contains("relu"), "{message}");
    }

    #[test]
    fn what_is_outside_its_domain_is_refused_by_the_field() {
        let message = |config: T5Config| config.check().unwrap_err().to_string();
        let base = T5Config::default;
        let odd = message(T5Config { relative_attention_num_buckets: 7, ..base() });
        assert!(odd.contains("relative_attention_num_buckets = 7"), "{odd}");
        let near = message(T5Config { relative_attention_max_distance: 8, ..base() });
        assert!(near.contains("relative_attention_max_distance = 8"), "{near}");
        let umt5 = message(T5Config { model_type: "umt5".into(), ..base() });
        assert!(umt5.contains("umt5"), "{umt5}");
    }
}
