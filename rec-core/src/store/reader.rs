//! Reading a model folder, checked against its manifest.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::SafeTensors;
use serde::de::DeserializeOwned;

use super::folders;
use super::manifest::{FORMAT, MANIFEST, Manifest};
use super::tensors::{Element, decode, sha256};
use crate::data::{Csr, IdMap, IdMaps};
use crate::{Error, Result};

/// A model folder opened and verified: every file is there and is the one that was written.
pub struct ModelReader {
    path: PathBuf,
    manifest: Manifest,
    files: BTreeMap<String, Vec<u8>>,
}

impl ModelReader {
    /// Opens a folder.
    ///
    /// # Errors
    /// [`Error::Io`] if there is none, [`Error::Version`] if it was written in a newer format,
    /// [`Error::Format`] if it is no model folder, or a file is missing, cut short or changed.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_without(path, &[])
    }

    /// Opens a folder but for some of its files, which are neither read nor verified.
    ///
    /// # Errors
    /// As [`ModelReader::open`].
    pub fn open_without(path: impl AsRef<Path>, left_out: &[&str]) -> Result<Self> {
        let path = path.as_ref().to_path_buf();
        let manifest = read_manifest(&path)?;
        let mut files = BTreeMap::new();
        for (name, hash) in &manifest.files {
            if left_out.contains(&name.as_str()) {
                continue;
            }
            let file = path.join(name);
            if !folders::stays_inside(name) {
                return Err(Error::format(&path, None, format!("manifest names a file {name:?}")));
            }
            let changed = || {
                let why = "not the file that was saved (cut short or changed since); restore the \
                           folder from a copy or train again";
                Error::format(&file, None, why)
            };
            // Files of inner folders may be large, and are read by whoever knows their layout.
            if Path::new(name).components().count() > 1 {
                if &folders::hash_file(&file)? != hash {
                    return Err(changed());
                }
                continue;
            }
            let bytes = fs::read(&file).map_err(Error::io(&file))?;
            if &sha256(&bytes) != hash {
                return Err(changed());
            }
            files.insert(name.clone(), bytes);
        }
        Ok(Self { path, manifest, files })
    }

    /// What the folder says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The estimator's parameters.
    ///
    /// # Errors
    /// [`Error::Format`] where they are not those of the model kind.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_value(self.manifest.config.clone())
            .map_err(|e| self.bad(format!("config of a {} model: {e}", self.manifest.kind)))
    }

    /// A folder inside the model's, whose files are those that were saved.
    ///
    /// # Errors
    /// [`Error::Format`] where the model has none of that name.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let inside = format!("{name}/");
        match self.manifest.files.keys().any(|file| file.starts_with(&inside)) {
            true => Ok(self.path.join(name)),
            false => Err(self.bad(format!("no folder {name:?}"))),
        }
    }

    /// The id maps.
    ///
    /// # Errors
    /// [`Error::Format`] where they are missing or not those the manifest names.
    pub fn ids(&self) -> Result<Arc<IdMaps>> {
        Ok(IdMaps::shared(self.map("users")?, self.map("items")?))
    }

    /// The names of labels.
    ///
    /// # Errors
    /// As for [`ModelReader::ids`].
    pub fn labels(&self) -> Result<IdMap> {
        self.map("labels")
    }

    /// Texts.
    ///
    /// # Errors
    /// [`Error::Format`] where the folder has none of that name.
    pub fn texts(&self, name: &str) -> Result<Vec<String>> {
        self.spelled("texts", name)
    }

    /// Another id map, by its name.
    ///
    /// # Errors
    /// As for [`ModelReader::ids`].
    pub fn map(&self, name: &str) -> Result<IdMap> {
        let map = self.id_map(name)?;
        if self.manifest.ids.get(name) != Some(&map.fingerprint()) {
            return Err(self.bad(format!("the {name} are not those of the manifest")));
        }
        Ok(map)
    }

    fn id_map(&self, name: &str) -> Result<IdMap> {
        if let Some((_, values)) = self.find::<i64>("ids", name)? {
            return IdMap::from_ids(values);
        }
        let texts = self.spelled("ids", name)?;
        IdMap::from_strings(texts.iter().map(String::as_str))
    }

    /// Texts one after another, parted by where each ends.
    fn spelled(&self, file: &str, name: &str) -> Result<Vec<String>> {
        let (_, bytes) = self.need::<u8>(file, &format!("{name}.text"))?;
        let (_, ends) = self.need::<u64>(file, &format!("{name}.ends"))?;
        let mut start = 0;
        let text = |end: u64| {
            let text = bytes.get(start..end as usize).and_then(|b| std::str::from_utf8(b).ok());
            start = end as usize;
            text.map(str::to_owned).ok_or_else(|| self.bad(format!("damaged texts {name}")))
        };
        ends.into_iter().map(text).collect()
    }

    /// An array of 32-bit floats, with its shape.
    ///
    /// # Errors
    /// [`Error::Format`] where the folder has none of that name and type.
    pub fn f32(&self, name: &str) -> Result<(Vec<usize>, Vec<f32>)> {
        self.need("model", name)
    }

    /// An array of 64-bit floats, with its shape.
    ///
    /// # Errors
    /// [`Error::Format`] where the folder has none of that name and type.
    pub fn f64(&self, name: &str) -> Result<(Vec<usize>, Vec<f64>)> {
        self.need("model", name)
    }

    /// An array of unsigned 32-bit integers, with its shape.
    ///
    /// # Errors
    /// [`Error::Format`] where the folder has none of that name and type.
    pub fn u32(&self, name: &str) -> Result<(Vec<usize>, Vec<u32>)> {
        self.need("model", name)
    }

    /// An array of unsigned 64-bit integers, with its shape.
    ///
    /// # Errors
    /// [`Error::Format`] where the folder has none of that name and type.
    pub fn u64(&self, name: &str) -> Result<(Vec<usize>, Vec<u64>)> {
        self.need("model", name)
    }

    /// An array of signed 64-bit integers, with its shape.
    ///
    /// # Errors
    /// [`Error::Format`] where the folder has none of that name and type.
    pub fn i64(&self, name: &str) -> Result<(Vec<usize>, Vec<i64>)> {
        self.need("model", name)
    }

    /// A sparse matrix.
    ///
    /// # Errors
    /// [`Error::Format`] where the folder has none of that name, or its parts make no matrix.
    pub fn csr(&self, name: &str) -> Result<Csr> {
        let (_, indptr) = self.u64(&format!("{name}.indptr"))?;
        let (_, indices) = self.u32(&format!("{name}.indices"))?;
        let (_, n_cols) = self.u64(&format!("{name}.n_cols"))?;
        let values = self.find::<f32>("model", &format!("{name}.values"))?.map(|(_, v)| v);
        let n_cols = n_cols.first().map_or(0, |&n| n as usize);
        Csr::new(indptr.into_iter().map(|p| p as usize).collect(), indices, values, n_cols)
            .map_err(|e| self.bad(format!("matrix {name}: {e}")))
    }

    /// Whether there is an array of that name.
    pub fn has(&self, name: &str) -> bool {
        let file = self.files.get("model.safetensors");
        file.and_then(|bytes| SafeTensors::deserialize(bytes).ok())
            .is_some_and(|all| all.tensor(name).is_ok())
    }

    fn need<T: Element>(&self, file: &str, name: &str) -> Result<(Vec<usize>, Vec<T>)> {
        self.find(file, name)?
            .ok_or_else(|| self.bad(format!("no array {name:?} in {file}.safetensors")))
    }

    fn find<T: Element>(&self, file: &str, name: &str) -> Result<Option<(Vec<usize>, Vec<T>)>> {
        let Some(bytes) = self.files.get(&format!("{file}.safetensors")) else {
            return Ok(None);
        };
        let all = SafeTensors::deserialize(bytes).map_err(|e| self.bad(e.to_string()))?;
        let Ok(tensor) = all.tensor(name) else {
            return Ok(None);
        };
        if tensor.dtype() != T::DTYPE {
            return Err(self.bad(format!(
                "array {name:?} is {:?}, expected {:?}",
                tensor.dtype(),
                T::DTYPE
            )));
        }
        Ok(Some((tensor.shape().to_vec(), decode(tensor.data()))))
    }

    fn bad(&self, why: impl Into<String>) -> Error {
        Error::format(&self.path, None, why)
    }
}

impl Manifest {
    /// Reads what a model folder says of itself, without its arrays.
    ///
    /// # Errors
    /// As for [`ModelReader::open`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        read_manifest(path.as_ref())
    }
}

fn read_manifest(path: &Path) -> Result<Manifest> {
    let file = path.join(MANIFEST);
    if path.is_dir() && !file.is_file() {
        return Err(Error::format(path, None, "not a model folder: it has no manifest.json"));
    }
    let text = fs::read_to_string(&file).map_err(Error::io(&file))?;
    let bad = |e: serde_json::Error| {
        Error::format(&file, Some(e.line() as u64), format!("not a model manifest: {e}"))
    };
    let raw: serde_json::Value = serde_json::from_str(&text).map_err(bad)?;
    let found = raw.get("format").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if found > u64::from(FORMAT) {
        return Err(Error::Version {
            path: path.into(),
            found: u32::try_from(found).unwrap_or(u32::MAX),
            supported: FORMAT,
        });
    }
    if found == 0 {
        return Err(Error::format(&file, None, "no format version: not a model manifest"));
    }
    serde_json::from_value(raw).map_err(bad)
}
