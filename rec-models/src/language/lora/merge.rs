//! Adapters of a model in memory: added to its weights, or the only ones to learn.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

use super::LoraConfig;
use crate::ops::adamw::path::Path;

/// The field of an adapter in its layer.
pub(super) const NAME: &str = "lora";

impl LoraConfig {
    /// The model with its adapters added to the weights they adapt: `W + s B A`. Their `B` is then
    /// zero.
    pub fn merge<M: Module>(&self, model: M) -> M {
        let mut found = Factors::default();
        model.visit(&mut found);
        let mut add = Add { path: Path::default(), factors: found.layers, alpha: self.alpha };
        model.map(&mut add)
    }
}

/// Whether any layer has an adapter.
pub fn has_adapters(model: &impl Module) -> bool {
    let mut found = Factors::default();
    model.visit(&mut found);
    !found.layers.is_empty()
}

/// The model whose adapters alone learn.
pub(in crate::language) fn hold_base<M: Module>(model: M) -> M {
    model.map(&mut Hold { path: Path::default() })
}

/// `A` and `B` by the path of their layer.
#[derive(Default)]
struct Factors {
    path: Path,
    layers: BTreeMap<String, BTreeMap<String, Tensor<2>>>,
}

impl ModuleVisitor for Factors {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.joined();
        if let Some((layer, factor)) = factor(&path) {
            let value = param.val();
            let [rows, columns] = [value.dims()[0], value.dims()[D - 1]];
            let layer = self.layers.entry(layer.to_string()).or_default();
            layer.insert(factor.to_string(), value.reshape([rows, columns]));
        }
    }
}

/// The layer and the name of an adapter's factor.
fn factor(path: &str) -> Option<(&str, &str)> {
    let (adapter, factor) = path.rsplit_once('.')?;
    let layer = adapter.strip_suffix(NAME)?.strip_suffix('.')?;
    Some((layer, factor))
}

struct Add {
    path: Path,
    factors: BTreeMap<String, BTreeMap<String, Tensor<2>>>,
    alpha: f64,
}

impl Add {
    /// `s B A` of the layer whose weight lies at `path`.
    fn update(&self, path: &str) -> Option<Tensor<2>> {
        let factors = self.factors.get(path.strip_suffix(".weight")?)?;
        let (a, b) = (factors.get("a")?, factors.get("b")?);
        let scale = self.alpha / a.dims()[0] as f64;
        Some(b.clone().matmul(a.clone()) * scale)
    }
}

impl ModuleMapper for Add {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let path = self.path.joined();
        if factor(&path).is_some_and(|(_, factor)| factor == "b") {
            return param.map(|b| like(b.zeros_like(), &b));
        }
        match self.update(&path) {
            Some(update) => param.map(|weight| {
                let sum = weight.clone() + update.reshape(weight.dims());
                like(sum, &weight)
            }),
            None => param,
        }
    }
}

/// New values in the place of old ones: a leaf of its own, that learns if they did.
fn like<const D: usize>(new: Tensor<D>, old: &Tensor<D>) -> Tensor<D> {
    new.detach().set_require_grad(old.is_require_grad())
}

struct Hold {
    path: Path,
}

impl ModuleMapper for Hold {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.enter(name);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match factor(&self.path.joined()) {
            Some(_) => param,
            None => param.set_require_grad(false),
        }
    }
}
