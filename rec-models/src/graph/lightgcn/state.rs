//! A run of LightGCN, epoch by epoch.

use std::slice::from_ref;
use std::sync::Arc;

use burn::tensor::Device;
use rayon::prelude::*;
use rec_core::data::{Csr, IdMaps};
use rec_core::graph::{Graph, GraphBuilder, NodeKind};
use rec_core::rng;

use super::content::Content;
use super::contrast::{Contrast, Nodes, Views};
use super::draws::{Draws, NONE, Triple};
use super::loss::{Gradients, Sides, bpr, softmax};
use super::pass::{Given, Layers, Room, Wanted};
use super::sampled::sampled_softmax;
use super::tensor::{OnDevice, Surroundings};
use super::{Beside, GraphLoss, LightGcn, LightGcnModel};
use crate::Result;
use crate::collab::factors::Table;
use crate::fit::Cancel;
use crate::graph::adam::{Gradient, Trained};
use crate::ops::Sparse;
use crate::train::{Epochs, Snapshot, TrainingLog};

/// Standard deviation of initial embeddings: that of the authors' code, whose draws are normal; ours
/// are uniform.
const DEVIATION: f32 = 0.1;

/// Embeddings in training; rows are users, then items, then tags.
pub(in crate::graph) struct State {
    config: LightGcn,
    seed: u64,
    ids: Arc<IdMaps>,
    seen: Arc<Csr>,
    graph: Graph,
    edges: Sparse,
    /// The graphs of the epoch's views, where these lack something.
    thinned: Option<[Vec<Sparse>; 2]>,
    layers: Layers,
    content: Option<Content>,
    draws: Draws,
    pub(super) embeddings: Trained,
    work: Work,
    /// Where steps are taken, if not on CPU threads; with automatic differentiation.
    device: Option<Device>,
}

/// Room for a step.
struct Work {
    room: Room,
    /// Final embeddings, then the gradient of the initial ones.
    sums: Table,
    /// Gradient of the final embeddings; zeros between steps.
    gradient: Table,
    /// Two views, or a layer copied out.
    views: [Table; 2],
    /// Gradients of views with passes of their own; zeros between steps.
    of_views: [Table; 2],
    /// The gradient of the initial embeddings by way of a view.
    through: Table,
    /// How often each node is in the batch, and whether it is.
    counts: Vec<u32>,
    present: Vec<bool>,
}

impl Work {
    fn new(n: usize, d: usize, contrast: Option<&Contrast>) -> Self {
        let table = |wanted: bool| Table::zeros(if wanted { n * d } else { 0 });
        let views = contrast.map(|contrast| contrast.views);
        let apart = views.is_some_and(Views::thins);
        let two = apart || matches!(views, Some(Views::Noise { .. }));
        let layer = matches!(views, Some(Views::CrossLayer { .. }));
        Self {
            room: Room::default(),
            sums: Table::zeros(n * d),
            gradient: Table::zeros(n * d),
            views: [table(views.is_some()), table(two)],
            of_views: [table(apart || layer), table(apart)],
            through: table(apart),
            counts: vec![0; n],
            present: vec![false; n],
        }
    }
}

impl State {
    pub(super) fn new(
        config: LightGcn,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        beside: Beside,
        seed: u64,
    ) -> Result<Self> {
        let graph = graph_of(&config, &seen, beside.tags)?;
        Self::along(graph, config, ids, seen, beside.content, seed)
    }

    /// A run that propagates along this graph, users and items its first nodes.
    pub(in crate::graph) fn along(
        graph: Graph,
        config: LightGcn,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        content: Option<Content>,
        seed: u64,
    ) -> Result<Self> {
        let edges = Sparse::new(graph.normalized(config.normalization)?);
        let (n, d) = (graph.n_nodes(), config.factors);
        let half = DEVIATION * 3f32.sqrt();
        let mut embeddings = Table::uniform(n, d, seed, "lightgcn", (-half, 2.0 * half));
        if let Some(content) = &content {
            let rows = &mut embeddings[seen.n_rows() * d..][..seen.n_cols() * d];
            content.start(rows, d, DEVIATION)?;
        }
        // A node without edges is never trained; it must not look like a taste.
        for node in graph.isolated() {
            embeddings[node as usize * d..][..d].fill(0.0);
        }
        let mut state = Self {
            draws: Draws::new(&seen, config.positives, config.loss == GraphLoss::Bpr)?,
            embeddings: Trained::new(embeddings, d),
            work: Work::new(n, d, config.contrast.as_ref()),
            layers: Layers::new(&config),
            content,
            config,
            seed,
            ids,
            seen,
            graph,
            edges,
            thinned: None,
            device: None,
        };
        state.thin(0)?;
        Ok(state)
    }

    /// The same run, its steps on a tensor device.
    pub(super) fn on(self, device: Option<Device>) -> Self {
        Self { device: device.map(Device::autodiff), ..self }
    }

