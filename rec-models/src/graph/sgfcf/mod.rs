//! SGFCF (Peng, Liu, Sugiyama and Mine 2024).

mod explain;
mod homogeneity;
mod model;
#[cfg(test)]
mod tests;

use rec_core::data::Dataset;
use serde::{Deserialize, Serialize};

pub use model::SgfcfModel;

use crate::collab::checks;
use crate::fit::{Fit, FitContext};
use crate::graph::filter::{Fitted, Plan, Scaling};
use crate::{Error, Result};

/// A graph filter in closed form whose normalisation and frequency response are free: with
/// `R̃ = (D_U + αI)^-ε R (D_I + αI)^-ε`, its `factors` largest singular values `σ` as shares
/// `s = σ / σ₁` of the largest, and their vectors `U` and `V`, a user's score of an item is
///
/// `Σ_k U_uk V_ik s_k^(β_u + β_i) / Z_u + γ (R̃R̃ᵀR̃)_ui / Z′_u`,
///
/// both parts divided by their sums `Z` over all items (S. Peng, X. Liu, K. Sugiyama, T. Mine, "How
/// powerful is graph filtering for recommendation", KDD 2024; the two parts and their sums as in the
/// authors' code). A smaller `ε` lets frequent items keep more of their weight, and makes the singular
/// values fall more steeply (the paper's generalised normalisation).
///
/// The exponents are individual: `β` rises or falls linearly from `betas[0]` to `betas[1]` with the
/// homogeneity of a user or item, the share of the pairs among its neighbours that have another
/// neighbour in common, from the least to the greatest of all users or items. With both alike every
/// node has the same.
///
/// Nothing is trained, and a user is nothing but their items, so folding in is scoring; anyone known
/// is another neighbour for a user who is new. The singular vectors are found as [`super::GfCf`]'s.
/// Weights of interactions are not looked at, but negative ones are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sgfcf {
    /// Singular vectors.
    pub factors: usize,
    /// What degrees are raised to, `ε`; ½ is the symmetric normalisation.
    pub epsilon: f32,
    /// What is added to degrees first, `α`.
    pub alpha: f32,
    /// Exponents of the singular values for nodes of the least and of the greatest homogeneity.
    pub betas: [f32; 2],
    /// Weight `γ` of the linear filter.
    pub gamma: f32,
    /// Bytes that fitting may take; more is refused with the bytes it would need.
    pub max_memory: u64,
}

impl Default for Sgfcf {
    fn default() -> Self {
        Self {
            factors: 64,
            epsilon: 0.34,
            alpha: 0.0,
            betas: [0.8, 0.8],
            gamma: 0.3,
            max_memory: 8 << 30,
        }
    }
}

/// The kind that model folders name.
pub(super) const KIND: &str = "sgfcf";

impl Sgfcf {
    fn check(&self) -> Result<()> {
        checks::factors(self.factors)?;
        if !(0.0..=1.0).contains(&self.epsilon) {
            let why = "choose 0 to 1; 0.5 is the symmetric normalisation";
            return Err(Error::parameter("epsilon", self.epsilon, why));
        }
        checks::not_negative("alpha", self.alpha)?;
        for beta in self.betas {
            checks::not_negative("betas", beta)?;
        }
        checks::not_negative("gamma", self.gamma)
    }

    fn scaling(&self) -> Scaling {
        Scaling { power: self.epsilon, added: self.alpha }
    }

    /// Whether nodes have exponents of their own.
    fn individual(&self) -> bool {
        self.betas[0] != self.betas[1]
    }
}

impl Fit for Sgfcf {
    type Model = SgfcfModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<SgfcfModel> {
        self.check()?;
        let plan = Plan {
            kind: KIND,
            name: "SGFCF",
            factors: self.factors,
            scaling: self.scaling(),
            max_memory: self.max_memory,
        };
        plan.fit(data, ctx, |fitted: Fitted| SgfcfModel::fitted(self.clone(), fitted))
    }
}
