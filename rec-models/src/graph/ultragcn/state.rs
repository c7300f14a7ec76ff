//! A run of UltraGCN, epoch by epoch.

use std::sync::Arc;

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rayon::prelude::*;
use rec_core::data::{Csr, IdMaps};
use rec_core::rng;

use super::constraint::{Beta, neighbours};
use super::sample::{Term, differentiate, gather};
use super::{UltraGcn, UltraGcnModel};
use crate::Result;
use crate::collab::factors::Table;
use crate::fit::Cancel;
use crate::graph::adam::{Gradient, Trained};
use crate::train::{Epochs, Snapshot, TrainingLog};

/// Standard deviation of initial embeddings: the authors' on gowalla.
const DEVIATION: f32 = 1e-4;

/// Embeddings in training; rows are users, then items.
pub(super) struct State {
    config: UltraGcn,
    seed: u64,
    ids: Arc<IdMaps>,
    seen: Arc<Csr>,
    beta: Beta,
    neighbours: Csr,
    /// User and item of each interaction, user after user.
    events: Vec<[u32; 2]>,
    pub(super) embeddings: Trained,
    gradient: Table,
    /// Every row is penalised once a step.
    once: Vec<u32>,
}

impl State {
    pub(super) fn new(config: UltraGcn, ids: Arc<IdMaps>, seen: Arc<Csr>, seed: u64) -> Self {
        let (n, d) = (seen.n_rows() + seen.n_cols(), config.factors);
        let half = DEVIATION * 3f32.sqrt();
        let row = |u: usize| seen.row(u).iter().map(move |&i| [u as u32, i]);
        Self {
            beta: Beta::new(&seen),
            neighbours: neighbours(&seen, config.neighbours),
            events: (0..seen.n_rows()).flat_map(row).collect(),
            embeddings: Trained::new(
                Table::uniform(n, d, seed, "ultragcn", (-half, 2.0 * half)),
                d,
            ),
            gradient: Table::zeros(n * d),
            once: vec![1; n],
            config,
            seed,
            ids,
            seen,
        }
    }

    /// The terms of an interaction, with these items drawn for it.
    pub(super) fn terms(&self, [user, item]: [u32; 2], drawn: &[u32]) -> Vec<Term> {
        let c = &self.config;
        let positive = Term { item, weight: c.w1 + c.w2 * self.beta.of(user, item) };
        let share = c.negative_weight / drawn.len().max(1) as f32;
        let negatives = drawn.iter().map(|&item| {
            let weight = -share * (c.w3 + c.w4 * self.beta.of(user, item));
            Term { item, weight }
        });
        let together = self.neighbours.iter_row(item as usize);
        let together = together.map(|(item, omega)| Term { item, weight: c.item_weight * omega });
        std::iter::once(positive).chain(negatives).chain(together).collect()
    }

    fn draw(&self, epoch: usize, at: usize) -> Vec<u32> {
        let mut rng = rng::stream(rng::mix(self.seed ^ epoch as u64), "ultragcn.items", at as u64);
        let items = self.seen.n_cols() as u32;
        (0..self.config.negatives).map(|_| rng.random_range(0..items)).collect()
    }

    /// The loss of interactions with their terms, without the penalty; its gradient into
    /// `self.gradient`.
    pub(super) fn gradients(&mut self, batch: &[[u32; 2]], mut terms: Vec<Vec<Term>>) -> f64 {
        let (n, d) = (self.seen.n_rows(), self.config.factors);
        let (users, items) = self.embeddings.split_at(n * d);
        let row = |u: u32| &users[u as usize * d..][..d];
        let by_user: Vec<(f64, Vec<f32>)> = batch
            .par_iter()
            .zip(&mut terms)
            .map(|(&[user, _], terms)| {
                let mut to = vec![0f32; d];
                (differentiate(terms, row(user), items, &mut to), to)
            })
            .collect();
        self.gradient.par_iter_mut().with_min_len(1 << 14).for_each(|x| *x = 0.0);
        let (to_users, to_items) = self.gradient.split_at_mut(n * d);
        for (&[user, _], (_, gradient)) in batch.iter().zip(&by_user) {
            let to = &mut to_users[user as usize * d..][..d];
            to.iter_mut().zip(gradient).for_each(|(to, x)| *to += x);
        }
        let by_item = ByItem::new(batch, &terms, self.seen.n_cols());
        to_items.par_chunks_exact_mut(d).enumerate().with_min_len(256).for_each(|(item, to)| {
            gather(to, by_item.of(item), users);
        });
        by_user.iter().map(|(loss, _)| loss).sum()
    }

    #[cfg(test)]
    pub(super) fn gradient(&self) -> &[f32] {
        &self.gradient
    }

    /// One step of Adam on a batch; the loss before it, without the penalty.
    pub(super) fn step(&mut self, batch: &[[u32; 2]], terms: Vec<Vec<Term>>) -> f64 {
        let loss = self.gradients(batch, terms);
        let gradient =
            Gradient { propagated: &self.gradient, counts: &self.once, penalty: self.config.l2 };
        self.embeddings.step(gradient, self.config.learning_rate);
        loss
    }
}

/// A batch's derivatives item by item, in the order of the batch: users and derivatives.
struct ByItem {
    starts: Vec<u32>,
    pairs: Vec<(u32, f32)>,
}

impl ByItem {
    fn new(batch: &[[u32; 2]], terms: &[Vec<Term>], items: usize) -> Self {
        let mut starts = vec![0u32; items + 1];
        for term in terms.iter().flatten() {
            starts[term.item as usize + 1] += 1;
        }
        for item in 0..items {
            starts[item + 1] += starts[item];
        }
        let mut next = starts.clone();
        let mut pairs = vec![(0, 0.0); starts[items] as usize];
        for (&[user, _], terms) in batch.iter().zip(terms) {
            for term in terms {
                let at = &mut next[term.item as usize];
                pairs[*at as usize] = (user, term.weight);
                *at += 1;
            }
        }
        Self { starts, pairs }
    }

    fn of(&self, item: usize) -> &[(u32, f32)] {
        &self.pairs[self.starts[item] as usize..self.starts[item + 1] as usize]
    }
}

impl Epochs for State {
    type Model = UltraGcnModel;

    fn epoch(&mut self, epoch: usize, cancel: &Cancel) -> Result<String> {
        let mut events = self.events.clone();
        events.shuffle(&mut rng::stream(self.seed, "ultragcn.batches", epoch as u64));
        let (mut sum, size) = (0.0, self.config.batch_size);
        for (at, batch) in events.chunks(size).enumerate() {
            cancel.check("an epoch of UltraGCN")?;
            let of = |(i, &event): (usize, &[u32; 2])| {
                self.terms(event, &self.draw(epoch, at * size + i))
            };
            let terms = batch.par_iter().enumerate().map(of).collect();
            sum += self.step(batch, terms);
        }
        self.embeddings.check("UltraGCN", epoch, self.config.learning_rate)?;
        Ok(format!("loss {:.4}", sum / events.len().max(1) as f64))
    }

    fn snapshot(&self) -> Snapshot {
        self.embeddings.snapshot()
    }

    fn restore(&mut self, snapshot: Snapshot) -> Result<()> {
        self.embeddings.restore(snapshot)
    }

    fn model(&self, log: TrainingLog) -> Result<UltraGcnModel> {
        let (users, items) = self.embeddings.split_at(self.seen.n_rows() * self.config.factors);
        let tables = [users.to_vec(), items.to_vec()];
        UltraGcnModel::new(self.config.clone(), log, self.ids.clone(), self.seen.clone(), tables)
    }
}
