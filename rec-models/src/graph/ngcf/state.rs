//! A run of NGCF, epoch by epoch.

use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};
use rec_core::graph::{GraphBuilder, NodeKind, Normalization};
use rec_core::rng::{self, mix};

use super::layers::{ByWeights, Dropped, Layers, Pass, push_unit, through_unit};
use super::{Ngcf, NgcfModel};
use crate::Result;
use crate::collab::factors::Table;
use crate::fit::Cancel;
use crate::graph::PositiveSampling;
use crate::graph::adam::{Gradient, Trained};
use crate::graph::lightgcn::draws::{Draws, Triple};
use crate::graph::lightgcn::loss::{Gradients, Sides, bpr};
use crate::graph::weights::glorot;
use crate::train::{Epochs, Snapshot, TrainingLog};

/// Embeddings and weights in training; rows are users, then items.
pub(super) struct State {
    config: Ngcf,
    seed: u64,
    ids: Arc<IdMaps>,
    seen: Arc<Csr>,
    edges: Csr,
    draws: Draws,
    pub(super) embeddings: Trained,
    pub(super) layers: Layers,
}

/// Gradients of a batch's loss.
pub(super) struct ByAll {
    pub(super) embeddings: Vec<f32>,
    pub(super) weights: Vec<ByWeights>,
}

impl State {
    pub(super) fn new(config: Ngcf, ids: Arc<IdMaps>, seen: Arc<Csr>, seed: u64) -> Result<Self> {
        let (users, d) = (seen.n_rows(), config.factors);
        let graph = GraphBuilder::new()
            .max_memory(config.max_memory)
            .relation(NodeKind::User, NodeKind::Item, (*seen).clone(), 1.0)?
            .build()?;
        let side = |rows, name| {
            let most = glorot([rows, d]);
            Table::uniform(rows, d, seed, name, (-most, most))
        };
        let both = [side(users, "ngcf.users"), side(seen.n_cols(), "ngcf.items")];
        let mut embeddings = Table::from_slice(&both.map(|side| side.to_vec()).concat());
        // A node without edges is never trained; it must not look like a taste.
        for node in graph.isolated() {
            embeddings[node as usize * d..][..d].fill(0.0);
        }
        Ok(Self {
            draws: Draws::new(&seen, PositiveSampling::Events, true)?,
            edges: graph.normalized(Normalization::Symmetric)?,
            embeddings: Trained::new(embeddings, d),
            layers: Layers::new(config.layers, d, seed),
            config,
            seed,
            ids,
            seen,
        })
    }

    /// What the next step drops.
    fn dropped(&self) -> Dropped {
        let Ngcf { message_dropout, node_dropout, .. } = self.config;
        Dropped::new(message_dropout, node_dropout, mix(self.seed ^ mix(self.embeddings.steps())))
    }

    /// One step of Adam on a batch; the loss before it, without the penalty.
    pub(super) fn step(&mut self, batch: &[Triple]) -> f64 {
        let (loss, by) = self.gradients(batch);
        let users = self.seen.n_rows();
        let mut counts = vec![0u32; users + self.seen.n_cols()];
        for &[user, had, other] in batch {
            counts[user as usize] += 1;
            [had, other].iter().for_each(|&item| counts[users + item as usize] += 1);
        }
        let (rate, penalty) = (self.config.learning_rate, self.config.l2 / batch.len() as f32);
        let gradient = Gradient { propagated: &by.embeddings, counts: &counts, penalty };
        self.embeddings.step(gradient, rate);
        let steps = self.embeddings.steps();
        let weights = by.weights.iter().flatten();
        for ((_, weights), gradient) in self.layers.named_mut().zip(weights) {
            weights.step(gradient, (rate, 0.0), steps);
        }
        loss
    }

