//! Vectors kept on disk, by text and model.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use super::TextEncoder;
use crate::{Error, Result};

const MAGIC: &[u8; 8] = b"RECVEC01";
/// Magic, columns, and the model's fingerprint.
const HEADER: usize = 8 + 4 + 32;
const KEY: usize = 16;
const CHECK: usize = 4;

type Key = [u8; KEY];

/// Vectors of texts that one model, under one pooling and length, has encoded before.
///
/// One file a model: records of a key (hash of prompt and text), the vector, and a checksum,
/// appended. A record that a crash left incomplete is dropped when the file is opened again. One
/// process at a time holds the file.
#[derive(Debug)]
pub struct VectorCache {
    path: PathBuf,
    dim: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// The record of each key.
    index: HashMap<Key, u64>,
    records: u64,
}

impl TextEncoder {
    /// Looks texts up in `folder` before encoding them, and adds those that are not there. The
    /// folder may serve many models: files are named by a hash of the model's files and settings.
    ///
    /// # Errors
    /// What the disk refuses, a damaged file, and one that another process holds.
    pub fn with_cache(mut self, folder: impl AsRef<Path>) -> Result<Self> {
        let fingerprint = self.fingerprint()?;
        self.cache = Some(VectorCache::open(folder.as_ref(), &fingerprint, self.dim())?);
        Ok(self)
    }

    /// The cache, where one is set.
    pub fn cache(&self) -> Option<&VectorCache> {
        self.cache.as_ref()
    }

    /// A hash of the model's files and of the settings that vectors depend on.
    fn fingerprint(&self) -> Result<[u8; 32]> {
        let mut files = Vec::new();
        for folder in std::iter::once(&self.folder).chain(&self.options.adapter) {
            model_files(folder, 0, &mut files)?;
        }
        files.sort();
        let mut hash = Sha256::new();
        hash.update(&self.settings);
        for path in files {
            let name = path.strip_prefix(&self.folder).unwrap_or(&path);
            hash.update(name.as_os_str().as_encoded_bytes());
            let mut file = File::open(&path).map_err(Error::io(&path))?;
            std::io::copy(&mut file, &mut HashWriter(&mut hash)).map_err(Error::io(&path))?;
        }
        Ok(hash.finalize().into())
    }
}

struct HashWriter<'a>(&'a mut Sha256);

impl Write for HashWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What an adapter's folder holds, which is read where the caller names it alone.
const ADAPTER: &str = "adapter_config.json";

/// The files that a model is read from, its modules' folders included.
pub(super) fn model_files(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        let kind = path.extension().and_then(|kind| kind.to_str());
        if path.is_dir() && depth == 0 && !path.join(ADAPTER).is_file() {
            model_files(&path, 1, files)?;
        } else if matches!(kind, Some("json" | "txt" | "safetensors" | "bin")) {
            files.push(path);
        }
    }
    Ok(())
}

fn key(prompt: &str, text: &str) -> Key {
    let mut hash = Sha256::new();
    hash.update((prompt.len() as u64).to_le_bytes());
    hash.update(prompt);
    hash.update(text);
    let mut key = Key::default();
    key.copy_from_slice(&hash.finalize()[..KEY]);
    key
}

fn checksum(record: &[u8]) -> [u8; CHECK] {
    let digest = Sha256::digest(record);
    [digest[0], digest[1], digest[2], digest[3]]
}

impl VectorCache {
    fn open(folder: &Path, fingerprint: &[u8; 32], dim: usize) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let name: String = fingerprint[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let path = folder.join(format!("{name}.vectors"));
        let mut options = File::options();
        let file =
            options.read(true).append(true).create(true).open(&path).map_err(Error::io(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let why = "another process uses this cache; wait for it or choose another folder";
                return Err(Error::data(path.display().to_string(), why));
            }
            Err(TryLockError::Error(error)) => return Err(Error::io(&path)(error)),
        }
        let cache = Self {
            path,
            dim,
            state: Mutex::new(State { file, index: HashMap::new(), records: 0 }),
        };
        cache.read_index(fingerprint)?;
        Ok(cache)
    }

