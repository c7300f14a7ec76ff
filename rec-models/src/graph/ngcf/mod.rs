//! NGCF (Wang, He, Wang, Feng and Chua 2019).

mod layers;
mod model;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rec_core::data::Dataset;
use serde::{Deserialize, Serialize};

pub use model::NgcfModel;

use crate::collab::checks;
use crate::fit::{Fit, FitContext};
use crate::train::{self, Plan};
use crate::{Error, Result};

/// Neural graph collaborative filtering: embeddings of users and items pass along the graph of who
/// had what through layers with weights, in which what is alike in both ends of an edge counts apart,
///
/// `Eᵏ = LeakyReLU((L + I) Eᵏ⁻¹ W₁ᵏ + (L Eᵏ⁻¹ ⊙ Eᵏ⁻¹) W₂ᵏ)`, `L = D^-½ A D^-½`,
///
/// and the layers of a node stand side by side: `s_ui = ⟨e_u⁰‖…‖e_uᴷ, e_i⁰‖…‖e_iᴷ⟩` (X. Wang, X. He,
/// M. Wang, F. Feng, T.-S. Chua, "Neural graph collaborative filtering", SIGIR 2019, equations 7, 9
/// and 10). As in the authors' code the slope of LeakyReLU is 0.2 and rows of the layers after `E⁰`
/// are scaled to length 1 where they are set side by side, not where they are passed on; so the
/// penalty of these rows is none, and `λ/2 · 1/B Σ ‖e⁰‖²` over the batch's users and items is all of
/// it. BPR with a negative drawn uniformly, by Adam, without a tape: each layer's way back is written
/// out.
///
/// Weights of interactions are not looked at, but negative ones are refused. The result does not
/// depend on the number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ngcf {
    /// Length of an embedding, and of each layer's rows.
    pub factors: usize,
    /// Layers of propagation, `K`. A final embedding has `(K + 1) · factors` numbers.
    pub layers: usize,
    /// Step of Adam.
    pub learning_rate: f32,
    /// Weight `λ` of the squared norms of the initial embeddings.
    pub l2: f32,
    /// Passes over the data.
    pub epochs: usize,
    /// Interactions a step, `B`. A step passes through the whole graph, however small the batch is.
    pub batch_size: usize,
    /// Share of the numbers of each layer's rows that a step drops.
    pub message_dropout: f64,
    /// Share of the nodes whose messages a step drops in each layer.
    pub node_dropout: f64,
    /// Bytes that fitting may take; more is refused with the bytes it would need.
    pub max_memory: u64,
}

impl Default for Ngcf {
    fn default() -> Self {
        Self {
            factors: 64,
            layers: 3,
            learning_rate: 0.001,
            l2: 1e-5,
            epochs: 100,
            batch_size: 2048,
            message_dropout: 0.1,
            node_dropout: 0.0,
            max_memory: 8 << 30,
        }
    }
}

/// The kind that model folders name.
pub(super) const KIND: &str = "ngcf";

/// Most layers: after far fewer all embeddings are alike.
const MOST_LAYERS: usize = 64;

impl Ngcf {
    fn check(&self) -> Result<()> {
        checks::factors(self.factors)?;
        checks::at_least_one("layers", self.layers)?;
        checks::at_least_one("epochs", self.epochs)?;
        checks::at_least_one("batch_size", self.batch_size)?;
        checks::positive("learning_rate", self.learning_rate)?;
        checks::not_negative("l2", self.l2)?;
        if self.layers > MOST_LAYERS {
            let why = format!("choose 1 to {MOST_LAYERS}; 2 to 4 are usual");
            return Err(Error::parameter("layers", self.layers, why));
        }
        for (name, share) in
            [("message_dropout", self.message_dropout), ("node_dropout", self.node_dropout)]
        {
            if !(0.0..1.0).contains(&share) {
                let why = "a share of at least 0 and below 1 is needed";
                return Err(Error::parameter(name, share, why));
            }
        }
        Ok(())
    }

    /// Numbers of a final embedding.
    fn width(&self) -> usize {
        self.factors * (self.layers + 1)
    }

    fn check_memory(&self, nodes: usize, interactions: usize) -> Result<()> {
        // Embeddings, two moments, a gradient; of each layer what it gathered, gave and the gradient
        // by it; six tables of a layer in work. The graph thrice; the batches of an epoch.
        let table = 4 * (nodes * self.factors) as u64;
        let graph = rec_core::graph::Graph::estimate(nodes, 2 * interactions);
        let needs = (10 + 3 * self.layers as u64) * table + 3 * graph + 12 * interactions as u64;
        if needs <= self.max_memory {
            return Ok(());
        }
        Err(Error::TooLarge {
            what: format!("NGCF of {nodes} users and items and {interactions} interactions"),
            needs,
            limit: self.max_memory,
            why:
                "raise max_memory if the machine has it, lower factors or layers, or keep the more \
                  frequent users and items only (k_core)"
                    .into(),
        })
    }
}

impl Fit for Ngcf {
    type Model = NgcfModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<NgcfModel> {
        self.check()?;
        let log = &data.interactions;
        let weights = log.matrix();
        checks::weights(KIND, &weights, log)?;
        self.check_memory(log.n_users() + log.n_items(), weights.nnz())?;
        let seen = Arc::new(weights.binary());
        let (seed, ids) = (ctx.seed, log.ids().clone());
        let plan = Plan { kind: KIND, config: self, epochs: self.epochs };
        ctx.cpu_threads("NGCF")?;
        train::run(&plan, log, ctx, || state::State::new(self.clone(), ids, seen, seed))
    }
}
