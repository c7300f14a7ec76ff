//! SEPT: LightGCN whose users also learn from what their friends look like in three views.

mod agree;
mod model;
mod state;
#[cfg(test)]
mod tests;
mod views;

use std::sync::Arc;

use rec_core::data::Dataset;
use serde::{Deserialize, Serialize};

pub use model::SeptModel;

use super::lightgcn::{LightGcn, PositiveSampling};
use super::social::friends;
use crate::collab::checks;
use crate::fit::{Fit, FitContext};
use crate::train::{self, Plan};
use crate::{Error, Result};

/// Self-supervised tri-training (J. Yu, H. Yin, M. Gao, X. Xia, X. Zhang, N. Q. V. Hung, "Socially-aware
/// self-supervised tri-training for recommendation", KDD 2021). Three encoders propagate the same
/// user embeddings as LightGCN does, along
///
/// - the preference view, who had what, `Z_r`, which alone recommends;
/// - the friend view, `(S S) ⊙ S + I`, friends by how many friends they share, `Z_f`;
/// - the sharing view, `(R Rᵀ) ⊙ S + I`, friends by how many items they share, `Z_s`;
///
/// and a fourth along interactions and friendships with a random part left out anew each epoch, `Z̃`.
/// For each user of a batch and each view the `positives` users whose `Z̃` the other two views find
/// most alike (the mean of their softmaxes of cosines over the batch) are what the view is taught to
/// tell from the rest,
///
/// `L = L_BPR + β/B Σ_v Σ_u −ln (Σ_{p ∈ P_u} e^{cos(z_u, z̃_p)/τ} / Σ_w e^{cos(z_u, z̃_w)/τ})`
///
/// with LightGCN's penalty. Two departures from the authors' code, chosen together on held-out data of
/// one set: layers are averaged as they are (there each is scaled to length 1 first), and `β` is larger.
///
/// The data set needs [`Dataset::social`]; friendship goes both ways. The fitted model recommends by
/// interactions alone: it folds in and explains as LightGCN. CPU threads; the result does not depend on
/// their number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sept {
    /// Length of an embedding.
    pub factors: usize,
    /// Layers of propagation.
    pub layers: usize,
    /// `β`: what agreement of the views counts.
    pub agreement: f32,
    /// `τ` of the agreement.
    pub temperature: f32,
    /// Users taken as positives for each, at most those of a batch.
    pub positives: usize,
    /// Share of interactions and friendships left out of the fourth view.
    pub drop_rate: f64,
    /// Epochs before the views begin to teach each other.
    pub warm_up: usize,
    /// Step of Adam.
    pub learning_rate: f32,
    /// Weight of the squared norms of the initial embeddings.
    pub l2: f32,
    /// Passes over the interactions.
    pub epochs: usize,
    /// Interactions a step.
    pub batch_size: usize,
    /// Bytes that fitting may take; more is refused with the bytes it would need.
    pub max_memory: u64,
}

impl Default for Sept {
    fn default() -> Self {
        Self {
            factors: 64,
            layers: 2,
            agreement: 0.05,
            temperature: 0.1,
            positives: 10,
            drop_rate: 0.3,
            warm_up: 0,
            learning_rate: 0.005,
            l2: 1e-4,
            epochs: 30,
            batch_size: 2048,
            max_memory: 8 << 30,
        }
    }
}

/// The kind that model folders name.
pub(super) const KIND: &str = "sept";

/// Largest batch: users of a batch are compared with each other.
const LARGEST_BATCH: usize = 32_768;

impl Sept {
    /// What is LightGCN's of the parameters.
    fn base(&self) -> LightGcn {
        LightGcn {
            factors: self.factors,
            layers: self.layers,
            learning_rate: self.learning_rate,
            l2: self.l2,
            epochs: self.epochs,
            batch_size: self.batch_size,
            positives: PositiveSampling::Events,
            max_memory: self.max_memory,
            ..LightGcn::default()
        }
    }

    fn check(&self) -> Result<()> {
        self.base().check()?;
        checks::at_least_one("layers", self.layers)?;
        checks::at_least_one("positives", self.positives)?;
        checks::not_negative("agreement", self.agreement)?;
        checks::positive("temperature", self.temperature)?;
        if !(0.0..1.0).contains(&self.drop_rate) {
            let why = "a share of at least 0 and below 1 can be left out";
            return Err(Error::parameter("drop_rate", self.drop_rate, why));
        }
        if self.batch_size > LARGEST_BATCH {
            let why = format!(
                "a batch's users are compared with each other; choose at most {LARGEST_BATCH}"
            );
            return Err(Error::parameter("batch_size", self.batch_size, why));
        }
        Ok(())
    }

    /// What the views take besides LightGCN's.
    fn check_memory(&self, users: usize, nodes: usize, edges: usize) -> Result<()> {
        let table = 4 * (nodes * self.factors) as u64;
        let compared = 4 * (self.batch_size.min(users) as u64).pow(2);
        let graph = rec_core::graph::Graph::estimate(nodes, 2 * edges);
        let needs = 16 * table + 8 * compared + 8 * graph;
        if needs <= self.max_memory {
            return Ok(());
        }
        Err(Error::TooLarge {
            what: format!("SEPT of {nodes} users and items, {edges} interactions and friendships"),
            needs,
            limit: self.max_memory,
            why: "raise max_memory if the machine has it, or lower factors or batch_size".into(),
        })
    }
}

impl Fit for Sept {
    type Model = SeptModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<SeptModel> {
        self.check()?;
        let log = &data.interactions;
        let weights = log.matrix();
        checks::weights(KIND, &weights, log)?;
        let friends = friends(data)?;
        let (users, edges) = (log.n_users(), weights.nnz() + friends.nnz());
        self.check_memory(users, users + log.n_items(), edges)?;
        let seen = Arc::new(weights.binary());
        let (seed, ids) = (ctx.seed, log.ids().clone());
        let plan = Plan { kind: KIND, config: self, epochs: self.epochs };
        ctx.cpu_threads("SEPT")?;
        train::run(&plan, log, ctx, || state::State::new(self.clone(), ids, seen, &friends, seed))
    }
}
