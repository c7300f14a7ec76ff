//! LightGCN (He, Deng, Wang, Li, Zhang and Wang 2020).

mod content;
mod contrast;
pub(super) mod draws;
mod explain;
pub(super) mod loss;
mod model;
mod noise;
mod pass;
mod sampled;
mod state;
mod tensor;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rec_core::data::{Csr, Dataset};
use rec_core::graph::Normalization;
use serde::{Deserialize, Serialize};

pub use contrast::{Contrast, Views};
pub use model::LightGcnModel;
pub(super) use model::unit_rows;
pub(super) use state::{State, graph_of};

use content::Content;

use crate::collab::checks;
use crate::device::limit_threads;
use crate::fit::{Fit, FitContext};
use crate::train::{self, Plan};
use crate::{Device, Error, Result};

/// A graph network without weights or activations: embeddings of users and items are propagated
/// along the graph of who had what and averaged over the layers,
///
/// `E = 1/(K + 1) Σ_{k=0..=K} Âᵏ E⁰`, `Â = D^-½ A D^-½`, `s_ui = ⟨e_u, e_i⟩`
///
/// (X. He, K. Deng, X. Wang, Y. Li, Y. Zhang, M. Wang, "LightGCN: Simplifying and powering graph
/// convolution network for recommendation", SIGIR 2020, section 3.1), and the initial
/// embeddings `E⁰` are trained by Adam on mini-batches of interactions with the loss of
/// [`GraphLoss`] plus `λ/2 · 1/B Σ ‖e⁰‖²` over the batch's users and items.
///
/// Propagation is linear, so the gradient of `E⁰` is the same propagation of that of `E`; both are
/// computed without a tape, in `2 K` sparse products a step, two of them in part: the last layer
/// forward only for rows the batch reads, the first backward only from rows with a gradient. Weights
/// of interactions are not looked at, but negative ones are refused. The result does not depend on
/// the number of threads. On another device than `cpu` the same steps are taken as tensors, with a
/// tape and with all products whole; between epochs the embeddings come back.
///
/// Settings make other published models of it:
///
/// - **LightGCN++** (G. Lee, K. Kim, K. Shin, "Revisiting LightGCN: Unexpected inflexibility,
///   inconsistency, and a remedy towards improved recommendation", RecSys 2024): rows of length 1
///   before each step (`unit_rows`), free powers of the degrees (`normalization`), and
///   `E = γ E⁰ + (1 − γ)/K Σ_{k≥1} Eᵏ` (`residual`): see [`LightGcn::plus_plus`];
/// - **XSimGCL**, **SimGCL** and **SGL**: a [`Contrast`] of two views.
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
    /// What the fitted model scores by.
    pub score_by: ScoreBy,
    /// How the interactions of a batch are drawn.
    pub positives: PositiveSampling,
    /// How edges are scaled by the degrees of their ends.
    pub normalization: Normalization,
    /// Whether embeddings are scaled to length 1 before each step of propagation.
    pub unit_rows: bool,
    /// Share `γ` of the initial embeddings in the mean, the others sharing the rest; `None` for the
    /// mean of all.
    pub residual: Option<f32>,
    /// Self-supervised contrast beside the loss.
    pub contrast: Option<Contrast>,
    /// Weight of the edges between items and their tags, whose nodes then stand in the graph beside
    /// users and items; 0 for a graph without tags. An item that nobody had is known by its tags
    /// if trained with the softmax over a batch; for the other losses it is a negative of everyone.
    pub tags: f32,
    /// Name of a table of the items' vectors (of their texts, say). Item nodes start from its
    /// principal components, and an item without interactions gets the embedding that a ridge
    /// regression of the others' embeddings on their vectors predicts (the mapping of Z. Gantner,
    /// L. Drumond, C. Freudenthaler, S. Rendle, L. Schmidt-Thieme, "Learning attribute-to-feature
    /// mappings for cold-start recommendations", ICDM 2010).
    pub content: Option<String>,
    /// Weight of the squares of that regression, whose vectors have a mean square of 1.
    pub content_l2: f32,
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
    /// interaction with the same item is no negative. Scores are products all the same: see
    /// [`ScoreBy`].
    Softmax {
        /// `τ`, above 0; about 0.1 as a rule.
        temperature: f32,
    },
    /// `−ln (e^(c_ui/τ) / (e^(c_ui/τ) + Σ_j e^(c_uj/τ)))` over items `j` the user did not have, of
    /// `negatives` that are drawn uniformly, without repetition, once a step for the whole batch:
    /// the loss of the same paper without its preference for rare items. With as many as there are
    /// items it is the softmax over all of them.
    SampledSoftmax {
        /// `τ`, above 0; about 0.1 as a rule.
        temperature: f32,
        /// Items drawn a step.
        negatives: usize,
    },
}

impl GraphLoss {
    /// Whether embeddings are compared by cosine.
    pub(super) fn by_cosine(self) -> bool {
        self != Self::Bpr
    }

    fn check(self, batch_size: usize) -> Result<()> {
        match self {
            Self::Bpr => Ok(()),
            Self::Softmax { temperature } => {
                checks::positive("loss.temperature", temperature)?;
                if batch_size <= LARGEST_SOFTMAX_BATCH {
                    return Ok(());
                }
                let why = format!(
                    "the softmax loss scores every user of a batch against every item of it; \
                     choose at most {LARGEST_SOFTMAX_BATCH}"
                );
                Err(Error::parameter("batch_size", batch_size, why))
            }
            Self::SampledSoftmax { temperature, negatives } => {
                checks::positive("loss.temperature", temperature)?;
                checks::at_least_one("loss.negatives", negatives)
            }
        }
    }

