//! A run of LightGCN, epoch by epoch.

use std::sync::Arc;

use rayon::prelude::*;
use rec_core::data::{Csr, IdMaps};
use rec_core::graph::{GraphBuilder, NodeKind, Normalization};
use rec_core::rng;

use super::adam::{self, Gradient, Tables};
use super::draws::{Draws, NONE, Triple};
use super::loss::{Gradients, Sides, loss};
use super::{GraphLoss, LightGcn, LightGcnModel};
use crate::collab::factors::Table;
use crate::fit::Cancel;
use crate::ops::spmm::cpu::{Buffers, Only, propagate};
use crate::train::{Epochs, Snapshot, TrainingLog};
use crate::{Error, Result};

/// Standard deviation of initial embeddings: that of the authors' code, whose draws are normal; ours
/// are uniform.
const DEVIATION: f32 = 0.1;

/// Embeddings in training; rows are users, then items.
pub(in crate::graph) struct State {
    config: LightGcn,
    seed: u64,
    ids: Arc<IdMaps>,
    seen: Arc<Csr>,
    graph: Csr,
    draws: Draws,
    pub(super) embeddings: Table,
    first: Table,
    second: Table,
    steps: u64,
    work: Work,
}

/// Room for a step.
struct Work {
    buffers: Buffers,
    /// Sums of the layers.
    sums: Table,
    /// Gradient by the propagated embeddings; zeros between steps.
    gradient: Table,
    /// How often each node is in the batch, and whether it is.
    counts: Vec<u32>,
    present: Vec<bool>,
}

impl State {
    pub(super) fn new(
        config: LightGcn,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        seed: u64,
    ) -> Result<Self> {
        let graph = normalized(&seen, config.max_memory)?;
        Self::along(graph, config, ids, seen, seed)
    }

    /// A run that propagates along this matrix, `[nodes, nodes]`, users first.
    pub(in crate::graph) fn along(
        graph: Csr,
        config: LightGcn,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        seed: u64,
    ) -> Result<Self> {
        let (n, d) = (graph.n_rows(), config.factors);
        let half = DEVIATION * 3f32.sqrt();
        let mut embeddings = Table::uniform(n, d, seed, "lightgcn", (-half, 2.0 * half));
        // A node without edges is never trained; it must not look like a taste.
        for node in (0..n).filter(|&node| graph.row(node).is_empty()) {
            embeddings[node * d..][..d].fill(0.0);
        }
        Ok(Self {
            draws: Draws::new(&seen, config.positives, config.loss == GraphLoss::Bpr)?,
            embeddings,
            first: Table::zeros(n * d),
            second: Table::zeros(n * d),
            steps: 0,
            work: Work {
                buffers: Buffers::default(),
                sums: Table::zeros(n * d),
                gradient: Table::zeros(n * d),
                counts: vec![0; n],
                present: vec![false; n],
            },
            config,
            seed,
            ids,
            seen,
            graph,
        })
    }

    /// One step of Adam on a batch; the loss before it.
    pub(super) fn step(&mut self, batch: &[Triple]) -> f64 {
        let (users, d, layers) = (self.seen.n_rows(), self.config.factors, self.config.layers);
        let share = 1.0 / (layers + 1) as f32;
        let work = &mut self.work;
        mark(batch, users, &mut work.counts, &mut work.present);
        let read = Only { rows: Some(&work.present), columns: None };
        propagate(
            &self.graph,
            &self.embeddings,
            d,
            layers,
            read,
            &mut work.buffers,
            &mut work.sums,
        );
        let (of_users, of_items) = work.sums.split_at(users * d);
        let sides = Sides { users: of_users, items: of_items, share, d };
        let (to_users, to_items) = work.gradient.split_at_mut(users * d);
        let gradients = Gradients { users: to_users, items: to_items };
        let loss = loss(self.config.loss, batch, sides, gradients);
        let written = Only { rows: None, columns: Some(&work.present) };
        propagate(
            &self.graph,
            &work.gradient,
            d,
            layers,
            written,
            &mut work.buffers,
            &mut work.sums,
        );
        self.steps += 1;
        let gradient = Gradient {
            propagated: &work.sums,
            share,
            counts: &work.counts,
            penalty: self.config.l2 / batch.len() as f32,
        };
        let tables = Tables {
            embeddings: &mut self.embeddings,
            first: &mut self.first,
            second: &mut self.second,
        };
        adam::step(tables, gradient, d, self.config.learning_rate, self.steps);
        clear(&mut work.gradient, d, &mut work.counts, &mut work.present);
        loss
    }