    /// Vectors in the cache.
    pub fn len(&self) -> usize {
        self.state().index.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Puts the vectors it has into their rows of `vectors`; the positions it lacks.
    pub(super) fn fill(
        &self,
        prompt: &str,
        texts: &[&str],
        vectors: &mut [f32],
    ) -> Result<Vec<usize>> {
        let mut state = self.state();
        let mut record = vec![0; self.record()];
        let mut missing = Vec::new();
        for (i, row) in vectors.chunks_exact_mut(self.dim).enumerate() {
            match state.index.get(&key(prompt, texts[i])).copied() {
                None => missing.push(i),
                Some(number) => {
                    let at = HEADER as u64 + number * self.record() as u64;
                    read_at(&mut state.file, at, &mut record).map_err(Error::io(&self.path))?;
                    let values = record[KEY..].as_chunks().0;
                    for (value, bytes) in row.iter_mut().zip(values) {
                        *value = f32::from_le_bytes(*bytes);
                    }
                }
            }
        }
        Ok(missing)
    }

    /// Adds vectors, row-major.
    pub(super) fn insert(&self, prompt: &str, texts: &[&str], vectors: &[f32]) -> Result<()> {
        let mut state = self.state();
        let mut bytes = Vec::with_capacity(texts.len() * self.record());
        let mut added = Vec::with_capacity(texts.len());
        for (text, vector) in texts.iter().zip(vectors.chunks_exact(self.dim)) {
            let start = bytes.len();
            let key = key(prompt, text);
            bytes.extend(key);
            bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
            let check = checksum(&bytes[start..]);
            bytes.extend(check);
            added.push(key);
        }
        state.file.write_all(&bytes).map_err(Error::io(&self.path))?;
        for key in added {
            let number = state.records;
            state.index.insert(key, number);
            state.records += 1;
        }
        Ok(())
    }

    fn record(&self) -> usize {
        KEY + 4 * self.dim + CHECK
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the keys, and cuts off what a crash left incomplete.
    fn read_index(&self, fingerprint: &[u8; 32]) -> Result<()> {
        let mut guard = self.state();
        let state = &mut *guard;
        let io = || Error::io(&self.path);
        let size = state.file.metadata().map_err(io())?.len();
        let mut header = MAGIC.to_vec();
        header.extend((self.dim as u32).to_le_bytes());
        header.extend(fingerprint);
        if size < HEADER as u64 {
            state.file.set_len(0).and_then(|()| state.file.write_all(&header)).map_err(io())?;
            return Ok(());
        }
        let mut stored = vec![0; HEADER];
        read_at(&mut state.file, 0, &mut stored).map_err(io())?;
        if stored != header {
            let why = "not a cache of this model; delete the file to start it anew";
            return Err(Error::format(&self.path, None, why));
        }
        let mut reader = std::io::BufReader::with_capacity(1 << 20, &state.file);
        reader.seek(SeekFrom::Start(HEADER as u64)).map_err(io())?;
        let mut record = vec![0; self.record()];
        let whole = (size - HEADER as u64) / self.record() as u64;
        while state.records < whole {
            reader.read_exact(&mut record).map_err(io())?;
            let (body, check) = record.split_at(self.record() - CHECK);
            if checksum(body) != check {
                break;
            }
            let mut key = Key::default();
            key.copy_from_slice(&body[..KEY]);
            state.index.insert(key, state.records);
            state.records += 1;
        }
        let kept = HEADER as u64 + state.records * self.record() as u64;
        if kept < size {
            state.file.set_len(kept).map_err(io())?;
        }
        Ok(())
    }
}

fn read_at(file: &mut File, at: u64, bytes: &mut [u8]) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: [u8; 32] = [7; 32];

    fn filled(cache: &VectorCache, texts: &[&str]) -> (Vec<f32>, Vec<usize>) {
        let mut vectors = vec![0.0; 2 * texts.len()];
        let missing = cache.fill("", texts, &mut vectors).unwrap();
        (vectors, missing)
    }

    #[test]
    fn vectors_come_back_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let cache = VectorCache::open(folder.path(), &MODEL, 2).unwrap();
        assert_eq!(filled(&cache, &["a", "b"]).1, [0, 1]);
        cache.insert("", &["a", "b"], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert!(VectorCache::open(folder.path(), &MODEL, 2).is_err(), "one process at a time");
        drop(cache);
        let cache = VectorCache::open(folder.path(), &MODEL, 2).unwrap();
        assert_eq!(filled(&cache, &["b", "c", "a"]), (vec![3.0, 4.0, 0.0, 0.0, 1.0, 2.0], vec![1]));
        let mut vectors = vec![0.0; 2];
        assert_eq!(cache.fill("query: ", &["a"], &mut vectors).unwrap(), [0], "prompts differ");
    }

    #[test]
    fn an_incomplete_record_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let cache = VectorCache::open(folder.path(), &MODEL, 2).unwrap();
        cache.insert("", &["a", "b"], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        let path = cache.path().to_path_buf();
        drop(cache);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
        let cache = VectorCache::open(folder.path(), &MODEL, 2).unwrap();
        assert_eq!(filled(&cache, &["a", "b"]).1, [1]);
        cache.insert("", &["b"], &[5.0, 6.0]).unwrap();
        assert_eq!(filled(&cache, &["a", "b"]), (vec![1.0, 2.0, 5.0, 6.0], vec![]));
    }

    #[test]
    fn the_file_of_another_model_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = VectorCache::open(folder.path(), &MODEL, 2).unwrap().path().to_path_buf();
        std::fs::write(&path, [1; 100]).unwrap();
        assert!(VectorCache::open(folder.path(), &MODEL, 2).is_err());
    }
}
