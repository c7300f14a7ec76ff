//! GF-CF (Shen, Wu, Zhang, Shan, Zhang, Letaief and Li 2021).

mod explain;
mod model;
#[cfg(test)]
mod tests;

use rec_core::data::Dataset;
use serde::{Deserialize, Serialize};

pub use model::GfCfModel;

use crate::Result;
use crate::collab::checks;
use crate::fit::{Fit, FitContext};
use crate::graph::filter::{Fitted, Plan, Scaling};

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
}

impl Fit for GfCf {
    type Model = GfCfModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<GfCfModel> {
        self.check()?;
        let plan = Plan {
            kind: KIND,
            name: "GF-CF",
            factors: self.factors,
            scaling: Scaling::SYMMETRIC,
            max_memory: self.max_memory,
        };
        plan.fit(data, ctx, |Fitted { ids, seen, leading }| {
            GfCfModel::new(self.clone(), ids, seen, leading.vectors)
        })
    }
}
