//! Arrays in memory, or in temporary files where they are more than that.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::ops::Deref;

use memmap2::Mmap;

use crate::{Error, Result};

/// Values that are their bytes.
///
/// # Safety
/// Every pattern of bits must be a value, and there must be no padding.
pub(super) unsafe trait Plain: Copy + Default + Send + Sync + 'static {}

// SAFETY: every 32 bits are a number.
unsafe impl Plain for u32 {}

/// An array, wherever it lies.
pub(super) enum Stored<T> {
    Memory(Vec<T>),
    Mapped(Mmap, PhantomData<T>),
}

impl<T> Stored<T> {
    pub(super) fn is_mapped(&self) -> bool {
        matches!(self, Self::Mapped(..))
    }
}

impl<T: Plain> Deref for Stored<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Memory(values) => values,
            Self::Mapped(map, _) => {
                // SAFETY: every pattern of bits is a value; what is not aligned or whole stays
                // outside the middle.
                let (head, values, _) = unsafe { map.align_to::<T>() };
                debug_assert!(head.is_empty(), "maps begin on a page");
                values
            }
        }
    }
}

fn bytes_of<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: plain values have no padding, so that all their bytes may be read.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

fn bytes_of_mut<T: Plain>(values: &mut [T]) -> &mut [u8] {
    // SAFETY: plain values have no padding, and whatever is written to their bytes is a value.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}

fn io(error: std::io::Error) -> Error {
    Error::io(std::env::temp_dir())(error)
}

/// A temporary file that grows; it has no name and vanishes with its handle.
pub(super) struct Spill<T> {
    file: BufWriter<File>,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Plain> Spill<T> {
    pub(super) fn new() -> Result<Self> {
        Self::with_buffer(1 << 20)
    }

    /// With so many bytes held back before each write.
    pub(super) fn with_buffer(bytes: usize) -> Result<Self> {
        let file = tempfile::tempfile().map_err(io)?;
        Ok(Self { file: BufWriter::with_capacity(bytes, file), len: 0, of: PhantomData })
    }

    pub(super) fn push(&mut self, values: &[T]) -> Result<()> {
        self.len += values.len();
        self.file.write_all(bytes_of(values)).map_err(io)
    }

    /// The file from its beginning.
    pub(super) fn read(self) -> Result<SpillReader<T>> {
        let left = self.len;
        let mut file = self.into_file()?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        let file = BufReader::with_capacity(1 << 16, file);
        Ok(SpillReader { file, left, block: Vec::new(), at: 0 })
    }

    pub(super) fn into_stored(self) -> Result<Stored<T>> {
        if self.len == 0 {
            return Ok(Stored::Memory(Vec::new()));
        }
        let file = self.into_file()?;
        // SAFETY: the file has no name, so that nothing else changes it while it is mapped.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        Ok(Stored::Mapped(map, PhantomData))
    }

    fn into_file(self) -> Result<File> {
        self.file.into_inner().map_err(|e| io(e.into_error()))
    }
}

/// What a temporary file holds, in order.
pub(super) struct SpillReader<T> {
    file: BufReader<File>,
    left: usize,
    block: Vec<T>,
    at: usize,
}

impl<T: Plain> SpillReader<T> {
    const BLOCK: usize = 1 << 12;

    /// All that is left.
    pub(super) fn rest(mut self) -> Result<Vec<T>> {
        let mut values = self.block.split_off(self.at);
        let have = values.len();
        values.resize(have + self.left, T::default());
        self.file.read_exact(bytes_of_mut(&mut values[have..])).map_err(io)?;
        Ok(values)
    }

    fn refill(&mut self) -> Result<()> {
        self.block.resize(self.left.min(Self::BLOCK), T::default());
        self.file.read_exact(bytes_of_mut(&mut self.block)).map_err(io)?;
        self.left -= self.block.len();
        self.at = 0;
        Ok(())
    }
}

impl<T: Plain> Iterator for SpillReader<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        if self.at == self.block.len() {
            if self.left == 0 {
                return None;
            }
            if let Err(error) = self.refill() {
                self.left = 0;
                self.block.clear();
                self.at = 0;
                return Some(Err(error));
            }
        }
        self.at += 1;
        self.block.get(self.at - 1).copied().map(Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spilled_is_read_back() {
        let values: Vec<u32> = (0..10_000).map(|n| n * 7).collect();
        let spilled = || {
            let mut spill = Spill::new().unwrap();
            values.chunks(999).for_each(|part| spill.push(part).unwrap());
            spill
        };
        assert_eq!(&*spilled().into_stored().unwrap(), values);
        let read: Vec<u32> = spilled().read().unwrap().map(|v| v.unwrap()).collect();
        assert_eq!(read, values);
        let mut reader = spilled().read().unwrap();
        assert_eq!(reader.by_ref().take(5).map(|v| v.unwrap()).last(), Some(28));
        assert_eq!(reader.rest().unwrap(), values[5..]);
        assert!(Spill::<u32>::new().unwrap().into_stored().unwrap().is_empty());
    }
}
