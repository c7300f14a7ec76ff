//! Writing a model folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::folders;
use super::manifest::{FORMAT, MANIFEST, Manifest};
use super::tensors::{Array, Element, sha256};
use crate::data::{Csr, IdMap, IdMaps};
use crate::{Error, Result};

/// Collects a model's parts and writes them as one folder: whole or not at all.
pub struct ModelWriter {
    manifest: Manifest,
    files: BTreeMap<String, BTreeMap<String, Array>>,
    folders: BTreeMap<String, WriteFolder>,
}

/// Writes the files of a folder.
type WriteFolder = Box<dyn FnOnce(&Path) -> Result<()> + Send>;

impl ModelWriter {
    /// A folder of this model kind, with the estimator's parameters.
    ///
    /// # Errors
    /// [`Error::Data`] for a configuration that JSON cannot hold.
    pub fn new(kind: &str, config: &impl Serialize) -> Result<Self> {
        Ok(Self {
            manifest: Manifest {
                format: FORMAT,
                kind: kind.into(),
                library: env!("CARGO_PKG_VERSION").into(),
                config: json(config)?,
                training: serde_json::Value::Null,
                ids: BTreeMap::new(),
                files: BTreeMap::new(),
            },
            files: BTreeMap::new(),
            folders: BTreeMap::new(),
        })
    }

