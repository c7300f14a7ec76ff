//! RoBERTa with its masked language model head.

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};

use super::{Roberta, architecture};
use crate::Result;
use crate::language::batch::{Backbone, Batch};
use crate::language::bert::BertConfig;
use crate::language::init::Init;
use crate::language::layers::{LayerNorm, Linear};
use crate::language::masked::{MaskedLm, backbone_of, untied};
use crate::language::save::save_checkpoint;
use crate::language::weights::{Scope, Weights};
use crate::ops::Activation;

/// `RobertaForMaskedLM`, `XLMRobertaForMaskedLM` or `CamembertForMaskedLM`.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct RobertaForMaskedLm {
    pub roberta: Roberta,
    pub lm_head: LmHead,
}

/// A linear layer, the exact GELU and a norm, then a product with the vocabulary.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct LmHead {
    pub dense: Linear,
    pub layer_norm: LayerNorm,
    pub bias: Param<Tensor<1>>,
    /// Only where it is not the word embeddings (`tie_word_embeddings: false`).
    pub decoder: Option<Linear>,
}

impl RobertaForMaskedLm {
    /// From a checkpoint that has the head.
    ///
    /// # Errors
    /// A weight that is missing or of another shape, a config that is no RoBERTa's.
    pub fn load(weights: &Weights, config: BertConfig) -> Result<Self> {
        let lm_head = LmHead::load(&weights.top().at("lm_head"), &config)?;
        Ok(Self { roberta: Roberta::load(&weights.root(&["roberta."]), config)?, lm_head })
    }

    /// A new head on an encoder.
    pub fn with_new_head(roberta: Roberta, seed: u64) -> Self {
        let dtype = roberta.embeddings.word_embeddings.weight.val().dtype();
        let init = &mut Init::new(&roberta.device(), roberta.config.initializer_range, seed)
            .of_type(dtype);
        let lm_head = LmHead::init(init, &roberta.config);
        Self { roberta, lm_head }
    }

    /// Writes a checkpoint folder that `transformers` loads as `RobertaForMaskedLM` (or
    /// `XLMRoberta…`, `Camembert…`, as the config says).
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        let config = &self.roberta.config;
        save_checkpoint(folder, &architecture(config, "ForMaskedLM"), config, self)
    }
}

impl LmHead {
    fn load(scope: &Scope, config: &BertConfig) -> Result<Self> {
        let (d, words) = (config.hidden_size, config.vocab_size);
        Ok(Self {
            dense: Linear::load(&scope.at("dense"), d, d)?,
            layer_norm: LayerNorm::load(&scope.at("layer_norm"), d, config.layer_norm_eps)?,
            bias: Param::from_tensor(scope.tensor("bias", [words])?),
            decoder: untied(&scope.at("decoder"), config.tie_word_embeddings, d, words)?,
        })
    }

    fn init(init: &mut Init, config: &BertConfig) -> Self {
        let (d, words) = (config.hidden_size, config.vocab_size);
        Self {
            dense: Linear::init(init, d, d),
            layer_norm: LayerNorm::init(init, d, config.layer_norm_eps),
            bias: init.constant([words], 0.0),
            decoder: (!config.tie_word_embeddings).then(|| Linear::init(init, d, words)),
        }
    }
}

impl MaskedLm for RobertaForMaskedLm {
    fn mlm_features(&self, hidden: Tensor<2>) -> Tensor<2> {
        let head = &self.lm_head;
        head.layer_norm.forward(head.dense.activated(hidden, Activation::Gelu))
    }

    fn mlm_vocabulary(&self) -> (Tensor<2>, Option<Tensor<1>>) {
        match &self.lm_head.decoder {
            Some(decoder) => (decoder.weight.val(), decoder.bias.as_ref().map(Param::val)),
            None => {
                let words = &self.roberta.embeddings.word_embeddings.weight;
                (words.val(), Some(self.lm_head.bias.val()))
            }
        }
    }
}

backbone_of!(RobertaForMaskedLm, roberta);
