//! BERT (Devlin, Chang, Lee & Toutanova 2019).
#![allow(non_snake_case)] // fields are named as the weights are

mod config;
mod embeddings;
mod encoder;
mod masked;
mod pooler;

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

pub use config::BertConfig;
pub use embeddings::Embeddings;
pub use encoder::{Attention, Encoder, Intermediate, Layer, Output, SelfAttention};
pub use masked::{BertForMaskedLm, Cls, Predictions, Transform};
pub use pooler::Pooler;

pub(super) use embeddings::sizes;
pub(super) use encoder::{attend, bidirectional};
pub(super) use pooler::first_tokens;

use super::batch::{Backbone, Batch};
use super::init::Init;
use super::save::save_checkpoint;
use super::weights::Scope;
use crate::Result;
use crate::ops::Packed;

/// `BertModel`.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Bert {
    pub embeddings: Embeddings,
    pub encoder: Encoder,
    pub pooler: Option<Pooler>,
    #[module(skip)]
    config: BertConfig,
}

impl Bert {
    /// From the weights of `scope`.
    ///
    /// # Errors
    /// A weight that is missing or of another shape, a config that is no BERT's.
    pub fn load(scope: &Scope, config: BertConfig) -> Result<Self> {
        config.check()?;
        let (d, epsilon) = (config.hidden_size, config.layer_norm_eps);
        Ok(Self {
            embeddings: Embeddings::load(&scope.at("embeddings"), d, sizes(&config), epsilon)?,
            encoder: Encoder::load(&scope.at("encoder"), &config)?,
            pooler: Pooler::load(&scope.at("pooler"), d)?,
            config,
        })
    }

    /// With first values, for training from scratch.
    ///
    /// # Errors
    /// A config that is no BERT's.
    pub fn init(config: BertConfig, device: &Device, seed: u64) -> Result<Self> {
        config.check()?;
        let (d, epsilon) = (config.hidden_size, config.layer_norm_eps);
        let init = &mut Init::new(device, config.initializer_range, seed);
        Ok(Self {
            embeddings: Embeddings::init(init, d, sizes(&config), epsilon, config.pad_token_id),
            encoder: Encoder::init(init, &config),
            pooler: Some(Pooler::init(init, d)),
            config,
        })
    }

    /// What the model is.
    pub fn config(&self) -> &BertConfig {
        &self.config
    }

    /// The pooler's vector of each text, from [`Backbone::hidden`]:
    /// `[tokens, hidden_size] → [texts, hidden_size]`; none where there is no pooler.
    pub fn pooled(&self, hidden: Tensor<2>, rows: &Packed) -> Option<Tensor<2>> {
        Some(self.pooler.as_ref()?.forward(hidden, rows))
    }

    /// Writes a checkpoint folder that `transformers` loads as `BertModel`.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        save_checkpoint(folder, "BertModel", &self.config, self)
    }
}

impl Backbone for Bert {
    fn hidden(&self, batch: &Batch) -> Tensor<2> {
        let x = self.embeddings.forward(batch, &batch.positions(0));
        self.encoder.forward(x, &batch.rows, batch.noise)
    }

    fn hidden_size(&self) -> usize {
        self.config.hidden_size
    }

    fn vocab_size(&self) -> usize {
        self.config.vocab_size
    }

    fn type_vocab_size(&self) -> Option<usize> {
        Some(self.config.type_vocab_size)
    }

    fn max_len(&self) -> Option<usize> {
        Some(self.config.max_position_embeddings)
    }

    fn device(&self) -> Device {
        self.embeddings.word_embeddings.weight.device()
    }
}