    /// A step on each batch; the sum of the losses before them, each times its length.
    pub(super) fn steps<'a>(
        &mut self,
        batches: impl Iterator<Item = &'a [Triple]>,
        cancel: &Cancel,
    ) -> Result<f64> {
        let mut sum = 0.0;
        let Some(device) = &self.device else {
            for batch in batches {
                cancel.check("an epoch of LightGCN")?;
                sum += self.step(batch) * batch.len() as f64;
            }
            return Ok(sum);
        };
        let mut on = OnDevice::new(&self.embeddings, device);
        for batch in batches {
            cancel.check("an epoch of LightGCN")?;
            let drawn = self.drawn(on.steps());
            let Self { config, layers, edges, seen, .. } = self;
            let by = Surroundings { config, layers, edges, seen };
            sum += on.step(batch, &drawn, by) * batch.len() as f64;
        }
        on.store(&mut self.embeddings)?;
        Ok(sum)
    }

    /// Draws the graphs of an epoch's views.
    fn thin(&mut self, epoch: usize) -> Result<()> {
        if let Some(Contrast { views, .. }) = self.config.contrast {
            let seed = rng::mix(self.seed ^ rng::mix(epoch as u64));
            let how = (self.config.normalization, self.config.layers);
            self.thinned = views.thinned(&self.graph, how, seed)?;
        }
        Ok(())
    }

    /// One step of Adam on a batch; the loss before it.
    pub(super) fn step(&mut self, batch: &[Triple]) -> f64 {
        let loss = self.gradients(batch);
        let (d, work) = (self.config.factors, &mut self.work);
        let gradient = Gradient {
            propagated: &work.sums,
            counts: &work.counts,
            penalty: self.config.l2 / batch.len() as f32,
        };
        self.embeddings.step(gradient, self.config.learning_rate);
        work.clear(d);
        loss
    }

    /// Items that all users of the step after `steps` are told from, where the loss asks for them.
    fn drawn(&self, steps: u64) -> Vec<u32> {
        let GraphLoss::SampledSoftmax { negatives, .. } = self.config.loss else {
            return Vec::new();
        };
        let mut rng = rng::stream(self.seed, "lightgcn.negatives", steps);
        let items = self.seen.n_cols();
        let drawn = rand::seq::index::sample(&mut rng, items, negatives.min(items));
        drawn.into_iter().map(|item| item as u32).collect()
    }

    /// The loss of a batch, its gradient by the initial embeddings left in `work.sums`.
    pub(super) fn gradients(&mut self, batch: &[Triple]) -> f64 {
        let (users, items, d) = (self.seen.n_rows(), self.seen.n_cols(), self.config.factors);
        let drawn = self.drawn(self.embeddings.steps());
        let work = &mut self.work;
        mark(batch, users, &mut work.counts, &mut work.present);
        drawn.iter().for_each(|&item| work.present[users + item as usize] = true);
        let views = self.config.contrast.map(|contrast| contrast.views);
        let crossed = match views {
            Some(Views::CrossLayer { layer, .. }) => Some(layer),
            _ => None,
        };
        let noise =
            |view| views.and_then(|views| views.noise(self.seed, self.embeddings.steps(), view));
        let wanted = Wanted {
            rows: Some(&work.present),
            layer: crossed.map(|layer| (layer, &mut *work.views[0])),
            sent: None,
        };
        self.layers.forward(
            from_ref(&self.edges),
            &self.embeddings,
            crossed.and_then(|_| noise(0)),
            wanted,
            &mut work.room,
            &mut work.sums,
        );
        let (of_users, rest) = work.sums.split_at(users * d);
        let sides = Sides { users: of_users, items: &rest[..items * d], d };
        let (to_users, to_items) = work.gradient.split_at_mut(users * d);
        let gradients = Gradients { users: to_users, items: to_items };
        let mut loss = match self.config.loss {
            GraphLoss::Bpr => bpr(batch, sides, gradients),
            GraphLoss::Softmax { temperature } => softmax(batch, sides, temperature, gradients),
            GraphLoss::SampledSoftmax { temperature, .. } => {
                sampled_softmax(batch, (&drawn, &self.seen), sides, temperature, gradients)
            }
        };
        if let Some(contrast) = &self.config.contrast {
            let nodes = Nodes::new(batch, users);
            for view in 0..if crossed.is_none() { 2 } else { 0 } {
                let wanted = Wanted { rows: Some(&work.present), ..Wanted::default() };
                let whole = from_ref(&self.edges);
                let edges = self.thinned.as_ref().map_or(whole, |graphs| &graphs[view]);
                let (noise, out) = (noise(view as u64), &mut work.views[view]);
                self.layers.forward(edges, &self.embeddings, noise, wanted, &mut work.room, out);
            }
            loss += work.contrast(contrast, &nodes, d);
        }
        self.back(crossed);
        loss
    }

    /// From the gradients of the passes' results to that of the initial embeddings.
    fn back(&mut self, crossed: Option<usize>) {
        let Work { room, sums, gradient, of_views, through, present, .. } = &mut self.work;
        let given = Given {
            rows: present,
            sum: gradient,
            layer: crossed.map(|layer| (layer, &*of_views[0])),
        };
        self.layers.backward(from_ref(&self.edges), given, room, sums);
        for (edges, gradient) in self.thinned.iter().flatten().zip(&*of_views) {
            let given = Given { rows: present, sum: gradient, layer: None };
            self.layers.backward(edges, given, room, through);
            sums.par_iter_mut()
                .zip(through.par_iter())
                .with_min_len(1 << 14)
                .for_each(|(sum, x)| *sum += x);
        }
    }

    #[cfg(test)]
    pub(super) fn config(&self) -> &LightGcn {
        &self.config
    }

    /// The gradient of the last batch.
    #[cfg(test)]
    pub(super) fn take_gradient(&mut self) -> Vec<f32> {
        self.work.clear(self.config.factors);
        self.work.sums.to_vec()
    }

    /// What is propagated along, and the initial embeddings as they stand.
    pub(in crate::graph) fn learned(&self) -> (&Sparse, &[f32]) {
        (&self.edges, &self.embeddings)
    }
}

