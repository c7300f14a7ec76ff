//! Which parameters learn, and how fast.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

use crate::ops::adamw::path::Path;
use crate::{Error, Result};

/// The model with the parameters of some parts held as they are, and which those are.
///
/// A part is a run of names of a parameter's path (`embeddings`, `encoder.layer.0`).
///
/// # Errors
/// A part that no parameter has, and parts that leave nothing to learn.
pub(super) fn frozen<M: Module>(model: M, parts: &[String]) -> Result<(M, BTreeSet<String>)> {
    let paths = paths(&model);
    if let Some(part) = parts.iter().find(|part| !paths.iter().any(|path| has(path, part))) {
        let near: BTreeSet<&str> =
            paths.iter().filter_map(|path| path.rsplit_once('.').map(|(stem, _)| stem)).collect();
        let near = near.into_iter().take(12).collect::<Vec<_>>().join(", ");
        let why = format!("no parameter lies there; the model has {near}, …");
        return Err(Error::parameter("frozen", part, why));
    }
    let mut switch = Switch {
        path: Path::default(),
        held: paths.into_iter().filter(|path| parts.iter().any(|part| has(path, part))).collect(),
        learning: 0,
        changed: BTreeSet::new(),
    };
    let model = model.map(&mut switch);
    match switch.learning {
        0 => Err(Error::parameter("frozen", parts.join(", "), "nothing is left to learn")),
        _ => Ok((model, switch.changed)),
    }
}

/// The model with the parameters that [`frozen`] held free to learn again.
pub(super) fn thawed<M: Module>(model: M, held: &BTreeSet<String>) -> M {
    model.map(&mut Thaw { path: Path::default(), held })
}

/// What each parameter's learning rate is multiplied by: `decayⁿ`, where `n` counts the layers above
/// it (Howard & Ruder 2018, § 3.2; Clark et al. 2020). Embeddings lie below the first layer, heads
/// and what follows the layers above the last; layers that share their weights count as one.
#[derive(Debug)]
pub(super) struct LayerRates {
    decay: f64,
    heights: BTreeMap<String, i32>,
    top: i32,
}

impl LayerRates {
    pub(super) fn new(model: &impl Module, decay: f64) -> Self {
        let paths = paths(model);
        let layers = paths.iter().filter_map(|path| layer(path)).max().map_or(0, |last| last + 1);
        let top = layers + 1;
        let height = |path: &str| match layer(path) {
            Some(layer) => layer + 1,
            None if embeds(path) => 0,
            None => top,
        };
        let heights = paths.into_iter().map(|path| (path.clone(), height(&path))).collect();
        Self { decay, heights, top }
    }

    pub(super) fn share(&self, path: &str) -> f64 {
        let height = self.heights.get(path).copied().unwrap_or(self.top);
        self.decay.powi(self.top - height)
    }
}

/// Which layer a parameter lies in, from 0.
fn layer(path: &str) -> Option<i32> {
    let names: Vec<&str> = path.split('.').collect();
    let stack = |pair: &[&str]| match ["layer", "layers", "h", "block"].contains(&pair[0]) {
        true => pair[1].parse().ok(),
        false => None,
    };
    names.windows(2).find_map(stack)
}

fn embeds(path: &str) -> bool {
    let tables = ["embeddings", "embed_tokens", "wte", "wpe", "shared"];
    path.split('.').any(|name| tables.contains(&name))
}

/// Whether the names of `part` stand in a row in `path`.
fn has(path: &str, part: &str) -> bool {
    format!(".{path}.").contains(&format!(".{}.", part.trim_matches('.')))
}

fn paths(model: &impl Module) -> Vec<String> {
    let mut found = Paths::default();
    model.visit(&mut found);
    found.all
}

#[derive(Default)]
struct Paths {
    path: Path,
    all: Vec<String>,
}

impl ModuleVisitor for Paths {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, _: &Param<Tensor<D>>) {
        self.all.push(self.path.joined());
    }
}

struct Switch {
    path: Path,
    held: BTreeSet<String>,
    learning: usize,
    changed: BTreeSet<String>,
}

impl ModuleMapper for Switch {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.path.joined();
        if !param.val().is_require_grad() {
            return param;
        }
        if !self.held.contains(&path) {
            self.learning += 1;
            return param;
        }
        self.changed.insert(path);
        param.set_require_grad(false)
    }
}

struct Thaw<'a> {
    path: Path,
    held: &'a BTreeSet<String>,
}

impl ModuleMapper for Thaw<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.held.contains(&self.path.joined()) {
            true => param.set_require_grad(true),
            false => param,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_whole_names() {
        assert!(has("bert.encoder.layer.1.output.dense.weight", "encoder.layer.1"));
        assert!(!has("bert.encoder.layer.11.output.dense.weight", "encoder.layer.1"));
        assert!(has("embeddings.LayerNorm.weight", "embeddings"));
    }

    #[test]
    fn layers_are_found_in_every_family() {
        assert_eq!(layer("bert.encoder.layer.3.attention.self_.query.weight"), Some(3));
        assert_eq!(layer("transformer.h.7.attn.c_attn.weight"), Some(7));
        assert_eq!(layer("model.layers.0.mlp.up_proj.weight"), Some(0));
        assert_eq!(layer("encoder.block.2.layer.1.layer_norm.weight"), Some(2));
        assert_eq!(layer("encoder.albert_layer_groups.0.albert_layers.0.ffn.bias"), None);
        assert!(embeds("bert.embeddings.LayerNorm.weight") && embeds("transformer.wpe.weight"));
    }
}
