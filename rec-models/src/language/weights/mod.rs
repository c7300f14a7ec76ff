//! Weights of a checkpoint, by the names its files give them.

mod files;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use burn::module::Module;
use burn::tensor::{DType, Device, Shape, Tensor, TensorData};

use self::files::Stored;
pub(super) use self::files::Tensors;
use super::layers::Linear;
use super::lora::{Adapters, Plan, hold_base};
use crate::{Error, Result};

/// The weights of a checkpoint folder, read one tensor at a time.
///
/// Which names were asked for is remembered, so that [`Weights::report`] can say what the
/// checkpoint holds beyond the model and the model beyond the checkpoint.
#[derive(Debug)]
pub struct Weights {
    folder: PathBuf,
    stored: Tensors,
    device: Device,
    dtype: DType,
    asked: Mutex<Asked>,
    plan: Option<Plan>,
}

#[derive(Debug, Default)]
struct Asked {
    taken: BTreeSet<String>,
    missing: BTreeSet<String>,
}

/// What of a checkpoint was used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Optional weights the model has and the checkpoint lacks.
    pub missing: Vec<String>,
    /// Weights of the checkpoint that the model did not take.
    pub unexpected: Vec<String>,
}

impl Weights {
    /// The weights in `folder`: `model.safetensors`, a sharded `model.safetensors.index.json`,
    /// `pytorch_model.bin`, or a sharded `pytorch_model.bin.index.json`, the first there is.
    /// Tensors go to `device` as `dtype`, whatever type the file holds.
    ///
    /// # Errors
    /// A folder without such a file, and a file that is damaged or holds more than tensors.
    pub fn open(folder: &Path, device: &Device, dtype: DType) -> Result<Self> {
        Ok(Self {
            folder: folder.to_path_buf(),
            stored: files::open(folder)?,
            device: device.clone(),
            dtype,
            asked: Mutex::default(),
            plan: None,
        })
    }

    /// With adapters for some of the linear layers that are loaded from here on.
    ///
    /// # Errors
    /// A config outside its domain, a folder that holds no adapter known here.
    pub fn with_adapters(self, adapters: Option<&Adapters>) -> Result<Self> {
        Ok(Self { plan: adapters.map(Plan::open).transpose()?, ..self })
    }

    /// The loaded model, of which adapters alone learn, if it was to have any.
    ///
    /// # Errors
    /// Adapters of layers that it does not have.
    pub(super) fn adapted<M: Module>(&self, model: M) -> Result<M> {
        self.check_adapters()?;
        let learns = self.plan.as_ref().is_some_and(Plan::learns);
        Ok(if learns { hold_base(model) } else { model })
    }

    /// That the loaded model has all the adapters' layers.
    ///
    /// # Errors
    /// One that it does not have.
    pub(super) fn check_adapters(&self) -> Result<()> {
        self.plan.as_ref().map_or(Ok(()), Plan::check)
    }

    /// The names' common start: the first of `prefixes` (`"bert."`) that any name begins with,
    /// else none.
    pub fn root(&self, prefixes: &[&str]) -> Scope<'_> {
        let begins =
            |prefix: &&&str| self.stored.floats.keys().any(|name| name.starts_with(**prefix));
        let prefix = prefixes.iter().find(begins).map_or("", |prefix| *prefix);
        Scope { weights: self, prefix: prefix.to_string(), adapts: true }
    }

    /// The scope of the names as they stand in the files.
    pub fn top(&self) -> Scope<'_> {
        Scope { weights: self, prefix: String::new(), adapts: true }
    }

    /// Every name in the files.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.stored.floats.keys().map(String::as_str)
    }

    /// What was asked for and not there, and what is there and was not asked for.
    pub fn report(&self) -> LoadReport {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let adapters = self.plan.iter().flat_map(Plan::unused);
        let unexpected = self.stored.floats.keys().filter(|name| !asked.taken.contains(*name));
        LoadReport {
            missing: asked.missing.iter().cloned().collect(),
            unexpected: unexpected.cloned().chain(adapters).collect(),
        }
    }

    fn find(&self, name: &str) -> Option<(&String, &Stored)> {
        let stored = |name: &str| self.stored.floats.get_key_value(name);
        stored(name).or_else(|| stored(&old_name(name)?))
    }

    fn read(&self, name: &str, stored: &Stored, shape: &[usize]) -> Result<TensorData> {
        if stored.shape() != shape {
            return Err(Error::shape(
                format!("{}: weight {name}", self.folder.display()),
                format!("{shape:?}, as config.json says"),
                format!("{:?}", stored.shape()),
            ));
        }
        self.note_taken(name);
        stored.read()
    }

    fn note_taken(&self, name: &str) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.taken.insert(name.to_string());
    }

    fn note_missing(&self, name: &str) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.missing.insert(name.to_string());
    }
}

