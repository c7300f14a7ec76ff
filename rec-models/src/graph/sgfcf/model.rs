//! The fitted model.

use std::sync::Arc;

use rayon::prelude::*;
use rec_core::data::{Csr, IdMaps};
use rec_core::rank::{Explain, History, Recommend, Scorer, Similar, TopK, similar_rows};
use rec_core::store::{ModelReader, ModelWriter};

use super::{KIND, Sgfcf, homogeneity};
use crate::collab::factors;
use crate::fit::Model;
use crate::graph::filter::svd::Leading;
use crate::graph::filter::{Filter, Fitted, check_parts, distinct_items, filter_model};
use crate::ops::gemm::{Matrix, product};
use crate::{Error, Result};

/// A fitted [`Sgfcf`].
#[derive(Clone, Debug)]
pub struct SgfcfModel {
    pub(super) config: Sgfcf,
    pub(super) ids: Arc<IdMaps>,
    pub(super) seen: Arc<Csr>,
    pub(super) filter: Filter,
    /// Right singular vectors, `[n_items, factors]`.
    pub(super) vectors: Vec<f32>,
    values: Vec<f32>,
    /// Of the users and of the items; empty where exponents are not individual.
    homogeneity: [Vec<f32>; 2],
    /// The least homogeneity of users, and the greatest.
    range: [f32; 2],
    /// `V_ik s_k^β_i`, `[n_items, factors]`.
    pub(super) weighted: Vec<f32>,
}

impl SgfcfModel {
    pub(super) fn fitted(config: Sgfcf, Fitted { ids, seen, leading }: Fitted) -> Result<Self> {
        let homogeneity = match config.individual() {
            true => {
                let by_item = seen.transpose();
                [homogeneity::of_rows(&seen, &by_item), homogeneity::of_rows(&by_item, &seen)]
            }
            false => Default::default(),
        };
        Self::new(config, ids, seen, leading, homogeneity)
    }

