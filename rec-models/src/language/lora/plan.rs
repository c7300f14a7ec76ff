//! Which layers of a model get which adapters, while it is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::RngExt;
use rec_core::rng;

use super::config::ends_with;
use super::{Lora, LoraConfig};
use crate::language::layers::Linear;
use crate::language::weights::Tensors;
use crate::{Error, Result};

/// The adapters a model is loaded with.
#[derive(Clone, Debug)]
pub enum Adapters {
    /// New ones, to train.
    New {
        /// Of which layers, and how large.
        config: LoraConfig,
        /// What `A` is drawn by.
        seed: u64,
    },
    /// Those of a folder, to train on.
    Saved(PathBuf),
    /// Those of a folder, added to the weights.
    Merged(PathBuf),
}

/// The adapters, and which layers asked for one.
#[derive(Debug)]
pub(in crate::language) struct Plan {
    config: LoraConfig,
    source: Source,
    merge: bool,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
enum Source {
    Drawn(u64),
    Stored(Stored),
}

/// An adapter's file: the layers by path, and what their arrays are called.
#[derive(Debug)]
struct Stored {
    folder: PathBuf,
    tensors: Tensors,
    layers: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
struct Seen {
    adapted: BTreeSet<String>,
    others: BTreeSet<String>,
}

const A: &str = ".lora_A.weight";
const B: &str = ".lora_B.weight";

impl Plan {
    pub(in crate::language) fn open(adapters: &Adapters) -> Result<Self> {
        let (config, source, merge) = match adapters {
            Adapters::New { config, seed } => {
                config.check()?;
                (config.clone(), Source::Drawn(*seed), false)
            }
            Adapters::Saved(folder) | Adapters::Merged(folder) => {
                let merge = matches!(adapters, Adapters::Merged(_));
                (LoraConfig::read(folder)?, Source::Stored(Stored::open(folder)?), merge)
            }
        };
        Ok(Self { config, source, merge, seen: Mutex::default() })
    }

    /// Whether the weights stay as they are, and adapters learn.
    pub(in crate::language) fn learns(&self) -> bool {
        !self.merge
    }

    /// The layer at `path` with its adapter, if it gets one.
    pub(in crate::language) fn adapt(&self, path: &str, layer: Linear) -> Result<Linear> {
        let weight = layer.weight.val();
        let at = Place { dims: weight.dims(), device: weight.device(), dtype: weight.dtype() };
        let found = match &self.source {
            Source::Drawn(seed) => {
                self.config.targets(path).then(|| drawn(*seed, path, self.config.rank, &at))
            }
            Source::Stored(stored) => stored.layer(path, &at)?,
        };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((a, b)) = found else {
            seen.others.insert(path.to_string());
            return Ok(layer);
        };
        seen.adapted.insert(path.to_string());
        let rank = a.dims()[0];
        let scale = self.config.alpha / rank as f64;
        let lora = Lora { a: Param::from_tensor(a), b: Param::from_tensor(b), scale };
        Ok(match self.merge {
            true => Linear { weight: Param::from_tensor(weight + lora.update()), ..layer },
            false => Linear { lora: Some(lora), ..layer },
        })
    }

    /// Adapters of layers that the model does not have.
    pub(in crate::language) fn unused(&self) -> Vec<String> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let Source::Stored(stored) = &self.source else { return Vec::new() };
        let used = |layer: &String| seen.adapted.iter().any(|path| same(path, layer));
        let unused = stored.layers.keys().filter(|layer| !used(layer));
        unused.map(|layer| format!("{}{A}", stored.layers[layer])).collect()
    }

    /// That every target names a layer.
    ///
    /// # Errors
    /// The first that names none.
    pub(in crate::language) fn check(&self) -> Result<()> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Source::Stored(Stored { folder, .. }) = &self.source {
            return match seen.adapted.is_empty() {
                true => Err(Error::format(folder, None, "its adapters are of another model")),
                false => Ok(()),
            };
        }
        let named = |name: &&String| !seen.adapted.iter().any(|path| ends_with(path, name));
        let missing = self.config.targets.iter().find(named).cloned();
        let missing = missing.or_else(|| seen.adapted.is_empty().then(|| "query".into()));
        let Some(name) = missing else { return Ok(()) };
        let last = |path: &'_ String| path.rsplit('.').next().unwrap_or(path).to_string();
        let all: BTreeSet<String> = seen.adapted.iter().chain(&seen.others).map(last).collect();
        let all = all.into_iter().collect::<Vec<_>>().join(", ");
        let why = format!("no linear layer's path ends so; their last names are {all}");
        Err(Error::parameter("lora.targets", name, why))
    }
}

/// What an adapter must fit.
struct Place {
    /// `[d_out, d_in]`.
    dims: [usize; 2],
    device: Device,
    dtype: DType,
}

impl Place {
    fn tensor(&self, data: TensorData) -> Tensor<2> {
        Tensor::from_data(data.convert_dtype(self.dtype), (&self.device, self.dtype))
    }
}

/// `A` uniform within `±1/√d_in`, as `peft` draws it, and `B` zero.
fn drawn(seed: u64, path: &str, rank: usize, at: &Place) -> (Tensor<2>, Tensor<2>) {
    let [d_out, d_in] = at.dims;
    let bound = (d_in as f32).powf(-0.5);
    let mut rng = rng::stream(seed, path, 0);
    let a: Vec<f32> = (0..rank * d_in).map(|_| rng.random_range(-bound..bound)).collect();
    let a = at.tensor(TensorData::new(a, [rank, d_in]));
    (a, at.tensor(TensorData::new(vec![0f32; d_out * rank], [d_out, rank])))
}

impl Stored {
    fn open(folder: &Path) -> Result<Self> {
        let tensors = Tensors::of_adapter(folder)?;
        let layer = |name: &String| {
            let whole = name.strip_suffix(A)?;
            let path = whole.strip_prefix("base_model.model.").unwrap_or(whole);
            Some((path.to_string(), whole.to_string()))
        };
        let layers = tensors.floats.keys().filter_map(layer).collect();
        Ok(Self { folder: folder.to_path_buf(), tensors, layers })
    }

    /// `A` and `B` of the layer at `path`.
    fn layer(&self, path: &str, at: &Place) -> Result<Option<(Tensor<2>, Tensor<2>)>> {
        let Some((_, name)) = self.layers.iter().find(|(layer, _)| same(path, layer)) else {
            return Ok(None);
        };
        let (a, b) = (self.array(&format!("{name}{A}"))?, self.array(&format!("{name}{B}"))?);
        let [d_out, d_in] = at.dims;
        let shapes = (a.shape().to_vec(), b.shape().to_vec());
        let rank = shapes.0.first().copied().unwrap_or(0);
        if rank == 0 || shapes != (vec![rank, d_in], vec![d_out, rank]) {
            let what = format!("{}: adapter of {name}", self.folder.display());
            let expected = format!("[rank, {d_in}] and [{d_out}, rank]");
            return Err(Error::shape(what, expected, format!("{:?} and {:?}", shapes.0, shapes.1)));
        }
        Ok(Some((at.tensor(a), at.tensor(b))))
    }

    fn array(&self, name: &str) -> Result<TensorData> {
        match self.tensors.floats.get(name) {
            Some(stored) => stored.read(),
            None => Err(Error::format(&self.folder, None, format!("no array {name:?}"))),
        }
    }
}

/// Whether two paths are of the same layer, one perhaps with its model's name before it
/// (`bert.encoder…` and `encoder…`).
fn same(a: &str, b: &str) -> bool {
    ends_with(a, b) || ends_with(b, a)
}
