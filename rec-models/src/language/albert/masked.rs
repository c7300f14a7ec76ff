//! ALBERT with its masked language model head.

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::{Albert, AlbertConfig};
use crate::Result;
use crate::language::batch::{Backbone, Batch};
use crate::language::init::Init;
use crate::language::layers::{LayerNorm, Linear};
use crate::language::masked::{MaskedLm, backbone_of, untied};
use crate::language::save::save_checkpoint;
use crate::language::weights::{Scope, Weights};
use crate::ops::Activation;

/// `AlbertForMaskedLM` (and the masked part of `AlbertForPreTraining`).
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct AlbertForMaskedLm {
    pub albert: Albert,
    pub predictions: Predictions,
}

/// A linear layer to the embeddings' width and a norm, then a product with the vocabulary.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Predictions {
    pub dense: Linear,
    pub LayerNorm: LayerNorm,
    pub bias: Param<Tensor<1>>,
    /// Only where it is not the word embeddings (`tie_word_embeddings: false`).
    pub decoder: Option<Linear>,
    #[module(skip)]
    activation: Activation,
}

impl AlbertForMaskedLm {
    /// From a checkpoint that has the head.
    ///
    /// # Errors
    /// A weight that is missing or of another shape, a config that is no ALBERT's.
    pub fn load(weights: &Weights, config: AlbertConfig) -> Result<Self> {
        let predictions = Predictions::load(&weights.top().at("predictions"), &config)?;
        Ok(Self { albert: Albert::load(&weights.root(&["albert."]), config)?, predictions })
    }

    /// A new head on an encoder.
    pub fn with_new_head(albert: Albert, seed: u64) -> Self {
        let dtype = albert.embeddings.word_embeddings.weight.val().dtype();
        let init =
            &mut Init::new(&albert.device(), albert.config.initializer_range, seed).of_type(dtype);
        let predictions = Predictions::init(init, &albert.config);
        Self { albert, predictions }
    }

    /// Writes a checkpoint folder that `transformers` loads as `AlbertForMaskedLM`.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        save_checkpoint(folder, "AlbertForMaskedLM", &self.albert.config, self)
    }
}

impl Predictions {
    fn load(scope: &Scope, config: &AlbertConfig) -> Result<Self> {
        let (d, words) = (config.embedding_size, config.vocab_size);
        Ok(Self {
            dense: Linear::load(&scope.at("dense"), config.hidden_size, d)?,
            LayerNorm: LayerNorm::load(&scope.at("LayerNorm"), d, config.layer_norm_eps)?,
            bias: Param::from_tensor(scope.tensor("bias", [words])?),
            decoder: untied(&scope.at("decoder"), config.tie_word_embeddings, d, words)?,
            activation: config.hidden_act.into(),
        })
    }

    fn init(init: &mut Init, config: &AlbertConfig) -> Self {
        let (d, words) = (config.embedding_size, config.vocab_size);
        Self {
            dense: Linear::init(init, config.hidden_size, d),
            LayerNorm: LayerNorm::init(init, d, config.layer_norm_eps),
            bias: init.constant([words], 0.0),
            decoder: (!config.tie_word_embeddings).then(|| Linear::init(init, d, words)),
            activation: config.hidden_act.into(),
        }
    }
}

impl MaskedLm for AlbertForMaskedLm {
    fn mlm_features(&self, hidden: Tensor<2>) -> Tensor<2> {
        let head = &self.predictions;
        head.LayerNorm.forward(head.dense.activated(hidden, head.activation))
    }

    fn mlm_vocabulary(&self) -> (Tensor<2>, Option<Tensor<1>>) {
        match &self.predictions.decoder {
            Some(decoder) => (decoder.weight.val(), decoder.bias.as_ref().map(Param::val)),
            None => {
                let words = &self.albert.embeddings.word_embeddings.weight;
                (words.val(), Some(self.predictions.bias.val()))
            }
        }
    }
}

backbone_of!(AlbertForMaskedLm, albert);
