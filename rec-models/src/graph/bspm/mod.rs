//! BSPM (Choi, Hong, Park and Cho 2023).

mod explain;
mod model;
mod process;
#[cfg(test)]
mod tests;

use rec_core::data::Dataset;
use serde::{Deserialize, Serialize};

pub use model::BspmModel;
pub use process::{Merge, Solver};

use crate::collab::checks;
use crate::fit::{Fit, FitContext};
use crate::graph::filter::{Fitted, Plan, Scaling};
use crate::{Error, Result};

/// A blurring–sharpening process: a user's items `r` are blurred along the graph, as by
/// [`super::GfCf`], and what was blurred is sharpened again. With `P = R̃ᵀR̃` of the normalised matrix
/// `R̃ = D_U^-½ R D_I^-½` and `V` its right singular vectors of the `factors` largest singular values,
///
/// `b = r P`, `l = r D_I^-½ V Vᵀ D_I^½`, `dy/dt = −y P` from `y(0) = b + β l` up to `t = T`,
///
/// and the scores are `y(T)`, by one of two solvers in `steps` steps (J. Choi, S. Hong, N. Park, S.-B.
/// Cho, "Blurring-sharpening process models for collaborative filtering", SIGIR 2023).
/// Both blurring processes are one step of Euler's over a time of 1, as in all of the authors'
/// settings; the defaults are those they give for gowalla. Nothing is trained; a user is nothing but
/// their items, so folding in is the same as scoring.
///
/// The singular vectors are found as [`super::GfCf`]'s. Weights of interactions are not looked at,
/// but negative ones are refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bspm {
    /// Singular vectors; 0 leaves the ideal filter out.
    pub factors: usize,
    /// Weight `β` of the ideal filter.
    pub beta: f32,
    /// How long it is sharpened, `T`; 0 for not at all.
    pub sharpening: f32,
    /// Steps of the solver.
    pub steps: usize,
    /// How the differential equation is solved.
    pub solver: Solver,
    /// Where the ideal filter's part is added.
    pub merge: Merge,
    /// Whether scores are the mean over `b` and all steps of sharpening rather than the last.
    pub mean: bool,
    /// Bytes that fitting may take; more is refused with the bytes it would need.
    pub max_memory: u64,
}

impl Default for Bspm {
    fn default() -> Self {
        Self {
            factors: 448,
            beta: 0.2,
            sharpening: 2.5,
            steps: 1,
            solver: Solver::default(),
            merge: Merge::default(),
            mean: false,
            max_memory: 8 << 30,
        }
    }
}

/// The kind that model folders name.
pub(super) const KIND: &str = "bspm";

/// Most steps: scoring takes as many times the work of one.
const MOST_STEPS: usize = 1024;

impl Bspm {
    fn check(&self) -> Result<()> {
        if self.factors > 0 {
            checks::factors(self.factors)?;
        }
        checks::not_negative("beta", self.beta)?;
        checks::not_negative("sharpening", self.sharpening)?;
        if !(1..=MOST_STEPS).contains(&self.steps) {
            let why = format!("choose 1 to {MOST_STEPS}; 1 or 2 are usual");
            return Err(Error::parameter("steps", self.steps, why));
        }
        let (step, most) = (self.sharpening / self.steps as f32, self.solver.longest_step());
        if step <= most {
            return Ok(());
        }
        let why = format!(
            "steps of {step} are longer than the {most} up to which the solver is stable; choose \
             more steps or a shorter time"
        );
        Err(Error::parameter("sharpening", self.sharpening, why))
    }
}

impl Fit for Bspm {
    type Model = BspmModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<BspmModel> {
        self.check()?;
        let plan = Plan {
            kind: KIND,
            name: "BSPM",
            factors: self.factors,
            scaling: Scaling::SYMMETRIC,
            max_memory: self.max_memory,
        };
        plan.fit(data, ctx, |Fitted { ids, seen, leading }| {
            BspmModel::new(self.clone(), ids, seen, leading.vectors)
        })
    }
}
