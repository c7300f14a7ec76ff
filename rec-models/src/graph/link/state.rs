//! A run, epoch by epoch.

use std::sync::Arc;

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rec_core::data::{Csr, IdMaps};
use rec_core::graph::Graph;
use rec_core::objective::EdgeLoss;
use rec_core::rank::dot;
use rec_core::rng::{self, Rng};
use rec_core::sampling::NegativeSampler;

use super::layers::{Block, Layers};
use super::sample::{Sampler, rows, whole};
use super::{LinkModel, LinkPredictor, Network};
use crate::fit::Cancel;
use crate::graph::adam::{self, Gradient, Tables};
use crate::train::{Epochs, Snapshot, TrainingLog};
use crate::{Error, Result};

pub(super) struct State {
    config: LinkPredictor,
    seed: u64,
    ids: Arc<IdMaps>,
    graph: Graph,
    features: Csr,
    input: Inputs,
    seen: Arc<Csr>,
    negatives: NegativeSampler,
    pub(super) layers: Layers,
    /// Of the edges' scores, with its moments.
    pub(super) bias: [f32; 3],
    steps: u64,
}

/// Features with node embeddings' columns, and what a step over the whole graph runs along.
struct Inputs {
    features: Csr,
    transposed: Csr,
    /// Absent where neighbourhoods are sampled.
    whole: Option<Block>,
}

/// An edge with its non-edges.
pub(super) struct Sample {
    pub(super) ends: [u32; 2],
    pub(super) negatives: Vec<u32>,
    pub(super) target: f64,
}

impl State {
    pub(super) fn new(
        config: LinkPredictor,
        ids: Arc<IdMaps>,
        graph: Graph,
        features: Csr,
        seed: u64,
    ) -> Result<Self> {
        let inputs = with_embeddings(&features, config.node_embeddings);
        let whole = match config.network {
            Network::Gcn => Some(Block::new(whole(&graph, config.network)?)),
            Network::Sage { .. } => None,
        };
        Ok(Self {
            layers: Layers::new(&config, inputs.n_cols(), seed),
            input: Inputs { transposed: inputs.transpose(), features: inputs, whole },
            seen: super::seen(&graph),
            negatives: NegativeSampler::uniform(graph.n_nodes())?,
            bias: [0.0; 3],
            steps: 0,
            config,
            seed,
            ids,
            graph,
            features,
        })
    }

    /// Every edge once, from either end, in random order. A node with edges to all others has no
    /// non-edges, and is left out.
    fn samples(&self, rng: &mut Rng) -> Vec<Sample> {
        let edges = || self.graph.iter().filter(|(i, j, _)| i < j);
        let largest = edges().map(|(_, _, w)| w).fold(0.0, f32::max);
        let mut samples: Vec<Sample> = edges()
            .map(|(i, j, w)| Sample {
                ends: if rng.random::<bool>() { [i, j] } else { [j, i] },
                negatives: Vec::new(),
                target: if self.config.weighted { f64::from(w / largest) } else { 1.0 },
            })
            .collect();
        samples.shuffle(rng);
        for sample in &mut samples {
            let known = self.seen.row(sample.ends[0] as usize);
            let drawn = (0..self.config.negatives).map_while(|_| self.negatives.draw(rng, known));
            sample.negatives.extend(drawn);
        }
        samples.retain(|sample| !sample.negatives.is_empty());
        samples
    }

    /// One step of Adam; the mean loss before it.
    pub(super) fn step(&mut self, batch: &[Sample], rng: &mut Rng) -> f64 {
        let (nodes, places) = nodes(batch, self.graph.n_nodes());
        let sampled = match self.config.network {
            Network::Gcn => None,
            Network::Sage { neighbours, .. } => {
                let mut sampler = Sampler::new(&self.graph, neighbours);
                let (blocks, sources) = sampler.blocks(&nodes, self.config.layers, rng);
                let features = rows(&self.input.features, &sources);
                Some((blocks, features.transpose(), features))
            }
        };
        let (blocks, features): (Vec<&Block>, _) = match (&sampled, &self.input.whole) {
            (Some((blocks, transposed, features)), _) => {
                (blocks.iter().collect(), (features, transposed))
            }
            (None, whole) => {
                let layers = whole.iter().cycle().take(self.config.layers);
                (layers.collect(), (&self.input.features, &self.input.transposed))
            }
        };
        let passes = self.layers.forward(features, &blocks);
        let Some(last) = passes.last() else { return 0.0 };
        let place = |v: u32| if sampled.is_some() { places[v as usize] } else { v };
        let scored = Scored { loss: self.config.loss, d: self.config.factors, bias: self.bias[0] };
        let (loss, by_out, by_bias) = scored.loss(batch, &last.out, place);
        let gradients = self.layers.backward(features, &blocks, &passes, by_out);
        self.steps += 1;
        let rates = (self.config.learning_rate, self.config.l2);
        self.layers.step(&gradients, rates, self.steps);
        if self.config.loss.has_bias() {
            self.step_bias(by_bias as f32);
        }
        loss
    }

    fn step_bias(&mut self, gradient: f32) {
        let [bias, first, second] = &mut self.bias;
        let tables = Tables {
            embeddings: std::slice::from_mut(bias),
            first: std::slice::from_mut(first),
            second: std::slice::from_mut(second),
        };
        let gradient = Gradient { propagated: &[gradient], counts: &[0], penalty: 0.0 };
        adam::step(tables, gradient, 1, self.config.learning_rate, self.steps);
    }

    fn finite(&self) -> bool {
        let all = self.layers.named();
        self.bias[0].is_finite()
            && all.iter().all(|(_, weights)| weights.values.iter().all(|x| x.is_finite()))
    }
}

