//! Decoders of the Llama kind: Llama, Qwen2, Qwen3.

mod config;
mod layers;

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

pub use config::{DecoderConfig, Family};
use layers::Model;

use super::causal::{Pass, check};
use super::config::ConfigFile;
use super::layers::Linear;
use super::weights::Weights;
use super::{Backbone, Batch, Cache, Causal, Init, save_checkpoint};
use crate::Result;

/// A decoder with rotary positions, root-mean-square norm before each step, grouped-query
/// attention (Ainslie et al. 2023) and a gated feed-forward step (SwiGLU, Shazeer 2020).
#[derive(Module, Debug)]
pub struct Decoder {
    model: Model,
    /// The head, where it is not the token table.
    lm_head: Option<Linear>,
    #[module(skip)]
    config: DecoderConfig,
}

impl Decoder {
    /// The checkpoint's weights, under the names of `…ForCausalLM` or the bare `…Model`.
    ///
    /// # Errors
    /// A config of another family, outside its domain, or with a rotary scaling or an attention
    /// window that is not known here; and weights missing or of another shape.
    pub fn load(config: &ConfigFile, weights: &Weights) -> Result<Self> {
        let config = DecoderConfig::read(config)?;
        config.check()?;
        let root = weights.root(&["model."]);
        let head = weights.top().at("lm_head").plain();
        let own_head = !config.tie_word_embeddings && head.has("weight");
        Ok(Self {
            model: Model::load(&root, &config)?,
            lm_head: own_head
                .then(|| Linear::load_no_bias(&head, config.hidden_size, config.vocab_size))
                .transpose()?,
            config,
        })
    }

    /// A new model with random weights.
    ///
    /// # Errors
    /// A config outside its domain.
    pub fn init(config: &DecoderConfig, device: &Device, seed: u64) -> Result<Self> {
        config.check()?;
        let mut init = Init::new(device, config.initializer_range, seed);
        let model = Model::init(&mut init, config)?;
        let lm_head = (!config.tie_word_embeddings)
            .then(|| Linear::init_no_bias(&mut init, config.hidden_size, config.vocab_size));
        Ok(Self { model, lm_head, config: config.clone() })
    }

    /// The model's shape.
    pub fn config(&self) -> &DecoderConfig {
        &self.config
    }

    /// Writes a checkpoint folder that `transformers` loads as `…ForCausalLM`.
    ///
    /// # Errors
    /// As [`save_checkpoint`].
    pub fn save(&self, folder: &Path) -> Result<()> {
        let architecture = match self.config.model_type {
            Family::Llama => "LlamaForCausalLM",
            Family::Qwen2 => "Qwen2ForCausalLM",
            Family::Qwen3 => "Qwen3ForCausalLM",
        };
        save_checkpoint(folder, architecture, &self.config, self)
    }
}

impl Backbone for Decoder {
    fn hidden(&self, batch: &Batch) -> Tensor<2> {
        self.model.forward(&batch.ids, Pass::whole(batch))
    }

    fn hidden_size(&self) -> usize {
        self.config.hidden_size
    }

    fn vocab_size(&self) -> usize {
        self.config.vocab_size
    }

    fn max_len(&self) -> Option<usize> {
        Some(self.config.max_position_embeddings)
    }

    fn device(&self) -> Device {
        self.model.embed_tokens.weight.device()
    }
}

impl Causal for Decoder {
    fn cache(&self, texts: usize, tokens: usize) -> Cache {
        let dtype = self.model.embed_tokens.weight.val().dtype();
        let width = self.config.kv_heads() * self.config.head_dim();
        let layers = self.config.num_hidden_layers;
        Cache::new(layers, width, texts, tokens, &self.device(), dtype)
    }

    fn advance(&self, batch: &Batch, cache: &mut Cache) -> Result<Tensor<2>> {
        check(self, batch, |i| cache.seen(i))?;
        Ok(self.model.forward(&batch.ids, Pass::after(batch, cache)?))
    }

    fn head(&self) -> Tensor<2> {
        let own = self.lm_head.as_ref().map(|head| &head.weight);
        Param::val(own.unwrap_or(&self.model.embed_tokens.weight))
    }
}
