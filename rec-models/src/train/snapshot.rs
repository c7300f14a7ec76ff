//! The numbers a training run needs to go on from where it was.

use std::collections::BTreeMap;

use rec_core::store::{ModelReader, ModelWriter};

use crate::{Error, Result};

/// Named arrays of 32-bit floats: parameters, and whatever else an optimiser remembers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    arrays: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Snapshot {
    /// A snapshot with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an array of this shape.
    pub fn with(mut self, name: &str, shape: &[usize], values: Vec<f32>) -> Self {
        self.arrays.insert(name.into(), (shape.to_vec(), values));
        self
    }

    /// Takes an array out.
    ///
    /// # Errors
    /// [`Error::Shape`] if the snapshot has none of that name and shape.
    pub fn take(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>> {
        match self.arrays.remove(name) {
            Some((found, values)) if found == shape => Ok(values),
            found => Err(Error::shape(
                format!("array {name:?} of a checkpoint"),
                format!("{shape:?}"),
                found.map_or_else(|| "none".into(), |(found, _)| format!("{found:?}")),
            )),
        }
    }

    /// The arrays' names.
    pub fn names(&self) -> Vec<String> {
        self.arrays.keys().cloned().collect()
    }

    /// The arrays: name, shape and values.
    pub(crate) fn into_arrays(self) -> impl Iterator<Item = (String, Vec<usize>, Vec<f32>)> {
        self.arrays.into_iter().map(|(name, (shape, values))| (name, shape, values))
    }

    /// Adds all arrays to a folder, under `prefix`.
    pub(crate) fn write(&self, prefix: &str, writer: &mut ModelWriter) -> Result<()> {
        for (name, (shape, values)) in &self.arrays {
            writer.f32(&format!("{prefix}.{name}"), shape, values)?;
        }
        Ok(())
    }

    /// The arrays of these names under `prefix`.
    pub(crate) fn read(prefix: &str, names: &[String], reader: &ModelReader) -> Result<Self> {
        names.iter().try_fold(Self::new(), |snapshot, name| {
            let (shape, values) = reader.f32(&format!("{prefix}.{name}"))?;
            Ok(snapshot.with(name, &shape, values))
        })
    }
}
