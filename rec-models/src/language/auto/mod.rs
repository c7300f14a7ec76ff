//! A checkpoint folder's model, by the `model_type` of its config.

mod causal;
mod encoder;
mod masked;

use std::path::Path;

use burn::tensor::{DType, Device};

pub use causal::{CausalConfig, CausalModel, load_causal};
pub use encoder::{EncoderConfig, EncoderModel};
pub use masked::MaskedLmModel;

use super::batch::Backbone;
use super::config::ConfigFile;
use super::lora::Adapters;
use super::t5::T5Encoder;
use super::weights::{LoadReport, Weights};
use crate::{Error, Result};

/// Whether the model in `folder` is a decoder, which predicts the next token.
///
/// # Errors
/// A folder without a config.
pub fn is_causal(folder: &Path) -> Result<bool> {
    let config = ConfigFile::open(folder)?;
    Ok(config.model_type().is_some_and(|family| causal::KNOWN.contains(&family)))
}

/// Whether the model in `folder` is an ELECTRA without a head for masked tokens: one that tells
/// replaced tokens, or that has learned nothing yet.
///
/// # Errors
/// A folder without a config or weights.
pub fn is_detector(folder: &Path) -> Result<bool> {
    let electra = ConfigFile::open(folder)?.model_type() == Some("electra");
    Ok(electra && !MaskedLmModel::has_head(folder)?)
}

type Load = fn(&ConfigFile, &Weights) -> Result<Box<dyn Backbone>>;

/// Every architecture family, by the `model_type` of its config.
const FAMILIES: &[(&str, Load)] = &[
    ("bert", encoder::boxed),
    ("roberta", encoder::boxed),
    ("xlm-roberta", encoder::boxed),
    ("camembert", encoder::boxed),
    ("distilbert", encoder::boxed),
    ("albert", encoder::boxed),
    ("electra", encoder::boxed),
    ("gpt2", causal::boxed),
    ("llama", causal::boxed),
    ("qwen2", causal::boxed),
    ("qwen3", causal::boxed),
    ("t5", t5_encoder),
    ("mt5", t5_encoder),
];

fn t5_encoder(config: &ConfigFile, weights: &Weights) -> Result<Box<dyn Backbone>> {
    Ok(Box::new(T5Encoder::load(config, weights)?))
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
    adapted_backbone(folder, device, dtype, None)
}

/// As [`load_backbone`], with adapters if there are to be any.
pub(super) fn adapted_backbone(
    folder: &Path,
    device: &Device,
    dtype: DType,
    adapters: Option<&Adapters>,
) -> Result<(Box<dyn Backbone>, LoadReport)> {
    let config = ConfigFile::open(folder)?;
    let known = FAMILIES.iter().map(|(name, _)| *name);
    let load = FAMILIES
        .iter()
        .find(|(name, _)| Some(*name) == config.model_type())
        .map(|(_, load)| load)
        .ok_or_else(|| unknown(&config, known))?;
    let weights = Weights::open(folder, device, dtype)?.with_adapters(adapters)?;
    // Nothing learns in a box: adapters only have to fit.
    let model = load(&config, &weights)?;
    weights.check_adapters()?;
    Ok((model, weights.report()))
}

/// The error of a `model_type` that is not among the `known`.
fn unknown<'a>(config: &ConfigFile, known: impl Iterator<Item = &'a str>) -> Error {
    let known = known.collect::<Vec<_>>().join(", ");
    let why = match config.model_type() {
        Some(name) => format!("unknown model_type {name:?}; known are {known}"),
        None => format!("no model_type; add the one that fits: {known}"),
    };
    Error::format(config.path(), None, why)
}
