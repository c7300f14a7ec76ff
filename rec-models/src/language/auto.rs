//! A checkpoint folder's model, by the `model_type` of its config.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};

use super::albert::{Albert, AlbertConfig, AlbertForMaskedLm};
use super::batch::{Backbone, Batch};
use super::bert::{Bert, BertConfig, BertForMaskedLm};
use super::config::ConfigFile;
use super::distilbert::{DistilBert, DistilBertConfig, DistilBertForMaskedLm};
use super::masked::MaskedLm;
use super::roberta::{Roberta, RobertaForMaskedLm};
use super::weights::{LoadReport, Weights};
use crate::ops::Packed;
use crate::{Error, Result};

type Load = fn(&ConfigFile, &Weights) -> Result<Box<dyn Backbone>>;

/// Every architecture family, by the `model_type` of its config.
const FAMILIES: &[(&str, Load)] = &[
    ("bert", encoder),
    ("roberta", encoder),
    ("xlm-roberta", encoder),
    ("camembert", encoder),
    ("distilbert", encoder),
    ("albert", encoder),
];

fn encoder(config: &ConfigFile, weights: &Weights) -> Result<Box<dyn Backbone>> {
    Ok(Box::new(EncoderModel::of(config, weights)?))
}

/// The transformer in `folder` without its head, its weights on `device` as `dtype`, and what of
/// the checkpoint was used. Nothing is downloaded.
///
/// # Errors
/// A folder without a config or weights, an architecture that is not known, files that are damaged
/// or hold more than tensors, a weight that is missing or of another shape than the config says.
pub fn load_backbone(
    folder: &Path,
    device: &Device,
    dtype: DType,
) -> Result<(Box<dyn Backbone>, LoadReport)> {
    let config = ConfigFile::open(folder)?;
    let load = family(&config)?;
    let weights = Weights::open(folder, device, dtype)?;
    let model = load(&config, &weights)?;
    Ok((model, weights.report()))
}

fn family(config: &ConfigFile) -> Result<Load> {
    let found = FAMILIES.iter().find(|(name, _)| Some(*name) == config.model_type());
    found.map(|(_, load)| *load).ok_or_else(|| unknown(config, FAMILIES.iter().map(|f| f.0)))
}

fn unknown<'a>(config: &ConfigFile, known: impl Iterator<Item = &'a str>) -> Error {
    let known = known.collect::<Vec<_>>().join(", ");
    let why = match config.model_type() {
        Some(name) => format!("unknown model_type {name:?}; known are {known}"),
        None => format!("no model_type; add the one that fits: {known}"),
    };
    Error::format(config.path(), None, why)
}

/// An encoder of any family.
#[derive(Module, Debug)]
#[allow(missing_docs, clippy::large_enum_variant)]
pub enum EncoderModel {
    Bert(Bert),
    Roberta(Roberta),
    DistilBert(DistilBert),
    Albert(Albert),
}

/// Runs an expression on the model of whatever family it is.
macro_rules! each {
    ($model:expr, $inner:ident => $do:expr) => {
        match $model {
            Self::Bert($inner) => $do,
            Self::Roberta($inner) => $do,
            Self::DistilBert($inner) => $do,
            Self::Albert($inner) => $do,
        }
    };
}

impl EncoderModel {
    /// The encoder in `folder`; see [`load_backbone`].
    ///
    /// # Errors
    /// As [`load_backbone`], and an architecture that is no encoder.
    pub fn load(folder: &Path, device: &Device, dtype: DType) -> Result<(Self, LoadReport)> {
        let config = ConfigFile::open(folder)?;
        check_encoder(&config)?;
        let weights = Weights::open(folder, device, dtype)?;
        let model = Self::of(&config, &weights)?;
        Ok((model, weights.report()))
    }

