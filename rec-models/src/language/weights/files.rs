//! The files of a checkpoint: safetensors and PyTorch archives, whole or in shards.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use burn::tensor::{DType, TensorData};
use pytorch_reader::{PickleValue, PytorchReader};
use safetensors::tensor::{Dtype, Metadata};

use super::tensor_data;
use crate::{Error, Result};

/// A tensor in a file.
#[derive(Debug)]
pub(in crate::language) enum Stored {
    /// A range of a safetensors file.
    Safetensors { file: Arc<SafeFile>, begin: u64, len: usize, shape: Vec<usize>, dtype: DType },
    /// An entry of a PyTorch archive.
    Pytorch { path: PathBuf, tensor: Box<pytorch_reader::Tensor>, dtype: DType },
}

/// An open safetensors file.
#[derive(Debug)]
pub(in crate::language) struct SafeFile {
    path: PathBuf,
    file: Mutex<File>,
}

impl Stored {
    pub(super) fn shape(&self) -> &[usize] {
        match self {
            Self::Safetensors { shape, .. } => shape,
            Self::Pytorch { tensor, .. } => tensor.shape(),
        }
    }

    pub(in crate::language) fn read(&self) -> Result<TensorData> {
        match self {
            Self::Safetensors { file, begin, len, shape, dtype } => {
                let bytes = file.read(*begin, *len)?;
                Ok(tensor_data(bytes, shape, *dtype))
            }
            Self::Pytorch { path, tensor, dtype } => {
                let bytes = tensor.read().map_err(Error::io(path))?;
                Ok(tensor_data(bytes, tensor.shape(), *dtype))
            }
        }
    }
}

impl SafeFile {
    fn read(&self, begin: u64, len: usize) -> Result<Vec<u8>> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = vec![0; len];
        file.seek(SeekFrom::Start(begin))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(Error::io(&self.path))?;
        Ok(bytes)
    }
}

/// What the files of a checkpoint hold.
#[derive(Debug, Default)]
pub(in crate::language) struct Tensors {
    /// Tensors of floats, by name: weights.
    pub(in crate::language) floats: BTreeMap<String, Stored>,
    /// The names of others: buffers such as position ids, and quantised weights.
    pub(super) others: BTreeSet<String>,
}

impl Tensors {
    /// Those of an adapter's folder, as `peft` writes it.
    pub(in crate::language) fn of_adapter(folder: &Path) -> Result<Self> {
        let candidates: [(&str, Open); 2] =
            [("adapter_model.safetensors", safetensors), ("adapter_model.bin", pytorch)];
        first(folder, &candidates, "an adapter's folder")
    }

    fn extend(&mut self, more: Self) {
        self.floats.extend(more.floats);
        self.others.extend(more.others);
    }

    fn has(&self, name: &str) -> bool {
        self.floats.contains_key(name) || self.others.contains(name)
    }
}

/// Reads one file.
type Open = fn(&Path) -> Result<Tensors>;

/// Every tensor of the checkpoint in `folder`.
pub(super) fn open(folder: &Path) -> Result<Tensors> {
    let candidates: [(&str, Open); 4] = [
        ("model.safetensors", safetensors),
        ("model.safetensors.index.json", |path| shards(path, safetensors)),
        ("pytorch_model.bin", pytorch),
        ("pytorch_model.bin.index.json", |path| shards(path, pytorch)),
    ];
    first(folder, &candidates, "a checkpoint folder")
}

/// What the first of the files that is there holds.
fn first(folder: &Path, candidates: &[(&str, Open)], what: &str) -> Result<Tensors> {
    for (name, read) in candidates {
        let path = folder.join(name);
        if path.is_file() {
            return read(&path);
        }
    }
    let names: Vec<&str> = candidates.iter().map(|(name, _)| *name).collect();
    let why = format!("no weights; {what} has one of {}", names.join(", "));
    Err(Error::format(folder, None, why))
}

/// The files an index names, each read by `read`.
fn shards(index: &Path, read: Open) -> Result<Tensors> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let text = std::fs::read_to_string(index).map_err(Error::io(index))?;
    let parsed: Index = serde_json::from_str(&text)
        .map_err(|e| Error::format(index, Some(e.line() as u64), e.to_string()))?;
    let folder = index.parent().unwrap_or(Path::new("."));
    let mut tensors = Tensors::default();
    for shard in parsed.weight_map.values().collect::<BTreeSet<_>>() {
        if Path::new(shard).components().count() != 1 {
            let why = format!("shard {shard:?} is not a file name in the same folder");
            return Err(Error::format(index, None, why));
        }
        tensors.extend(read(&folder.join(shard))?);
    }
    match parsed.weight_map.keys().find(|name| !tensors.has(name)) {
        None => Ok(tensors),
        Some(name) => Err(Error::format(index, None, format!("no shard holds {name:?}"))),
    }
}