    /// What the folder will say of itself; the files are listed once written.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// A hash of the configuration and all arrays: of what would be saved, its folders left out.
    ///
    /// # Errors
    /// [`Error::Data`] for a configuration that JSON cannot hold.
    pub fn fingerprint(&self) -> Result<String> {
        let mut hash = Sha256::new();
        let manifest = json(&(&self.manifest.kind, &self.manifest.config, &self.manifest.ids))?;
        hash.update(manifest.to_string().as_bytes());
        for (file, arrays) in &self.files {
            for (name, array) in arrays {
                hash.update(format!("{file}/{name}{:?}", array.shape).as_bytes());
                hash.update(&array.bytes);
            }
        }
        Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect())
    }

    /// Notes how the model was trained.
    ///
    /// # Errors
    /// [`Error::Data`] for a note that JSON cannot hold.
    pub fn training(&mut self, note: &impl Serialize) -> Result<&mut Self> {
        self.manifest.training = json(note)?;
        Ok(self)
    }

    /// Adds the id maps.
    pub fn ids(&mut self, ids: &IdMaps) -> &mut Self {
        self.map("users", &ids.users).map("items", &ids.items)
    }

    /// Adds the names of labels.
    pub fn labels(&mut self, labels: &IdMap) -> &mut Self {
        self.map("labels", labels)
    }

    /// Sets the estimator's parameters, where they are known only once the arrays are.
    ///
    /// # Errors
    /// [`Error::Data`] for a configuration that JSON cannot hold.
    pub fn config(&mut self, config: &impl Serialize) -> Result<&mut Self> {
        self.manifest.config = json(config)?;
        Ok(self)
    }

    /// Adds another id map, such as that of the items of a table.
    pub fn map(&mut self, name: &str, map: &IdMap) -> &mut Self {
        self.manifest.ids.insert(name.into(), map.fingerprint());
        self.id_map(name, map);
        self
    }

    /// Adds texts, any number of them empty.
    pub fn texts<S: AsRef<str>>(&mut self, name: &str, texts: &[S]) -> &mut Self {
        let bytes: Vec<u8> = texts.iter().flat_map(|text| text.as_ref().bytes()).collect();
        let ends: Vec<u64> = texts
            .iter()
            .scan(0, |end, text| {
                *end += text.as_ref().len() as u64;
                Some(*end)
            })
            .collect();
        self.array("texts", &format!("{name}.text"), Array::new(&[bytes.len()], &bytes));
        self.array("texts", &format!("{name}.ends"), Array::new(&[ends.len()], &ends));
        self
    }

    fn id_map(&mut self, name: &str, map: &IdMap) {
        if let Some(values) = map.as_integers() {
            self.array("ids", name, Array::new(&[values.len()], values));
        } else {
            let mut bytes: Vec<u8> = Vec::new();
            let mut ends = Vec::with_capacity(map.len());
            for id in map.iter() {
                bytes.extend_from_slice(id.to_string().as_bytes());
                ends.push(bytes.len() as u64);
            }
            self.array("ids", &format!("{name}.text"), Array::new(&[bytes.len()], &bytes));
            self.array("ids", &format!("{name}.ends"), Array::new(&[ends.len()], &ends));
        }
    }

    /// Adds an array of 32-bit floats.
    ///
    /// # Errors
    /// [`Error::Shape`] where the shape does not hold the values.
    pub fn f32(&mut self, name: &str, shape: &[usize], values: &[f32]) -> Result<&mut Self> {
        self.model_array(name, shape, values)
    }

    /// Adds an array of 64-bit floats.
    ///
    /// # Errors
    /// [`Error::Shape`] where the shape does not hold the values.
    pub fn f64(&mut self, name: &str, shape: &[usize], values: &[f64]) -> Result<&mut Self> {
        self.model_array(name, shape, values)
    }

    /// Adds an array of unsigned 32-bit integers.
    ///
    /// # Errors
    /// [`Error::Shape`] where the shape does not hold the values.
    pub fn u32(&mut self, name: &str, shape: &[usize], values: &[u32]) -> Result<&mut Self> {
        self.model_array(name, shape, values)
    }

    /// Adds an array of unsigned 64-bit integers.
    ///
    /// # Errors
    /// [`Error::Shape`] where the shape does not hold the values.
    pub fn u64(&mut self, name: &str, shape: &[usize], values: &[u64]) -> Result<&mut Self> {
        self.model_array(name, shape, values)
    }

    /// Adds an array of signed 64-bit integers.
    ///
    /// # Errors
    /// [`Error::Shape`] where the shape does not hold the values.
    pub fn i64(&mut self, name: &str, shape: &[usize], values: &[i64]) -> Result<&mut Self> {
        self.model_array(name, shape, values)
    }

    /// Adds a sparse matrix.
    ///
    /// # Errors
    /// None of its own.
    pub fn csr(&mut self, name: &str, matrix: &Csr) -> Result<&mut Self> {
        let indptr: Vec<u64> = matrix.indptr().iter().map(|&p| p as u64).collect();
        self.u64(&format!("{name}.indptr"), &[indptr.len()], &indptr)?;
        self.u32(&format!("{name}.indices"), &[matrix.nnz()], matrix.indices())?;
        self.u64(&format!("{name}.n_cols"), &[1], &[matrix.n_cols() as u64])?;
        if let Some(values) = matrix.values() {
            self.f32(&format!("{name}.values"), &[values.len()], values)?;
        }
        Ok(self)
    }

    /// Adds a folder, such as a checkpoint in another library's layout: when the model is saved,
    /// `write` is given the folder to write into. Its files are listed and verified as the others.
    pub fn folder(
        &mut self,
        name: &str,
        write: impl FnOnce(&Path) -> Result<()> + Send + 'static,
    ) -> &mut Self {
        self.folders.insert(name.into(), Box::new(write));
        self
    }

    fn model_array<T: Element>(
        &mut self,
        name: &str,
        shape: &[usize],
        values: &[T],
    ) -> Result<&mut Self> {
        if shape.iter().product::<usize>() != values.len() {
            return Err(Error::shape(format!("array {name}"), format!("{shape:?}"), values.len()));
        }
        self.array("model", name, Array::new(shape, values));
        Ok(self)
    }

    fn array(&mut self, file: &str, name: &str, array: Array) {
        self.files.entry(format!("{file}.safetensors")).or_default().insert(name.into(), array);
    }

    /// Writes the folder, replacing a model that stood there. A folder that is no model is left
    /// alone.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk refuses; nothing half-written remains. [`Error::Format`] if
    /// `path` exists and is not a model folder.
    pub fn save(mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        if path.exists() && !path.join(MANIFEST).is_file() {
            let why = "exists and is not a model folder; choose another path or remove it";
            return Err(Error::format(path, None, why));
        }
        let parent = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        fs::create_dir_all(&parent).map_err(Error::io(&parent))?;
        let staged = tempfile::Builder::new()
            .prefix(".rec-model-")
            .tempdir_in(&parent)
            .map_err(Error::io(&parent))?;
        for (file, arrays) in std::mem::take(&mut self.files) {
            let views = arrays
                .iter()
                .map(|(name, array)| Ok((name.as_str(), array.view().map_err(|e| bad(path, e))?)))
                .collect::<Result<Vec<_>>>()?;
            let bytes = safetensors::serialize(views, None).map_err(|e| bad(path, e))?;
            self.manifest.files.insert(file.clone(), sha256(&bytes));
            write_synced(&staged.path().join(file), &bytes)?;
        }
        for (name, write) in std::mem::take(&mut self.folders) {
            let folder = staged.path().join(&name);
            fs::create_dir(&folder).map_err(Error::io(&folder))?;
            write(&folder)?;
            folders::list(&folder, &name, &mut self.manifest.files)?;
        }
        let manifest = serde_json::to_vec_pretty(&self.manifest).map_err(|e| bad(path, e))?;
        write_synced(&staged.path().join(MANIFEST), &manifest)?;
        put_in_place(staged, path)
    }
}

/// Renames the staged folder to its place; a model there before goes only once the new one stands.
fn put_in_place(staged: tempfile::TempDir, path: &Path) -> Result<()> {
    let from = staged.path().to_path_buf();
    if !path.exists() {
        fs::rename(&from, path).map_err(Error::io(path))?;
        let _ = staged.keep();
        return Ok(());
    }
    let old = from.with_extension("old");
    fs::rename(path, &old).map_err(Error::io(path))?;
    if let Err(e) = fs::rename(&from, path) {
        fs::rename(&old, path).map_err(Error::io(&old))?;
        return Err(Error::io(path)(e));
    }
    let _ = staged.keep();
    fs::remove_dir_all(&old).map_err(Error::io(&old))
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = fs::File::create(path).map_err(Error::io(path))?;
    std::io::Write::write_all(&mut file, bytes).map_err(Error::io(path))?;
    file.sync_all().map_err(Error::io(path))
}

fn json(value: &impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value).map_err(|e| Error::data("configuration", e.to_string()))
}

fn bad(path: &Path, e: impl std::fmt::Display) -> Error {
    Error::format(path, None, e.to_string())
}