    /// The matrix and the initial embeddings as they stand.
    pub(in crate::graph) fn learned(&self) -> (&Csr, &[f32]) {
        (&self.graph, &self.embeddings)
    }

    fn finite(&self) -> bool {
        self.embeddings.par_chunks(1 << 16).all(|part| part.iter().all(|x| x.is_finite()))
    }
}

/// `D^-½ A D^-½` of the graph of users and items.
pub(in crate::graph) fn normalized(seen: &Csr, max_memory: u64) -> Result<Csr> {
    GraphBuilder::new()
        .max_memory(max_memory)
        .relation(NodeKind::User, NodeKind::Item, seen.clone(), 1.0)?
        .build()?
        .normalized(Normalization::Symmetric)
}

fn mark(batch: &[Triple], users: usize, counts: &mut [u32], present: &mut [bool]) {
    for &[user, had, other] in batch {
        let items = [had, other].into_iter().filter(|&i| i != NONE).map(|i| users + i as usize);
        for node in items.chain([user as usize]) {
            counts[node] += 1;
            present[node] = true;
        }
    }
}

/// Back to zeros.
fn clear(gradient: &mut [f32], d: usize, counts: &mut [u32], present: &mut [bool]) {
    for (node, present) in present.iter_mut().enumerate().filter(|(_, present)| **present) {
        gradient[node * d..][..d].fill(0.0);
        counts[node] = 0;
        *present = false;
    }
}

impl Epochs for State {
    type Model = LightGcnModel;

    fn epoch(&mut self, epoch: usize, cancel: &Cancel) -> Result<String> {
        let mut rng = rng::stream(self.seed, "lightgcn.batches", epoch as u64);
        let triples = self.draws.epoch(&self.seen, &mut rng);
        let mut sum = 0.0;
        for batch in triples.chunks(self.config.batch_size) {
            cancel.check("an epoch of LightGCN")?;
            sum += self.step(batch) * batch.len() as f64;
        }
        if !self.finite() {
            return Err(Error::data(
                format!("LightGCN diverged in epoch {}", epoch + 1),
                format!(
                    "its embeddings are no longer finite; lower learning_rate (now {})",
                    self.config.learning_rate
                ),
            ));
        }
        Ok(format!("loss {:.4}", sum / triples.len().max(1) as f64))
    }

    fn snapshot(&self) -> Snapshot {
        let shape = [self.graph.n_rows(), self.config.factors];
        Snapshot::new()
            .with("embeddings", &shape, self.embeddings.to_vec())
            .with("first", &shape, self.first.to_vec())
            .with("second", &shape, self.second.to_vec())
            // In two parts that 32-bit floats hold exactly.
            .with("steps", &[2], vec![(self.steps >> 20) as f32, (self.steps & 0xF_FFFF) as f32])
    }

    fn restore(&mut self, mut snapshot: Snapshot) -> Result<()> {
        let shape = [self.graph.n_rows(), self.config.factors];
        let mut take = |name| Ok::<_, Error>(Table::from_slice(&snapshot.take(name, &shape)?));
        let tables = (take("embeddings")?, take("first")?, take("second")?);
        let steps = snapshot.take("steps", &[2])?;
        (self.embeddings, self.first, self.second) = tables;
        self.steps = ((steps[0] as u64) << 20) + steps[1] as u64;
        Ok(())
    }

    fn model(&self, log: TrainingLog) -> Result<LightGcnModel> {
        LightGcnModel::propagated(
            self.config.clone(),
            log,
            self.ids.clone(),
            self.seen.clone(),
            &self.graph,
            &self.embeddings,
        )
    }
}
