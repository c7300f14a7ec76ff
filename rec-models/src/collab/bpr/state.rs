//! A run of BPR, epoch by epoch.

use std::sync::Arc;

use rayon::prelude::*;
use rec_core::data::{Csr, IdMaps};
use rec_core::rng;

use super::draws::{BATCH, Triples};
#[cfg(target_arch = "x86_64")]
use super::kernel::Wide;
use super::kernel::{Lanes, Plain, Rates, Triple, step};
use super::shared::{Shared, stride};
use super::{Bpr, BprModel};
use crate::collab::factors::Table;
use crate::fit::Cancel;
use crate::train::{Epochs, Snapshot, TrainingLog};
use crate::{Error, Result};

/// How many triples ahead rows are fetched.
const AHEAD: usize = 6;

/// Factors in training; rows padded to a multiple of 8.
pub(super) struct State {
    config: Bpr,
    seed: u64,
    ids: Arc<IdMaps>,
    seen: Arc<Csr>,
    triples: Triples,
    users: Table,
    items: Table,
    biases: Table,
}

impl State {
    pub(super) fn new(config: Bpr, ids: Arc<IdMaps>, seen: Arc<Csr>, seed: u64) -> Result<Self> {
        let (n, m, dim) = (seen.n_rows(), seen.n_cols(), config.factors);
        // As in implicit: uniform in ±1/2 over the length of a factor.
        let width = (-0.5 / dim as f32, 0.5 / dim as f32);
        let mut items = padded(&Table::uniform(m, dim, seed, "bpr.items", width), dim);
        let row = stride(dim);
        for (item, _) in seen.column_counts().iter().enumerate().filter(|(_, c)| **c == 0) {
            items[item * row..][..row].fill(0.0);
        }
        Ok(Self {
            triples: Triples::new(&seen, config.negatives)?,
            users: padded(&Table::uniform(n, dim, seed, "bpr.users", width), dim),
            items,
            biases: Table::zeros(m),
            config,
            seed,
            ids,
            seen,
        })
    }

    /// One worker's share of an epoch.
    fn work(
        &self,
        tables: &Tables<'_>,
        rates: Rates,
        epoch: usize,
        worker: usize,
        cancel: &Cancel,
    ) -> Result<Tally> {
        let (n, workers) = (self.seen.nnz(), self.config.workers);
        let mut left = n / workers + usize::from(worker < n % workers);
        let mut rng = rng::stream(self.seed, "bpr.triples", (epoch * workers + worker) as u64);
        let (mut batch, mut tally, wide) = (Vec::with_capacity(BATCH), Tally::default(), wide());
        while left > 0 {
            cancel.check("an epoch of BPR")?;
            let n = left.min(BATCH);
            self.triples.draw(n, &self.seen, &mut rng, &mut batch);
            tally = tally.plus(tables.run(&batch, rates, wide));
            left -= n;
        }
        Ok(tally)
    }

    fn finite(&self) -> bool {
        [&self.users, &self.items, &self.biases]
            .into_iter()
            .all(|table| table.par_chunks(1 << 16).all(|part| part.iter().all(|x| x.is_finite())))
    }
}

/// What a worker saw of its triples before it stepped on them.
#[derive(Clone, Copy, Default)]
struct Tally {
    triples: u64,
    right: u64,
    loss: f64,
}

impl Tally {
    fn plus(self, other: Self) -> Self {
        Self {
            triples: self.triples + other.triples,
            right: self.right + other.right,
            loss: self.loss + other.loss,
        }
    }
}

/// The tables all workers share.
struct Tables<'a> {
    users: Shared<'a>,
    items: Shared<'a>,
    biases: Option<Shared<'a>>,
}

