//! The fitted model.

use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};
use rec_core::rank::{Explain, History, Recommend, Scorer, Similar, TopK, similar_rows};
use rec_core::store::{ModelReader, ModelWriter};

use super::{GfCf, KIND};
use crate::collab::factors;
use crate::fit::Model;
use crate::graph::filter::{Filter, distinct_items, filter_model};
use crate::ops::gemm::{Matrix, product};
use crate::{Error, Result};

/// A fitted [`GfCf`].
#[derive(Clone, Debug)]
pub struct GfCfModel {
    pub(super) config: GfCf,
    pub(super) ids: Arc<IdMaps>,
    pub(super) seen: Arc<Csr>,
    pub(super) filter: Filter,
    /// Right singular vectors, `[n_items, factors]`.
    pub(super) vectors: Vec<f32>,
}

impl GfCfModel {
    pub(super) fn new(
        config: GfCf,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        vectors: Vec<f32>,
    ) -> Result<Self> {
        config.check()?;
        let (n, m, d) = (ids.users.len(), ids.items.len(), config.factors);
        for (what, expected, got) in [
            ("rows of the model's matrix", n, seen.n_rows()),
            ("columns of the model's matrix", m, seen.n_cols()),
            ("values of the singular vectors", m * d, vectors.len()),
        ] {
            if expected != got {
                return Err(Error::shape(what, expected, got));
            }
        }
        let filter = Filter::new(&seen);
        Ok(Self { config, ids, seen, filter, vectors })
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Shape`] for a folder that holds no whole GF-CF model.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        factors::check_kind(reader, KIND)?;
        let vectors = reader.f32("vectors")?.1;
        Self::new(reader.config()?, reader.ids()?, Arc::new(reader.csr("seen")?), vectors)
    }

    /// The estimator.
    pub fn config(&self) -> &GfCf {
        &self.config
    }

    /// The right singular vectors, row-major `[n_items, factors]`, largest singular value first.
    pub fn vectors(&self) -> &[f32] {
        &self.vectors
    }

    /// Scores of users who had these items.
    fn filtered(&self, histories: &[&[u32]], out: &mut [f32]) {
        let (m, d) = (self.ids.items.len(), self.config.factors);
        self.ideal(histories, out);
        let mut shares = vec![0f32; self.filter.by_user.n_rows()];
        let mut users: Vec<u32> = Vec::new();
        for (history, out) in histories.iter().zip(out.chunks_exact_mut(m.max(1))) {
            if d > 0 {
                let scales = self.filter.roots.iter().map(|root| self.config.alpha * root);
                out.iter_mut().zip(scales).for_each(|(out, scale)| *out *= scale);
            }
            for (user, share) in
                history.iter().flat_map(|&i| self.filter.by_item.iter_row(i as usize))
            {
                let sum = &mut shares[user as usize];
                if *sum == 0.0 {
                    users.push(user);
                }
                *sum += share;
            }
            for user in users.drain(..) {
                let share = std::mem::take(&mut shares[user as usize]);
                for (item, x) in self.filter.by_user.iter_row(user as usize) {
                    out[item as usize] += share * x;
                }
            }
        }
    }

    /// `r D_I^-½ V Vᵀ`, into `out`; zeros without vectors.
    fn ideal(&self, histories: &[&[u32]], out: &mut [f32]) {
        let (m, d, n) = (self.ids.items.len(), self.config.factors, histories.len());
        if d == 0 || n == 0 {
            return out.fill(0.0);
        }
        let low = self.filter.low(histories, &self.vectors, d);
        let vectors = Matrix::new(&self.vectors, [m, d]).transposed();
        out.copy_from_slice(&product(Matrix::new(&low, [n, d]), vectors));
    }
}

filter_model!(GfCfModel, filtered, "GF-CF without factors");