fn safetensors(path: &Path) -> Result<Tensors> {
    let damaged = |why: String| Error::format(path, None, why);
    let mut file = File::open(path).map_err(Error::io(path))?;
    let size = file.metadata().map_err(Error::io(path))?.len();
    let mut head = vec![0; 8.min(size as usize)];
    file.read_exact(&mut head).map_err(Error::io(path))?;
    let header = match <[u8; 8]>::try_from(head.as_slice()) {
        Ok(bytes) => u64::from_le_bytes(bytes),
        Err(_) => return Err(damaged("not a safetensors file: shorter than its header".into())),
    };
    if header > size - 8 {
        return Err(damaged(format!("cut short: its header alone should take {header} bytes")));
    }
    head.resize(8 + header as usize, 0);
    file.read_exact(&mut head[8..]).map_err(Error::io(path))?;
    let metadata: Metadata =
        serde_json::from_slice(&head[8..]).map_err(|e| damaged(format!("its header: {e}")))?;
    let start = 8 + header;
    let whole = start + metadata.data_len() as u64;
    if size < whole {
        return Err(damaged(format!("cut short: {size} bytes of {whole}; copy the file again")));
    }
    let file = Arc::new(SafeFile { path: path.to_path_buf(), file: Mutex::new(file) });
    let mut tensors = Tensors::default();
    for (name, info) in metadata.tensors() {
        let Some(dtype) = float(info.dtype) else {
            tensors.others.insert(name);
            continue;
        };
        let (begin, end) = info.data_offsets;
        let stored = Stored::Safetensors {
            file: file.clone(),
            begin: start + begin as u64,
            len: end - begin,
            shape: info.shape.clone(),
            dtype,
        };
        tensors.floats.insert(name, stored);
    }
    Ok(tensors)
}

/// Weights are floats; buffers of other types (position ids) are not read.
fn float(dtype: Dtype) -> Option<DType> {
    match dtype {
        Dtype::F64 => Some(DType::F64),
        Dtype::F32 => Some(DType::F32),
        Dtype::F16 => Some(DType::F16),
        Dtype::BF16 => Some(DType::BF16),
        _ => None,
    }
}

fn pytorch(path: &Path) -> Result<Tensors> {
    let values = PytorchReader::read_pickle_data(path, None).map_err(|e| refused(path, e))?;
    if let Some(object) = foreign(&values) {
        let why = format!("it holds {object}, which only running its code could make");
        return Err(refused(path, why));
    }
    let reader = PytorchReader::new(path).map_err(|e| refused(path, e))?;
    let mut tensors = Tensors::default();
    for (name, tensor) in reader.into_tensors() {
        use pytorch_reader::DType as Stored32;
        let dtype = match tensor.dtype() {
            Stored32::F64 => DType::F64,
            Stored32::F32 => DType::F32,
            Stored32::F16 => DType::F16,
            Stored32::BF16 => DType::BF16,
            _ => {
                tensors.others.insert(name);
                continue;
            }
        };
        let path = path.to_path_buf();
        let stored = Stored::Pytorch { path, tensor: Box::new(tensor), dtype };
        tensors.floats.insert(name, stored);
    }
    Ok(tensors)
}

/// The type of the first object in a pickle that is neither a tensor nor plain data. The reader
/// runs no code and leaves such objects out; a file that holds one is not one to trust.
fn foreign(value: &PickleValue) -> Option<&str> {
    const PLAIN: [&str; 6] = [
        "int",
        "torch.Size",
        "torch.device",
        "numpy.dtype",
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray.scalar",
    ];
    match value {
        PickleValue::List(values) => values.iter().find_map(foreign),
        PickleValue::Dict(values) => values.values().find_map(foreign),
        PickleValue::Unsupported(name) => {
            let tensor = name.strip_prefix("torch.").is_some_and(|name| {
                name == "Tensor" || name.ends_with("Storage") || is_dtype(name)
            });
            (!tensor && !PLAIN.contains(&name.as_str())).then_some(name)
        }
        _ => None,
    }
}

/// Whether torch has a type of numbers of this name.
fn is_dtype(name: &str) -> bool {
    const STEMS: [&str; 6] = ["float", "bfloat", "int", "uint", "complex", "bool"];
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    STEMS.contains(&stem)
}

fn refused(path: &Path, reason: impl std::fmt::Display) -> Error {
    let why = format!(
        "not read: {reason}. Only tensors are read from a pickle, and no code in it is run; save the weights as model.safetensors"
    );
    Error::format(path, None, why)
}
