//! Folders inside a model folder: what other libraries read as they are, such as a checkpoint.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path};

use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// Whether a name that a manifest lists stays inside the folder.
pub(super) fn stays_inside(name: &str) -> bool {
    !name.is_empty()
        && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

/// The SHA-256 of a file, read a piece at a time.
pub(super) fn hash_file(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 1 << 16];
    loop {
        let n = file.read(&mut piece).map_err(Error::io(path))?;
        if n == 0 {
            return Ok(hash.finalize().iter().map(|b| format!("{b:02x}")).collect());
        }
        hash.update(&piece[..n]);
    }
}

/// Notes the hash of every file below `folder` under its path from there, behind `name`.
pub(super) fn list(folder: &Path, name: &str, files: &mut BTreeMap<String, String>) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        let part = path.file_name().and_then(|part| part.to_str()).ok_or_else(|| {
            Error::format(&path, None, "a file name that is not Unicode cannot be listed")
        })?;
        let name = format!("{name}/{part}");
        if path.is_dir() {
            list(&path, &name, files)?;
        } else {
            files.insert(name, hash_file(&path)?);
        }
    }
    Ok(())
}
