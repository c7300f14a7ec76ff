//! Writing the folder of an encoder that was trained.

use std::path::{Path, PathBuf};

use super::modules::{Layout, Step};
use crate::language::electra::GENERATOR;
use crate::{Error, Result};

/// Writes to `to` a folder of the layout that `from` has, whole or not at all: its configs,
/// vocabularies and modules, and what `save` writes, which is given the folder and that of the
/// transformer in it. `to` may be an empty folder.
pub(super) fn publish(
    (from, layout): (&Path, &Layout),
    to: &Path,
    save: impl FnOnce(&Path, &Path) -> Result<()>,
) -> Result<()> {
    let inner = layout.transformer.strip_prefix(from).unwrap_or(Path::new(""));
    whole(to, |partial| {
        copy_small(from, partial, &dense(layout))?;
        save(partial, &partial.join(inner))
    })
}

/// Has `write` write a folder beside `to`, and renames it when it is whole.
pub(in crate::language) fn whole(to: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let parent = match to.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).map_err(Error::io(parent))?;
    let partial = tempfile::Builder::new()
        .prefix(".partial-")
        .tempdir_in(parent)
        .map_err(Error::io(parent))?;
    write(partial.path())?;
    if to.exists() {
        std::fs::remove_dir(to).map_err(Error::io(to))?;
    }
    let partial = partial.keep();
    std::fs::rename(&partial, to).map_err(Error::io(to))
}

/// Copies a model's folder with all that lies in it to `to`, whole or not at all.
///
/// # Errors
/// A `to` that holds files, and where the disk refuses.
pub fn copy_model(from: &Path, to: &Path) -> Result<()> {
    check_free(to)?;
    whole(to, |partial| copy_all(from, partial))
}

fn copy_all(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to).map_err(Error::io(to))?;
    for entry in from.read_dir().map_err(Error::io(from))? {
        let path = entry.map_err(Error::io(from))?.path();
        let Some(name) = path.file_name() else { continue };
        match path.is_dir() {
            true => copy_all(&path, &to.join(name))?,
            false => std::fs::copy(&path, to.join(name)).map(|_| ()).map_err(Error::io(&path))?,
        }
    }
    Ok(())
}

/// That nothing would be overwritten.
pub(in crate::language) fn check_free(to: &Path) -> Result<()> {
    match to.read_dir().is_ok_and(|mut files| files.next().is_some()) {
        true => Err(Error::parameter("to", to.display(), "it holds files; choose another folder")),
        false => Ok(()),
    }
}

/// Folders whose weights stay as they are.
fn dense(layout: &Layout) -> Vec<PathBuf> {
    let folder = |step: &Step| match step {
        Step::Dense { folder, .. } => Some(folder.clone()),
        _ => None,
    };
    layout.steps.iter().filter_map(folder).collect()
}

/// Copies what is no weights of a transformer: configs, vocabularies, modules. An ELECTRA's generator
/// is another transformer, and stays behind.
pub(super) fn copy_small(from: &Path, to: &Path, whole: &[PathBuf]) -> Result<()> {
    std::fs::create_dir_all(to).map_err(Error::io(to))?;
    let all = whole.iter().any(|folder| folder == from);
    for entry in from.read_dir().map_err(Error::io(from))? {
        let path = entry.map_err(Error::io(from))?.path();
        let Some(name) = path.file_name() else { continue };
        let small =
            ["json", "txt", "model"].iter().any(|end| path.extension() == Some(end.as_ref()));
        let listing = name.to_string_lossy().ends_with(".index.json");
        if path.is_dir() {
            if path.join("config.json").is_file() && name != GENERATOR {
                copy_small(&path, &to.join(name), whole)?;
            }
        } else if all || (small && !listing) {
            std::fs::copy(&path, to.join(name)).map_err(Error::io(&path))?;
        }
    }
    Ok(())
}