    fn of(config: &ConfigFile, weights: &Weights) -> Result<Self> {
        let root = |prefix: &str| weights.root(&[prefix]);
        match check_encoder(config)? {
            Encoder::Bert => {
                Bert::load(&root("bert."), config.over(&BertConfig::default())?).map(Self::Bert)
            }
            Encoder::Roberta(defaults) => {
                Roberta::load(&root("roberta."), config.over(&defaults)?).map(Self::Roberta)
            }
            Encoder::DistilBert => {
                let config = config.over(&DistilBertConfig::default())?;
                DistilBert::load(&root("distilbert."), config).map(Self::DistilBert)
            }
            Encoder::Albert => {
                let config = config.over(&AlbertConfig::default())?;
                Albert::load(&root("albert."), config).map(Self::Albert)
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
            Self::DistilBert(_) => None,
        }
    }

    /// Writes a checkpoint folder that `transformers` loads.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        each!(self, model => model.save(folder))
    }
}

/// A masked language model of any family.
#[derive(Module, Debug)]
#[allow(missing_docs, clippy::large_enum_variant)]
pub enum MaskedLmModel {
    Bert(BertForMaskedLm),
    Roberta(RobertaForMaskedLm),
    DistilBert(DistilBertForMaskedLm),
    Albert(AlbertForMaskedLm),
}

impl MaskedLmModel {
    /// The encoder in `folder` with the head it was trained with.
    ///
    /// # Errors
    /// As [`EncoderModel::load`], and a checkpoint without the head:
    /// [`MaskedLmModel::with_new_head`] makes one.
    pub fn load(folder: &Path, device: &Device, dtype: DType) -> Result<(Self, LoadReport)> {
        let config = ConfigFile::open(folder)?;
        let kind = check_encoder(&config)?;
        let weights = Weights::open(folder, device, dtype)?;
        let model = match kind {
            Encoder::Bert => BertForMaskedLm::load(&weights, config.over(&BertConfig::default())?)
                .map(Self::Bert),
            Encoder::Roberta(defaults) => {
                RobertaForMaskedLm::load(&weights, config.over(&defaults)?).map(Self::Roberta)
            }
            Encoder::DistilBert => {
                let config = config.over(&DistilBertConfig::default())?;
                DistilBertForMaskedLm::load(&weights, config).map(Self::DistilBert)
            }
            Encoder::Albert => {
                let config = config.over(&AlbertConfig::default())?;
                AlbertForMaskedLm::load(&weights, config).map(Self::Albert)
            }
        }?;
        Ok((model, weights.report()))
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
        }
    }

    /// The encoder without the head.
    pub fn into_encoder(self) -> EncoderModel {
        match self {
            Self::Bert(model) => EncoderModel::Bert(model.bert),
            Self::Roberta(model) => EncoderModel::Roberta(model.roberta),
            Self::DistilBert(model) => EncoderModel::DistilBert(model.distilbert),
            Self::Albert(model) => EncoderModel::Albert(model.albert),
        }
    }

    /// Writes a checkpoint folder that `transformers` loads.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        each!(self, model => model.save(folder))
    }
}

impl MaskedLm for MaskedLmModel {
    fn mlm_features(&self, hidden: Tensor<2>) -> Tensor<2> {
        each!(self, model => model.mlm_features(hidden))
    }

    fn mlm_vocabulary(&self) -> (Tensor<2>, Option<Tensor<1>>) {
        each!(self, model => model.mlm_vocabulary())
    }
}

macro_rules! backbone {
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
backbone!(EncoderModel);
backbone!(MaskedLmModel);

/// An encoder family, with its defaults where several share one.
enum Encoder {
    Bert,
    Roberta(BertConfig),
    DistilBert,
    Albert,
}

fn check_encoder(config: &ConfigFile) -> Result<Encoder> {
    const KNOWN: [&str; 6] =
        ["bert", "roberta", "xlm-roberta", "camembert", "distilbert", "albert"];
    match config.model_type() {
        Some("bert") => Ok(Encoder::Bert),
        Some("roberta") => Ok(Encoder::Roberta(BertConfig::roberta())),
        Some("xlm-roberta" | "camembert") => Ok(Encoder::Roberta(BertConfig::xlm_roberta())),
        Some("distilbert") => Ok(Encoder::DistilBert),
        Some("albert") => Ok(Encoder::Albert),
        _ => Err(unknown(config, KNOWN.into_iter())),
    }
}
