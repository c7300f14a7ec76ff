//! Link prediction with graph networks: a GCN or GraphSAGE trained on the edges of a graph.

mod layers;
mod model;
mod sample;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rec_core::data::{Csr, Dataset, IdMap, IdMaps, Interactions};
use rec_core::graph::{Graph, GraphBuilder, NodeKind};
use rec_core::objective::EdgeLoss;
use serde::{Deserialize, Serialize};

pub use model::LinkModel;

use crate::collab::checks;
use crate::fit::{Fit, FitContext};
use crate::train::{self, Plan};
use crate::{Error, Result};

/// Predicts missing edges of an undirected graph, of friends say, from embeddings that a graph
/// network makes of the nodes' features and neighbours, trained with an [`EdgeLoss`] on its edges
/// and on non-edges drawn beside them.
///
/// Features are sparse, one row a node: of users, the items they had ([`Fit`]), or what
/// [`LinkPredictor::fit_graph`] is given; with `node_embeddings` each node has trained numbers of its
/// own besides. A node unseen in training is embedded from its features and neighbours
/// ([`LinkModel::embed`]).
///
/// The fitted model recommends nodes to nodes in the library's ways: both of its id maps are the
/// nodes', and a node's neighbours and itself count as seen. CPU threads; the result does not depend
/// on their number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkPredictor {
    /// The network.
    pub network: Network,
    /// Width of the layers but the last.
    pub hidden: usize,
    /// Length of an embedding.
    pub factors: usize,
    /// Layers, 1 to 8: how far in the graph a node sees.
    pub layers: usize,
    /// Whether each node has trained numbers of its own beside its features.
    pub node_embeddings: bool,
    /// The loss.
    pub loss: EdgeLoss,
    /// Whether targets of the first two losses are weights over the largest one, rather than 1.
    pub weighted: bool,
    /// Non-edges drawn for each edge.
    pub negatives: usize,
    /// Step of Adam.
    pub learning_rate: f32,
    /// Weight of the squared weights, `λ/2 ‖W‖²`.
    pub l2: f32,
    /// Passes over the edges.
    pub epochs: usize,
    /// Edges a step.
    pub batch_size: usize,
    /// Bytes that fitting may take; more is refused with the bytes it would need.
    pub max_memory: u64,
}

/// How a layer gathers neighbours. Between layers stands a ReLU.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Network {
    /// `H' = D̃^-½ (A + I) D̃^-½ H W` (T. N. Kipf, M. Welling, "Semi-supervised classification with graph
    /// convolutional networks", ICLR 2017, equation 2); edge weights count. Every step sees the
    /// whole graph.
    Gcn,
    /// `h'_v = W · [h_v, mean_{u ∈ N(v)} h_u]` over sampled neighbours (Hamilton, Ying & Leskovec 2017,
    /// algorithm 1 with the mean aggregator); edge weights do not count.
    Sage {
        /// Neighbours drawn for each node and layer, without replacement; all where there are fewer.
        neighbours: usize,
        /// Scales each layer's rows to length 1 (line 7 of the algorithm). Inner products then are
        /// cosines: right for the cosine losses, narrow for the others.
        normalize: bool,
    },
}

impl Default for LinkPredictor {
    fn default() -> Self {
        Self {
            network: Network::Gcn,
            hidden: 64,
            factors: 64,
            layers: 2,
            node_embeddings: true,
            loss: EdgeLoss::Squared,
            weighted: false,
            negatives: 1,
            learning_rate: 0.01,
            l2: 1e-5,
            epochs: 50,
            batch_size: 2048,
            max_memory: 8 << 30,
        }
    }
}

/// The kind that model folders name.
pub(super) const KIND: &str = "link_predictor";

impl LinkPredictor {
    fn check(&self) -> Result<()> {
        checks::factors(self.factors)?;
        for (name, value) in [
            ("hidden", self.hidden),
            ("layers", self.layers),
            ("negatives", self.negatives),
            ("epochs", self.epochs),
            ("batch_size", self.batch_size),
        ] {
            checks::at_least_one(name, value)?;
        }
        if self.layers > 8 {
            return Err(Error::parameter("layers", self.layers, "choose 1 to 8; 2 is usual"));
        }
        checks::positive("learning_rate", self.learning_rate)?;
        checks::not_negative("l2", self.l2)?;
        if let Network::Sage { neighbours, .. } = self.network {
            checks::at_least_one("network.neighbours", neighbours)?;
        }
        match self.loss {
            EdgeLoss::InfoNce { temperature } => {
                checks::positive("loss.temperature", temperature as f32)
            }
            EdgeLoss::CosineContrastive { margin, weight } => {
                checks::positive("loss.weight", weight as f32)?;
                if (-1.0..=1.0).contains(&margin) {
                    return Ok(());
                }
                Err(Error::parameter("loss.margin", margin, "cosines lie between -1 and 1"))
            }
            _ => Ok(()),
        }
    }