/// The graph of users, items and tags.
pub(in crate::graph) fn graph_of(
    config: &LightGcn,
    seen: &Csr,
    tags: Option<Csr>,
) -> Result<Graph> {
    let mut graph = GraphBuilder::new().max_memory(config.max_memory).relation(
        NodeKind::User,
        NodeKind::Item,
        seen.clone(),
        1.0,
    )?;
    if let Some(tags) = tags {
        graph = graph.relation(NodeKind::Item, NodeKind::Tag, tags, config.tags)?;
    }
    graph.build()
}

impl Work {
    /// Adds the contrast's gradients to those they go with; its part of the loss.
    fn contrast(&mut self, by: &Contrast, nodes: &Nodes, d: usize) -> f64 {
        let Self { sums, views: [one, other], gradient, of_views: [first, second], .. } = self;
        let tables: [&[f32]; 2] = match by.views {
            Views::CrossLayer { .. } => [sums, one],
            _ => [one, other],
        };
        nodes.contrast(by, tables, d, |ids, [(a, of_a), (b, of_b)], scale| {
            let ids = || ids.iter().copied();
            match by.views {
                Views::CrossLayer { .. } => {
                    a.add_to(gradient, ids(), of_a, scale);
                    b.add_to(first, ids(), of_b, scale);
                }
                // Noise is a constant: the views go back the way of the final embeddings.
                Views::Noise { .. } => {
                    a.add_to(gradient, ids(), of_a, scale);
                    b.add_to(gradient, ids(), of_b, scale);
                }
                _ => {
                    a.add_to(first, ids(), of_a, scale);
                    b.add_to(second, ids(), of_b, scale);
                }
            }
        })
    }

    /// Back to zeros.
    fn clear(&mut self, d: usize) {
        let Self { gradient, of_views: [first, second], counts, present, .. } = self;
        for (node, present) in present.iter_mut().enumerate().filter(|(_, present)| **present) {
            for table in [&mut **gradient, &mut **first, &mut **second] {
                // A table that no view needs is empty.
                if let Some(row) = table.get_mut(node * d..(node + 1) * d) {
                    row.fill(0.0);
                }
            }
            counts[node] = 0;
            *present = false;
        }
    }
}

/// The nodes that a batch names, as often as it does.
pub(super) fn nodes(batch: &[Triple], users: usize) -> impl Iterator<Item = usize> + '_ {
    batch.iter().flat_map(move |&[user, had, other]| {
        let items = [had, other].into_iter().filter(|&i| i != NONE);
        items.map(move |i| users + i as usize).chain([user as usize])
    })
}

fn mark(batch: &[Triple], users: usize, counts: &mut [u32], present: &mut [bool]) {
    for node in nodes(batch, users) {
        counts[node] += 1;
        present[node] = true;
    }
}

impl Epochs for State {
    type Model = LightGcnModel;

    fn epoch(&mut self, epoch: usize, cancel: &Cancel) -> Result<String> {
        self.thin(epoch)?;
        let mut rng = rng::stream(self.seed, "lightgcn.batches", epoch as u64);
        let triples = self.draws.epoch(&self.seen, &mut rng);
        let sum = self.steps(triples.chunks(self.config.batch_size), cancel)?;
        self.embeddings.check("LightGCN", epoch, self.config.learning_rate)?;
        Ok(format!("loss {:.4}", sum / triples.len().max(1) as f64))
    }

    fn snapshot(&self) -> Snapshot {
        self.embeddings.snapshot()
    }

    fn restore(&mut self, snapshot: Snapshot) -> Result<()> {
        self.embeddings.restore(snapshot)
    }

    fn model(&self, log: TrainingLog) -> Result<LightGcnModel> {
        LightGcnModel::propagated(
            self.config.clone(),
            log,
            self.ids.clone(),
            self.seen.clone(),
            (&self.graph, &self.edges),
            &self.embeddings,
            self.content.as_ref(),
        )
    }
}
