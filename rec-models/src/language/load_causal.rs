//! The decoder of a checkpoint folder, whatever its family.

use std::path::Path;

use burn::tensor::{DType, Device};

use super::Causal;
use super::config::ConfigFile;
use super::decoder::Decoder;
use super::gpt2::Gpt2;
use super::weights::{LoadReport, Weights};
use crate::{Error, Result};

/// The families that [`load_causal`] knows, as `config.json` names them.
pub const CAUSAL_FAMILIES: [&str; 4] = ["gpt2", "llama", "qwen2", "qwen3"];

/// The decoder in `folder`, its weights on `device` as `dtype`, and what of the checkpoint was
/// used.
///
/// # Errors
/// A folder without config or weights, a family that is not known, and what the family's own `load`
/// refuses.
pub fn load_causal(
    folder: &Path,
    device: &Device,
    dtype: DType,
) -> Result<(Box<dyn Causal>, LoadReport)> {
    let config = ConfigFile::open(folder)?;
    let family = config.model_type().unwrap_or("none");
    if !CAUSAL_FAMILIES.contains(&family) {
        let known = CAUSAL_FAMILIES.join(", ");
        let why = format!("model_type {family} is no decoder known here; those known are {known}");
        return Err(Error::format(config.path(), None, why));
    }
    let weights = Weights::open(folder, device, dtype)?;
    let model: Box<dyn Causal> = match family {
        "gpt2" => Box::new(Gpt2::load(&config, &weights)?),
        _ => Box::new(Decoder::load(&config, &weights)?),
    };
    Ok((model, weights.report()))
}
