//! ALBERT (Lan et al. 2020): a narrow vocabulary table and layers that share their weights.
#![allow(non_snake_case)] // fields are named as the weights are

mod config;
mod masked;
mod transformer;

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

pub use config::AlbertConfig;
pub use masked::{AlbertForMaskedLm, Predictions};
pub use transformer::{Attention, Layer, LayerGroup, Transformer};

use super::batch::{Backbone, Batch};
use super::bert::{Embeddings, first_tokens};
use super::init::Init;
use super::layers::Linear;
use super::save::save_checkpoint;
use super::weights::Scope;
use crate::Result;
use crate::ops::{Activation, Packed};

/// `AlbertModel`.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Albert {
    pub embeddings: Embeddings,
    pub encoder: Transformer,
    pub pooler: Option<Linear>,
    #[module(skip)]
    config: AlbertConfig,
}

impl Albert {
    /// From the weights of `scope`.
    ///
    /// # Errors
    /// A weight that is missing or of another shape, a config that is no ALBERT's.
    pub fn load(scope: &Scope, config: AlbertConfig) -> Result<Self> {
        config.check()?;
        let (d, epsilon) = (config.embedding_size, config.layer_norm_eps);
        let wide = config.hidden_size;
        Ok(Self {
            embeddings: Embeddings::load(&scope.at("embeddings"), d, sizes(&config), epsilon)?,
            encoder: Transformer::load(&scope.at("encoder"), &config)?,
            pooler: Linear::load_wanted(&scope.at("pooler"), wide, wide)?,
            config,
        })
    }

    /// With first values, for training from scratch.
    ///
    /// # Errors
    /// A config that is no ALBERT's.
    pub fn init(config: AlbertConfig, device: &Device, seed: u64) -> Result<Self> {
        config.check()?;
        let (d, epsilon) = (config.embedding_size, config.layer_norm_eps);
        let init = &mut Init::new(device, config.initializer_range, seed);
        Ok(Self {
            embeddings: Embeddings::init(init, d, sizes(&config), epsilon, config.pad_token_id),
            encoder: Transformer::init(init, &config),
            pooler: Some(Linear::init(init, config.hidden_size, config.hidden_size)),
            config,
        })
    }

    /// What the model is.
    pub fn config(&self) -> &AlbertConfig {
        &self.config
    }

    /// The pooler's vector of each text, from [`Backbone::hidden`]:
    /// `[tokens, hidden_size] → [texts, hidden_size]`; none where there is no pooler.
    pub fn pooled(&self, hidden: Tensor<2>, rows: &Packed) -> Option<Tensor<2>> {
        let pooler = self.pooler.as_ref()?;
        Some(pooler.activated(first_tokens(hidden, rows), Activation::Tanh))
    }

    /// Writes a checkpoint folder that `transformers` loads as `AlbertModel`.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        save_checkpoint(folder, "AlbertModel", &self.config, self)
    }
}

fn sizes(config: &AlbertConfig) -> [usize; 3] {
    [config.vocab_size, config.max_position_embeddings, config.type_vocab_size]
}

impl Backbone for Albert {
    fn hidden(&self, batch: &Batch) -> Tensor<2> {
        let x = self.embeddings.forward(batch, &batch.positions(0));
        self.encoder.forward(x, batch, &self.config)
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
