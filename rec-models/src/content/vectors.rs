//! Items as rows of length 1, sparse or dense.

use rayon::prelude::*;
use rec_core::data::Csr;
use rec_core::rank::{dot, scores_block};
use rec_core::store::{ModelReader, ModelWriter};

use crate::{Error, Result};

/// One row an item, of length 1 or 0.
#[derive(Clone, Debug)]
pub(super) enum ItemVectors {
    Sparse {
        /// `[items, features]`.
        rows: Csr,
        /// The same by feature: `[features, items]`.
        columns: Csr,
    },
    Dense {
        dim: usize,
        /// `[items, dim]`.
        values: Vec<f32>,
    },
}

/// A user's profile in the items' space.
pub(super) enum Profile {
    Sparse(Vec<(u32, f32)>),
    Dense(Vec<f32>),
}

impl ItemVectors {
    /// Rows that have length 1 already, but for blocks side by side.
    pub(super) fn sparse(rows: Csr) -> Self {
        let norm = |row: usize| rows.iter_row(row).map(|(_, x)| x * x).sum::<f32>().sqrt();
        let norms: Vec<f32> = (0..rows.n_rows()).map(norm).collect();
        let rows = rows.map_values(|row, _, x| x / norms[row]);
        Self::Sparse { columns: rows.transpose(), rows }
    }

    pub(super) fn dense(dim: usize, mut values: Vec<f32>) -> Self {
        values.par_chunks_exact_mut(dim).for_each(|row| {
            let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            if norm > 0.0 {
                row.iter_mut().for_each(|x| *x /= norm);
            }
        });
        Self::Dense { dim, values }
    }

    pub(super) fn n_items(&self) -> usize {
        match self {
            Self::Sparse { rows, .. } => rows.n_rows(),
            Self::Dense { dim, values } => values.len() / dim,
        }
    }

    /// `Σ_e w_e x_e`.
    pub(super) fn profile(&self, past: impl Iterator<Item = (u32, f32)>) -> Profile {
        match self {
            Self::Sparse { rows, .. } => {
                let mut sum: Vec<(u32, f32)> = past
                    .flat_map(|(item, w)| {
                        rows.iter_row(item as usize).map(move |(f, x)| (f, w * x))
                    })
                    .collect();
                // Stable, so that equal features add up in the order of the past.
                sum.sort_by_key(|&(feature, _)| feature);
                sum.dedup_by(|next, kept| {
                    let same = next.0 == kept.0;
                    kept.1 += if same { next.1 } else { 0.0 };
                    same
                });
                Profile::Sparse(sum)
            }
            Self::Dense { dim, values } => {
                let mut sum = vec![0.0; *dim];
                for (item, w) in past {
                    let row = &values[item as usize * dim..][..*dim];
                    sum.iter_mut().zip(row).for_each(|(s, x)| *s += w * x);
                }
                Profile::Dense(sum)
            }
        }
    }

    /// The dense profiles of all users, `[users, dim]`; none where items are sparse.
    pub(super) fn profiles(&self, past: &Csr) -> Vec<f32> {
        let Self::Dense { dim, values } = self else { return Vec::new() };
        let mut all = vec![0.0; past.n_rows() * dim];
        all.par_chunks_exact_mut(*dim).enumerate().for_each(|(user, sum)| {
            for (item, w) in past.iter_row(user) {
                let row = &values[item as usize * dim..][..*dim];
                sum.iter_mut().zip(row).for_each(|(s, x)| *s += w * x);
            }
        });
        all
    }

    /// `⟨profile, x_i⟩` of every item: `out` is `[items]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another length of `out`.
    pub(super) fn score(&self, profile: &Profile, out: &mut [f32]) -> Result<()> {
        match (self, profile) {
            (Self::Sparse { columns, .. }, Profile::Sparse(profile)) => {
                out.fill(0.0);
                for &(feature, p) in profile {
                    columns.iter_row(feature as usize).for_each(|(i, x)| out[i as usize] += p * x);
                }
                Ok(())
            }
            (Self::Dense { dim, values }, Profile::Dense(profile)) => {
                scores_block(profile, values, *dim, out)
            }
            _ => Err(Error::shape("profile", "of the items' kind", "one of another kind")),
        }
    }

    /// `⟨x_a, x_b⟩`.
    pub(super) fn cosine(&self, a: u32, b: u32) -> f32 {
        match self {
            Self::Sparse { rows, .. } => {
                let mut other = rows.iter_row(b as usize).peekable();
                let mut sum = 0.0;
                for (feature, x) in rows.iter_row(a as usize) {
                    while other.next_if(|&(f, _)| f < feature).is_some() {}
                    sum += other.next_if(|&(f, _)| f == feature).map_or(0.0, |(_, y)| x * y);
                }
                sum
            }
            Self::Dense { dim, values } => {
                dot(&values[a as usize * dim..][..*dim], &values[b as usize * dim..][..*dim])
            }
        }
    }

    pub(super) fn write(&self, writer: &mut ModelWriter) -> Result<()> {
        match self {
            Self::Sparse { rows, .. } => writer.csr("items", rows)?,
            Self::Dense { dim, values } => {
                writer.f32("items", &[values.len() / dim, *dim], values)?
            }
        };
        Ok(())
    }

    pub(super) fn read(reader: &ModelReader) -> Result<Self> {
        match reader.f32("items") {
            Ok((shape, values)) => match shape[..] {
                [_, dim] if dim > 0 => Ok(Self::Dense { dim, values }),
                _ => Err(Error::shape(
                    "items of the model folder",
                    "[items, dim]",
                    format!("{shape:?}"),
                )),
            },
            Err(_) => {
                let rows = reader.csr("items")?;
                Ok(Self::Sparse { columns: rows.transpose(), rows })
            }
        }
    }
}
