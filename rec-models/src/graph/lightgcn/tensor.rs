//! Training on a tensor device: the same steps, differentiated by burn.

use burn::tensor::activation::{log_sigmoid, log_softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};
use rec_core::data::Csr;

use super::draws::Triple;
use super::pass::Layers;
use super::{GraphLoss, LightGcn};
use crate::graph::adam::Trained;
use crate::ops::{AdamWConfig, Sparse, adam_step, embedding, propagate, spmm};
use crate::{Error, Result};

/// What counts as a score that is no candidate: `e` to it is 0.
const NO_CANDIDATE: f32 = -1e9;

/// What a step reads beside the batch.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) config: &'a LightGcn,
    pub(super) layers: &'a Layers,
    pub(super) edges: &'a Sparse,
    pub(super) seen: &'a Csr,
}

/// Initial embeddings in training with their moments, `[nodes, d]`, on a device.
pub(super) struct OnDevice {
    embeddings: Tensor<2>,
    first: Tensor<2>,
    second: Tensor<2>,
    steps: u64,
    /// With automatic differentiation.
    device: Device,
}

impl OnDevice {
    /// Goes on from where the tables stand.
    pub(super) fn new(trained: &Trained, device: &Device) -> Self {
        let shape = trained.shape();
        let inner = device.clone().inner();
        let table = |values: &[f32]| {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), shape), &inner)
        };
        let [first, second] = trained.moments().map(table);
        let steps = trained.steps();
        Self { embeddings: table(trained), first, second, steps, device: device.clone() }
    }

    /// Steps taken.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// Brings the tables to where the device stands.
    ///
    /// # Errors
    /// A device that does not hand its numbers out.
    pub(super) fn store(self, trained: &mut Trained) -> Result<()> {
        let values = |table: Tensor<2>| {
            let values = table.into_data().try_to_vec::<f32>();
            values.map_err(|e| Error::data("reading embeddings from the device", e.to_string()))
        };
        let tables = [values(self.embeddings)?, values(self.first)?, values(self.second)?];
        trained.set(tables, self.steps);
        Ok(())
    }

    /// One step of Adam on a batch; the loss before it, without the penalty. `drawn` are the items
    /// that all users are told from, where the loss asks for them.
    pub(super) fn step(&mut self, batch: &[Triple], drawn: &[u32], by: Surroundings<'_>) -> f64 {
        let config = by.config;
        let leaf = self.embeddings.clone().autodiff().require_grad();
        let embeddings = propagated(leaf.clone(), by);
        let loss = self.loss(embeddings, batch, drawn, by);
        let value = loss.clone().inner().into_data().iter::<f64>().sum();
        let mut gradients = loss.backward();
        let nodes = self.embeddings.dims()[0];
        let counts = counts(batch, by.seen.n_rows(), nodes);
        let penalty = config.l2 / batch.len() as f32;
        let counts = TensorData::new(counts, [nodes, 1]);
        let counts = Tensor::<2>::from_data(counts, &self.device.clone().inner()) * penalty;
        let of_penalty = counts * self.embeddings.clone();
        // A batch that no score depends on leaves the penalty alone.
        let gradient = match leaf.grad_remove(&mut gradients) {
            Some(gradient) => gradient + of_penalty,
            None => of_penalty,
        };
        drop((leaf, gradients));
        self.steps += 1;
        let nothing = || Tensor::zeros([0, 0], &self.device.clone().inner());
        let tables = [&mut self.embeddings, &mut self.first, &mut self.second]
            .map(|table| std::mem::replace(table, nothing()));
        let adam = AdamWConfig { weight_decay: 0.0, ..AdamWConfig::default() };
        let rate = f64::from(config.learning_rate);
        let tables = adam_step(&adam, (self.steps, rate), tables, gradient);
        [self.embeddings, self.first, self.second] = tables;
        value
    }

    /// The mean loss of a batch; see [`GraphLoss`].
    fn loss(
        &self,
        embeddings: Tensor<2>,
        batch: &[Triple],
        drawn: &[u32],
        by: Surroundings<'_>,
    ) -> Tensor<1> {
        let users = by.seen.n_rows();
        let (n, m) = (batch.len(), drawn.len());
        let item = |item: u32| users + item as usize;
        let who = batch.iter().map(|t| t[0] as usize);
        let had = batch.iter().map(|t| item(t[1]));
        let others: Vec<usize> = match by.config.loss {
            GraphLoss::Bpr => batch.iter().map(|t| item(t[2])).collect(),
            GraphLoss::Softmax { .. } => Vec::new(),
            GraphLoss::SampledSoftmax { .. } => drawn.iter().map(|&i| item(i)).collect(),
        };
        // One gathering of rows: its gradient is a table of all nodes.
        let rows = self.ids(who.chain(had).chain(others).collect());
        let rows = embedding(embeddings, rows);
        let rows = |from: usize, count: usize| rows.clone().narrow(0, from, count);
        match by.config.loss {
            GraphLoss::Bpr => {
                let apart = rows(n, n) - rows(2 * n, n);
                -log_sigmoid((rows(0, n) * apart).sum_dim(1)).mean()
            }
            GraphLoss::Softmax { temperature } => {
                let (who, had) = (unit(rows(0, n)), unit(rows(n, n)));
                let same = |at: usize, other: usize| at != other && batch[at][1] == batch[other][1];
                let scores = who.matmul(had.transpose()) / temperature;
                let scores = scores + self.mask([n, n], same);
                let diagonal = self.ids((0..n).collect()).reshape([n, 1]);
                -log_softmax(scores, 1).gather(1, diagonal).mean()
            }
            GraphLoss::SampledSoftmax { temperature, .. } => {
                let (who, had, others) = (unit(rows(0, n)), unit(rows(n, n)), unit(rows(2 * n, m)));
                let known = |at: usize, other: usize| {
                    by.seen.row(batch[at][0] as usize).binary_search(&drawn[other]).is_ok()
                };
                let of_others = who.clone().matmul(others.transpose()) / temperature;
                let of_others = of_others + self.mask([n, m], known);
                let own = (who * had).sum_dim(1) / temperature;
                -log_softmax(Tensor::cat(vec![own, of_others], 1), 1).narrow(1, 0, 1).mean()
            }
        }
    }

    fn ids(&self, ids: Vec<usize>) -> Tensor<1, Int> {
        let n = ids.len();
        let ids: Vec<i64> = ids.into_iter().map(|id| id as i64).collect();
        Tensor::from_data(TensorData::new(ids, [n]), &self.device)
    }

    /// What keeps pairs for which `left_out` holds from being candidates.
    fn mask(
        &self,
        [rows, columns]: [usize; 2],
        left_out: impl Fn(usize, usize) -> bool,
    ) -> Tensor<2> {
        let pairs = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let values = pairs.map(|(row, column)| match left_out(row, column) {
            true => NO_CANDIDATE,
            false => 0.0,
        });
        let values: Vec<f32> = values.collect();
        Tensor::from_data(TensorData::new(values, [rows, columns]), &self.device)
    }
}

/// The weighted sum of the layers.
fn propagated(initial: Tensor<2>, by: Surroundings<'_>) -> Tensor<2> {
    let weights = by.layers.weights();
    let plain = !by.config.unit_rows && by.config.residual.is_none();
    if plain {
        return propagate(by.edges, initial, weights.len() - 1);
    }
    let mut sum = initial.clone() * weights[0];
    let mut layer = initial;
    for &weight in &weights[1..] {
        let sent = if by.config.unit_rows { unit(layer) } else { layer };
        layer = spmm(by.edges, sent);
        sum = sum + layer.clone() * weight;
    }
    sum
}

/// Rows at length 1; one of zeros stays, and takes no gradient.
fn unit(rows: Tensor<2>) -> Tensor<2> {
    let squares = rows.clone().powf_scalar(2.0).sum_dim(1);
    let zero = squares.clone().equal_elem(0.0).float();
    rows * (1.0 - zero.clone()) / (squares + zero).sqrt()
}

/// How often each node is in the batch.
fn counts(batch: &[Triple], users: usize, nodes: usize) -> Vec<f32> {
    let mut counts = vec![0.0; nodes];
    for node in super::state::nodes(batch, users) {
        counts[node] += 1.0;
    }
    counts
}
