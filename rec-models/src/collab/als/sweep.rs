//! One sweep: every row of one side solved with the other side fixed.

use std::ops::Range;

use rayon::prelude::*;
use rec_core::data::Csr;

use super::AlsSolver;
use super::kernel::Level;
use super::row::Row;
use super::{cg, cholesky, gram::gram};
use crate::Result;
use crate::fit::Cancel;

/// Rows of one side, cut into tasks of about equal work.
pub(super) struct Side<'a> {
    rows: &'a Csr,
    alpha: f32,
    tasks: Vec<Range<usize>>,
}

/// Settings of a sweep.
#[derive(Clone, Copy)]
pub(super) struct Sweep {
    pub(super) level: Level,
    pub(super) solver: AlsSolver,
    pub(super) dim: usize,
    pub(super) l2: f32,
}

/// Tasks at most; fixed, so that the order in which losses are added is.
const TASKS: usize = 512;
/// Entries that cost as much as what a row costs without any.
const ROW_COST: usize = 16;

impl<'a> Side<'a> {
    /// The rows of a matrix of weights.
    pub(super) fn new(rows: &'a Csr, alpha: f32) -> Self {
        let total = rows.nnz() + ROW_COST * rows.n_rows();
        let quota = (total / TASKS).max(1);
        let (mut tasks, mut start, mut cost) = (Vec::new(), 0, 0);
        for row in 0..rows.n_rows() {
            cost += rows.row(row).len() + ROW_COST;
            if cost >= quota {
                tasks.push(start..row + 1);
                (start, cost) = (row + 1, 0);
            }
        }
        if start < rows.n_rows() {
            tasks.push(start..rows.n_rows());
        }
        Self { rows, alpha, tasks }
    }

    fn row<'r>(&'r self, row: usize, factors: &'r [f32], dim: usize) -> Row<'r> {
        Row {
            cols: self.rows.row(row),
            weights: self.rows.row_values(row),
            alpha: self.alpha,
            factors,
            dim,
        }
    }

    fn is_unit(&self) -> bool {
        self.rows.values().is_none() && self.alpha == 1.0
    }

    /// Solves for `x` (`[rows, dim]`) with `y` (`[cols, dim]`) fixed. Rows without entries become
    /// 0. Returns the sum of the rows' losses `f(x)`.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`] when told to stop, with part of `x` solved;
    /// [`crate::Error::Data`] where a row's equations are singular.
    pub(super) fn solve(
        &self,
        sweep: Sweep,
        x: &mut [f32],
        y: &[f32],
        cancel: &Cancel,
    ) -> Result<f64> {
        let shared = gram(sweep.level, y, sweep.dim, sweep.l2);
        match sweep.solver {
            AlsSolver::Cg { steps } => self.each(
                x,
                sweep.dim,
                cancel,
                || cg::Scratch::new(sweep.dim),
                |row, x, scratch| {
                    let row = self.row(row, y, sweep.dim);
                    Ok(cg::solve(sweep.level, row, &shared, steps, x, scratch))
                },
            ),
            AlsSolver::Cholesky => {
                let equations = cholesky::Equations::new(&shared, sweep.dim, self.is_unit())?;
                self.each(
                    x,
                    sweep.dim,
                    cancel,
                    || cholesky::Scratch::new(sweep.dim),
                    |row, x, scratch| {
                        equations.solve(sweep.level, self.row(row, y, sweep.dim), x, scratch)
                    },
                )
            }
        }
    }

    /// Calls `solve` for each row that has entries, in parallel.
    fn each<S>(
        &self,
        x: &mut [f32],
        dim: usize,
        cancel: &Cancel,
        scratch: impl Fn() -> S + Sync + Send,
        solve: impl Fn(usize, &mut [f32], &mut S) -> Result<f64> + Sync + Send,
    ) -> Result<f64> {
        let mut rest = x;
        let mut tasks = Vec::with_capacity(self.tasks.len());
        for range in &self.tasks {
            let (head, tail) = rest.split_at_mut(range.len() * dim);
            tasks.push((range.clone(), head));
            rest = tail;
        }
        let losses: Vec<f64> = tasks
            .into_par_iter()
            .with_max_len(1)
            .map_init(scratch, |scratch, (range, x)| {
                cancel.check("a sweep of ALS")?;
                let mut loss = 0.0;
                for (row, x) in range.zip(x.chunks_exact_mut(dim)) {
                    if self.rows.row(row).is_empty() {
                        x.fill(0.0);
                    } else {
                        loss += solve(row, x, scratch)?;
                    }
                }
                Ok(loss)
            })
            .collect::<Result<_>>()?;
        Ok(losses.iter().sum())
    }
}
