//! SLIM: a sparse item × item matrix learned by regression.

use std::sync::atomic::{AtomicUsize, Ordering};

use rec_core::data::{Csr, Dataset};
use rec_core::parallel;
use serde::{Deserialize, Serialize};

use super::item_weights::{ItemItem, ItemItemModel, ItemWeights, check_events, check_not_negative};
use super::knn::gram;
use super::rows::{KBest, Task, sparse_rows};
use crate::fit::{Fit, FitContext};
use crate::{Error, Result};

/// Sparse linear methods (Ning and Karypis 2011). Every column of `W` is an elastic net that
/// predicts one item from the others:
///
/// ```text
/// min_w  ½ ‖x_j - X w‖² + ½ l2 ‖w‖² + l1 ‖w‖₁      w_j = 0,  w ≥ 0 if non_negative
/// ```
///
/// solved by cyclic coordinate descent with the Gram matrix `XᵀX` held (Friedman et al. 2010,
/// "covariance updates"). In scikit-learn's `ElasticNet` terms `l1 = n_users · alpha · l1_ratio` and
/// `l2 = n_users · alpha · (1 - l1_ratio)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Slim {
    /// Weight of the absolute values, at least 0: the larger, the sparser.
    pub l1: f64,
    /// Weight of the squares, at least 0; `l1` and `l2` may not both be 0.
    pub l2: f64,
    /// Passes over a column's coordinates at most, at least 1.
    pub max_iter: usize,
    /// A column is done when no coordinate moved by more than this part of the largest.
    pub tol: f64,
    /// Regresses on the so many items most similar by cosine only (fsSLIM); `None` for all.
    pub k: Option<usize>,
    /// Whether weights below 0 are forbidden, as in the paper.
    pub non_negative: bool,
}

impl Default for Slim {
    fn default() -> Self {
        Self { l1: 1.0, l2: 100.0, max_iter: 100, tol: 1e-4, k: None, non_negative: true }
    }
}

/// The model of [`Slim`].
pub type SlimModel = ItemItemModel<Slim>;

impl ItemItem for Slim {
    const KIND: &'static str = "slim";
}

impl Fit for Slim {
    type Model = SlimModel;

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<SlimModel> {
        self.check()?;
        let events = &data.interactions;
        check_events(events)?;
        check_not_negative(events, "SLIM")?;
        ctx.cancel.check("SLIM")?;
        parallel::install(ctx.threads, || {
            let matrix = events.matrix();
            let gram = {
                let task = Task::begin(ctx, "item co-occurrences", events.n_items());
                gram(&task, &matrix)?
            };
            let task = Task::begin(ctx, "SLIM columns", events.n_items());
            let weights = ItemWeights::Sparse(self.solve(&gram, &task)?.transpose());
            Ok(ItemItemModel::new(self.clone(), events.ids().clone(), matrix, weights))
        })
    }
}

impl Slim {
    fn check(&self) -> Result<()> {
        for (name, value) in [("l1", self.l1), ("l2", self.l2), ("tol", self.tol)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::parameter(name, value, "give a number of at least 0"));
            }
        }
        if self.l1 == 0.0 && self.l2 == 0.0 {
            return Err(Error::parameter("l1", 0, "with l2 = 0 too nothing bounds the weights"));
        }
        if self.max_iter == 0 {
            return Err(Error::parameter("max_iter", 0, "at least 1 pass is needed"));
        }
        if self.k == Some(0) {
            return Err(Error::parameter("k", 0, "keep at least 1 item, or none for all"));
        }
        Ok(())
    }

    /// The columns of `W`, as rows: `[n_items, n_items]`.
    fn solve(&self, gram: &Csr, task: &Task) -> Result<Csr> {
        let n = gram.n_rows();
        let diagonal: Vec<f64> = (0..n).map(|i| entry(gram, i, i)).collect();
        let unsolved = AtomicUsize::new(0);
        let columns = sparse_rows(
            task,
            (n, n),
            || Column::new(n),
            |column, item, out| {
                let candidates = self.candidates(gram, &diagonal, item);
                let done = column.solve(self, gram, &diagonal, item, &candidates);
                unsolved.fetch_add(usize::from(!done), Ordering::Relaxed);
                column.drain(&candidates, out);
                Ok(())
            },
        )?;
        let unsolved = unsolved.into_inner();
        if unsolved > 0 {
            tracing::warn!(
                "SLIM: {unsolved} of {n} items were not solved to tol = {} in max_iter = {} passes",
                self.tol,
                self.max_iter
            );
        }
        Ok(columns)
    }

    /// The coordinates that can differ from 0. An item that shares no user with `item` could only
    /// enter with `non_negative` unset, through items that both share users with.
    fn candidates(&self, gram: &Csr, diagonal: &[f64], item: usize) -> Vec<u32> {
        let cosine = |i: u32, g: f32| f64::from(g) / (diagonal[i as usize] * diagonal[item]).sqrt();
        let others = gram.iter_row(item).filter(|&(i, _)| i as usize != item);
        match self.k {
            Some(k) => {
                let mut best = KBest::new(k);
                others.for_each(|(i, g)| best.push(i, cosine(i, g) as f32));
                let mut kept = Vec::new();
                best.drain_by_column(&mut kept);
                kept.into_iter().map(|(i, _)| i).collect()
            }
            None if self.non_negative => others.map(|(i, _)| i).collect(),
            None => {
                let others = 0..gram.n_rows() as u32;
                others.filter(|&i| i as usize != item && diagonal[i as usize] > 0.0).collect()
            }
        }
    }
}

