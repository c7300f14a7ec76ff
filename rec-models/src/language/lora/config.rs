//! How a model is adapted, and what `peft` calls it.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::folder::Card;
use crate::{Error, Result};

/// The name of the file.
pub(super) const FILE: &str = "adapter_config.json";

/// Query and value layers, whatever a family calls them.
const QUERY_VALUE: [&str; 9] =
    ["query", "value", "q_lin", "v_lin", "c_attn", "q_proj", "v_proj", "q", "v"];

/// Which layers get adapters, and of what size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoraConfig {
    /// Rows of `A`: the rank of what is added to a weight at most.
    pub rank: usize,
    /// What is added is multiplied by `alpha / rank`.
    pub alpha: f64,
    /// The share of an adapter's input that is dropped while training.
    pub dropout: f64,
    /// The last names of the linear layers' paths (`query`, `attention.output.dense`); where none
    /// are given, the query and value layers (for GPT-2, the one that holds both).
    pub targets: Vec<String>,
}

impl Default for LoraConfig {
    /// Rank 8, `alpha` 16, of query and value layers, nothing dropped.
    fn default() -> Self {
        Self { rank: 8, alpha: 16.0, dropout: 0.0, targets: Vec::new() }
    }
}

impl LoraConfig {
    /// What `B A` is multiplied by.
    pub fn scale(&self) -> f64 {
        self.alpha / self.rank as f64
    }

    /// # Errors
    /// A value outside its domain.
    pub fn check(&self) -> Result<()> {
        if self.rank == 0 {
            return Err(Error::parameter("lora.rank", 0, "choose 1 or more; usual are 4 to 64"));
        }
        if !(self.alpha > 0.0 && self.alpha.is_finite()) {
            let why = "a positive number; usual is once or twice the rank";
            return Err(Error::parameter("lora.alpha", self.alpha, why));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            let why = "a share, from 0 to below 1; usual is 0.05";
            return Err(Error::parameter("lora.dropout", self.dropout, why));
        }
        Ok(())
    }

    /// Whether the layer at `path` gets an adapter.
    pub(super) fn targets(&self, path: &str) -> bool {
        match self.targets.is_empty() {
            true => QUERY_VALUE.iter().any(|name| ends_with(path, name)),
            false => self.targets.iter().any(|name| ends_with(path, name)),
        }
    }

    /// That of an adapter's folder.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
        let fields: Map<String, Value> = serde_json::from_str(&text)
            .map_err(|e| Error::format(&path, Some(e.line() as u64), e.to_string()))?;
        if let Some((name, value)) = beyond(&fields) {
            let what = format!("{name} = {value} in {}", path.display());
            return Err(Error::unsupported(what, "LoRA", "only plain LoRA adapters are read"));
        }
        let number = |name: &str| {
            let odd = || Error::format(&path, None, format!("{name} is missing, or no number"));
            fields.get(name).and_then(Value::as_f64).ok_or_else(odd)
        };
        let targets = match fields.get("target_modules") {
            Some(Value::Array(names)) => {
                names.iter().filter_map(Value::as_str).map(Into::into).collect()
            }
            _ => Vec::new(),
        };
        let config = Self {
            rank: number("r")? as usize,
            alpha: number("lora_alpha")?,
            dropout: number("lora_dropout").unwrap_or(0.0),
            targets,
        };
        config.check()?;
        Ok(config)
    }

    /// As `peft` writes it; `targets` are the layers that have adapters.
    pub(super) fn card(&self, card: &Card<'_>, targets: &[String]) -> Value {
        json!({
            "peft_type": "LORA",
            "task_type": card.task,
            "base_model_name_or_path": card.base,
            "inference_mode": true,
            "r": self.rank,
            "lora_alpha": self.alpha,
            "lora_dropout": self.dropout,
            "target_modules": targets,
            "fan_in_fan_out": card.turned,
            "bias": "none",
            "init_lora_weights": true,
            "use_rslora": false,
            "use_dora": false,
            "modules_to_save": null,
            "rank_pattern": {},
            "alpha_pattern": {},
        })
    }
}

/// Whether `name` is the path or its last names.
pub(super) fn ends_with(path: &str, name: &str) -> bool {
    path.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The first field that asks for more than `W + s B A`.
fn beyond(fields: &Map<String, Value>) -> Option<(&String, &Value)> {
    let plain = |name: &str, value: &Value| match name {
        "peft_type" => value == "LORA",
        "bias" => value == "none",
        "use_dora" | "use_rslora" | "use_qalora" | "lora_bias" => value == false || value.is_null(),
        "rank_pattern" | "alpha_pattern" => {
            value.is_null() || value.as_object().is_some_and(Map::is_empty)
        }
        "modules_to_save" | "layer_replication" | "trainable_token_indices" => value.is_null(),
        _ => true,
    };
    fields.iter().find(|(name, value)| !plain(name, value))
}