/// The features with one column a node behind them, if each has an embedding of its own.
pub(super) fn with_embeddings(features: &Csr, node_embeddings: bool) -> Csr {
    if !node_embeddings {
        return features.clone();
    }
    let (n, known) = (features.n_rows(), features.n_cols());
    let row = |i: usize| features.iter_row(i).chain([((known + i) as u32, 1.0)]).collect();
    Csr::from_rows((0..n).map(row), known + n)
}

/// The nodes of a batch, each once in order of appearance, and where each stands among them.
fn nodes(batch: &[Sample], n: usize) -> (Vec<u32>, Vec<u32>) {
    let (mut nodes, mut places) = (Vec::new(), vec![u32::MAX; n]);
    for &v in batch.iter().flat_map(|s| s.ends.iter().chain(&s.negatives)) {
        if places[v as usize] == u32::MAX {
            places[v as usize] = nodes.len() as u32;
            nodes.push(v);
        }
    }
    (nodes, places)
}

/// Scores of edges from rows of embeddings.
pub(super) struct Scored {
    pub(super) loss: EdgeLoss,
    pub(super) d: usize,
    pub(super) bias: f32,
}

impl Scored {
    /// The mean loss of a batch, and its gradients by the rows and the bias.
    pub(super) fn loss(
        &self,
        batch: &[Sample],
        rows: &[f32],
        place: impl Fn(u32) -> u32,
    ) -> (f64, Vec<f32>, f64) {
        let d = self.d;
        let row = |v: u32| &rows[place(v) as usize * d..][..d];
        let lengths: Vec<f32> = match self.loss.is_cosine() {
            true => rows.chunks_exact(d).map(|x| dot(x, x).sqrt()).collect(),
            false => Vec::new(),
        };
        let scale = |i: u32, j: u32| match lengths.as_slice() {
            [] => 1.0,
            of => {
                let both = of[place(i) as usize] * of[place(j) as usize];
                if both > 0.0 { 1.0 / both } else { 0.0 }
            }
        };
        let bias = if self.loss.has_bias() { f64::from(self.bias) } else { 0.0 };
        let score = |i: u32, j: u32| f64::from(dot(row(i), row(j)) * scale(i, j)) + bias;
        let share = 1.0 / batch.len() as f64;
        let (mut total, mut by_rows, mut by_bias) = (0.0, vec![0f32; rows.len()], 0.0);
        for sample in batch {
            let [i, j] = sample.ends;
            let negatives: Vec<f64> = sample.negatives.iter().map(|&k| score(i, k)).collect();
            let terms = self.loss.terms(sample.target, score(i, j), &negatives);
            total += share * terms.loss;
            let ends = sample.negatives.iter().copied().zip(terms.negatives);
            for (to, by) in ends.chain([(j, terms.edge)]) {
                by_bias += share * by;
                let pull = (share * by) as f32 * scale(i, to);
                let cosine = dot(row(i), row(to)) * scale(i, to);
                for (at, other) in [(i, to), (to, i)] {
                    // A cosine loses what would change the length: `c x / ‖x‖²` by each.
                    let own = match lengths.get(place(at) as usize) {
                        Some(length) if *length > 0.0 => {
                            (share * by) as f32 * cosine / (length * length)
                        }
                        _ => 0.0,
                    };
                    let to = &mut by_rows[place(at) as usize * d..][..d];
                    for (to, (x, y)) in to.iter_mut().zip(row(other).iter().zip(row(at))) {
                        *to += pull * x - own * y;
                    }
                }
            }
        }
        (total, by_rows, by_bias)
    }
}

impl Epochs for State {
    type Model = LinkModel;

    fn epoch(&mut self, epoch: usize, cancel: &Cancel) -> Result<String> {
        let mut rng = rng::stream(self.seed, "link.batches", epoch as u64);
        let samples = self.samples(&mut rng);
        let mut sum = 0.0;
        for batch in samples.chunks(self.config.batch_size) {
            cancel.check("an epoch of the link predictor")?;
            sum += self.step(batch, &mut rng) * batch.len() as f64;
        }
        if !self.finite() {
            return Err(Error::data(
                format!("the link predictor diverged in epoch {}", epoch + 1),
                format!(
                    "its weights are no longer finite; lower learning_rate (now {})",
                    self.config.learning_rate
                ),
            ));
        }
        Ok(format!("loss {:.4}", sum / samples.len().max(1) as f64))
    }

    fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::new().with("bias", &[3], self.bias.to_vec()).with(
            "steps",
            &[2],
            adam::parts_of(self.steps),
        );
        for (name, weights) in self.layers.named() {
            snapshot = weights.keep(snapshot, &name);
        }
        snapshot
    }

    fn restore(&mut self, mut snapshot: Snapshot) -> Result<()> {
        let bias = snapshot.take("bias", &[3])?;
        let steps = snapshot.take("steps", &[2])?;
        for (name, weights) in self.layers.named_mut() {
            weights.restore(&mut snapshot, &name)?;
        }
        self.bias.copy_from_slice(&bias);
        self.steps = adam::from_parts(&steps);
        Ok(())
    }

    fn model(&self, log: TrainingLog) -> Result<LinkModel> {
        let mut layers = Layers::new(&self.config, self.input.features.n_cols(), self.seed);
        for ((_, to), (_, from)) in layers.named_mut().into_iter().zip(self.layers.named()) {
            to.values.copy_from_slice(&from.values);
        }
        LinkModel::new(
            self.config.clone(),
            log,
            self.ids.clone(),
            self.graph.clone(),
            self.features.clone(),
            layers,
            self.bias[0],
        )
    }
}