    fn new(
        config: Sgfcf,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        Leading { values, vectors }: Leading,
        homogeneity: [Vec<f32>; 2],
    ) -> Result<Self> {
        config.check()?;
        check_parts(&ids, &seen, &vectors, config.factors)?;
        let nodes = |n: usize| if config.individual() { n } else { 0 };
        for (what, expected, got) in [
            ("singular values", config.factors, values.len()),
            ("homogeneities of users", nodes(ids.users.len()), homogeneity[0].len()),
            ("homogeneities of items", nodes(ids.items.len()), homogeneity[1].len()),
        ] {
            if expected != got {
                return Err(Error::shape(what, expected, got));
            }
        }
        let filter = Filter::new(&seen, config.scaling());
        let [range, of_items] = [&homogeneity[0], &homogeneity[1]].map(|all| range(all));
        let d = config.factors;
        let shares = shares(&values);
        let mut weighted = vectors.clone();
        weighted.par_chunks_exact_mut(d).enumerate().for_each(|(item, row)| {
            let beta = exponent(config.betas, of_items, homogeneity[1].get(item).copied());
            row.iter_mut().zip(&shares).for_each(|(x, &share)| *x *= power(share, beta));
        });
        Ok(Self { config, ids, seen, filter, vectors, values, homogeneity, range, weighted })
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Shape`] for a folder that holds no whole SGFCF model.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        factors::check_kind(reader, KIND)?;
        let config: Sgfcf = reader.config()?;
        let leading =
            Leading { values: reader.f32("values")?.1, vectors: reader.f32("vectors")?.1 };
        let homogeneity = match config.individual() {
            true => [reader.f32("user_homogeneity")?.1, reader.f32("item_homogeneity")?.1],
            false => Default::default(),
        };
        Self::new(config, reader.ids()?, Arc::new(reader.csr("seen")?), leading, homogeneity)
    }

    fn write_more(&self, writer: &mut ModelWriter) -> Result<()> {
        writer.f32("values", &[self.config.factors], &self.values)?;
        if self.config.individual() {
            let [users, items] = &self.homogeneity;
            writer.f32("user_homogeneity", &[users.len()], users)?;
            writer.f32("item_homogeneity", &[items.len()], items)?;
        }
        Ok(())
    }

    /// The estimator.
    pub fn config(&self) -> &Sgfcf {
        &self.config
    }

    /// The singular values, largest first.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The right singular vectors, row-major `[n_items, factors]`, largest singular value first.
    pub fn vectors(&self) -> &[f32] {
        &self.vectors
    }

    /// What the numbers of a user's items along the vectors are multiplied by: `s_k^β_u / σ_k`, as
    /// `U = R̃ V / σ`.
    pub(super) fn response(&self, user: Option<u32>, history: &[u32]) -> Vec<f32> {
        let homogeneity = self.config.individual().then(|| match user {
            Some(user) => self.homogeneity[0][user as usize],
            None => homogeneity::of_new_row(history, &self.seen, &self.filter.by_item),
        });
        let beta = exponent(self.config.betas, self.range, homogeneity);
        let shares = shares(&self.values);
        let values = shares.iter().zip(&self.values);
        values.map(|(&s, &v)| if v > 0.0 { power(s, beta) / v } else { 0.0 }).collect()
    }

    /// Tells `add` the parts of `r D_I^-ε R̃ᵀR̃`, history by history and item by item.
    pub(super) fn linear(&self, histories: &[&[u32]], add: impl FnMut(usize, u32, f32)) {
        let divisors = &self.filter.divisors;
        self.filter.linear(histories, |item| 1.0 / divisors[item as usize], add);
    }

    /// Scores of users who had these items.
    fn filtered(&self, users: Option<&[u32]>, histories: &[&[u32]], out: &mut [f32]) {
        let (n, m, d) = (histories.len(), self.ids.items.len().max(1), self.config.factors);
        let mut low = self.filter.low(histories, &self.vectors, d);
        low.par_chunks_exact_mut(d).zip(histories).enumerate().for_each(|(at, (low, history))| {
            let response = self.response(users.map(|users| users[at]), history);
            low.iter_mut().zip(response).for_each(|(x, r)| *x *= r);
        });
        let weighted = Matrix::new(&self.weighted, [out.len() / n.max(1), d]).transposed();
        out.copy_from_slice(&product(Matrix::new(&low, [n, d]), weighted));
        out.par_chunks_exact_mut(m).for_each(|row| divide(row, 1.0));
        if self.config.gamma > 0.0 {
            let mut linear = vec![0f32; out.len()];
            self.linear(histories, |at, item, x| linear[at * m + item as usize] += x);
            out.par_chunks_exact_mut(m).zip(linear.par_chunks_exact_mut(m)).for_each(
                |(out, linear)| {
                    divide(linear, self.config.gamma);
                    out.iter_mut().zip(linear).for_each(|(out, x)| *out += *x);
                },
            );
        }
    }
}

/// Brings the sum of a row to `to`, and leaves one whose sum is not above 0 as it is.
fn divide(row: &mut [f32], to: f32) {
    let scale = scale(row, to);
    row.iter_mut().for_each(|x| *x *= scale);
}

/// What brings the sum of a row to `to`.
pub(super) fn scale(row: &[f32], to: f32) -> f32 {
    let sum: f32 = row.iter().sum();
    if sum > 0.0 { to / sum } else { to }
}

/// The singular values as shares of the largest.
fn shares(values: &[f32]) -> Vec<f32> {
    let largest = values.first().copied().filter(|&first| first > 0.0).unwrap_or(1.0);
    values.iter().map(|value| value / largest).collect()
}

/// `share^beta`; a direction without a value has no part whatever the exponent is.
fn power(share: f32, beta: f32) -> f32 {
    if share > 0.0 { share.powf(beta) } else { 0.0 }
}

/// The exponent of a node, the first where nodes do not differ.
fn exponent([first, last]: [f32; 2], [least, greatest]: [f32; 2], of: Option<f32>) -> f32 {
    let place = match of {
        Some(homogeneity) if greatest > least => {
            ((homogeneity - least) / (greatest - least)).clamp(0.0, 1.0)
        }
        _ => 0.0,
    };
    first + (last - first) * place
}

/// The least and the greatest of some numbers.
fn range(all: &[f32]) -> [f32; 2] {
    let least = all.iter().copied().fold(f32::INFINITY, f32::min);
    [least, all.iter().copied().fold(f32::NEG_INFINITY, f32::max)]
}

filter_model!(SgfcfModel, filtered, "SGFCF without factors", write_more);
