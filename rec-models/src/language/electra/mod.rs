//! ELECTRA (Clark, Luong, Le & Manning 2020): BERT's layers on narrower embeddings, trained to tell
//! the tokens of a text from those that a small masked language model put in their place.

#![allow(non_snake_case)] // fields are named as the weights are

mod config;
mod detector;
mod masked;
mod pair;

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

pub use config::ElectraConfig;
pub use detector::{DiscriminatorPredictions, ElectraForPreTraining};
pub use masked::{ElectraForMaskedLm, GeneratorPredictions, LmHead};
pub(super) use pair::GENERATOR;
pub use pair::{ElectraPair, Generator};

use super::batch::{Backbone, Batch};
use super::bert::{Embeddings, Encoder, sizes};
use super::init::Init;
use super::layers::Linear;
use super::save::save_checkpoint;
use super::weights::Scope;
use crate::Result;

/// `ElectraModel`.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Electra {
    pub embeddings: Embeddings,
    /// Only where the embeddings are of another width than the layers.
    pub embeddings_project: Option<Linear>,
    pub encoder: Encoder,
    #[module(skip)]
    config: ElectraConfig,
}

impl Electra {
    /// From the weights of `scope`.
    ///
    /// # Errors
    /// A weight that is missing or of another shape, a config that is no ELECTRA's.
    pub fn load(scope: &Scope, config: ElectraConfig) -> Result<Self> {
        config.check()?;
        let (narrow, wide) = (config.embedding_size, config.bert.hidden_size);
        let (sizes, epsilon) = (sizes(&config.bert), config.bert.layer_norm_eps);
        let project = || Linear::load(&scope.at("embeddings_project"), narrow, wide);
        Ok(Self {
            embeddings: Embeddings::load(&scope.at("embeddings"), narrow, sizes, epsilon)?,
            embeddings_project: (narrow != wide).then(project).transpose()?,
            encoder: Encoder::load(&scope.at("encoder"), &config.bert)?,
            config,
        })
    }

    /// With first values, for training from scratch.
    ///
    /// # Errors
    /// A config that is no ELECTRA's.
    pub fn init(config: ElectraConfig, device: &Device, seed: u64) -> Result<Self> {
        let mut init = Init::new(device, config.bert.initializer_range, seed);
        Self::drawn(config, &mut init)
    }

    fn drawn(config: ElectraConfig, init: &mut Init) -> Result<Self> {
        config.check()?;
        let bert = &config.bert;
        let (narrow, wide) = (config.embedding_size, bert.hidden_size);
        let (sizes, epsilon) = (sizes(bert), bert.layer_norm_eps);
        Ok(Self {
            embeddings: Embeddings::init(init, narrow, sizes, epsilon, bert.pad_token_id),
            embeddings_project: (narrow != wide).then(|| Linear::init(init, narrow, wide)),
            encoder: Encoder::init(init, bert),
            config,
        })
    }

    /// What the model is.
    pub fn config(&self) -> &ElectraConfig {
        &self.config
    }

    /// Writes a checkpoint folder that `transformers` loads as `ElectraModel`.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        save_checkpoint(folder, "ElectraModel", &self.config, self)
    }

    /// Draws first values of the type that the embeddings have, for what is to stand beside them.
    fn init_beside(&self, seed: u64) -> Init {
        let dtype = self.embeddings.word_embeddings.weight.val().dtype();
        Init::new(&self.device(), self.config.bert.initializer_range, seed).of_type(dtype)
    }
}

/// `[tokens, hidden]`: the layers on embeddings, which may be another model's.
fn encode(
    embeddings: &Embeddings,
    project: Option<&Linear>,
    encoder: &Encoder,
    batch: &Batch,
) -> Tensor<2> {
    let x = embeddings.forward(batch, &batch.positions(0));
    let x = match project {
        Some(project) => project.forward(x),
        None => x,
    };
    encoder.forward(x, &batch.rows, batch.noise)
}

impl Backbone for Electra {
    fn hidden(&self, batch: &Batch) -> Tensor<2> {
        encode(&self.embeddings, self.embeddings_project.as_ref(), &self.encoder, batch)
    }

    fn hidden_size(&self) -> usize {
        self.config.bert.hidden_size
    }

    fn vocab_size(&self) -> usize {
        self.config.bert.vocab_size
    }

    fn type_vocab_size(&self) -> Option<usize> {
        Some(self.config.bert.type_vocab_size)
    }

    fn max_len(&self) -> Option<usize> {
        Some(self.config.bert.max_position_embeddings)
    }

    fn device(&self) -> Device {
        self.embeddings.word_embeddings.weight.device()
    }
}
