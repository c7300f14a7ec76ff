//! ELECTRA with a masked language model head: the generator.

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::{Electra, ElectraConfig};
use crate::Result;
use crate::language::batch::{Backbone, Batch};
use crate::language::init::Init;
use crate::language::layers::{LayerNorm, Linear};
use crate::language::masked::{MaskedLm, backbone_of};
use crate::language::save::save_checkpoint;
use crate::language::weights::{Scope, Weights};
use crate::ops::Activation;

/// `ElectraForMaskedLM`.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct ElectraForMaskedLm {
    pub electra: Electra,
    pub generator_predictions: GeneratorPredictions,
    pub generator_lm_head: LmHead,
}

/// A linear layer to the embeddings' width, the exact GELU and a norm.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct GeneratorPredictions {
    pub dense: Linear,
    pub LayerNorm: LayerNorm,
}

/// The product with the vocabulary.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct LmHead {
    /// Only where it is not the word embeddings (`tie_word_embeddings: false`).
    pub weight: Option<Param<Tensor<2>>>,
    pub bias: Param<Tensor<1>>,
}

impl ElectraForMaskedLm {
    /// From a checkpoint that has the head.
    ///
    /// # Errors
    /// A weight that is missing or of another shape, a config that is no ELECTRA's.
    pub fn load(weights: &Weights, config: ElectraConfig) -> Result<Self> {
        let top = weights.top();
        Ok(Self {
            generator_predictions: GeneratorPredictions::load(
                &top.at("generator_predictions"),
                &config,
            )?,
            generator_lm_head: LmHead::load(&top.at("generator_lm_head"), &config)?,
            electra: Electra::load(&weights.root(&["electra."]), config)?,
        })
    }

    /// A new head on an encoder.
    pub fn with_new_head(electra: Electra, seed: u64) -> Self {
        let init = &mut electra.init_beside(seed);
        Self {
            generator_predictions: GeneratorPredictions::init(init, &electra.config),
            generator_lm_head: LmHead::init(init, &electra.config),
            electra,
        }
    }

    /// Writes a checkpoint folder that `transformers` loads as `ElectraForMaskedLM`.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        save_checkpoint(folder, "ElectraForMaskedLM", &self.electra.config, self)
    }
}

impl GeneratorPredictions {
    fn load(scope: &Scope, config: &ElectraConfig) -> Result<Self> {
        let (d, epsilon) = (config.embedding_size, config.bert.layer_norm_eps);
        Ok(Self {
            dense: Linear::load(&scope.at("dense"), config.bert.hidden_size, d)?,
            LayerNorm: LayerNorm::load(&scope.at("LayerNorm"), d, epsilon)?,
        })
    }

    fn init(init: &mut Init, config: &ElectraConfig) -> Self {
        let d = config.embedding_size;
        Self {
            dense: Linear::init(init, config.bert.hidden_size, d),
            LayerNorm: LayerNorm::init(init, d, config.bert.layer_norm_eps),
        }
    }

    /// `[n, hidden] → [n, embedding_size]`.
    pub(super) fn forward(&self, hidden: Tensor<2>) -> Tensor<2> {
        self.LayerNorm.forward(self.dense.activated(hidden, Activation::Gelu))
    }
}

impl LmHead {
    fn load(scope: &Scope, config: &ElectraConfig) -> Result<Self> {
        let (d, words) = (config.embedding_size, config.bert.vocab_size);
        let weight = if config.bert.tie_word_embeddings {
            scope.pass_over("weight");
            None
        } else {
            Some(Param::from_tensor(scope.tensor("weight", [words, d])?))
        };
        Ok(Self { weight, bias: Param::from_tensor(scope.tensor("bias", [words])?) })
    }

    fn init(init: &mut Init, config: &ElectraConfig) -> Self {
        let (d, words) = (config.embedding_size, config.bert.vocab_size);
        let untied = !config.bert.tie_word_embeddings;
        Self { weight: untied.then(|| init.normal([words, d])), bias: init.constant([words], 0.0) }
    }

    /// The vocabulary's vectors and biases, beside the word embeddings that they may be.
    pub(super) fn vocabulary(&self, words: &Param<Tensor<2>>) -> (Tensor<2>, Option<Tensor<1>>) {
        (self.weight.as_ref().unwrap_or(words).val(), Some(self.bias.val()))
    }
}

impl MaskedLm for ElectraForMaskedLm {
    fn mlm_features(&self, hidden: Tensor<2>) -> Tensor<2> {
        self.generator_predictions.forward(hidden)
    }

    fn mlm_vocabulary(&self) -> (Tensor<2>, Option<Tensor<1>>) {
        self.generator_lm_head.vocabulary(&self.electra.embeddings.word_embeddings.weight)
    }
}

backbone_of!(ElectraForMaskedLm, electra);
