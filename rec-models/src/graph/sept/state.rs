//! A run, epoch by epoch.

use std::sync::Arc;

use rayon::prelude::*;
use rec_core::data::{Csr, IdMaps};
use rec_core::graph::{Graph, Normalization};
use rec_core::rng;

use super::agree::Agreement;
use super::views::Views;
use super::{Sept, SeptModel};
use crate::Result;
use crate::collab::factors::Table;
use crate::fit::Cancel;
use crate::graph::adam::{Gradient, Trained};
use crate::graph::lightgcn::draws::{Draws, NONE, Triple};
use crate::graph::lightgcn::loss::{Directions, Gradients, Sides, bpr};
use crate::graph::lightgcn::{LightGcnModel, graph_of};
use crate::ops::Sparse;
use crate::ops::spmm::cpu::{Buffers, Only, propagate};
use crate::train::{Epochs, Snapshot, TrainingLog};

/// Standard deviation of initial embeddings, as LightGCN's.
const DEVIATION: f32 = 0.1;

pub(super) struct State {
    config: Sept,
    seed: u64,
    ids: Arc<IdMaps>,
    seen: Arc<Csr>,
    graph: Graph,
    edges: Sparse,
    views: Views,
    draws: Draws,
    pub(super) embeddings: Trained,
    buffers: Buffers,
}

impl State {
    pub(super) fn new(
        config: Sept,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        friends: &Csr,
        seed: u64,
    ) -> Result<Self> {
        let graph = graph_of(&config.base(), &seen, None)?;
        let edges = Sparse::new(graph.normalized(Normalization::Symmetric)?);
        let (n, d) = (graph.n_nodes(), config.factors);
        let half = DEVIATION * 3f32.sqrt();
        let mut embeddings = Table::uniform(n, d, seed, "sept", (-half, 2.0 * half));
        // A node without interactions is never recommended by; it must not look like a taste.
        for node in graph.isolated() {
            embeddings[node as usize * d..][..d].fill(0.0);
        }
        Ok(Self {
            views: Views::new(&seen, friends, config.max_memory)?,
            draws: Draws::new(&seen, config.base().positives, true)?,
            embeddings: Trained::new(embeddings, d),
            buffers: Buffers::default(),
            config,
            seed,
            ids,
            seen,
            graph,
            edges,
        })
    }

    /// The mean of the layers of `x` `[rows, d]` along a matrix, which is its own transpose: also what
    /// a gradient by that mean comes to.
    fn spread(&mut self, matrix: &Csr, x: &[f32]) -> Vec<f32> {
        let (d, layers) = (self.config.factors, self.config.layers);
        let mut mean = vec![0f32; x.len()];
        propagate(matrix, x, d, layers, Only::default(), &mut self.buffers, &mut mean);
        let share = 1.0 / (layers + 1) as f32;
        mean.par_iter_mut().with_min_len(1 << 14).for_each(|x| *x *= share);
        mean
    }

    /// The loss of a batch, and its gradient by the initial embeddings, `[n, d]`. `fourth` is absent
    /// before the views teach.
    pub(super) fn gradient(&mut self, batch: &[Triple], fourth: Option<&Csr>) -> (f64, Vec<f32>) {
        let (users, d) = (self.seen.n_rows(), self.config.factors);
        let edges = self.edges.clone();
        let embeddings = self.embeddings.to_vec();
        let means = self.spread(edges.matrix(), &embeddings);
        let mut by_means = vec![0f32; means.len()];
        let (of_users, of_items) = means.split_at(users * d);
        let sides = Sides { users: of_users, items: of_items, d };
        let (to_users, to_items) = by_means.split_at_mut(users * d);
        let gradients = Gradients { users: to_users, items: to_items };
        let mut lost = bpr(batch, sides, gradients);
        let mut total = vec![0f32; means.len()];
        if let Some(fourth) = fourth {
            let social =
                [std::mem::take(&mut self.views.friend), std::mem::take(&mut self.views.sharing)];
            let of_social = social.each_ref().map(|m| self.spread(m, &embeddings[..users * d]));
            let of_fourth = self.spread(fourth, &embeddings);
            let ids = who(batch);
            let of = |table: &[f32]| Directions::gather(table, ids.iter().copied(), d);
            let views = [of(&means), of(&of_social[0]), of(&of_social[1])];
            let held = of(&of_fourth);
            let agreement = Agreement {
                temperature: self.config.temperature,
                positives: self.config.positives,
            };
            let (apart, by) = agreement.loss(views.each_ref(), &held, d);
            let weight = self.config.agreement / batch.len() as f32;
            lost += f64::from(weight) * apart;
            let ids = || ids.iter().copied();
            views[0].add_to(&mut by_means, ids(), &by.views[0], weight);
            for at in 0..2 {
                let mut by_view = vec![0f32; users * d];
                views[at + 1].add_to(&mut by_view, ids(), &by.views[at + 1], weight);
                add(&mut total, &self.spread(&social[at], &by_view));
            }
            let mut by_fourth = vec![0f32; means.len()];
            held.add_to(&mut by_fourth, ids(), &by.fourth, weight);
            add(&mut total, &self.spread(fourth, &by_fourth));
            [self.views.friend, self.views.sharing] = social;
        }
        add(&mut total, &self.spread(edges.matrix(), &by_means));
        (lost, total)
    }

