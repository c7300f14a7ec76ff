//! A masked language model of any family.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};

use super::encoder::{EncoderConfig, EncoderModel, backbone_of_each, each};
use crate::language::albert::AlbertForMaskedLm;
use crate::language::batch::{Backbone, Batch};
use crate::language::bert::BertForMaskedLm;
use crate::language::config::ConfigFile;
use crate::language::distilbert::DistilBertForMaskedLm;
use crate::language::electra::ElectraForMaskedLm;
use crate::language::lora::{Adapters, LoraConfig};
use crate::language::masked::MaskedLm;
use crate::language::roberta::RobertaForMaskedLm;
use crate::language::weights::{LoadReport, Weights};
use crate::{Error, Result};

/// A masked language model of any family.
#[derive(Module, Debug)]
#[allow(missing_docs, clippy::large_enum_variant)]
pub enum MaskedLmModel {
    Bert(BertForMaskedLm),
    Roberta(RobertaForMaskedLm),
    DistilBert(DistilBertForMaskedLm),
    Albert(AlbertForMaskedLm),
    Electra(ElectraForMaskedLm),
}

impl MaskedLmModel {
    /// The encoder in `folder` with the head it was trained with.
    ///
    /// # Errors
    /// As [`EncoderModel::load`], and a checkpoint without the head:
    /// [`MaskedLmModel::with_new_head`] makes one.
    pub fn load(folder: &Path, device: &Device, dtype: DType) -> Result<(Self, LoadReport)> {
        Self::adapted(folder, device, dtype, None)
    }

    /// As [`MaskedLmModel::load`], with adapters if there are to be any.
    ///
    /// # Errors
    /// As [`MaskedLmModel::load`], and adapters that do not fit.
    pub fn adapted(
        folder: &Path,
        device: &Device,
        dtype: DType,
        adapters: Option<&Adapters>,
    ) -> Result<(Self, LoadReport)> {
        let config = EncoderConfig::of(&ConfigFile::open(folder)?)?;
        let weights = Weights::open(folder, device, dtype)?.with_adapters(adapters)?;
        check_head(folder, &config, &weights)?;
        let model = match config {
            EncoderConfig::Bert(config) => BertForMaskedLm::load(&weights, config).map(Self::Bert),
            EncoderConfig::Roberta(config) => {
                RobertaForMaskedLm::load(&weights, config).map(Self::Roberta)
            }
            EncoderConfig::DistilBert(config) => {
                DistilBertForMaskedLm::load(&weights, config).map(Self::DistilBert)
            }
            EncoderConfig::Albert(config) => {
                AlbertForMaskedLm::load(&weights, config).map(Self::Albert)
            }
            EncoderConfig::Electra(config) => {
                ElectraForMaskedLm::load(&weights, config).map(Self::Electra)
            }
        }?;
        Ok((weights.adapted(model)?, weights.report()))
    }

    /// Whether the checkpoint in `folder` holds a head.
    ///
    /// # Errors
    /// A folder that is no encoder's.
    pub fn has_head(folder: &Path) -> Result<bool> {
        let config = EncoderConfig::of(&ConfigFile::open(folder)?)?;
        let weights = Weights::open(folder, &Device::flex(), DType::F32)?;
        Ok(holds(&weights, head(&config)))
    }

    /// A new head on an encoder, for training.
    pub fn with_new_head(encoder: EncoderModel, seed: u64) -> Self {
        match encoder {
            EncoderModel::Bert(model) => Self::Bert(BertForMaskedLm::with_new_head(model, seed)),
            EncoderModel::Roberta(model) => {
                Self::Roberta(RobertaForMaskedLm::with_new_head(model, seed))
            }
            EncoderModel::DistilBert(model) => {
                Self::DistilBert(DistilBertForMaskedLm::with_new_head(model, seed))
            }
            EncoderModel::Albert(model) => {
                Self::Albert(AlbertForMaskedLm::with_new_head(model, seed))
            }
            EncoderModel::Electra(model) => {
                Self::Electra(ElectraForMaskedLm::with_new_head(model, seed))
            }
        }
    }

    /// The encoder without the head.
    pub fn into_encoder(self) -> EncoderModel {
        match self {
            Self::Bert(model) => EncoderModel::Bert(model.bert),
            Self::Roberta(model) => EncoderModel::Roberta(model.roberta),
            Self::DistilBert(model) => EncoderModel::DistilBert(model.distilbert),
            Self::Albert(model) => EncoderModel::Albert(model.albert),
            Self::Electra(model) => EncoderModel::Electra(model.electra),
        }
    }

    /// Writes the adapters of its encoder as a folder that `peft` loads onto the encoder in `base`;
    /// the head's, if it has any, are left out.
    ///
    /// # Errors
    /// As [`LoraConfig::save`].
    pub fn save_adapters(&self, lora: &LoraConfig, folder: &Path, base: &Path) -> Result<()> {
        self.clone().into_encoder().save_adapters(lora, folder, base)
    }

    /// Writes a checkpoint folder that `transformers` loads.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        each!(self, model => model.save(folder))
    }
}

/// What the names of the head's weights begin with.
fn head(config: &EncoderConfig) -> &'static str {
    match config {
        EncoderConfig::Bert(_) => "cls.predictions.",
        EncoderConfig::Roberta(_) => "lm_head.",
        EncoderConfig::DistilBert(_) => "vocab_",
        EncoderConfig::Albert(_) => "predictions.",
        EncoderConfig::Electra(_) => "generator_",
    }
}

fn holds(weights: &Weights, start: &str) -> bool {
    weights.names().any(|name| name.starts_with(start))
}

/// Refuses a checkpoint that was saved without the head.
fn check_head(folder: &Path, config: &EncoderConfig, weights: &Weights) -> Result<()> {
    let start = head(config);
    if holds(weights, start) {
        return Ok(());
    }
    let why = format!(
        "an encoder without a masked language model head (no weight {start}…); load the encoder and give it a new head to train"
    );
    Err(Error::format(folder, None, why))
}

impl MaskedLm for MaskedLmModel {
    fn mlm_features(&self, hidden: Tensor<2>) -> Tensor<2> {
        each!(self, model => model.mlm_features(hidden))
    }

    fn mlm_vocabulary(&self) -> (Tensor<2>, Option<Tensor<1>>) {
        each!(self, model => model.mlm_vocabulary())
    }
}

backbone_of_each!(MaskedLmModel);