    /// Scores of a batch that are held at once.
    fn scores(self, batch: usize, items: usize) -> usize {
        match self {
            Self::Bpr => 0,
            Self::Softmax { .. } => batch.saturating_mul(batch),
            Self::SampledSoftmax { negatives, .. } => batch.saturating_mul(negatives.min(items)),
        }
    }
}

/// What a fitted model scores by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreBy {
    /// The inner product of the propagated embeddings, whatever they were trained by. A loss of
    /// cosines leaves their lengths alone, and propagation makes them: they grow with what a node's
    /// neighbours agree on and with their number, which is why that loss suits graph models (Wu et al.
    /// 2024; their code ranks so too).
    #[default]
    Product,
    /// Their cosine, which knows nothing of how much an item is liked at large.
    Cosine,
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
            score_by: ScoreBy::default(),
            positives: PositiveSampling::default(),
            normalization: Normalization::default(),
            unit_rows: false,
            residual: None,
            contrast: None,
            tags: 0.0,
            content: None,
            content_l2: 1.0,
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
    /// LightGCN++ with its powers `α` of a node's own degree and `β` of its neighbour's, and `γ` of
    /// the initial embeddings; its authors recommend 0.6, −0.1 and 0.2.
    pub fn plus_plus(alpha: f32, beta: f32, gamma: f32) -> Self {
        Self {
            normalization: Normalization::Powers { left: alpha, right: beta },
            unit_rows: true,
            residual: Some(gamma),
            ..Self::default()
        }
    }

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
        if self.residual.is_some_and(|own| !(0.0..=1.0).contains(&own)) {
            let why = "a share of 0 to 1 is needed";
            return Err(Error::parameter("residual", format!("{:?}", self.residual), why));
        }
        checks::not_negative("tags", self.tags)?;
        checks::positive("content_l2", self.content_l2)?;
        if let Some(contrast) = &self.contrast {
            contrast.check(self)?;
        }
        self.loss.check(self.batch_size)
    }

    pub(super) fn check_memory(
        &self,
        nodes: usize,
        interactions: usize,
        edges: usize,
    ) -> Result<()> {
        let table = 4 * (nodes * self.factors) as u64;
        let batch = self.batch_size.min(interactions);
        let contrasted = if self.contrast.is_some() { batch.saturating_mul(batch) } else { 0 };
        let scores = 4 * self.loss.scores(batch, nodes).max(contrasted) as u64;
        // Embeddings, two moments, sums and gradients, two buffers, units, views; the graph, its
        // normalised form, the transpose, and as much again while they are built, and those of views;
        // the batches of an epoch.
        let units = if self.unit_rows { self.layers } else { 0 };
        let tables = 8 + units + self.contrast.map_or(0, |contrast| contrast.tables());
        let graph = rec_core::graph::Graph::estimate(nodes, 2 * edges);
        let graphs = 6 + self.contrast.map_or(0, |contrast| contrast.graphs(self.layers)) as u64;
        let needs = tables as u64 * table + graphs * graph + 12 * interactions as u64 + scores;
        if needs <= self.max_memory {
            return Ok(());
        }
        Err(Error::TooLarge {
            what: format!("LightGCN of {nodes} users and items and {interactions} interactions"),
            needs,
            limit: self.max_memory,
            why:
                "raise max_memory if the machine has it, lower factors, or keep the more frequent \
                  users and items only (k_core)"
                    .into(),
        })
    }
}

/// What is known of the items beside who had them.
#[derive(Clone, Debug, Default)]
struct Beside {
    tags: Option<Csr>,
    content: Option<Content>,
}

impl LightGcn {
    /// The items' tags, where they are asked for.
    fn tags_of(&self, data: &Dataset) -> Result<Option<Csr>> {
        if self.tags == 0.0 {
            return Ok(None);
        }
        let ids = &data.interactions.ids().items;
        let tags = data.items.as_ref().and_then(|items| items.tags_for(ids));
        tags.map(Some).ok_or_else(|| {
            let why = "the data set has none; give it items with tags, or set tags to 0";
            Error::empty("tags of the items", why)
        })
    }
}

impl Fit for LightGcn {
    type Model = LightGcnModel;

    fn reads_items(&self) -> bool {
        self.tags > 0.0 || self.content.is_some()
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<LightGcnModel> {
        self.check()?;
        let log = &data.interactions;
        let weights = log.matrix();
        checks::weights(KIND, &weights, log)?;
        let content = self.content.as_deref().map(|name| Content::new(data, name)).transpose()?;
        let beside = Beside { tags: self.tags_of(data)?, content };
        let of_tags = beside.tags.as_ref();
        let (tag_nodes, tag_edges) = of_tags.map_or((0, 0), |t| (t.n_cols(), t.nnz()));
        let nodes = log.n_users() + log.n_items() + tag_nodes;
        self.check_memory(nodes, weights.nnz(), weights.nnz() + tag_edges)?;
        let seen = Arc::new(weights.binary());
        let (seed, ids) = (ctx.seed, log.ids().clone());
        let plan = Plan { kind: KIND, config: self, epochs: self.epochs };
        let device = self.device(ctx)?;
        train::run(&plan, log, ctx, || {
            Ok(state::State::new(self.clone(), ids, seen, beside, seed)?.on(device))
        })
    }
}

impl LightGcn {
    /// burn's device for the steps; `None` for CPU threads.
    fn device(&self, ctx: &FitContext<'_>) -> Result<Option<burn::tensor::Device>> {
        if ctx.device == Device::Cpu {
            return Ok(None);
        }
        if self.contrast.is_some() {
            let why = "contrast of views trains on CPU threads; leave device at cpu";
            return Err(Error::unsupported("contrast", format!("device {}", ctx.device), why));
        }
        let device = ctx.device.tensor()?;
        limit_threads(&device, ctx.threads);
        Ok(Some(device))
    }
}
