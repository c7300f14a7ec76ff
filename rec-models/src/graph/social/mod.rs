//! LightGCN-S: LightGCN on the graph of who had what and who knows whom.

mod model;
mod state;
mod taste;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rec_core::data::{Csr, Dataset};
use rec_core::graph::{Graph, GraphBuilder, NodeKind};
use serde::{Deserialize, Serialize};

pub use model::{Influence, SocialLightGcnModel};

use super::lightgcn::{GraphLoss, LightGcn, PositiveSampling, ScoreBy};
use crate::collab::checks;
use crate::fit::{Fit, FitContext};
use crate::train::{self, Plan};
use crate::{Error, Result};

/// LightGCN-S, the backbone of Y. Yang, L. Wu, Z. Wang, Z. He, R. Hong and M. Wang, "Graph
/// bottlenecked social recommendation", KDD 2024: embeddings of users and items are propagated along
/// interactions and friendships alike and averaged over the layers,
///
/// `E = 1/(K + 1) Σ_{k=0..=K} Âᵏ E⁰`, `Â = D^-½ [[φ S, R], [Rᵀ, 0]] D^-½`, `s_ui = ⟨e_u, e_i⟩`
///
/// with `R` the interactions, `S` the friendships, `D` the sums of both, and `E⁰` trained as
/// [`LightGcn`]'s. A user without interactions is known by their friends. The weight `φ` of a
/// friendship against an interaction is ours; the paper has 1.
///
/// The data set needs [`Dataset::social`]; friendship goes both ways (the larger weight counts), and
/// those of weight 0 are none. Training is without a tape, on CPU threads, and the result does not
/// depend on their number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SocialLightGcn {
    /// Length of an embedding.
    pub factors: usize,
    /// Layers of propagation, `K`, at least 1.
    pub layers: usize,
    /// Weight `φ` of a friendship of weight 1 against an interaction.
    pub friends: f32,
    /// Whether a friendship counts as much as both friends' tastes agree: `s_uv` times the cosine
    /// `|R_u ∩ R_v| / √(|R_u| |R_v|)` of what they had. Friends with nothing in common then tell
    /// nothing of each other; those of a user without interactions all count whole. This is ours too.
    pub by_taste: bool,
    /// Step of Adam.
    pub learning_rate: f32,
    /// Weight of the squared norms of the initial embeddings.
    pub l2: f32,
    /// Passes over the interactions.
    pub epochs: usize,
    /// Interactions a step.
    pub batch_size: usize,
    /// The loss.
    pub loss: GraphLoss,
    /// What the fitted model scores by.
    pub score_by: ScoreBy,
    /// How the interactions of a batch are drawn.
    pub positives: PositiveSampling,
    /// Bytes that fitting may take; more is refused with the bytes it would need.
    pub max_memory: u64,
}

impl Default for SocialLightGcn {
    fn default() -> Self {
        let base = LightGcn::default();
        Self {
            factors: base.factors,
            layers: base.layers,
            friends: 1.0,
            by_taste: false,
            learning_rate: base.learning_rate,
            l2: base.l2,
            epochs: base.epochs,
            batch_size: base.batch_size,
            loss: base.loss,
            score_by: base.score_by,
            positives: base.positives,
            max_memory: base.max_memory,
        }
    }
}

/// The kind that model folders name.
pub(super) const KIND: &str = "social_lightgcn";

impl SocialLightGcn {
    /// What is LightGCN's of the parameters.
    fn base(&self) -> LightGcn {
        LightGcn {
            factors: self.factors,
            layers: self.layers,
            learning_rate: self.learning_rate,
            l2: self.l2,
            epochs: self.epochs,
            batch_size: self.batch_size,
            loss: self.loss,
            score_by: self.score_by,
            positives: self.positives,
            max_memory: self.max_memory,
            ..LightGcn::default()
        }
    }

    fn check(&self) -> Result<()> {
        self.base().check()?;
        checks::at_least_one("layers", self.layers)?;
        checks::positive("friends", self.friends)
    }

    /// Users and items with interactions and weighted friendships.
    fn graph(&self, seen: &Csr, friends: &Csr) -> Result<Graph> {
        GraphBuilder::new()
            .max_memory(self.max_memory)
            .relation(NodeKind::User, NodeKind::Item, seen.clone(), 1.0)?
            .relation(NodeKind::User, NodeKind::User, friends.clone(), self.friends)?
            .build()
    }
}

/// The friendships of a data set, `[users, users]`.
pub(super) fn friends(data: &Dataset) -> Result<Csr> {
    let social = data.social.as_ref().ok_or_else(|| {
        let why = "this model learns from friends; set the data set's social graph";
        Error::empty("the social graph of the data set", why)
    })?;
    social.ids().check_same(data.interactions.ids(), "the social graph and the interactions")?;
    if social.edges().nnz() == 0 {
        let why = "it holds no friendship to learn from";
        return Err(Error::empty("the social graph of the data set", why));
    }
    Ok(social.edges().clone())
}

impl Fit for SocialLightGcn {
    type Model = SocialLightGcnModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<SocialLightGcnModel> {
        self.check()?;
        let log = &data.interactions;
        let weights = log.matrix();
        checks::weights(KIND, &weights, log)?;
        let friends = friends(data)?;
        let edges = weights.nnz() + friends.nnz();
        self.base().check_memory(log.n_users() + log.n_items(), weights.nnz(), edges)?;
        let seen = Arc::new(weights.binary());
        let friends = if self.by_taste { taste::weighed(&friends, &seen) } else { friends };
        let friends = Arc::new(friends);
        let (seed, ids) = (ctx.seed, log.ids().clone());
        let plan = Plan { kind: KIND, config: self, epochs: self.epochs };
        ctx.cpu_threads("LightGCN-S")?;
        train::run(&plan, log, ctx, || state::State::new(self, ids, seen, friends, seed))
    }
}
