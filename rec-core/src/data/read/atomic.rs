//! Files that appear whole or not at all.

use std::fs::Permissions;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::{Error, Result};

/// Writes a file through `write`: into a temporary file beside it, flushed to disk and renamed over
/// it when all went well. On any failure nothing of it remains, and what stood there before stays.
/// A name that ends in `.gz` is compressed.
///
/// # Errors
/// [`Error::Io`] with the path where the disk refuses, and whatever `write` returns.
pub fn write_atomic(
    path: impl AsRef<Path>,
    write: impl FnOnce(&mut (dyn Write + Send)) -> std::io::Result<()>,
) -> Result<()> {
    let path = path.as_ref();
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    };
    if path.is_dir() {
        return Err(Error::io(path)(std::io::ErrorKind::IsADirectory.into()));
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".rec-").suffix(".tmp");
    #[cfg(unix)]
    builder.permissions({
        // What the umask leaves of 0666, as for any new file.
        <Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o666)
    });
    let staged = builder.tempfile_in(&parent).map_err(Error::io(path))?;
    let mut out = BufWriter::with_capacity(1 << 18, staged.as_file());
    if path.extension().is_some_and(|e| e == "gz") {
        let mut gzip = GzEncoder::new(&mut out, Compression::default());
        write(&mut gzip).map_err(Error::io(path))?;
        gzip.finish().map_err(Error::io(path))?;
    } else {
        write(&mut out).map_err(Error::io(path))?;
    }
    out.flush().map_err(Error::io(path))?;
    drop(out);
    staged.as_file().sync_all().map_err(Error::io(path))?;
    staged.persist(path).map_err(|e| Error::io(path)(e.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.csv");
        write_atomic(&path, |w| w.write_all(b"old")).unwrap();
        let failed = write_atomic(&path, |w| {
            w.write_all(&vec![b'x'; 1 << 20])?;
            Err(std::io::Error::other("disk full"))
        });
        assert!(failed.unwrap_err().to_string().contains("out.csv: disk full"));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_path_that_cannot_be_written_is_named() {
        let dir = tempfile::tempdir().unwrap();
        for path in [dir.path().join("no/such/out.csv"), dir.path().to_path_buf()] {
            let error = write_atomic(&path, |w| w.write_all(b"x")).unwrap_err();
            assert!(error.to_string().starts_with(&path.display().to_string()), "{error}");
        }
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
