//! BERT with its masked language model head.

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::{Bert, BertConfig};
use crate::Result;
use crate::language::batch::{Backbone, Batch};
use crate::language::init::Init;
use crate::language::layers::{LayerNorm, Linear};
use crate::language::masked::{MaskedLm, backbone_of, untied};
use crate::language::save::save_checkpoint;
use crate::language::weights::{Scope, Weights};
use crate::ops::Activation;

/// `BertForMaskedLM` (and the masked part of `BertForPreTraining`).
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct BertForMaskedLm {
    pub bert: Bert,
    pub cls: Cls,
}

/// What comes after the encoder.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Cls {
    pub predictions: Predictions,
}

/// A linear layer and a norm, then a product with the vocabulary.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Predictions {
    pub transform: Transform,
    pub bias: Param<Tensor<1>>,
    /// Only where it is not the word embeddings (`tie_word_embeddings: false`).
    pub decoder: Option<Linear>,
}

/// `norm(act(W x + b))`.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Transform {
    pub dense: Linear,
    pub LayerNorm: LayerNorm,
    #[module(skip)]
    activation: Activation,
}

impl BertForMaskedLm {
    /// From a checkpoint that has the head.
    ///
    /// # Errors
    /// A weight that is missing or of another shape, a config that is no BERT's.
    pub fn load(weights: &Weights, config: BertConfig) -> Result<Self> {
        let head = Predictions::load(&weights.top().at("cls.predictions"), &config)?;
        let bert = Bert::load(&weights.root(&["bert."]), config)?;
        Ok(Self { bert, cls: Cls { predictions: head } })
    }

    /// A new head on an encoder.
    pub fn with_new_head(bert: Bert, seed: u64) -> Self {
        let dtype = bert.embeddings.word_embeddings.weight.val().dtype();
        let init =
            &mut Init::new(&bert.device(), bert.config.initializer_range, seed).of_type(dtype);
        let predictions = Predictions::init(init, &bert.config);
        Self { bert, cls: Cls { predictions } }
    }

    /// Writes a checkpoint folder that `transformers` loads as `BertForMaskedLM`.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        save_checkpoint(folder, "BertForMaskedLM", &self.bert.config, self)
    }
}

impl Predictions {
    fn load(scope: &Scope, config: &BertConfig) -> Result<Self> {
        let (d, words) = (config.hidden_size, config.vocab_size);
        let transform = scope.at("transform");
        Ok(Self {
            transform: Transform {
                dense: Linear::load(&transform.at("dense"), d, d)?,
                LayerNorm: LayerNorm::load(&transform.at("LayerNorm"), d, config.layer_norm_eps)?,
                activation: config.hidden_act.into(),
            },
            bias: Param::from_tensor(scope.tensor("bias", [words])?),
            decoder: untied(&scope.at("decoder"), config.tie_word_embeddings, d, words)?,
        })
    }

    fn init(init: &mut Init, config: &BertConfig) -> Self {
        let (d, words) = (config.hidden_size, config.vocab_size);
        Self {
            transform: Transform {
                dense: Linear::init(init, d, d),
                LayerNorm: LayerNorm::init(init, d, config.layer_norm_eps),
                activation: config.hidden_act.into(),
            },
            bias: init.constant([words], 0.0),
            decoder: (!config.tie_word_embeddings).then(|| Linear::init(init, d, words)),
        }
    }
}

impl MaskedLm for BertForMaskedLm {
    fn mlm_features(&self, hidden: Tensor<2>) -> Tensor<2> {
        let transform = &self.cls.predictions.transform;
        transform.LayerNorm.forward(transform.dense.activated(hidden, transform.activation))
    }

    fn mlm_vocabulary(&self) -> (Tensor<2>, Option<Tensor<1>>) {
        let head = &self.cls.predictions;
        match &head.decoder {
            Some(decoder) => (decoder.weight.val(), decoder.bias.as_ref().map(Param::val)),
            None => (self.bert.embeddings.word_embeddings.weight.val(), Some(head.bias.val())),
        }
    }
}

backbone_of!(BertForMaskedLm, bert);
