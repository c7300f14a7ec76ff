//! The fitted model.

use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};
use rec_core::rank::{Explain, History, Recommend, Scorer, Similar, TopK, similar_rows};
use rec_core::store::{ModelReader, ModelWriter};

use super::process::{sharpen, to};
use super::{Bspm, KIND};
use crate::collab::factors;
use crate::fit::Model;
use crate::graph::filter::{Filter, Scaling, check_parts, distinct_items, filter_model};
use crate::ops::gemm::{Matrix, product};
use crate::{Error, Result};

/// Users scored at a time: rows of the dense matrices are then a few vectors long.
const USERS: usize = 64;

/// A fitted [`Bspm`].
#[derive(Clone, Debug)]
pub struct BspmModel {
    pub(super) config: Bspm,
    pub(super) ids: Arc<IdMaps>,
    pub(super) seen: Arc<Csr>,
    pub(super) filter: Filter,
    /// Right singular vectors, `[n_items, factors]`.
    pub(super) vectors: Vec<f32>,
}

impl BspmModel {
    pub(super) fn new(
        config: Bspm,
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
    /// [`Error::Format`] or [`Error::Shape`] for a folder that holds no whole BSPM model.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        factors::check_kind(reader, KIND)?;
        let vectors = reader.f32("vectors")?.1;
        Self::new(reader.config()?, reader.ids()?, Arc::new(reader.csr("seen")?), vectors)
    }

    /// The estimator.
    pub fn config(&self) -> &Bspm {
        &self.config
    }

    /// The right singular vectors, row-major `[n_items, factors]`, largest singular value first.
    pub fn vectors(&self) -> &[f32] {
        &self.vectors
    }

    /// Scores of users who had these items.
    fn process(&self, _users: Option<&[u32]>, histories: &[&[u32]], out: &mut [f32]) {
        let m = self.ids.items.len().max(1);
        for (histories, out) in histories.chunks(USERS).zip(out.chunks_mut(USERS * m)) {
            let columns = histories.len();
            let ideal = self.ideal(histories);
            let blurred = self.blurred(histories);
            let scores = sharpen(&self.config, &self.filter, blurred, ideal.as_deref(), columns);
            for (item, of_item) in scores.chunks_exact(columns).enumerate() {
                for (user, score) in of_item.iter().enumerate() {
                    out[user * m + item] = *score;
                }
            }
        }
    }

    /// `(r P)ᵀ` of each, `[n_items, histories.len()]`.
    fn blurred(&self, histories: &[&[u32]]) -> Vec<f32> {
        let columns = histories.len();
        let mut shares = vec![0f32; self.filter.by_user.n_rows() * columns];
        for (column, history) in histories.iter().enumerate() {
            for (user, share) in
                history.iter().flat_map(|&i| self.filter.by_item.iter_row(i as usize))
            {
                shares[user as usize * columns + column] += share;
            }
        }
        let mut blurred = vec![0f32; self.ids.items.len() * columns];
        to(&self.filter.by_item, &shares, columns, &mut blurred);
        blurred
    }

    /// `(r D_I^-½ V Vᵀ D_I^½)ᵀ` of each, `[n_items, histories.len()]`; none without vectors.
    fn ideal(&self, histories: &[&[u32]]) -> Option<Vec<f32>> {
        let (m, d, columns) = (self.ids.items.len(), self.config.factors, histories.len());
        if d == 0 || self.config.beta == 0.0 {
            return None;
        }
        let low = self.filter.low(histories, &self.vectors, d);
        let low = Matrix::new(&low, [columns, d]).transposed();
        let mut ideal = product(Matrix::new(&self.vectors, [m, d]), low);
        for (row, root) in ideal.chunks_exact_mut(columns).zip(&self.filter.divisors) {
            row.iter_mut().for_each(|x| *x *= root);
        }
        Some(ideal)
    }
}

filter_model!(BspmModel, process, "BSPM without factors");
