//! LightGCN (He, Deng, Wang, Li, Zhang and Wang 2020).

pub(super) mod adam;
pub(super) mod draws;
mod explain;
pub(super) mod loss;
mod model;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rec_core::data::Dataset;
use serde::{Deserialize, Serialize};

pub use explain::Path;
pub use model::LightGcnModel;
pub(super) use model::unit_rows;
pub(super) use state::{State, normalized};

use crate::collab::checks;
use crate::fit::{Fit, FitContext};
use crate::train::{self, Plan};
use crate::{Error, Result};

/// A graph network without weights or activations: embeddings of users and items are propagated
/// along the graph of who had what and averaged over the layers,
///
/// `E = 1/(K + 1) Σ_{k=0..=K} Âᵏ E⁰`, `Â = D^-½ A D^-½`, `s_ui = ⟨e_u, e_i⟩`
///
/// (X. He, K. Deng, X. Wang, Y. Li, Y. Zhang, M. Wang, "LightGCN: Simplifying and powering graph
/// convolution network for recommendation", SIGIR 2020, equations 7 to 9), and the initial
/// embeddings `E⁰` are trained by Adam on mini-batches of interactions with the loss of
/// [`GraphLoss`] plus `λ/2 · 1/B Σ ‖e⁰‖²` over the batch's users and items.
///
/// Propagation is linear, so the gradient of `E⁰` is the same propagation of that of `E`; both are
/// computed without a tape, in `2 K` sparse products a step, two of them in part: the last layer
/// forward only for rows the batch reads, the first backward only from rows with a gradient. Weights
/// of interactions are not looked at, but negative ones are refused. The result does not depend on
/// the number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LightGcn {
    /// Length of an embedding.
    pub factors: usize,
    /// Layers of propagation, `K`.
    pub layers: usize,
    /// Step of Adam.
    pub learning_rate: f32,
    /// Weight `λ` of the squared norms of the initial embeddings.
    pub l2: f32,
    /// Passes over the data.
    pub epochs: usize,
    /// Interactions a step, `B`. A step propagates through the whole graph, however small the batch
    /// is: larger batches make epochs faster, and want a larger learning rate.
    pub batch_size: usize,
    /// The loss.
    pub loss: GraphLoss,
    /// How the interactions of a batch are drawn.
    pub positives: PositiveSampling,
    /// Bytes that fitting may take; more is refused with the bytes it would need.
    pub max_memory: u64,
}

/// What a batch of interactions is trained on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GraphLoss {
    /// `−ln σ(s_ui − s_uj)` with an item `j` the user did not have, drawn uniformly, as in the
    /// paper.
    #[default]
    Bpr,
    /// `−ln (e^(c_ui/τ) / Σ_j e^(c_uj/τ))` over the items `j` of the batch, with cosines
    /// `c_ui = ⟨e_u, e_i⟩ / (‖e_u‖ ‖e_i‖)` (J. Wu, X. Wang, X. Gao, J. Chen, H. Fu, T. Qiu, X. He,
    /// "On the effectiveness of sampled softmax loss for item recommendation", TOIS 2024). Another
    /// interaction with the same item is no negative. Scores are then cosines too.
    Softmax {
        /// `τ`, above 0; about 0.1 as a rule.
        temperature: f32,
    },
}

/// How the interactions of a batch are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositiveSampling {
    /// Every interaction once an epoch, in random order.
    #[default]
    Events,
    /// A user with equal chance, then one of their items, as many times as there are interactions:
    /// what the authors' code does. Users with short histories count as much as others.
    Users,
}

impl Default for LightGcn {
    fn default() -> Self {
        Self {
            factors: 64,
            layers: 3,
            learning_rate: 0.001,
            l2: 1e-4,
            epochs: 100,
            batch_size: 2048,
            loss: GraphLoss::default(),
            positives: PositiveSampling::default(),
            max_memory: 8 << 30,
        }
    }
}

/// The kind that model folders name.
pub(super) const KIND: &str = "lightgcn";

/// Most layers: after far fewer all embeddings are alike.
const MOST_LAYERS: usize = 64;
/// Largest batch: the softmax's scores are its square.
const LARGEST_SOFTMAX_BATCH: usize = 32_768;

impl LightGcn {
    pub(super) fn check(&self) -> Result<()> {
        checks::factors(self.factors)?;
        checks::at_least_one("epochs", self.epochs)?;
        checks::at_least_one("batch_size", self.batch_size)?;
        checks::positive("learning_rate", self.learning_rate)?;
        checks::not_negative("l2", self.l2)?;
        if self.layers > MOST_LAYERS {
            let why = format!("choose 0 to {MOST_LAYERS}; 2 to 4 are usual");
            return Err(Error::parameter("layers", self.layers, why));
        }
        if let GraphLoss::Softmax { temperature } = self.loss {
            checks::positive("loss.temperature", temperature)?;
            if self.batch_size > LARGEST_SOFTMAX_BATCH {
                let why = format!(
                    "the softmax loss scores every user of a batch against every item of it; \
                     choose at most {LARGEST_SOFTMAX_BATCH}"
                );
                return Err(Error::parameter("batch_size", self.batch_size, why));
            }
        }
        Ok(())
    }

    pub(super) fn check_memory(&self, nodes: usize, edges: usize) -> Result<()> {
        let table = 4 * (nodes * self.factors) as u64;
        let scores = match self.loss {
            GraphLoss::Bpr => 0,
            GraphLoss::Softmax { .. } => 4 * (self.batch_size.min(edges) as u64).pow(2),
        };
        // Embeddings, two moments, sums and gradients, two buffers; three copies of the graph while
        // it is built; the batches of an epoch.
        let graph = rec_core::graph::Graph::estimate(nodes, 2 * edges);
        let needs = 7 * table + 3 * graph + 12 * edges as u64 + scores;
        if needs <= self.max_memory {
            return Ok(());
        }
        Err(Error::TooLarge {
            what: format!("LightGCN of {nodes} users and items and {edges} edges"),
            needs,
            limit: self.max_memory,
            why:
                "raise max_memory if the machine has it, lower factors, or keep the more frequent \
                  users and items only (k_core)"
                    .into(),
        })
    }
}

impl Fit for LightGcn {
    type Model = LightGcnModel;

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<LightGcnModel> {
        self.check()?;
        let log = &data.interactions;
        let weights = log.matrix();
        checks::weights(KIND, &weights, log)?;
        self.check_memory(log.n_users() + log.n_items(), weights.nnz())?;
        let seen = Arc::new(weights.binary());
        let (seed, ids) = (ctx.seed, log.ids().clone());
        let plan = Plan { kind: KIND, config: self, epochs: self.epochs };
        ctx.cpu_threads("LightGCN")?;
        train::run(&plan, log, ctx, || state::State::new(self.clone(), ids, seen, seed))
    }
}
