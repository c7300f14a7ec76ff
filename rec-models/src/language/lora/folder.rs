//! Adapters saved apart, in the layout of `peft`.

use std::collections::BTreeSet;
use std::path::Path;

use burn::module::Module;

use super::LoraConfig;
use super::config::FILE;
use super::merge::NAME;
use crate::language::save::{Weight, named, replace, write_weights};
use crate::{Error, Result};

/// The name of the arrays' file.
pub(in crate::language) const WEIGHTS: &str = "adapter_model.safetensors";

/// What else an adapter's folder says of the model.
#[derive(Clone, Copy, Debug, Default)]
pub struct Card<'a> {
    /// Where the model came from.
    pub base: Option<&'a str>,
    /// `peft`'s name of the task (`CAUSAL_LM`).
    pub task: Option<&'a str>,
    /// Whether checkpoints hold the layers' weights as `[d_in, d_out]`, as GPT-2's do.
    pub turned: bool,
}

impl LoraConfig {
    /// Writes the adapters of a model into `folder`, which is made if it is not there:
    /// `adapter_config.json` and `adapter_model.safetensors`, as `peft` has them. The arrays are
    /// written as f32.
    ///
    /// # Errors
    /// [`Error::Empty`] for a model without adapters, [`Error::Io`] where the disk refuses.
    pub fn save(&self, model: &impl Module, folder: &Path, card: &Card<'_>) -> Result<()> {
        let adapters: Vec<(String, Weight)> = named(model).into_iter().filter_map(apart).collect();
        if adapters.is_empty() {
            return Err(Error::empty("the model's adapters", "load it with Adapters::New"));
        }
        let layers: BTreeSet<&str> =
            adapters.iter().filter_map(|(name, _)| name.split(".lora_").next()).collect();
        let last = |layer: &str| layer.rsplit('.').next().unwrap_or(layer).to_string();
        let targets = match self.targets.is_empty() {
            true => layers.into_iter().map(last).collect::<BTreeSet<_>>().into_iter().collect(),
            false => self.targets.clone(),
        };
        let card = format!("{:#}", self.card(card, &targets));
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        write_weights(&folder.join(WEIGHTS), adapters)?;
        replace(&folder.join(FILE), |path| std::fs::write(path, &card))
    }
}

/// An adapter's array under the name `peft` has for it.
fn apart((path, weight): (String, Weight)) -> Option<(String, Weight)> {
    let (layer, factor) = path.rsplit_once('.')?;
    let layer = layer.strip_suffix(NAME)?;
    let factor = factor.to_uppercase();
    Some((format!("base_model.model.{layer}lora_{factor}.weight"), weight))
}
