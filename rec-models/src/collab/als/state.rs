//! A run of ALS, epoch by epoch.

use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};

use super::kernel::Level;
use super::sweep::{Side, Sweep};
use super::{Als, AlsModel, AlsSolver};
use crate::collab::factors::Table;
use crate::fit::Cancel;
use crate::train::{Epochs, Snapshot, TrainingLog};
use crate::{Error, Result};

/// Factors in training.
pub(super) struct State {
    pub(super) config: Als,
    ids: Arc<IdMaps>,
    by_user: Arc<Csr>,
    by_item: Csr,
    pub(super) users: Table,
    pub(super) items: Table,
    level: Level,
}

/// Largest initial factor, as in implicit: small, so that the first sweep decides.
const INITIAL: f32 = 0.01;

impl State {
    pub(super) fn new(config: Als, ids: Arc<IdMaps>, by_user: Arc<Csr>, seed: u64) -> Self {
        let (n, m, dim) = (by_user.n_rows(), by_user.n_cols(), config.factors);
        Self {
            users: Table::uniform(n, dim, seed, "als.users", (0.0, INITIAL)),
            items: Table::uniform(m, dim, seed, "als.items", (0.0, INITIAL)),
            by_item: by_user.transpose(),
            config,
            ids,
            by_user,
            level: Level::detect(),
        }
    }

    fn sweep(&self, solver: AlsSolver) -> Sweep {
        Sweep { level: self.level, solver, dim: self.config.factors, l2: self.config.l2 }
    }

    /// One sweep over the users and one over the items; the loss after them.
    pub(super) fn both_sides(&mut self, cancel: &Cancel) -> Result<f64> {
        let sweep = self.sweep(self.config.solver);
        let alpha = self.config.alpha;
        Side::new(&self.by_user, alpha).solve(sweep, &mut self.users, &self.items, cancel)?;
        let items = Side::new(&self.by_item, alpha);
        let loss = items.solve(sweep, &mut self.items, &self.users, cancel)?;
        let norm: f64 = self.users.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
        Ok(loss + f64::from(self.config.l2) * norm)
    }

    /// The sum of all pairs' confidences: what the loss would be were all predictions off by 1.
    fn total_confidence(&self) -> f64 {
        let (n, m, nnz) = (self.by_user.n_rows(), self.by_user.n_cols(), self.by_user.nnz());
        let sum = match self.by_user.values() {
            Some(values) => values.iter().map(|&v| f64::from(v)).sum(),
            None => nnz as f64,
        };
        n as f64 * m as f64 - nnz as f64 + f64::from(self.config.alpha) * sum
    }
}

impl Epochs for State {
    type Model = AlsModel;

    fn epoch(&mut self, epoch: usize, cancel: &Cancel) -> Result<String> {
        let loss = self.both_sides(cancel)? / self.total_confidence();
        if !loss.is_finite() {
            return Err(Error::data(
                format!("ALS diverged in epoch {}", epoch + 1),
                "its loss is no longer finite; raise l2, lower alpha, or scale the weights down",
            ));
        }
        Ok(format!("loss {loss:.6}"))
    }

    fn snapshot(&self) -> Snapshot {
        let dim = self.config.factors;
        Snapshot::new().with("users", &[self.by_user.n_rows(), dim], self.users.to_vec()).with(
            "items",
            &[self.by_user.n_cols(), dim],
            self.items.to_vec(),
        )
    }

    fn restore(&mut self, mut snapshot: Snapshot) -> Result<()> {
        let dim = self.config.factors;
        let users = snapshot.take("users", &[self.by_user.n_rows(), dim])?;
        let items = snapshot.take("items", &[self.by_user.n_cols(), dim])?;
        self.users = Table::from_slice(&users);
        self.items = Table::from_slice(&items);
        Ok(())
    }

    fn model(&self, log: TrainingLog) -> Result<AlsModel> {
        let mut users = Table::zeros(self.users.len());
        Side::new(&self.by_user, self.config.alpha).solve(
            self.sweep(AlsSolver::Cholesky),
            &mut users,
            &self.items,
            &Cancel::default(),
        )?;
        AlsModel::new(
            self.config.clone(),
            log,
            self.ids.clone(),
            self.by_user.clone(),
            users.to_vec(),
            self.items.to_vec(),
        )
    }
}
