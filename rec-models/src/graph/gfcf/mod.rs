//! GF-CF (Shen, Wu, Zhang, Shan, Zhang, Letaief and Li 2021).

mod explain;
mod model;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rec_core::data::Dataset;
use rec_core::parallel;
use serde::{Deserialize, Serialize};

pub use model::GfCfModel;

use crate::collab::checks;
use crate::collab::rows::Task;
use crate::fit::{Fit, FitContext};
use crate::graph::filter::{Filter, check_rank, svd};
use crate::{Error, Result};

/// A graph filter in closed form: with the normalised matrix `R̃ = D_U^-½ R D_I^-½` and `V` the
/// right singular vectors of its `factors` largest singular values, a user's items `r` score
///
/// `s = r (R̃ᵀR̃ + α D_I^-½ V Vᵀ D_I^½)`,
///
/// a linear low-pass filter and an ideal one (Y. Shen, Y. Wu, Y. Zhang, C. Shan, J. Zhang,
/// K. B. Letaief, D. Li, "How powerful is graph convolution for recommendation?", CIKM 2021,
/// algorithm 1). Nothing is trained; a user is nothing but their items, so folding in is the same
/// as scoring.
///
/// The singular vectors come from subspace iteration from a random start (Halko, Martinsson & Tropp
/// 2011), until the subspace's singular values no longer move. Weights of interactions are not
/// looked at, but negative ones are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GfCf {
    /// Singular vectors; 0 leaves the linear filter alone.
    pub factors: usize,
    /// Weight `α` of the ideal filter.
    pub alpha: f32,
    /// Bytes that fitting may take; more is refused with the bytes it would need.
    pub max_memory: u64,
}

impl Default for GfCf {
    fn default() -> Self {
        Self { factors: 256, alpha: 0.3, max_memory: 8 << 30 }
    }
}

/// The kind that model folders name.
pub(super) const KIND: &str = "gfcf";

impl GfCf {
    fn check(&self) -> Result<()> {
        if self.factors > 0 {
            checks::factors(self.factors)?;
        }
        checks::not_negative("alpha", self.alpha)
    }

    fn check_data(&self, [users, items]: [usize; 2], interactions: usize) -> Result<()> {
        check_rank(self.factors, [users, items])?;
        let columns = (self.factors + svd::OVERSAMPLING) as u64;
        // Three matrices of the subspace over items, one over users, and the sparse matrix and its
        // transpose.
        let needs = 4 * columns * (3 * items as u64 + users as u64) + 16 * interactions as u64;
        if needs <= self.max_memory {
            return Ok(());
        }
        Err(Error::TooLarge {
            what: format!("GF-CF of {users} users and {items} items"),
            needs,
            limit: self.max_memory,
            why: "raise max_memory if the machine has it, or lower factors".into(),
        })
    }
}

impl Fit for GfCf {
    type Model = GfCfModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<GfCfModel> {
        self.check()?;
        let log = &data.interactions;
        let weights = log.matrix();
        checks::weights(KIND, &weights, log)?;
        self.check_data([log.n_users(), log.n_items()], weights.nnz())?;
        ctx.cancel.check("GF-CF")?;
        let task = Task::begin(ctx, "GF-CF", svd::MOST_ITERATIONS);
        parallel::install(ctx.cpu_threads("GF-CF")?, || {
            let filter = Filter::new(&weights.binary());
            let vectors = svd::right_vectors(&filter.by_user, self.factors, ctx.seed, &task)?;
            let seen = Arc::new(weights.binary());
            GfCfModel::new(self.clone(), log.ids().clone(), seen, vectors)
        })
    }
}
