//! Tables of factors, aligned for wide loads, and what models of factors share.

use std::ops::{Deref, DerefMut};

use rand::RngExt as _;
use rayon::prelude::*;
use rec_core::data::{Csr, IdMaps};
use rec_core::rng;
use rec_core::store::ModelReader;

use crate::train::TrainingLog;
use crate::{Error, Result};

/// Bytes of a cache line.
const LINE: usize = 64;

/// A row-major table of 32-bit floats that starts on a cache line: rows of 16 factors or multiples
/// of it never straddle one.
pub(crate) struct Table {
    buffer: Vec<f32>,
    start: usize,
    len: usize,
}

impl Table {
    /// A table of zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        let buffer = vec![0f32; len + LINE / size_of::<f32>()];
        // `align_offset` may decline, and then the table merely starts where the buffer does.
        let start = buffer.as_ptr().align_offset(LINE);
        let start = if start <= buffer.len() - len { start } else { 0 };
        Self { buffer, start, len }
    }

    /// The given values.
    pub(crate) fn from_slice(values: &[f32]) -> Self {
        let mut table = Self::zeros(values.len());
        table.copy_from_slice(values);
        table
    }

    /// Uniform random values of `low .. low + width`; each row of `dim` from a stream of its own
    /// block, so that the values do not depend on the number of threads.
    pub(crate) fn uniform(
        rows: usize,
        dim: usize,
        seed: u64,
        name: &str,
        range: (f32, f32),
    ) -> Self {
        const BLOCK: usize = 1024;
        let (low, width) = (range.0, range.1 - range.0);
        let mut table = Self::zeros(rows * dim);
        table.par_chunks_mut((BLOCK * dim).max(1)).enumerate().for_each(|(block, values)| {
            let mut rng = rng::stream(seed, name, block as u64);
            values.iter_mut().for_each(|v| *v = low + width * rng.random::<f32>());
        });
        table
    }
}

impl Deref for Table {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.buffer[self.start..self.start + self.len]
    }
}

impl DerefMut for Table {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.buffer[self.start..self.start + self.len]
    }
}

/// Checks that tables of factors are those of the ids and the matrix.
pub(crate) fn check_shapes(
    ids: &IdMaps,
    seen: &Csr,
    users: &[f32],
    items: &[f32],
    dim: usize,
) -> Result<()> {
    let (n, m) = (ids.users.len(), ids.items.len());
    for (what, expected, got) in [
        ("rows of the model's matrix", n, seen.n_rows()),
        ("columns of the model's matrix", m, seen.n_cols()),
        ("values of the users' factors", n * dim, users.len()),
        ("values of the items' factors", m * dim, items.len()),
    ] {
        if expected != got {
            return Err(Error::shape(what, expected, got));
        }
    }
    Ok(())
}

/// Checks that a folder holds a model of this kind.
pub(crate) fn check_kind(reader: &ModelReader, kind: &str) -> Result<()> {
    let found = &reader.manifest().kind;
    if found == kind {
        return Ok(());
    }
    Err(Error::parameter("kind", found, format!("the folder holds no {kind} model")))
}

/// What a folder says of its model's training.
pub(crate) fn training_log(reader: &ModelReader) -> Result<TrainingLog> {
    serde_json::from_value(reader.manifest().training.clone())
        .map_err(|e| Error::data("training log of a model folder", e.to_string()))
}

/// Implements [`rec_core::rank::Scorer`] and [`rec_core::rank::Similar`] for a model whose scores are
/// its `product()`: similar items have a like row in the table `$items`, `config.$dim` columns wide.
macro_rules! factor_model {
    ($model:ty, $items:ident, $dim:ident) => {
        impl rec_core::rank::Scorer for $model {
            fn n_users(&self) -> usize {
                self.ids.users.len()
            }

            fn n_items(&self) -> usize {
                self.ids.items.len()
            }

            fn score(&self, users: &[u32], out: &mut [f32]) -> $crate::Result<()> {
                self.product().score(users, out)
            }

            fn factors(&self) -> Option<rec_core::rank::Factors<'_>> {
                Some(self.product())
            }
        }

        impl rec_core::rank::Similar for $model {
            fn similar_ids(&self) -> &std::sync::Arc<rec_core::data::IdMaps> {
                &self.ids
            }

            fn similar(&self, items: &[u32], k: usize) -> $crate::Result<rec_core::rank::TopK> {
                rec_core::rank::similar_rows(&self.$items, self.config.$dim, items, k, true)
            }
        }
    };
}
pub(crate) use factor_model;