impl Tables<'_> {
    #[inline(always)]
    fn batch<L: Lanes>(&self, batch: &[[u32; 3]], rates: Rates) -> Tally {
        let mut tally = Tally { triples: batch.len() as u64, ..Tally::default() };
        // A product of probabilities, whose logarithm is taken before it underflows.
        let mut product = 1f64;
        for (at, &[user, had, other]) in batch.iter().enumerate() {
            if let Some(&[user, had, other]) = batch.get(at + AHEAD) {
                self.users.prefetch(user);
                self.items.prefetch(had);
                self.items.prefetch(other);
            }
            let triple = Triple {
                user: self.users.row(user),
                had: self.items.row(had),
                other: self.items.row(other),
                biases: self.biases.as_ref().map(|b| [&b.row(had)[0], &b.row(other)[0]]),
            };
            let p = step::<L>(&triple, rates);
            tally.right += u64::from(p > 0.5);
            product *= f64::from(p.max(1e-12));
            if product < 1e-200 {
                tally.loss -= product.ln();
                product = 1.0;
            }
        }
        tally.loss -= product.ln();
        tally
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn batch_wide(&self, batch: &[[u32; 3]], rates: Rates) -> Tally {
        self.batch::<Wide>(batch, rates)
    }

    fn run(&self, batch: &[[u32; 3]], rates: Rates, wide: bool) -> Tally {
        #[cfg(target_arch = "x86_64")]
        if wide {
            // SAFETY: `wide` holds only where AVX2 and FMA were detected.
            return unsafe { self.batch_wide(batch, rates) };
        }
        let _ = wide;
        self.batch::<Plain>(batch, rates)
    }
}

fn wide() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

impl Epochs for State {
    type Model = BprModel;

    fn epoch(&mut self, epoch: usize, cancel: &Cancel) -> Result<String> {
        let row = stride(self.config.factors);
        let rates = Rates { learning_rate: self.config.learning_rate, l2: self.config.l2 };
        let (mut users, mut items, mut biases) = (
            std::mem::replace(&mut self.users, Table::zeros(0)),
            std::mem::replace(&mut self.items, Table::zeros(0)),
            std::mem::replace(&mut self.biases, Table::zeros(0)),
        );
        let tables = Tables {
            users: Shared::new(&mut users, row),
            items: Shared::new(&mut items, row),
            biases: self.config.item_bias.then(|| Shared::new(&mut biases, 1)),
        };
        let state = &*self;
        let tally = (0..self.config.workers)
            .into_par_iter()
            .with_max_len(1)
            .map(|worker| state.work(&tables, rates, epoch, worker, cancel))
            .collect::<Result<Vec<_>>>()
            .map(|all| all.into_iter().fold(Tally::default(), Tally::plus));
        (self.users, self.items, self.biases) = (users, items, biases);
        let tally = tally?;
        if !self.finite() {
            return Err(Error::data(
                format!("BPR diverged in epoch {}", epoch + 1),
                format!(
                    "its factors are no longer finite; lower learning_rate (now {}) or raise l2",
                    self.config.learning_rate
                ),
            ));
        }
        let n = tally.triples.max(1) as f64;
        Ok(format!("loss {:.4} accuracy {:.4}", tally.loss / n, tally.right as f64 / n))
    }

    fn snapshot(&self) -> Snapshot {
        let (row, n, m) = (stride(self.config.factors), self.seen.n_rows(), self.seen.n_cols());
        Snapshot::new()
            .with("users", &[n, row], self.users.to_vec())
            .with("items", &[m, row], self.items.to_vec())
            .with("biases", &[m], self.biases.to_vec())
    }

    fn restore(&mut self, mut snapshot: Snapshot) -> Result<()> {
        let (row, n, m) = (stride(self.config.factors), self.seen.n_rows(), self.seen.n_cols());
        let users = snapshot.take("users", &[n, row])?;
        let items = snapshot.take("items", &[m, row])?;
        let biases = snapshot.take("biases", &[m])?;
        self.users = Table::from_slice(&users);
        self.items = Table::from_slice(&items);
        self.biases = Table::from_slice(&biases);
        Ok(())
    }

    fn model(&self, log: TrainingLog) -> Result<BprModel> {
        let dim = self.config.factors;
        BprModel::new(
            self.config.clone(),
            log,
            self.ids.clone(),
            self.seen.clone(),
            [packed(&self.users, dim), packed(&self.items, dim)],
            self.config.item_bias.then(|| self.biases.to_vec()),
        )
    }
}

/// Rows of `dim` padded with zeros.
fn padded(rows: &[f32], dim: usize) -> Table {
    let row = stride(dim);
    let mut table = Table::zeros(rows.len() / dim * row);
    for (to, from) in table.chunks_exact_mut(row).zip(rows.chunks_exact(dim)) {
        to[..dim].copy_from_slice(from);
    }
    table
}

/// Padded rows without their padding.
fn packed(rows: &[f32], dim: usize) -> Vec<f32> {
    rows.chunks_exact(stride(dim)).flat_map(|row| &row[..dim]).copied().collect()
}
