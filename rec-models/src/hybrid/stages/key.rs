//! What a stage depends on, as a hash.

use std::fs;
use std::io::Read as _;
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::io;
use crate::{Error, Result};

/// The hash of a stage's name, its options, what it reads, and the version of the library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::hybrid) struct Key(String);

impl Key {
    pub(in crate::hybrid) fn new(
        stage: &str,
        options: &impl Serialize,
        inputs: &[&Self],
    ) -> Result<Self> {
        let all = (stage, env!("CARGO_PKG_VERSION"), options, inputs);
        // Through a value, so that maps are in order.
        let value = serde_json::to_value(all).and_then(|value| serde_json::to_vec(&value));
        let bytes = value.map_err(|e| Error::data(format!("options of {stage}"), e.to_string()))?;
        Ok(Self::of(&bytes))
    }

    fn of(bytes: &[u8]) -> Self {
        Self(hex(Sha256::digest(bytes).as_slice()))
    }

    /// Enough of it to name a folder.
    pub(in crate::hybrid) fn short(&self) -> &str {
        &self.0[..16]
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The hash of files, and of the files of folders, by what they hold.
pub(in crate::hybrid) fn hash_files<'a>(
    paths: impl IntoIterator<Item = &'a Path>,
) -> Result<String> {
    let mut hash = Sha256::new();
    for path in paths {
        add(&mut hash, path)?;
        hash.update([0xff]);
    }
    Ok(hex(hash.finalize().as_slice()))
}

fn add(hash: &mut Sha256, path: &Path) -> Result<()> {
    if fs::metadata(path).map_err(io(path))?.is_dir() {
        let entries = fs::read_dir(path).map_err(io(path))?;
        let mut files =
            entries.map(|e| Ok(e.map_err(io(path))?.path())).collect::<Result<Vec<_>>>()?;
        files.sort();
        return files.iter().try_for_each(|file| {
            hash.update(file.file_name().unwrap_or_default().as_encoded_bytes());
            add(hash, file)
        });
    }
    let mut file = fs::File::open(path).map_err(io(path))?;
    let mut piece = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut piece).map_err(io(path))?;
        if n == 0 {
            return Ok(());
        }
        hash.update(&piece[..n]);
    }
}
