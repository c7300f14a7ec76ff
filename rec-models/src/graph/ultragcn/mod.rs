//! UltraGCN (Mao, Zhu, Xiao, Lu, Wang and He 2021).

mod constraint;
mod model;
mod sample;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rec_core::data::Dataset;
use serde::{Deserialize, Serialize};

pub use model::UltraGcnModel;

use crate::collab::checks;
use crate::fit::{Fit, FitContext};
use crate::train::{self, Plan};
use crate::{Error, Result};

/// Embeddings of users and items trained towards where endless propagation would leave them, without
/// propagating at all: with `β_ui = 1/d_u √((d_u + 1)/(d_i + 1))` each interaction `(u, i)` costs
///
/// `−(w₁ + w₂ β_ui) ln σ(s_ui) − η/N Σ_j (w₃ + w₄ β_uj) ln σ(−s_uj) − λ Σ_{k∈S(i)} ω_ik ln σ(s_uk)`
///
/// over `N` items `j` drawn uniformly and the `K` items `k` with the largest `ω_ik`, which is `β` on
/// the graph `RᵀR` of items had together times the entry there; and each step costs `γ/2 ‖Θ‖²` (K.
/// Mao, J. Zhu, X. Xiao, B. Lu, Z. Wang, X. He, "UltraGCN: Ultra simplification of graph convolutional
/// networks for recommendation", CIKM 2021, in the form of the authors' code). Trained by Adam on
/// sums over mini-batches.
///
/// Weights of interactions are not looked at, but negative ones are refused. The result does not
/// depend on the number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct UltraGcn {
    /// Length of an embedding.
    pub factors: usize,
    /// Step of Adam.
    pub learning_rate: f32,
    /// Weight `γ` of the squares of all embeddings, at every step.
    pub l2: f32,
    /// Passes over the data.
    pub epochs: usize,
    /// Interactions a step.
    pub batch_size: usize,
    /// Items `N` drawn for each interaction.
    pub negatives: usize,
    /// Weight `η` of their mean.
    pub negative_weight: f32,
    /// Weight of every interaction.
    pub w1: f32,
    /// Weight of an interaction's `β`.
    pub w2: f32,
    /// Weight of every item drawn.
    pub w3: f32,
    /// Weight of its `β`.
    pub w4: f32,
    /// Weight `λ` of the items had together.
    pub item_weight: f32,
    /// How many of them, `K`; the authors count the item itself.
    pub neighbours: usize,
    /// Bytes that fitting may take; more is refused with the bytes it would need.
    pub max_memory: u64,
}

impl Default for UltraGcn {
    fn default() -> Self {
        Self {
            factors: 64,
            learning_rate: 1e-3,
            l2: 1e-4,
            epochs: 60,
            batch_size: 1024,
            negatives: 200,
            negative_weight: 200.0,
            w1: 1e-6,
            w2: 1.0,
            w3: 1e-6,
            w4: 1.0,
            item_weight: 5e-4,
            neighbours: 10,
            max_memory: 8 << 30,
        }
    }
}

/// The kind that model folders name.
pub(super) const KIND: &str = "ultragcn";

impl UltraGcn {
    fn check(&self) -> Result<()> {
        checks::factors(self.factors)?;
        checks::at_least_one("epochs", self.epochs)?;
        checks::at_least_one("batch_size", self.batch_size)?;
        checks::positive("learning_rate", self.learning_rate)?;
        for (name, weight) in [
            ("l2", self.l2),
            ("negative_weight", self.negative_weight),
            ("w1", self.w1),
            ("w2", self.w2),
            ("w3", self.w3),
            ("w4", self.w4),
            ("item_weight", self.item_weight),
        ] {
            checks::not_negative(name, weight)?;
        }
        Ok(())
    }

    /// Terms an interaction has at most.
    fn terms(&self) -> usize {
        self.negatives.saturating_add(self.neighbours).saturating_add(1)
    }

    fn check_memory(&self, nodes: usize, items: usize, interactions: usize) -> Result<()> {
        // Embeddings, two moments, a gradient; neighbours; a batch's terms, and the same by item;
        // the matrix, its transpose and the order.
        let tables = 16 * (nodes * self.factors) as u64;
        let batch = self.batch_size.min(interactions) as u64;
        let terms = batch.saturating_mul(self.terms() as u64).saturating_mul(24);
        let rows = 24 * interactions as u64 + 8 * items as u64 * self.neighbours as u64;
        let needs = (tables + rows).saturating_add(terms);
        if needs <= self.max_memory {
            return Ok(());
        }
        Err(Error::TooLarge {
            what: format!("UltraGCN of {nodes} users and items, {interactions} interactions"),
            needs,
            limit: self.max_memory,
            why:
                "raise max_memory if the machine has it, or lower negatives, batch_size or factors"
                    .into(),
        })
    }
}

impl Fit for UltraGcn {
    type Model = UltraGcnModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<UltraGcnModel> {
        self.check()?;
        let log = &data.interactions;
        let weights = log.matrix();
        checks::weights(KIND, &weights, log)?;
        self.check_memory(log.n_users() + log.n_items(), log.n_items(), weights.nnz())?;
        let seen = Arc::new(weights.binary());
        let (seed, ids) = (ctx.seed, log.ids().clone());
        let plan = Plan { kind: KIND, config: self, epochs: self.epochs };
        ctx.cpu_threads("UltraGCN")?;
        train::run(&plan, log, ctx, || Ok(state::State::new(self.clone(), ids, seen, seed)))
    }
}
