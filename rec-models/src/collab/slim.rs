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
#[serde(default, deny_unknown_fields)]
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
        Self { l1: 1.0, l2: 500.0, max_iter: 1000, tol: 1e-4, k: None, non_negative: true }
    }
}

/// The model of [`Slim`].
pub type SlimModel = ItemItemModel<Slim>;

impl ItemItem for Slim {
    const KIND: &'static str = "slim";
}

impl Fit for Slim {
    type Model = SlimModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<SlimModel> {
        self.check()?;
        let events = &data.interactions;
        check_events(events)?;
        check_not_negative(events, "SLIM")?;
        ctx.cancel.check("SLIM")?;
        parallel::install(ctx.cpu_threads("SLIM")?, || {
            let matrix = events.matrix();
            let gram = {
                let task = Task::begin(ctx, "item co-occurrences", events.n_items());
                ItemWeights::compact(gram(&task, &matrix)?)
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
    fn solve(&self, gram: &ItemWeights, task: &Task) -> Result<Csr> {
        let n = gram.n_items();
        let diagonal: Vec<f64> = (0..n as u32).map(|i| f64::from(gram.get(i, i))).collect();
        let unsolved = AtomicUsize::new(0);
        let columns = sparse_rows(
            task,
            (n, n),
            || Column::new(n),
            |column, item, out| {
                let candidates = self.candidates(gram, &diagonal, item);
                let done = column.solve(self, gram, &diagonal, item, &candidates);
                unsolved.fetch_add(usize::from(!done), Ordering::Relaxed);
                column.drain(out);
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

    /// The coordinates that can differ from 0. Without negative weights an item that shares no user
    /// with `item` cannot.
    fn candidates(&self, gram: &ItemWeights, diagonal: &[f64], item: usize) -> Vec<u32> {
        let seen = |i: u32| i as usize != item && diagonal[i as usize] > 0.0;
        if self.k.is_none() && !self.non_negative {
            return (0..diagonal.len() as u32).filter(|&i| seen(i)).collect();
        }
        let mut others = Vec::new();
        gram.for_each_of_row(item as u32, |i, g| {
            if g > 0.0 && seen(i) {
                others.push((i, g));
            }
        });
        let Some(k) = self.k else { return others.into_iter().map(|(i, _)| i).collect() };
        let mut best = KBest::new(k);
        for (i, g) in others {
            let cosine = f64::from(g) / (diagonal[i as usize] * diagonal[item]).sqrt();
            best.push(i, cosine as f32);
        }
        best.drain_ranked().into_iter().map(|(i, _)| i).collect()
    }
}

/// The state of one column's descent.
struct Column {
    /// `x_i · (x_j - X w)`: `[n_items]`.
    residual: Vec<f32>,
    /// Whether an item is in `active`: `[n_items]`.
    is_active: Vec<bool>,
    /// The coordinates that may be off 0, and their weights.
    active: Vec<u32>,
    weights: Vec<f64>,
    /// `G` among the active coordinates, row-major.
    block: Vec<f64>,
}

impl Column {
    fn new(n: usize) -> Self {
        Self {
            residual: vec![0.0; n],
            is_active: vec![false; n],
            active: Vec::new(),
            weights: Vec::new(),
            block: Vec::new(),
        }
    }

    /// Descends until nothing moves; false if that took more than `max_iter` passes.
    ///
    /// Only the active coordinates are descended on, within their own small Gram matrix. When they
    /// rest, those of the others that would move off 0 by more than the tolerance join them, the
    /// furthest first, at most as many as there are already; when there are none, all rest.
    fn solve(
        &mut self,
        slim: &Slim,
        gram: &ItemWeights,
        diagonal: &[f64],
        item: usize,
        candidates: &[u32],
    ) -> bool {
        let mut passes = 0;
        let mut largest = 0.0;
        loop {
            self.refresh(gram, item);
            if !self.admit(slim, diagonal, candidates, slim.tol * largest) {
                return true;
            }
            self.fill_block(gram);
            let mut residual: Vec<f64> =
                self.active.iter().map(|&i| f64::from(gram.get(i, item as u32))).collect();
            self.start_residual(&mut residual);
            loop {
                if passes == slim.max_iter {
                    return false;
                }
                passes += 1;
                let (moved, top) = self.pass(slim, &mut residual);
                largest = top;
                if moved <= slim.tol * largest {
                    break;
                }
            }
        }
    }

    /// The residual of every item, from the start.
    fn refresh(&mut self, gram: &ItemWeights, item: usize) {
        self.residual.fill(0.0);
        let minus = self.active.iter().zip(&self.weights).map(|(&i, &w)| (i, -w as f32));
        let terms = std::iter::once((item as u32, 1.0)).chain(minus);
        gram.add_scores(terms, &mut self.residual);
    }

    /// Adds the coordinates that would move furthest, and says whether there were any.
    fn admit(&mut self, slim: &Slim, diagonal: &[f64], candidates: &[u32], least: f64) -> bool {
        let mut best = KBest::new(self.active.len().max(32));
        for &i in candidates {
            if !self.is_active[i as usize] {
                let gradient = f64::from(self.residual[i as usize]);
                let to = slim.shrink(gradient).abs() / (diagonal[i as usize] + slim.l2);
                if to > least {
                    best.push(i, to as f32);
                }
            }
        }
        let admitted = best.drain_ranked();
        for &(i, _) in &admitted {
            self.is_active[i as usize] = true;
            self.active.push(i);
            self.weights.push(0.0);
        }
        !admitted.is_empty()
    }

    fn fill_block(&mut self, gram: &ItemWeights) {
        self.block.clear();
        for &a in &self.active {
            self.block.extend(self.active.iter().map(|&b| f64::from(gram.get(a, b))));
        }
    }

    fn start_residual(&self, residual: &mut [f64]) {
        for (row, &w) in self.block.chunks_exact(self.active.len()).zip(&self.weights) {
            if w != 0.0 {
                residual.iter_mut().zip(row).for_each(|(r, g)| *r -= w * g);
            }
        }
    }

    /// One pass over the active coordinates: the largest move, and the largest weight.
    fn pass(&mut self, slim: &Slim, residual: &mut [f64]) -> (f64, f64) {
        let m = self.active.len();
        let (mut moved, mut largest) = (0f64, 0f64);
        for (at, row) in self.block.chunks_exact(m).enumerate() {
            let (old, own) = (self.weights[at], row[at]);
            let new = slim.shrink(residual[at] + own * old) / (own + slim.l2);
            largest = largest.max(new.abs());
            if new != old {
                self.weights[at] = new;
                moved = moved.max((new - old).abs());
                residual.iter_mut().zip(row).for_each(|(r, g)| *r -= (new - old) * g);
            }
        }
        (moved, largest)
    }

    /// Moves the column out, in order of the items, and makes room for the next.
    fn drain(&mut self, out: &mut Vec<(u32, f32)>) {
        for (&i, &w) in self.active.iter().zip(&self.weights) {
            self.is_active[i as usize] = false;
            if w as f32 != 0.0 {
                out.push((i, w as f32));
            }
        }
        out.sort_unstable_by_key(|&(i, _)| i);
        self.active.clear();
        self.weights.clear();
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
