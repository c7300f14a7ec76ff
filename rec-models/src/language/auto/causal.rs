//! Decoders of any family, with their heads.

use std::path::Path;

use burn::tensor::{DType, Device};

use super::unknown;
use crate::Result;
use crate::language::config::ConfigFile;
use crate::language::weights::{LoadReport, Weights};
use crate::language::{Backbone, Causal, Decoder, Gpt2};

const KNOWN: [&str; 4] = ["gpt2", "llama", "qwen2", "qwen3"];

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
    let config = ConfigFile::open(folder)?;
    if !config.model_type().is_some_and(|family| KNOWN.contains(&family)) {
        return Err(unknown(&config, KNOWN.into_iter()));
    }
    let weights = Weights::open(folder, device, dtype)?;
    let model = of(&config, &weights)?;
    Ok((model, weights.report()))
}

fn of(config: &ConfigFile, weights: &Weights) -> Result<Box<dyn Causal>> {
    match config.model_type() {
        Some("gpt2") => Ok(Box::new(Gpt2::load(config, weights)?)),
        _ => Ok(Box::new(Decoder::load(config, weights)?)),
    }
}

pub(super) fn boxed(config: &ConfigFile, weights: &Weights) -> Result<Box<dyn Backbone>> {
    Ok(of(config, weights)?)
}
