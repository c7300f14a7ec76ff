//! Tables that stay in their file.

use std::fs::File;
use std::ops::{Deref, Range};
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;
use rec_core::store::ModelReader;
use safetensors::{Dtype, SafeTensors};

use super::{Vectors, folder};
use crate::{Error, Result};

/// Numbers of a mapped file; clones share the map.
#[derive(Clone)]
pub(super) struct Mapped {
    map: Arc<Mmap>,
    bytes: Range<usize>,
}

/// A table's shape, its numbers, and the words' counts.
type Opened = (Vec<usize>, Mapped, Option<Vec<u64>>);

impl Deref for Mapped {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: any bits are numbers; `open` made sure that the range is aligned and whole.
        let (_, values, _) = unsafe { self.map[self.bytes.clone()].align_to::<f32>() };
        values
    }
}

impl Mapped {
    /// The vectors in a file, their shape and the words' counts, where they can be read in place: by
    /// a little endian processor, of aligned numbers.
    fn open(path: &Path) -> Result<Option<Opened>> {
        let file = File::open(path).map_err(Error::io(path))?;
        // SAFETY: whoever maps a table is told not to change its file.
        let map = unsafe { Mmap::map(&file) }.map_err(Error::io(path))?;
        let bad = |why: String| Error::format(path, None, why);
        let all = SafeTensors::deserialize(&map).map_err(|e| bad(e.to_string()))?;
        let array = all.tensor("vectors").map_err(|e| bad(e.to_string()))?;
        if array.dtype() != Dtype::F32 {
            return Err(bad(format!("array vectors is {:?}, expected F32", array.dtype())));
        }
        let counts = all.tensor("counts").ok().filter(|counts| counts.dtype() == Dtype::U64);
        let counts = counts.map(|counts| {
            let (numbers, _) = counts.data().as_chunks::<8>();
            numbers.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect()
        });
        let (data, shape) = (array.data(), array.shape().to_vec());
        let from = data.as_ptr().addr() - map.as_ptr().addr();
        let bytes = from..from + data.len();
        let in_place = cfg!(target_endian = "little") && from.is_multiple_of(align_of::<f32>());
        Ok(in_place.then(|| (shape, Self { map: Arc::new(map), bytes }, counts)))
    }
}

impl Vectors {
    /// Opens a saved table, or the vectors of a saved model of words, in place: the numbers stay in
    /// the file, are read as they are asked for, and are shared with all who open it. What takes time
    /// is the list of words. The numbers are not checked against the manifest's hash, as
    /// [`Vectors::load`] does. The file must not be changed while the table is in use; saving another
    /// model to the folder is no such change, for it makes new files.
    ///
    /// # Errors
    /// As [`Vectors::load`].
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let reader = ModelReader::open_without(&path, &[folder::ARRAYS])?;
        folder::check_kind(&path, &reader, &folder::KINDS)?;
        let file = path.as_ref().join(folder::ARRAYS);
        let Some((shape, values, counts)) = Mapped::open(&file)? else {
            return Self::load(path);
        };
        let &[_, dim] = shape.as_slice() else {
            return Err(Error::shape("array vectors", "[words, dim]", format!("{shape:?}")));
        };
        let table = Self::mapped(reader.ids()?.items.clone(), dim, values)?;
        match counts {
            Some(counts) => table.with_counts(counts),
            None => Ok(table),
        }
    }
}
