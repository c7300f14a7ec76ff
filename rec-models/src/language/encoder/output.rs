//! Vectors in a NumPy file, written as they come and read memory-mapped.

use std::fs::File;
use std::io::{BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use tempfile::NamedTempFile;

use crate::{Error, Result};

/// Room for the header: NumPy asks for a multiple of 64.
const HEADER: usize = 128;
const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// Writes `[rows, dim]` values of unknown number of rows; nothing is left behind unless finished.
pub(super) struct Writer {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
    dim: usize,
    rows: usize,
}

impl Writer {
    pub(super) fn create(path: &Path, dim: usize) -> Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let file = NamedTempFile::new_in(folder).map_err(Error::io(folder))?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        file.write_all(&[0; HEADER]).map_err(Error::io(path))?;
        Ok(Self { path: path.to_path_buf(), file, dim, rows: 0 })
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn push(&mut self, values: &[f32]) -> Result<()> {
        for value in values {
            self.file.write_all(&value.to_le_bytes()).map_err(Error::io(&self.path))?;
        }
        self.rows += values.len() / self.dim;
        Ok(())
    }

    pub(super) fn finish(self) -> Result<()> {
        let path = self.path;
        let mut file = self.file.into_inner().map_err(|e| Error::io(&path)(e.into_error()))?;
        let header = header(self.rows, self.dim);
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(&header))
            .and_then(|()| file.as_file().sync_all())
            .map_err(Error::io(&path))?;
        file.persist(&path).map_err(|e| Error::io(&path)(e.error))?;
        Ok(())
    }
}

/// The header of a C-ordered little-endian f32 matrix.
fn header(rows: usize, dim: usize) -> Vec<u8> {
    let dict = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dim}), }}");
    let mut header = MAGIC.to_vec();
    header.extend(((HEADER - MAGIC.len() - 2) as u16).to_le_bytes());
    header.extend(dict.as_bytes());
    header.resize(HEADER - 1, b' ');
    header.push(b'\n');
    header
}

/// `[rows, dim]` vectors in a NumPy file, read as they are looked at.
#[derive(Debug)]
pub struct MappedVectors {
    map: Mmap,
    start: usize,
    rows: usize,
    dim: usize,
}

impl MappedVectors {
    /// Opens a matrix of little-endian f32 in C order, as [`super::TextEncoder::encode_to_file`] and
    /// `numpy.save` write it.
    ///
    /// # Errors
    /// A file of another kind, or one cut short.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = File::open(path).map_err(Error::io(path))?;
        // SAFETY: the map is read only. That no other process shortens the file meanwhile is the
        // caller's to see to, as with every memory map; files of this library are replaced whole.
        let map = unsafe { Mmap::map(&file) }.map_err(Error::io(path))?;
        let (start, rows, dim) = parse(&map).map_err(|why| Error::format(path, None, why))?;
        let whole = rows.checked_mul(dim).and_then(|n| n.checked_mul(4)?.checked_add(start));
        if whole != Some(map.len()) {
            let why = format!("{} bytes do not hold {rows} × {dim} values", map.len());
            return Err(Error::format(path, None, why));
        }
        Ok(Self { map, start, rows, dim })
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Columns.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> Vec<f32> {
        let row = 4 * self.dim;
        let bytes = &self.map[self.start + i * row..self.start + (i + 1) * row];
        let values = bytes.as_chunks().0.iter();
        values.map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }
}

/// Where the values start, rows and columns.
fn parse(bytes: &[u8]) -> std::result::Result<(usize, usize, usize), String> {
    let other = || "not a NumPy file (.npy) of version 1".to_string();
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(other)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(other)?;
    let length = usize::from(u16::from_le_bytes(*length));
    let dict = rest.get(..length).and_then(|dict| std::str::from_utf8(dict).ok());
    let dict = dict.ok_or_else(other)?;
    if !dict.contains("'descr': '<f4'") || !dict.contains("'fortran_order': False") {
        return Err(format!("not little-endian float32 in C order: {}", dict.trim()));
    }
    let shape = dict.split_once("'shape': (").and_then(|(_, rest)| rest.split_once(')'));
    let sizes = shape.map(|(shape, _)| shape.split(',').map(|n| n.trim().parse::<usize>()));
    match sizes.map(|sizes| sizes.collect::<std::result::Result<Vec<_>, _>>()) {
        Some(Ok(sizes)) if sizes.len() == 2 => Ok((MAGIC.len() + 2 + length, sizes[0], sizes[1])),
        _ => Err(format!("not a matrix: {}", dict.trim())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.npy");
        let mut writer = Writer::create(&path, 3).unwrap();
        writer.push(&[1.0, 2.0, 3.0]).unwrap();
        writer.push(&[4.0, 5.0, 6.0, -7.5, 0.0, 1e-9]).unwrap();
        assert!(!path.exists(), "nothing appears before the file is whole");
        writer.finish().unwrap();
        let vectors = MappedVectors::open(&path).unwrap();
        assert_eq!((vectors.len(), vectors.dim()), (3, 3));
        assert_eq!(vectors.row(2), [-7.5, 0.0, 1e-9]);
    }

    #[test]
    fn a_file_cut_short_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.npy");
        let mut writer = Writer::create(&path, 2).unwrap();
        writer.push(&[1.0, 2.0]).unwrap();
        writer.finish().unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for length in [bytes.len() - 1, 40, 3] {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert!(MappedVectors::open(&path).is_err(), "{length} bytes");
        }
        std::fs::write(&path, b"not a matrix at all").unwrap();
        assert!(MappedVectors::open(&path).unwrap_err().to_string().contains("NumPy"));
    }

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("v.npy");
        Writer::create(&path, 2).unwrap().push(&[1.0, 2.0]).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