/// The state of one column's descent.
struct Column {
    /// `w`: `[n_items]`.
    weights: Vec<f64>,
    /// `x_i · (x_j - X w)`: `[n_items]`.
    residual: Vec<f64>,
}

impl Column {
    fn new(n: usize) -> Self {
        Self { weights: vec![0.0; n], residual: vec![0.0; n] }
    }

    /// Descends until nothing moves; false if that took more than `max_iter` passes. After a pass
    /// over all coordinates only those off 0 are visited, until they rest; then all once more.
    fn solve(
        &mut self,
        slim: &Slim,
        gram: &Csr,
        diagonal: &[f64],
        item: usize,
        candidates: &[u32],
    ) -> bool {
        gram.iter_row(item).for_each(|(i, g)| self.residual[i as usize] = f64::from(g));
        let mut active: Vec<u32> = Vec::new();
        let mut all = true;
        for _ in 0..slim.max_iter {
            let pass = if all { candidates } else { &active };
            let (moved, largest) = self.pass(slim, gram, diagonal, pass);
            let rests = moved <= slim.tol * largest;
            if all && rests {
                return true;
            }
            if all {
                active.clear();
                active.extend(candidates.iter().filter(|&&i| self.weights[i as usize] != 0.0));
            }
            all = rests;
        }
        false
    }

    /// One pass over these coordinates: the largest move, and the largest weight.
    fn pass(&mut self, slim: &Slim, gram: &Csr, diagonal: &[f64], pass: &[u32]) -> (f64, f64) {
        let (mut moved, mut largest) = (0f64, 0f64);
        for &i in pass {
            let (old, own) = (self.weights[i as usize], diagonal[i as usize]);
            let gradient = self.residual[i as usize] + own * old;
            let new = slim.shrink(gradient) / (own + slim.l2);
            largest = largest.max(new.abs());
            if new != old {
                self.weights[i as usize] = new;
                let delta = new - old;
                moved = moved.max(delta.abs());
                for (t, g) in gram.iter_row(i as usize) {
                    self.residual[t as usize] -= delta * f64::from(g);
                }
            }
        }
        (moved, largest)
    }

    /// Moves the column out and makes room for the next.
    fn drain(&mut self, candidates: &[u32], out: &mut Vec<(u32, f32)>) {
        for &i in candidates {
            let w = std::mem::take(&mut self.weights[i as usize]) as f32;
            if w != 0.0 {
                out.push((i, w));
            }
        }
        self.residual.fill(0.0);
    }
}

impl Slim {
    /// Soft thresholding by `l1`.
    fn shrink(&self, gradient: f64) -> f64 {
        if self.non_negative {
            return (gradient - self.l1).max(0.0);
        }
        gradient.signum() * (gradient.abs() - self.l1).max(0.0)
    }
}

fn entry(gram: &Csr, row: usize, column: usize) -> f64 {
    let at = gram.row(row).binary_search(&(column as u32));
    at.ok().and_then(|at| gram.row_values(row).map(|v| f64::from(v[at]))).unwrap_or(0.0)
}