    fn check_memory(&self, nodes: usize, edges: usize, features: usize) -> Result<()> {
        let widest = self.hidden.max(self.factors);
        // Weights with moments and gradient; outputs, products and gradients of every layer; the
        // graph, normalised, turned round and while it is built.
        let weights = 4 * 4 * ((features + nodes) * widest * 2) as u64;
        let rows = 4 * 4 * (nodes * widest * self.layers) as u64;
        let needs = weights + rows + 4 * Graph::estimate(nodes, edges);
        if needs <= self.max_memory {
            return Ok(());
        }
        Err(Error::TooLarge {
            what: format!("a network over {nodes} nodes, {edges} edges and {features} features"),
            needs,
            limit: self.max_memory,
            why: "raise max_memory if the machine has it, lower hidden and factors, or keep a \
                  denser part of the graph (k_core)"
                .into(),
        })
    }

    /// Trains on a graph whose edges go both ways, with `features` `[nodes, features]` of any
    /// numbers and ids of the nodes (`0..` without).
    ///
    /// # Errors
    /// [`Error::Parameter`] for parameters outside their domain, [`Error::Empty`] for a graph
    /// without edges or nodes without features and embeddings, [`Error::Shape`] for features or ids
    /// of another number of nodes, [`Error::Data`] for a directed graph or features that are not
    /// finite, [`Error::TooLarge`] past the memory allowed.
    pub fn fit_graph(
        &self,
        graph: &Graph,
        features: Option<&Csr>,
        ids: Option<IdMap>,
        ctx: &mut FitContext<'_>,
    ) -> Result<LinkModel> {
        self.check()?;
        let n = graph.n_nodes();
        let ids = ids.unwrap_or_else(|| IdMap::range(n));
        let ids = IdMaps::shared(ids.clone(), ids);
        let none = Csr::zeros(n, 0);
        let features = features.unwrap_or(&none);
        self.check_data(graph, features)?;
        self.check_memory(n, graph.n_edges(), features.n_cols())?;
        let log = Interactions::from_csr(graph.edges(), ids.clone())?;
        let (seed, plan) = (ctx.seed, Plan { kind: KIND, config: self, epochs: self.epochs });
        ctx.cpu_threads("the link predictor")?;
        train::run(&plan, &log, ctx, || {
            state::State::new(self.clone(), ids, graph.clone(), features.clone(), seed)
        })
    }

    fn check_data(&self, graph: &Graph, features: &Csr) -> Result<()> {
        let n = graph.n_nodes();
        if features.n_rows() != n {
            return Err(Error::shape("rows of the nodes' features", n, features.n_rows()));
        }
        if features.values().is_some_and(|values| values.iter().any(|x| !x.is_finite())) {
            return Err(Error::data("the nodes' features", "a number is not finite"));
        }
        if features.nnz() == 0 && !self.node_embeddings {
            let why = "a network learns from features; give some, or switch node_embeddings on";
            return Err(Error::empty("the nodes' features", why));
        }
        if graph.iter().all(|(i, j, _)| i == j) {
            let why = "links are learned from edges between nodes; it has none";
            return Err(Error::empty("the graph", why));
        }
        if !graph.is_symmetric() {
            let why = "edges must go both ways with one weight; build it undirected";
            return Err(Error::data("the graph", why));
        }
        Ok(())
    }
}

/// Which users had which items, each row of length 1.
fn tastes(log: &Interactions) -> Csr {
    let had = log.matrix().binary();
    let lengths: Vec<f32> = (0..had.n_rows()).map(|u| (had.row(u).len() as f32).sqrt()).collect();
    had.map_values(|u, _, x| x / lengths[u])
}

impl Fit for LinkPredictor {
    type Model = LinkModel;

    /// Trains on who is whose friend, with the items users had as features. A friendship goes both
    /// ways, with the larger weight.
    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<LinkModel> {
        let friends = super::social::friends(data)?;
        let graph = GraphBuilder::new()
            .max_memory(self.max_memory)
            .relation(NodeKind::User, NodeKind::User, friends, 1.0)?
            .build()?;
        let users = data.interactions.ids().users.clone();
        self.fit_graph(&graph, Some(&tastes(&data.interactions)), Some(users), ctx)
    }
}

/// What a node may not be recommended: itself and its neighbours.
fn seen(graph: &Graph) -> Arc<Csr> {
    let row = |i: usize| {
        let mut row: Vec<(u32, f32)> = graph.edges().row(i).iter().map(|&j| (j, 1.0)).collect();
        row.push((i as u32, 1.0));
        row
    };
    Arc::new(Csr::from_rows((0..graph.n_nodes()).map(row), graph.n_nodes()).binary())
}
