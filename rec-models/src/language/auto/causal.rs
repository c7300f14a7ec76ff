//! Decoders of any family, with their heads.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};

use super::unknown;
use crate::Result;
use crate::language::config::ConfigFile;
use crate::language::lora::{Adapters, Card, LoraConfig};
use crate::language::weights::{LoadReport, Weights};
use crate::language::{Backbone, Batch, Cache, Causal, Decoder, DecoderConfig, Gpt2, Gpt2Config};

pub(super) const KNOWN: [&str; 4] = ["gpt2", "llama", "qwen2", "qwen3"];

/// The decoder in `folder`, its weights on `device` as `dtype`, and what of the checkpoint was
/// used. Nothing is downloaded.
///
/// # Errors
/// As [`super::load_backbone`], and an architecture that does not predict the next token.
pub fn load_causal(
    folder: &Path,
    device: &Device,
    dtype: DType,
) -> Result<(Box<dyn Causal>, LoadReport)> {
    let (model, report) = CausalModel::load(folder, device, dtype)?;
    Ok((Box::new(model), report))
}

pub(super) fn boxed(config: &ConfigFile, weights: &Weights) -> Result<Box<dyn Backbone>> {
    Ok(Box::new(CausalModel::of(config, weights)?))
}

/// What a decoder is.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)]
pub enum CausalConfig {
    /// `gpt2`.
    Gpt2(Gpt2Config),
    /// `llama`, `qwen2`, `qwen3`.
    Decoder(DecoderConfig),
}

impl CausalConfig {
    /// That of a `config.json`.
    ///
    /// # Errors
    /// An architecture that is no decoder known here, a field that is not of its type.
    pub fn of(file: &ConfigFile) -> Result<Self> {
        match file.model_type() {
            Some("gpt2") => file.over(&Gpt2Config::default()).map(Self::Gpt2),
            Some(family) if KNOWN.contains(&family) => DecoderConfig::read(file).map(Self::Decoder),
            _ => Err(unknown(file, KNOWN.into_iter())),
        }
    }
}

/// A decoder of any family.
#[derive(Module, Debug)]
#[allow(missing_docs, clippy::large_enum_variant)]
pub enum CausalModel {
    Gpt2(Gpt2),
    Decoder(Decoder),
}

/// Runs an expression on the model of whatever family it is.
macro_rules! each {
    ($model:expr, $inner:ident => $do:expr) => {
        match $model {
            Self::Gpt2($inner) => $do,
            Self::Decoder($inner) => $do,
        }
    };
}

impl CausalModel {
    /// The decoder in `folder`; see [`load_causal`].
    ///
    /// # Errors
    /// As [`load_causal`].
    pub fn load(folder: &Path, device: &Device, dtype: DType) -> Result<(Self, LoadReport)> {
        Self::adapted(folder, device, dtype, None)
    }

    /// As [`CausalModel::load`], with adapters if there are to be any.
    ///
    /// # Errors
    /// As [`CausalModel::load`], and adapters that do not fit.
    pub fn adapted(
        folder: &Path,
        device: &Device,
        dtype: DType,
        adapters: Option<&Adapters>,
    ) -> Result<(Self, LoadReport)> {
        let config = ConfigFile::open(folder)?;
        if !config.model_type().is_some_and(|family| KNOWN.contains(&family)) {
            return Err(unknown(&config, KNOWN.into_iter()));
        }
        let weights = Weights::open(folder, device, dtype)?.with_adapters(adapters)?;
        let model = weights.adapted(Self::of(&config, &weights)?)?;
        Ok((model, weights.report()))
    }

    /// With first values, for training from scratch.
    ///
    /// # Errors
    /// A config that no model can have.
    pub fn init(config: &CausalConfig, device: &Device, seed: u64) -> Result<Self> {
        match config {
            CausalConfig::Gpt2(config) => Gpt2::init(config, device, seed).map(Self::Gpt2),
            CausalConfig::Decoder(config) => Decoder::init(config, device, seed).map(Self::Decoder),
        }
    }

    fn of(config: &ConfigFile, weights: &Weights) -> Result<Self> {
        match config.model_type() {
            Some("gpt2") => Gpt2::load(config, weights).map(Self::Gpt2),
            _ => Decoder::load(config, weights).map(Self::Decoder),
        }
    }

    /// Writes a checkpoint folder that `transformers` loads.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        each!(self, model => model.save(folder))
    }

    /// Writes its adapters as a folder that `peft` loads onto the decoder in `base`.
    ///
    /// # Errors
    /// As [`LoraConfig::save`].
    pub fn save_adapters(&self, lora: &LoraConfig, folder: &Path, base: &Path) -> Result<()> {
        let base = base.to_string_lossy();
        let turned = matches!(self, Self::Gpt2(_));
        let card = Card { base: Some(&base), task: Some("CAUSAL_LM"), turned };
        each!(self, model => lora.save(model, folder, &card))
    }
}

impl Backbone for CausalModel {
    fn hidden(&self, batch: &Batch) -> Tensor<2> {
        each!(self, model => model.hidden(batch))
    }

    fn hidden_size(&self) -> usize {
        each!(self, model => model.hidden_size())
    }

    fn vocab_size(&self) -> usize {
        each!(self, model => model.vocab_size())
    }

    fn max_len(&self) -> Option<usize> {
        each!(self, model => model.max_len())
    }

    fn device(&self) -> Device {
        each!(self, model => model.device())
    }
}

impl Causal for CausalModel {
    fn cache(&self, texts: usize, tokens: usize) -> Cache {
        each!(self, model => model.cache(texts, tokens))
    }

    fn advance(&self, batch: &Batch, cache: &mut Cache) -> Result<Tensor<2>> {
        each!(self, model => model.advance(batch, cache))
    }

    fn head(&self) -> Tensor<2> {
        each!(self, model => model.head())
    }
}
