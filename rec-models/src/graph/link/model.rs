//! The fitted model.

use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};
use rec_core::graph::{Graph, NodeKind};
use rec_core::objective::sigmoid;
use rec_core::rank::{Factors, History, Recommend, Similar, dot};
use rec_core::store::{ModelReader, ModelWriter};

use super::layers::{Block, Input, Layers};
use super::sample::whole;
use super::state::with_embeddings;
use super::{KIND, LinkPredictor, Network};
use crate::collab::factors;
use crate::fit::Model;
use crate::graph::lightgcn::unit_rows;
use crate::train::TrainingLog;
use crate::{Error, Result};

/// A fitted [`LinkPredictor`]: an embedding a node, whose inner products rank missing edges.
pub struct LinkModel {
    config: LinkPredictor,
    log: TrainingLog,
    ids: Arc<IdMaps>,
    seen: Arc<Csr>,
    graph: Graph,
    features: Csr,
    pub(super) layers: Layers,
    bias: f32,
    /// What each node hands on in each layer, before weights of edges: `[nodes, outputs]`.
    handed: Vec<Vec<f32>>,
    nodes: Vec<f32>,
}

impl LinkModel {
    pub(super) fn new(
        config: LinkPredictor,
        log: TrainingLog,
        ids: Arc<IdMaps>,
        graph: Graph,
        features: Csr,
        layers: Layers,
        bias: f32,
    ) -> Result<Self> {
        let inputs = with_embeddings(&features, config.node_embeddings);
        let transposed = inputs.transpose();
        let block = Block::new(whole(&graph, config.network)?);
        let passes = layers.forward((&inputs, &transposed), &vec![&block; config.layers]);
        let before = passes.iter().map(|pass| Input::Dense(&pass.out));
        let before = [Input::Sparse(&inputs, &transposed)].into_iter().chain(before);
        let handed = layers.layers.iter().zip(before).map(|(layer, h)| h.times(&layer.gathered));
        let handed: Vec<Vec<f32>> = handed.collect();
        let mut nodes = passes.into_iter().next_back().map(|pass| pass.out).unwrap_or_default();
        if config.loss.is_cosine() {
            // Trained on cosines, the model scores by them.
            unit_rows(&mut nodes, config.factors);
        }
        let seen = super::seen(&graph);
        Ok(Self { config, log, ids, seen, graph, features, layers, bias, handed, nodes })
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Shape`] for a folder that holds no whole model of this kind.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        factors::check_kind(reader, KIND)?;
        let config: LinkPredictor = reader.config()?;
        config.check()?;
        let (ids, features) = (reader.ids()?, reader.csr("features")?);
        let graph = Graph::from_csr(&reader.csr("graph")?, NodeKind::User)?;
        for (what, got) in [("a graph", graph.n_nodes()), ("features", features.n_rows())] {
            if got != ids.users.len() {
                return Err(Error::shape(format!("nodes of {what}"), ids.users.len(), got));
            }
        }
        let own = if config.node_embeddings { graph.n_nodes() } else { 0 };
        let mut layers = Layers::new(&config, features.n_cols() + own, 0);
        for (name, weights) in layers.named_mut() {
            let (shape, values) = reader.f32(&name)?;
            if shape != weights.shape() {
                let expected = format!("{:?}", weights.shape());
                return Err(Error::shape(name, expected, format!("{shape:?}")));
            }
            weights.values.copy_from_slice(&values);
        }
        let (_, bias) = reader.f32("bias")?;
        let [bias] = bias[..] else { return Err(Error::shape("the bias", 1, bias.len())) };
        Self::new(config, factors::training_log(reader)?, ids, graph, features, layers, bias)
    }

    /// The estimator.
    pub fn config(&self) -> &LinkPredictor {
        &self.config
    }

    /// How training went.
    pub fn log(&self) -> &TrainingLog {
        &self.log
    }

    /// The nodes' embeddings, row-major `[nodes, factors]`; of length 1 if the model was trained on
    /// cosines.
    pub fn node_factors(&self) -> &[f32] {
        &self.nodes
    }

    /// The score of an edge between two nodes: their inner product.
    ///
    /// # Errors
    /// [`Error::Shape`] for a node the model does not have.
    pub fn link_score(&self, i: u32, j: u32) -> Result<f32> {
        let (n, d) = (self.ids.users.len(), self.config.factors);
        if let Some(node) = [i, j].into_iter().find(|&v| v as usize >= n) {
            return Err(Error::shape("dense node", format!("< {n}"), node));
        }
        let row = |v: u32| &self.nodes[v as usize * d..][..d];
        Ok(dot(row(i), row(j)))
    }

    /// `σ(h_i · h_j + b)`, what the squared loss and cross-entropy make of an edge.
    ///
    /// # Errors
    /// As [`LinkModel::link_score`]; [`Error::Unsupported`] for a model of another loss.
    pub fn probability(&self, i: u32, j: u32) -> Result<f32> {
        if !self.config.loss.has_bias() {
            let why = "its loss orders edges alone; train with squared or bce, or use link_score";
            return Err(Error::unsupported("a link's probability", "this link predictor", why));
        }
        Ok(sigmoid(f64::from(self.link_score(i, j)? + self.bias)) as f32)
    }

    /// The embedding, `[factors]`, of a node unseen in training, of these features (column, value)
    /// and with edges of weight 1 to these nodes: what the network makes of it, were the others to
    /// stay as they are.
    ///
    /// # Errors
    /// [`Error::Shape`] for a feature or node the model does not have.
    pub fn embed(&self, features: &[(u32, f32)], neighbours: &[u32]) -> Result<Vec<f32>> {
        let known = self.features.n_cols();
        if let Some((at, _)) = features.iter().find(|(at, _)| *at as usize >= known) {
            return Err(Error::shape("a node's feature", format!("< {known}"), at));
        }
        let n = self.ids.users.len();
        let mut neighbours = neighbours.to_vec();
        neighbours.sort_unstable();
        neighbours.dedup();
        if let Some(node) = neighbours.last().filter(|&&v| v as usize >= n) {
            return Err(Error::shape("dense neighbour", format!("< {n}"), node));
        }
        let own = if self.config.node_embeddings { n } else { 0 };
        let row = Csr::from_rows([features.to_vec()], known + own);
        let (itself, weights) = self.edges(&neighbours);
        let mut h = Vec::new();
        for (at, layer) in self.layers.layers.iter().enumerate() {
            let input = if at == 0 { Input::Sparse(&row, &row) } else { Input::Dense(&h) };
            let width = layer.gathered.shape()[1];
            let mut out: Vec<f32> = match &layer.own {
                Some(own) => input.times(own),
                None => input.times(&layer.gathered).iter().map(|x| itself * x).collect(),
            };
            for (&v, weight) in neighbours.iter().zip(&weights) {
                let handed = &self.handed[at][v as usize * width..][..width];
                out.iter_mut().zip(handed).for_each(|(out, x)| *out += weight * x);
            }
            self.layers.finish(at, &mut out);
            h = out;
        }
        if self.config.loss.is_cosine() {
            unit_rows(&mut h, self.config.factors);
        }
        Ok(h)
    }

    /// What a new node's own row and those of its neighbours weigh.
    fn edges(&self, neighbours: &[u32]) -> (f32, Vec<f32>) {
        let count = neighbours.len() as f32;
        match self.config.network {
            Network::Sage { .. } => (0.0, vec![1.0 / count.max(1.0); neighbours.len()]),
            Network::Gcn => {
                let degree = |v: u32| {
                    let edges = self.graph.edges().iter_row(v as usize);
                    1.0 + edges.map(|(_, w)| w).sum::<f32>()
                };
                let own = 1.0 + count;
                (1.0 / own, neighbours.iter().map(|&v| 1.0 / (own * degree(v)).sqrt()).collect())
            }
        }
    }

    fn product(&self) -> Factors<'_> {
        Factors {
            dim: self.config.factors,
            users: &self.nodes,
            items: &self.nodes,
            item_bias: None,
        }
    }
}

factors::factor_model!(LinkModel, nodes, factors);

impl Recommend for LinkModel {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }

    /// Neighbours, and the node itself.
    fn seen(&self) -> &Csr {
        &self.seen
    }

    /// By features or by neighbours.
    fn knows(&self, node: u32) -> bool {
        let alone = self.seen.row(node as usize).len() < 2;
        !alone || !self.features.row(node as usize).is_empty()
    }

    /// For new nodes, by the nodes they have edges to.
    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        let mut users = Vec::with_capacity(histories.len() * self.config.factors);
        for history in histories {
            let neighbours: Vec<u32> = history.iter().map(|&(v, _)| v).collect();
            users.extend(self.embed(&[], &neighbours)?);
        }
        let all: Vec<u32> = (0..histories.len() as u32).collect();
        Factors { users: &users, ..self.product() }.score(&all, out)
    }
}

impl Model for LinkModel {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn writer(&self) -> Result<ModelWriter> {
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        writer.training(&self.log)?;
        writer.ids(&self.ids);
        writer.csr("graph", self.graph.edges())?;
        writer.csr("features", &self.features)?;
        writer.f32("bias", &[1], &[self.bias])?;
        for (name, weights) in self.layers.named() {
            writer.f32(&name, &weights.shape(), &weights.values)?;
        }
        Ok(writer)
    }

    fn as_similar(&self) -> Option<&dyn Similar> {
        Some(self)
    }
}
