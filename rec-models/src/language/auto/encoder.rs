//! An encoder of any family.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};

use super::unknown;
use crate::Result;
use crate::language::albert::{Albert, AlbertConfig};
use crate::language::batch::{Backbone, Batch};
use crate::language::bert::{Bert, BertConfig};
use crate::language::config::ConfigFile;
use crate::language::distilbert::{DistilBert, DistilBertConfig};
use crate::language::electra::{Electra, ElectraConfig};
use crate::language::lora::{Adapters, Card, LoraConfig};
use crate::language::roberta::Roberta;
use crate::language::weights::{LoadReport, Weights};
use crate::ops::Packed;

/// Runs an expression on the model of whatever family it is.
macro_rules! each {
    ($model:expr, $inner:ident => $do:expr) => {
        match $model {
            Self::Bert($inner) => $do,
            Self::Roberta($inner) => $do,
            Self::DistilBert($inner) => $do,
            Self::Albert($inner) => $do,
            Self::Electra($inner) => $do,
        }
    };
}
pub(super) use each;

/// Implements [`Backbone`] by the model of whatever family it is.
macro_rules! backbone_of_each {
    ($model:ty) => {
        impl Backbone for $model {
            fn hidden(&self, batch: &Batch) -> Tensor<2> {
                each!(self, model => model.hidden(batch))
            }

            fn hidden_size(&self) -> usize {
                each!(self, model => model.hidden_size())
            }

            fn vocab_size(&self) -> usize {
                each!(self, model => model.vocab_size())
            }

            fn type_vocab_size(&self) -> Option<usize> {
                each!(self, model => model.type_vocab_size())
            }

            fn max_len(&self) -> Option<usize> {
                each!(self, model => model.max_len())
            }

            fn device(&self) -> Device {
                each!(self, model => model.device())
            }
        }
    };
}
pub(super) use backbone_of_each;

/// What an encoder is.
#[derive(Clone, Debug, PartialEq)]
pub enum EncoderConfig {
    /// `bert`.
    Bert(BertConfig),
    /// `roberta`, `xlm-roberta`, `camembert`.
    Roberta(BertConfig),
    /// `distilbert`.
    DistilBert(DistilBertConfig),
    /// `albert`.
    Albert(AlbertConfig),
    /// `electra`.
    Electra(ElectraConfig),
}

impl EncoderConfig {
    /// That of a `config.json`.
    ///
    /// # Errors
    /// An architecture that is no encoder known here, a field that is not of its type.
    pub fn of(file: &ConfigFile) -> Result<Self> {
        const KNOWN: [&str; 7] =
            ["bert", "roberta", "xlm-roberta", "camembert", "distilbert", "albert", "electra"];
        match file.model_type() {
            Some("bert") => file.over(&BertConfig::default()).map(Self::Bert),
            Some("roberta") => file.over(&BertConfig::roberta()).map(Self::Roberta),
            Some("xlm-roberta" | "camembert") => {
                file.over(&BertConfig::xlm_roberta()).map(Self::Roberta)
            }
            Some("distilbert") => file.over(&DistilBertConfig::default()).map(Self::DistilBert),
            Some("albert") => file.over(&AlbertConfig::default()).map(Self::Albert),
            Some("electra") => file.over(&ElectraConfig::default()).map(Self::Electra),
            _ => Err(unknown(file, KNOWN.into_iter())),
        }
    }
}

/// An encoder of any family.
#[derive(Module, Debug)]
#[allow(missing_docs, clippy::large_enum_variant)]
pub enum EncoderModel {
    Bert(Bert),
    Roberta(Roberta),
    DistilBert(DistilBert),
    Albert(Albert),
    Electra(Electra),
}

impl EncoderModel {
    /// The encoder in `folder`; see [`super::load_backbone`].
    ///
    /// # Errors
    /// As [`super::load_backbone`], and an architecture that is no encoder.
    pub fn load(folder: &Path, device: &Device, dtype: DType) -> Result<(Self, LoadReport)> {
        Self::adapted(folder, device, dtype, None)
    }

    /// As [`EncoderModel::load`], with adapters if there are to be any.
    ///
    /// # Errors
    /// As [`EncoderModel::load`], and adapters that do not fit.
    pub fn adapted(
        folder: &Path,
        device: &Device,
        dtype: DType,
        adapters: Option<&Adapters>,
    ) -> Result<(Self, LoadReport)> {
        let config = EncoderConfig::of(&ConfigFile::open(folder)?)?;
        let weights = Weights::open(folder, device, dtype)?.with_adapters(adapters)?;
        let model = weights.adapted(Self::of(config, &weights)?)?;
        Ok((model, weights.report()))
    }

    /// With first values, for training from scratch.
    ///
    /// # Errors
    /// A config that no model can have.
    pub fn init(config: EncoderConfig, device: &Device, seed: u64) -> Result<Self> {
        match config {
            EncoderConfig::Bert(config) => Bert::init(config, device, seed).map(Self::Bert),
            EncoderConfig::Roberta(config) => {
                Roberta::init(config, device, seed).map(Self::Roberta)
            }
            EncoderConfig::DistilBert(config) => {
                DistilBert::init(config, device, seed).map(Self::DistilBert)
            }
            EncoderConfig::Albert(config) => Albert::init(config, device, seed).map(Self::Albert),
            EncoderConfig::Electra(config) => {
                Electra::init(config, device, seed).map(Self::Electra)
            }
        }
    }

    fn of(config: EncoderConfig, weights: &Weights) -> Result<Self> {
        let root = |prefix: &str| weights.root(&[prefix]);
        match config {
            EncoderConfig::Bert(config) => Bert::load(&root("bert."), config).map(Self::Bert),
            EncoderConfig::Roberta(config) => {
                Roberta::load(&root("roberta."), config).map(Self::Roberta)
            }
            EncoderConfig::DistilBert(config) => {
                DistilBert::load(&root("distilbert."), config).map(Self::DistilBert)
            }
            EncoderConfig::Albert(config) => {
                Albert::load(&root("albert."), config).map(Self::Albert)
            }
            EncoderConfig::Electra(config) => {
                Electra::load(&root("electra."), config).map(Self::Electra)
            }
        }
    }

    /// The pooler's vector of each text, from [`Backbone::hidden`]:
    /// `[tokens, hidden_size] → [texts, hidden_size]`; none where there is no pooler.
    pub fn pooled(&self, hidden: Tensor<2>, rows: &Packed) -> Option<Tensor<2>> {
        match self {
            Self::Bert(model) => model.pooled(hidden, rows),
            Self::Roberta(model) => model.pooled(hidden, rows),
            Self::Albert(model) => model.pooled(hidden, rows),
            Self::DistilBert(_) | Self::Electra(_) => None,
        }
    }

    /// Writes a checkpoint folder that `transformers` loads.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        each!(self, model => model.save(folder))
    }

    /// Writes its adapters as a folder that `peft` loads onto the encoder in `base`.
    ///
    /// # Errors
    /// As [`LoraConfig::save`].
    pub fn save_adapters(&self, lora: &LoraConfig, folder: &Path, base: &Path) -> Result<()> {
        let base = base.to_string_lossy();
        let card = Card { base: Some(&base), ..Card::default() };
        each!(self, model => lora.save(model, folder, &card))
    }
}

/// The encoder behind [`super::load_backbone`].
pub(super) fn boxed(config: &ConfigFile, weights: &Weights) -> Result<Box<dyn Backbone>> {
    Ok(Box::new(EncoderModel::of(EncoderConfig::of(config)?, weights)?))
}

backbone_of_each!(EncoderModel);
