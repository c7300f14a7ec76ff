//! GPT-2 (Radford et al. 2019, "Language models are unsupervised multitask learners").

mod config;
mod layers;

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

pub use config::Gpt2Config;
use layers::Transformer;

use super::causal::{Pass, check};
use super::config::ConfigFile;
use super::layers::Linear;
use super::weights::Weights;
use super::{Backbone, Batch, Cache, Causal, Init, save_checkpoint};
use crate::Result;

/// A decoder with learnt positions and layer norm before each step.
#[derive(Module, Debug)]
pub struct Gpt2 {
    transformer: Transformer,
    /// The head, where it is not the token table.
    lm_head: Option<Linear>,
    #[module(skip)]
    config: Gpt2Config,
}

impl Gpt2 {
    /// The checkpoint's weights, under the names of `GPT2LMHeadModel` or `GPT2Model`; without a
    /// head of its own, the token table is the head.
    ///
    /// # Errors
    /// A config outside its domain, and weights missing or of another shape.
    pub fn load(config: &ConfigFile, weights: &Weights) -> Result<Self> {
        let config = config.over(&Gpt2Config::default())?;
        config.check()?;
        let root = weights.root(&["transformer."]);
        let head = weights.top().at("lm_head").plain();
        let own_head = !config.tie_word_embeddings && head.has("weight");
        Ok(Self {
            transformer: Transformer::load(&root, &config)?,
            lm_head: own_head
                .then(|| Linear::load_no_bias(&head, config.n_embd, config.vocab_size))
                .transpose()?,
            config,
        })
    }

    /// A new model with random weights, as published: normal, those that write to the residual
    /// stream scaled by `1 / √(2 n_layer)`.
    ///
    /// # Errors
    /// A config outside its domain.
    pub fn init(config: &Gpt2Config, device: &Device, seed: u64) -> Result<Self> {
        config.check()?;
        let mut init = Init::new(device, config.initializer_range, seed);
        let transformer = Transformer::init(&mut init, config);
        let lm_head = (!config.tie_word_embeddings)
            .then(|| Linear::init_no_bias(&mut init, config.n_embd, config.vocab_size));
        Ok(Self { transformer, lm_head, config: config.clone() })
    }

    /// The model's shape.
    pub fn config(&self) -> &Gpt2Config {
        &self.config
    }

    /// Writes a checkpoint folder that `transformers` loads as `GPT2LMHeadModel`.
    ///
    /// # Errors
    /// As [`save_checkpoint`].
    pub fn save(&self, folder: &Path) -> Result<()> {
        save_checkpoint(folder, "GPT2LMHeadModel", &self.config, self)
    }
}

impl Backbone for Gpt2 {
    fn hidden(&self, batch: &Batch) -> Tensor<2> {
        self.transformer.forward(&batch.ids, Pass::whole(batch))
    }

    fn hidden_size(&self) -> usize {
        self.config.n_embd
    }

    fn vocab_size(&self) -> usize {
        self.config.vocab_size
    }

    fn max_len(&self) -> Option<usize> {
        Some(self.config.n_positions)
    }

    fn device(&self) -> Device {
        self.transformer.wte.weight.device()
    }
}

impl Causal for Gpt2 {
    fn cache(&self, texts: usize, tokens: usize) -> Cache {
        let dtype = self.transformer.wte.weight.val().dtype();
        let Gpt2Config { n_layer, n_embd, .. } = self.config;
        Cache::new(n_layer, n_embd, texts, tokens, &self.device(), dtype)
    }

    fn advance(&self, batch: &Batch, cache: &mut Cache) -> Result<Tensor<2>> {
        check(self, batch, |i| cache.seen(i))?;
        Ok(self.transformer.forward(&batch.ids, Pass::after(batch, cache)?))
    }

    fn head(&self) -> Tensor<2> {
        let own = self.lm_head.as_ref().map(|head| &head.weight);
        Param::val(own.unwrap_or(&self.transformer.wte.weight))
    }
}