/// Checkpoints converted from TensorFlow name a norm's weight `gamma` and its bias `beta`.
fn old_name(name: &str) -> Option<String> {
    let (stem, last) = name.rsplit_once('.')?;
    match last {
        "weight" => Some(format!("{stem}.gamma")),
        "bias" => Some(format!("{stem}.beta")),
        _ => None,
    }
}

/// The weights below a prefix.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    weights: &'a Weights,
    prefix: String,
    adapts: bool,
}

impl Scope<'_> {
    /// The scope `name.` within this one.
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        Self { prefix: format!("{}{name}.", self.prefix), ..*self }
    }

    /// The same scope, whose layers get no adapters: of tables that are more than a layer.
    pub fn plain(&self) -> Self {
        Self { adapts: false, prefix: self.prefix.clone(), ..*self }
    }

    /// The layer that was loaded from this scope, with its adapter if it gets one.
    ///
    /// # Errors
    /// An adapter of another shape.
    pub fn adapted(&self, layer: Linear) -> Result<Linear> {
        match &self.weights.plan {
            Some(plan) if self.adapts => plan.adapt(self.prefix.trim_end_matches('.'), layer),
            _ => Ok(layer),
        }
    }

    /// Whether a weight of this name is stored.
    pub fn has(&self, name: &str) -> bool {
        self.weights.find(&self.full(name)).is_some()
    }

    /// Whether a weight of this name is stored; its absence goes into the report.
    pub fn wanted(&self, name: &str) -> bool {
        let has = self.has(name);
        if !has {
            self.weights.note_missing(&self.full(name));
        }
        has
    }

    /// Notes that the weight `name`, if stored, is one that the model has elsewhere.
    pub fn pass_over(&self, name: &str) {
        if let Some((stored_name, _)) = self.weights.find(&self.full(name)) {
            self.weights.note_taken(stored_name);
        }
    }

    /// The weight `name`, of this shape.
    ///
    /// # Errors
    /// Where it is missing or of another shape.
    pub fn tensor<const D: usize>(&self, name: &str, shape: [usize; D]) -> Result<Tensor<D>> {
        let full = self.full(name);
        let Some((stored_name, stored)) = self.weights.find(&full) else {
            return Err(self.missing(&full));
        };
        let data = self.weights.read(stored_name, stored, &shape)?;
        Ok(self.place(data))
    }

    /// The weight `name` if it is stored; its absence goes into the report.
    ///
    /// # Errors
    /// Where it is of another shape.
    pub fn optional<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
    ) -> Result<Option<Tensor<D>>> {
        if self.wanted(name) { self.tensor(name, shape).map(Some) } else { Ok(None) }
    }

    /// The shape of a stored weight.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.weights.find(&self.full(name)).map(|(_, stored)| stored.shape())
    }

    /// Where tensors go.
    pub fn device(&self) -> &Device {
        &self.weights.device
    }

    /// The type tensors get.
    pub fn dtype(&self) -> DType {
        self.weights.dtype
    }

    fn full(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn place<const D: usize>(&self, data: TensorData) -> Tensor<D> {
        let data = data.convert_dtype(self.weights.dtype);
        Tensor::from_data(data, (&self.weights.device, self.weights.dtype))
    }

    fn missing(&self, name: &str) -> Error {
        let stored = &self.weights.stored;
        let hint = if stored.others.contains(name) {
            "it is stored, but not as floats: save the checkpoint in f32, f16 or bf16".to_string()
        } else {
            match nearest(name, stored.floats.keys()).as_slice() {
                [] => "is this the checkpoint of another architecture?".to_string(),
                near => format!("the nearest names are {}", near.join(", ")),
            }
        };
        Error::format(&self.weights.folder, None, format!("no weight {name:?}; {hint}"))
    }
}

/// Up to three of `names` that begin and end as `name` does, for more than half its length.
fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a String>) -> Vec<&'a str> {
    let mut near: Vec<(usize, &str)> = names
        .map(|other| (shared_ends(name, other), other.as_str()))
        .filter(|(shared, _)| *shared > name.len() / 2)
        .collect();
    near.sort_by_key(|(shared, _)| std::cmp::Reverse(*shared));
    near.into_iter().take(3).map(|(_, other)| other).collect()
}

/// How many bytes two names share at their beginning and at their end.
fn shared_ends(a: &str, b: &str) -> usize {
    let begin = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let end = a.bytes().rev().zip(b.bytes().rev()).take_while(|(a, b)| a == b).count();
    begin + end
}

/// A tensor's bytes as burn takes them.
fn tensor_data(bytes: Vec<u8>, shape: &[usize], dtype: DType) -> TensorData {
    TensorData::from_bytes_vec(bytes, Shape::from(shape.to_vec()), dtype)
}
