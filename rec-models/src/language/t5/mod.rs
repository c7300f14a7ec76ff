//! The encoder of T5 (Raffel et al. 2020, "Exploring the limits of transfer learning with a
//! unified text-to-text transformer"), its version 1.1 and mT5.

mod config;
mod layers;
mod position;

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

pub use config::T5Config;
use layers::Stack;

use super::batch::id_tensor;
use super::config::ConfigFile;
use super::layers::Embedding;
use super::weights::Weights;
use super::{Backbone, Batch, Init, save_checkpoint};
use crate::Result;

/// An encoder with relative positions, root-mean-square norm before each step, and scores that are
/// not scaled.
#[derive(Module, Debug)]
pub struct T5Encoder {
    /// `[vocab_size, d_model]`.
    shared: Embedding,
    encoder: Stack,
    #[module(skip)]
    config: T5Config,
}

impl T5Encoder {
    /// The checkpoint's weights, under the names of `T5ForConditionalGeneration`,
    /// `T5EncoderModel` or their `MT5` twins.
    ///
    /// # Errors
    /// A config outside its domain, and weights missing or of another shape.
    pub fn load(config: &ConfigFile, weights: &Weights) -> Result<Self> {
        let config = T5Config::read(config)?;
        config.check()?;
        let root = weights.root(&["transformer."]);
        let table = ["shared", "encoder.embed_tokens"].map(|name| root.at(name));
        let table = table.iter().find(|scope| scope.has("weight")).unwrap_or(&table[0]);
        Ok(Self {
            shared: Embedding::load(table, config.vocab_size, config.d_model)?,
            encoder: Stack::load(&root.at("encoder"), &config)?,
            config,
        })
    }

    /// A new model with random weights, of standard deviations as published.
    ///
    /// # Errors
    /// A config outside its domain.
    pub fn init(config: &T5Config, device: &Device, seed: u64) -> Result<Self> {
        config.check()?;
        let mut init = Init::new(device, config.initializer_factor, seed);
        Ok(Self {
            shared: Embedding::init(&mut init, config.vocab_size, config.d_model, None),
            encoder: Stack::init(&mut init, config)?,
            config: config.clone(),
        })
    }

    /// The model's shape.
    pub fn config(&self) -> &T5Config {
        &self.config
    }

    /// Writes a checkpoint folder that `transformers` loads as `T5EncoderModel` or
    /// `MT5EncoderModel`.
    ///
    /// # Errors
    /// As [`save_checkpoint`].
    pub fn save(&self, folder: &Path) -> Result<()> {
        let multilingual = self.config.model_type == "mt5";
        let architecture = if multilingual { "MT5EncoderModel" } else { "T5EncoderModel" };
        save_checkpoint(folder, architecture, &self.config, self)
    }
}

impl Backbone for T5Encoder {
    fn hidden(&self, batch: &Batch) -> Tensor<2> {
        let ids = id_tensor(&batch.ids, &self.device());
        self.encoder.forward(self.shared.forward(ids), batch, &self.config)
    }

    fn hidden_size(&self) -> usize {
        self.config.d_model
    }

    fn vocab_size(&self) -> usize {
        self.config.vocab_size
    }

    fn max_len(&self) -> Option<usize> {
        None
    }

    fn device(&self) -> Device {
        self.shared.weight.device()
    }
}