    /// The loss of a batch and its gradients.
    pub(super) fn gradients(&self, batch: &[Triple]) -> (f64, ByAll) {
        let (users, d, width) = (self.seen.n_rows(), self.config.factors, self.config.width());
        let dropped = self.dropped();
        let passes = self.layers.forward(&self.edges, &self.embeddings, dropped);
        let (batch, nodes) = compact(batch, users);
        let rows = self.side_by_side(&passes, nodes.iter().flatten().copied());
        let mut by_rows = vec![0f32; rows.len()];
        let (of_users, of_items) = rows.split_at(nodes[0].len() * width);
        let sides = Sides { users: of_users, items: of_items, d: width };
        let (to_users, to_items) = by_rows.split_at_mut(nodes[0].len() * width);
        let loss = bpr(&batch, sides, Gradients { users: to_users, items: to_items });
        let mut by_layers = vec![vec![0f32; self.embeddings.len()]; passes.len() + 1];
        for (&node, by) in nodes.iter().flatten().zip(by_rows.chunks_exact(width)) {
            let at = node as usize * d..(node as usize + 1) * d;
            for (layer, by) in by.chunks_exact(d).enumerate() {
                let to = &mut by_layers[layer][at.clone()];
                match layer.checked_sub(1) {
                    None => to.copy_from_slice(by),
                    Some(pass) => {
                        to.copy_from_slice(&through_unit(&passes[pass].out[at.clone()], by));
                    }
                }
            }
        }
        let done = (&*self.embeddings, passes.as_slice());
        let (embeddings, weights) = self.layers.backward(&self.edges, done, by_layers, dropped);
        (loss, ByAll { embeddings, weights })
    }

    /// Final embeddings of nodes.
    fn side_by_side(&self, passes: &[Pass], nodes: impl Iterator<Item = u32>) -> Vec<f32> {
        let d = self.config.factors;
        let mut rows = Vec::new();
        for node in nodes {
            let at = node as usize * d..(node as usize + 1) * d;
            rows.extend_from_slice(&self.embeddings[at.clone()]);
            passes.iter().for_each(|pass| push_unit(&mut rows, &pass.out[at.clone()]));
        }
        rows
    }
}

/// A batch over its own users and items, numbered anew, and the nodes these are.
fn compact(batch: &[Triple], users: usize) -> (Vec<Triple>, [Vec<u32>; 2]) {
    let once = |mut nodes: Vec<u32>| {
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    };
    let item = |item: u32| users as u32 + item;
    let nodes = [
        once(batch.iter().map(|triple| triple[0]).collect()),
        once(batch.iter().flat_map(|&[_, had, other]| [item(had), item(other)]).collect()),
    ];
    let place = |side: usize, node: u32| nodes[side].partition_point(|&x| x < node) as u32;
    let own =
        |&[user, had, other]: &Triple| [place(0, user), place(1, item(had)), place(1, item(other))];
    (batch.iter().map(own).collect(), nodes)
}

impl Epochs for State {
    type Model = NgcfModel;

    fn epoch(&mut self, epoch: usize, cancel: &Cancel) -> Result<String> {
        let mut rng = rng::stream(self.seed, "ngcf.batches", epoch as u64);
        let triples = self.draws.epoch(&self.seen, &mut rng);
        let mut sum = 0.0;
        for batch in triples.chunks(self.config.batch_size) {
            cancel.check("an epoch of NGCF")?;
            sum += self.step(batch) * batch.len() as f64;
        }
        self.embeddings.check("NGCF", epoch, self.config.learning_rate)?;
        Ok(format!("loss {:.4}", sum / triples.len().max(1) as f64))
    }

    fn snapshot(&self) -> Snapshot {
        let start = self.embeddings.snapshot();
        self.layers.named().fold(start, |snapshot, (name, weights)| weights.keep(snapshot, &name))
    }

    fn restore(&mut self, mut snapshot: Snapshot) -> Result<()> {
        for (name, weights) in self.layers.named_mut() {
            weights.restore(&mut snapshot, &name)?;
        }
        self.embeddings.restore(snapshot)
    }

    fn model(&self, log: TrainingLog) -> Result<NgcfModel> {
        let (users, items, d) = (self.seen.n_rows(), self.seen.n_cols(), self.config.factors);
        let passes = self.layers.forward(&self.edges, &self.embeddings, Dropped::default());
        let rows = self.side_by_side(&passes, 0..(users + items) as u32);
        let (of_users, of_items) = rows.split_at(users * self.config.width());
        let before = passes.iter().map(|pass| pass.out.as_slice());
        let before = [&*self.embeddings].into_iter().chain(before).take(passes.len());
        let sent = before.flat_map(|layer| &layer[users * d..]).copied().collect();
        let weights = self.layers.named().flat_map(|(_, w)| w.values.to_vec()).collect();
        let tables = [of_users.to_vec(), of_items.to_vec(), sent, weights];
        NgcfModel::new(self.config.clone(), log, self.ids.clone(), self.seen.clone(), tables)
    }
}
