//! DistilBERT with its masked language model head.

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::{DistilBert, DistilBertConfig, EPSILON};
use crate::Result;
use crate::language::batch::{Backbone, Batch};
use crate::language::init::Init;
use crate::language::layers::{LayerNorm, Linear};
use crate::language::masked::{MaskedLm, backbone_of};
use crate::language::save::save_checkpoint;
use crate::language::weights::{Scope, Weights};

/// `DistilBertForMaskedLM`.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct DistilBertForMaskedLm {
    pub distilbert: DistilBert,
    pub vocab_transform: Linear,
    pub vocab_layer_norm: LayerNorm,
    pub vocab_projector: VocabProjector,
}

/// The product with the vocabulary.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct VocabProjector {
    /// Only where it is not the word embeddings (`tie_word_embeddings: false`).
    pub weight: Option<Param<Tensor<2>>>,
    pub bias: Param<Tensor<1>>,
}

impl DistilBertForMaskedLm {
    /// From a checkpoint that has the head.
    ///
    /// # Errors
    /// A weight that is missing or of another shape, a config that is no DistilBERT's.
    pub fn load(weights: &Weights, config: DistilBertConfig) -> Result<Self> {
        let (top, d) = (weights.top(), config.dim);
        Ok(Self {
            vocab_transform: Linear::load(&top.at("vocab_transform"), d, d)?,
            vocab_layer_norm: LayerNorm::load(&top.at("vocab_layer_norm"), d, EPSILON)?,
            vocab_projector: VocabProjector::load(&top.at("vocab_projector"), &config)?,
            distilbert: DistilBert::load(&weights.root(&["distilbert."]), config)?,
        })
    }

    /// A new head on an encoder.
    pub fn with_new_head(distilbert: DistilBert, seed: u64) -> Self {
        let config = &distilbert.config;
        let (d, words) = (config.dim, config.vocab_size);
        let dtype = distilbert.embeddings.word_embeddings.weight.val().dtype();
        let init =
            &mut Init::new(&distilbert.device(), config.initializer_range, seed).of_type(dtype);
        Self {
            vocab_transform: Linear::init(init, d, d),
            vocab_layer_norm: LayerNorm::init(init, d, EPSILON),
            vocab_projector: VocabProjector {
                weight: (!config.tie_word_embeddings).then(|| init.normal([words, d])),
                bias: init.constant([words], 0.0),
            },
            distilbert,
        }
    }

    /// Writes a checkpoint folder that `transformers` loads as `DistilBertForMaskedLM`.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        save_checkpoint(folder, "DistilBertForMaskedLM", &self.distilbert.config, self)
    }
}

impl VocabProjector {
    fn load(scope: &Scope, config: &DistilBertConfig) -> Result<Self> {
        let weight = if config.tie_word_embeddings {
            scope.pass_over("weight");
            None
        } else {
            let weight = scope.tensor("weight", [config.vocab_size, config.dim])?;
            Some(Param::from_tensor(weight))
        };
        let bias = Param::from_tensor(scope.tensor("bias", [config.vocab_size])?);
        Ok(Self { weight, bias })
    }
}

impl MaskedLm for DistilBertForMaskedLm {
    fn mlm_features(&self, hidden: Tensor<2>) -> Tensor<2> {
        let activation = self.distilbert.config.activation.into();
        self.vocab_layer_norm.forward(self.vocab_transform.activated(hidden, activation))
    }

    fn mlm_vocabulary(&self) -> (Tensor<2>, Option<Tensor<1>>) {
        let words = &self.distilbert.embeddings.word_embeddings.weight;
        let weight = self.vocab_projector.weight.as_ref().unwrap_or(words);
        (weight.val(), Some(self.vocab_projector.bias.val()))
    }
}

backbone_of!(DistilBertForMaskedLm, distilbert);
