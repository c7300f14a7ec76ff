//! Saving a model as a checkpoint folder.

use std::borrow::Cow;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor, TensorData};
use safetensors::tensor::{Dtype, View, serialize_to_file};
use serde::Serialize;
use serde_json::{Value, json};

use super::config::CONFIG;
use crate::{Error, Result};

/// The name of the weights' file.
const WEIGHTS: &str = "model.safetensors";

/// Writes `config.json` and `model.safetensors` into `folder`, which is made if it is not there;
/// other files in it (a tokenizer) stay. Weights are written as f32, under the names of the
/// module's fields, with an underscore at the end of a name left out (`self_`). Each file is
/// written under a temporary name and renamed when whole.
///
/// Adapters are no part of a checkpoint: add them to the weights first, or save them apart
/// ([`LoraConfig`](super::LoraConfig)).
///
/// `architecture` is the name `transformers` has for the class (`BertModel`).
///
/// # Errors
/// [`Error::Io`] where the disk refuses, [`Error::Data`] for a model whose adapters would be lost.
pub fn save_checkpoint(
    folder: &Path,
    architecture: &str,
    config: &impl Serialize,
    module: &impl Module,
) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
    let config = config_text(architecture, config)?;
    let (adapters, weights): (Vec<_>, Vec<_>) =
        named(module).into_iter().partition(|(path, _)| path.contains(ADAPTER));
    if adapters.iter().any(|(path, weight)| path.ends_with(".b") && !weight.is_zero()) {
        let why = "a checkpoint has no room for them; merge them, or save them apart";
        return Err(Error::data("the model's adapters", why));
    }
    write_weights(&folder.join(WEIGHTS), weights)?;
    replace(&folder.join(CONFIG), |path| std::fs::write(path, &config))
}

/// What the paths of an adapter's parameters hold.
const ADAPTER: &str = ".lora.";

/// Writes arrays under their names, whole or not at all.
pub(super) fn write_weights(path: &Path, weights: Vec<(String, Weight)>) -> Result<()> {
    replace(path, |path| {
        let note = [("format".to_string(), "pt".to_string())].into();
        serialize_to_file(weights, Some(note), path).map_err(std::io::Error::other)
    })
}

/// The float parameters of a module, named as [`save_checkpoint`] names them.
pub(super) fn named(module: &impl Module) -> Vec<(String, Weight)> {
    let mut named = Named::default();
    module.visit(&mut named);
    named.tensors
}

/// The config with what says how the weights are stored.
fn config_text(architecture: &str, config: &impl Serialize) -> Result<String> {
    let odd = |e: serde_json::Error| Error::data("the model's config", e.to_string());
    let mut config = serde_json::to_value(config).map_err(odd)?;
    if let Value::Object(fields) = &mut config {
        fields.remove("torch_dtype");
        fields.insert("dtype".into(), json!("float32"));
        fields.insert("architectures".into(), json!([architecture]));
    }
    serde_json::to_string_pretty(&config).map_err(odd)
}

/// Has `write` write a file beside `path`, flushes it to the disk and renames it to `path`.
pub(super) fn replace(path: &Path, write: impl FnOnce(&Path) -> std::io::Result<()>) -> Result<()> {
    let partial = path.with_added_extension(format!("{}.partial", std::process::id()));
    let written = write(&partial)
        .and_then(|()| std::fs::OpenOptions::new().write(true).open(&partial)?.sync_all())
        .and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|source| {
        // What is left of the file is of no use; that removing it fails too changes nothing.
        let _ = std::fs::remove_file(&partial);
        Error::io(path)(source)
    })
}

/// The float parameters of a module by the path of their fields.
#[derive(Default)]
struct Named {
    path: Vec<String>,
    tensors: Vec<(String, Weight)>,
}

impl ModuleVisitor for Named {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.transform_for_save().val();
        let shape = tensor.dims().to_vec();
        let values = tensor.reshape([-1]);
        self.tensors.push((self.path.join("."), Weight { values, shape }));
    }

    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.trim_end_matches('_').to_string());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}

/// A weight that is copied off its device when it is written, one at a time.
pub(super) struct Weight {
    values: Tensor<1>,
    shape: Vec<usize>,
}

impl Weight {
    fn is_zero(&self) -> bool {
        self.values.to_data().iter::<f32>().all(|value| value == 0.0)
    }
}

impl View for Weight {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let data: TensorData = self.values.to_data().convert_dtype(DType::F32);
        Cow::Owned(data.as_bytes().to_vec())
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * size_of::<f32>()
    }
}
