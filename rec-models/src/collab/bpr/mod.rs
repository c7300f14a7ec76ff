//! Bayesian personalised ranking (Rendle, Freudenthaler, Gantner and Schmidt-Thieme 2009).

mod draws;
mod kernel;
mod model;
mod shared;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rec_core::data::{Csr, Dataset};
use rec_core::sampling::NegativeSampler;
use serde::{Deserialize, Serialize};

pub use model::BprModel;

use super::checks;
use crate::fit::{Fit, FitContext};
use crate::train::{self, Plan};
use crate::{Error, Result};

/// Matrix factorisation that ranks: stochastic gradient descent on
/// `Σ -ln σ(s_ui - s_uj) + λ/2 (‖x_u‖² + ‖y_i‖² + ‖y_j‖² + b_i² + b_j²)` with
/// `s_ui = ⟨x_u, y_i⟩ + b_i`, over interactions `(u, i)` drawn uniformly and items `j` the user did
/// not have (Rendle et al., "BPR: Bayesian personalized ranking from implicit feedback", UAI 2009).
/// Weights are not looked at, but negative ones are refused.
///
/// An epoch draws as many triples as there are interactions. Triples of a user who has every item
/// that can be drawn are left out.
///
/// With one worker the result depends on the seed alone. More workers update the same factors
/// without locks (Recht, Ré, Wright and Niu, "Hogwild!", NIPS 2011): faster, and slightly different
/// each time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Bpr {
    /// Length of a factor.
    pub factors: usize,
    /// Step of the gradient descent.
    pub learning_rate: f32,
    /// Weight `λ` of the squared norms.
    pub l2: f32,
    /// Passes over the data.
    pub epochs: usize,
    /// Whether each item has a bias.
    pub item_bias: bool,
    /// How the items a user did not have are drawn.
    pub negatives: BprNegatives,
    /// Parallel workers; 1 is deterministic.
    pub workers: usize,
}

/// How the items a user did not have are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BprNegatives {
    /// Each equally likely, as in the paper.
    #[default]
    Uniform,
    /// In proportion to `popularity^alpha`, popularity being the number of users who had the item;
    /// 1 is what the `implicit` package does, except that it leaves out a triple whose item the
    /// user had, where here another is drawn.
    Popularity {
        /// The power; 0 is uniform.
        alpha: f64,
    },
}

impl BprNegatives {
    fn sampler(self, seen: &Csr) -> Result<NegativeSampler> {
        match self {
            Self::Uniform => NegativeSampler::uniform(seen.n_cols()),
            Self::Popularity { alpha } => NegativeSampler::popularity(&seen.column_counts(), alpha),
        }
    }
}

impl Default for Bpr {
    fn default() -> Self {
        Self {
            factors: 64,
            learning_rate: 0.01,
            l2: 0.01,
            epochs: 100,
            item_bias: true,
            negatives: BprNegatives::default(),
            workers: 1,
        }
    }
}

/// The kind that model folders name.
pub(super) const KIND: &str = "bpr";

/// Most workers: more than any machine has threads.
const MOST_WORKERS: usize = 1024;

impl Bpr {
    fn check(&self) -> Result<()> {
        checks::factors(self.factors)?;
        checks::at_least_one("epochs", self.epochs)?;
        checks::positive("learning_rate", self.learning_rate)?;
        checks::not_negative("l2", self.l2)?;
        if !(1..=MOST_WORKERS).contains(&self.workers) {
            let why = format!("choose 1 to {MOST_WORKERS}; 1 is deterministic");
            return Err(Error::parameter("workers", self.workers, why));
        }
        if self.learning_rate * self.l2 >= 1.0 {
            return Err(Error::parameter(
                "l2",
                self.l2,
                format!(
                    "with learning_rate {} a step would turn factors round; choose l2 below {}",
                    self.learning_rate,
                    1.0 / self.learning_rate
                ),
            ));
        }
        Ok(())
    }
}

impl Fit for Bpr {
    type Model = BprModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<BprModel> {
        self.check()?;
        let log = &data.interactions;
        let weights = log.matrix();
        checks::weights(KIND, &weights, log)?;
        let seen = Arc::new(weights.binary());
        let (seed, ids) = (ctx.seed, log.ids().clone());
        let plan = Plan { kind: KIND, config: self, epochs: self.epochs };
        ctx.cpu_threads("BPR")?;
        train::run(&plan, log, ctx, || state::State::new(self.clone(), ids, seen, seed))
    }
}