    /// One step of Adam on a batch; the loss before it.
    fn step(&mut self, batch: &[Triple], fourth: Option<&Csr>) -> f64 {
        let (lost, total) = self.gradient(batch, fourth);
        let users = self.seen.n_rows();
        let mut counts = vec![0u32; self.graph.n_nodes()];
        for &[user, had, other] in batch {
            let items = [had, other].into_iter().filter(|&i| i != NONE);
            counts[user as usize] += 1;
            items.for_each(|i| counts[users + i as usize] += 1);
        }
        let gradient = Gradient {
            propagated: &total,
            counts: &counts,
            penalty: self.config.l2 / batch.len() as f32,
        };
        self.embeddings.step(gradient, self.config.learning_rate);
        lost
    }

    /// The fourth view's matrix in an epoch.
    pub(super) fn fourth(&self, epoch: usize) -> Result<Csr> {
        let seed = rng::mix(self.seed ^ rng::mix(epoch as u64));
        let rest = self.views.all.edge_dropout(self.config.drop_rate, seed)?;
        rest.normalized(Normalization::Symmetric)
    }
}

/// The users of a batch, each once, ascending.
fn who(batch: &[Triple]) -> Vec<u32> {
    let mut users: Vec<u32> = batch.iter().map(|triple| triple[0]).collect();
    users.sort_unstable();
    users.dedup();
    users
}

/// Adds to the first rows.
fn add(to: &mut [f32], x: &[f32]) {
    to.iter_mut().zip(x).for_each(|(to, x)| *to += x);
}

impl Epochs for State {
    type Model = SeptModel;

    fn epoch(&mut self, epoch: usize, cancel: &Cancel) -> Result<String> {
        let mut rng = rng::stream(self.seed, "sept.batches", epoch as u64);
        let triples = self.draws.epoch(&self.seen, &mut rng);
        let teaching = epoch >= self.config.warm_up && self.config.agreement > 0.0;
        let fourth = teaching.then(|| self.fourth(epoch)).transpose()?;
        let mut sum = 0.0;
        for batch in triples.chunks(self.config.batch_size) {
            cancel.check("an epoch of SEPT")?;
            sum += self.step(batch, fourth.as_ref()) * batch.len() as f64;
        }
        self.embeddings.check("SEPT", epoch, self.config.learning_rate)?;
        Ok(format!("loss {:.4}", sum / triples.len().max(1) as f64))
    }

    fn snapshot(&self) -> Snapshot {
        self.embeddings.snapshot()
    }

    fn restore(&mut self, snapshot: Snapshot) -> Result<()> {
        self.embeddings.restore(snapshot)
    }

    fn model(&self, log: TrainingLog) -> Result<SeptModel> {
        let inner = LightGcnModel::propagated(
            self.config.base(),
            log,
            self.ids.clone(),
            self.seen.clone(),
            (&self.graph, &self.edges),
            &self.embeddings,
            None,
        )?;
        Ok(SeptModel::new(self.config.clone(), inner))
    }
}
