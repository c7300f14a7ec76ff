//! The fitted model.

use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};
use rec_core::rank::{Explain, History, Recommend, Scorer, Similar, TopK, similar_rows};
use rec_core::store::{ModelReader, ModelWriter};

use super::{GfCf, KIND};
use crate::collab::factors;
use crate::fit::Model;
use crate::graph::filter::{Filter, Scaling, check_parts, distinct_items, filter_model};
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
        check_parts(&ids, &seen, &vectors, config.factors)?;
        let filter = Filter::new(&seen, Scaling::SYMMETRIC);
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
    fn filtered(&self, _users: Option<&[u32]>, histories: &[&[u32]], out: &mut [f32]) {
        let (m, d) = (self.ids.items.len().max(1), self.config.factors);
        self.ideal(histories, out);
        for out in out.chunks_exact_mut(m).filter(|_| d > 0) {
            let scales = self.filter.divisors.iter().map(|root| self.config.alpha * root);
            out.iter_mut().zip(scales).for_each(|(out, scale)| *out *= scale);
        }
        self.filter.linear(histories, |_| 1.0, |at, item, x| out[at * m + item as usize] += x);
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
