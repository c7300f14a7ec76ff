//! Implicit alternating least squares (Hu, Koren and Volinsky 2008).

mod cg;
mod cholesky;
mod explain;
mod fold_in;
mod gram;
mod kernel;
mod model;
mod row;
mod state;
mod sweep;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rec_core::data::Dataset;
use serde::{Deserialize, Serialize};

pub use model::AlsModel;

use super::checks;
use crate::Result;
use crate::fit::{Fit, FitContext};
use crate::train::{self, Plan};

/// Matrix factorisation for implicit feedback by alternating least squares: minimises
/// `Σ_{u,i} c_ui (p_ui - ⟨x_u, y_i⟩)² + λ (Σ‖x_u‖² + Σ‖y_i‖²)` with `p = 1` and `c = α r` on the
/// interactions of weight `r`, `p = 0` and `c = 1` on all other pairs (Hu, Koren and Volinsky,
/// "Collaborative filtering for implicit feedback datasets", ICDM 2008).
///
/// The parameters mean what they mean in `implicit.als.AlternatingLeastSquares`. The paper's own
/// confidence is `1 + α r`. A weight of 0 takes its pair out of the loss; negative weights are
/// refused.
///
/// After the last epoch the users are solved once more, exactly, against the final items: a user's
/// factor is then what folding in their history gives, and explanations add up to the score. The
/// result does not depend on the number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Als {
    /// Length of a factor, `k`.
    pub factors: usize,
    /// Weight `λ` of the squared norms of the factors.
    pub l2: f32,
    /// Confidence `α` of an interaction of weight 1; above 1 for data where seeing an item says
    /// much more than not seeing it.
    pub alpha: f32,
    /// Passes over users and items.
    pub epochs: usize,
    /// How each least-squares problem is solved.
    pub solver: AlsSolver,
}

/// How the least-squares problem of a user or item is solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlsSolver {
    /// So many steps of conjugate gradient from the factor of the last epoch, `O(k² + n k)` each
    /// for `n` interactions (Takács, Pilászy and Tikk, "Applications of the conjugate gradient
    /// method for implicit feedback collaborative filtering", RecSys 2011).
    Cg {
        /// Steps; 3 are enough.
        steps: usize,
    },
    /// Exactly, `O(k³ + n k²)`.
    Cholesky,
}

impl Default for AlsSolver {
    fn default() -> Self {
        Self::Cg { steps: 3 }
    }
}

impl Default for Als {
    fn default() -> Self {
        Self { factors: 64, l2: 0.01, alpha: 1.0, epochs: 15, solver: AlsSolver::default() }
    }
}

/// The kind that model folders name.
pub(super) const KIND: &str = "als";

impl Als {
    fn check(&self) -> Result<()> {
        checks::factors(self.factors)?;
        checks::at_least_one("epochs", self.epochs)?;
        checks::not_negative("l2", self.l2)?;
        checks::positive("alpha", self.alpha)?;
        match self.solver {
            AlsSolver::Cg { steps } => checks::at_least_one("solver.steps", steps),
            AlsSolver::Cholesky => Ok(()),
        }
    }
}

impl Fit for Als {
    type Model = AlsModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<AlsModel> {
        self.check()?;
        let log = &data.interactions;
        let weights = Arc::new(log.matrix());
        checks::weights(KIND, &weights, log)?;
        let (seed, ids) = (ctx.seed, log.ids().clone());
        let plan = Plan { kind: KIND, config: self, epochs: self.epochs };
        ctx.cpu_threads("ALS")?;
        train::run(&plan, log, ctx, || Ok(state::State::new(self.clone(), ids, weights, seed)))
    }
}
