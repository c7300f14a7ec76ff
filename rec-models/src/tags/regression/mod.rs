//! Logistic regression on dense rows, and its cost by cross-validation.

mod lbfgs;
mod linear;
#[cfg(test)]
mod tests;

use rec_core::data::Csr;

pub(super) use self::lbfgs::Stop;
use self::linear::Problem;
pub(crate) use self::linear::{Columns, Linear};
use super::class_weights::ClassWeights;
use super::folds::folds;
use super::labels::{Labelled, Task};
use crate::Result;
use crate::fit::FitContext;
use crate::language::Vectors;

/// What a regression learns from, and how.
pub(super) struct Regression<'a> {
    /// `[texts, dim]`.
    pub vectors: &'a Vectors,
    pub columns: Columns,
    /// Scores that those of the vectors are added to, `[texts, labels]`.
    pub offsets: Option<&'a [f32]>,
    pub class_weights: &'a ClassWeights,
    pub stop: Stop,
}

/// The cost under which held-out texts are likeliest.
pub(super) struct HeldOut {
    pub c: f64,
    /// Of all texts by regressions trained without them, offsets included: `[texts, labels]`.
    pub scores: Vec<f32>,
}

impl Regression<'_> {
    /// The weights for one cost.
    pub(super) fn fit(&self, labelled: &Labelled, c: f64, ctx: &FitContext<'_>) -> Result<Linear> {
        let weights = self.class_weights.of(labelled)?;
        let problem = self.problem(self.vectors, self.offsets, labelled, &weights, ctx);
        Ok(problem.linear(&problem.solve(c, problem.zero())?))
    }

    fn problem<'b>(
        &self,
        vectors: &Vectors,
        offsets: Option<&'b [f32]>,
        labelled: &'b Labelled,
        class_weights: &'b [f32],
        ctx: &'b FitContext<'_>,
    ) -> Problem<'b> {
        let labels = (&labelled.rows, labelled.labels.task());
        let (columns, stop) = (self.columns, self.stop);
        Problem::new((vectors, columns), labels, class_weights, stop, &ctx.cancel).around(offsets)
    }

    /// The best of several costs, in ascending order; none where there is nothing to hold out.
    pub(super) fn held_out(
        &self,
        labelled: &Labelled,
        costs: &[f64],
        n_folds: usize,
        ctx: &FitContext<'_>,
    ) -> Result<Option<HeldOut>> {
        let n = labelled.len();
        let n_folds = n_folds.min(n);
        if n_folds < 2 {
            return Ok(None);
        }
        let fold = folds(&labelled.rows, n_folds, ctx.seed);
        let n_labels = labelled.labels.len();
        let mut scores = vec![vec![0f32; n * n_labels]; costs.len()];
        ctx.progress.begin("tags", n_folds as u64);
        for held_out in 0..n_folds {
            let (test, train): (Vec<usize>, Vec<usize>) =
                (0..n).partition(|&row| fold[row] == held_out);
            let known = labelled.select(&train);
            let weights = self.class_weights.of(&known)?;
            let vectors = part(self.vectors, &train)?;
            let rows = part(self.vectors, &test)?;
            let offsets = self.offsets.map(|offsets| of_rows(offsets, &train, n_labels));
            let problem = self.problem(&vectors, offsets.as_deref(), &known, &weights, ctx);
            // From cost to cost the solution moves little.
            let mut at = problem.zero();
            for (&c, scores) in costs.iter().zip(&mut scores) {
                at = problem.solve(c, at)?;
                let found = problem.linear(&at).scores(rows.as_slice());
                for (&row, found) in test.iter().zip(found.chunks_exact(n_labels)) {
                    let offsets = self.offsets.map(|all| &all[row * n_labels..][..n_labels]);
                    let to = &mut scores[row * n_labels..][..n_labels];
                    to.copy_from_slice(found);
                    to.iter_mut().zip(offsets.into_iter().flatten()).for_each(|(s, o)| *s += o);
                }
            }
            ctx.progress.step(held_out as u64 + 1, "");
        }
        ctx.progress.end();
        let task = labelled.labels.task();
        let losses: Vec<f64> = scores.iter().map(|s| loss(s, &labelled.rows, task)).collect();
        let best = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b]));
        Ok(best.map(|best| HeldOut { c: costs[best], scores: scores.swap_remove(best) }))
    }
}

/// Some of the vectors.
pub(super) fn part(vectors: &Vectors, rows: &[usize]) -> Result<Vectors> {
    Vectors::new(vectors.dim(), of_rows(vectors.as_slice(), rows, vectors.dim()))
}

fn of_rows(values: &[f32], rows: &[usize], width: usize) -> Vec<f32> {
    rows.iter().flat_map(|&row| &values[row * width..][..width]).copied().collect()
}

/// `−Σ ln p` of what is true, scores taken as logits.
pub(super) fn loss(scores: &[f32], truth: &Csr, task: Task) -> f64 {
    let softplus = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
    let rows = scores.chunks_exact(truth.n_cols()).enumerate();
    let of = |(row, scores): (usize, &[f32])| match task {
        Task::Single => {
            let top = f64::from(scores.iter().copied().fold(f32::MIN, f32::max));
            let sum: f64 = scores.iter().map(|&s| (f64::from(s) - top).exp()).sum();
            let own = truth.row(row).first().map_or(0.0, |&l| f64::from(scores[l as usize]));
            top + sum.ln() - own
        }
        Task::Multi => {
            let signed = |(label, &s): (usize, &f32)| {
                let s = f64::from(s);
                softplus(if truth.contains(row, label as u32) { -s } else { s })
            };
            scores.iter().enumerate().map(signed).sum()
        }
    };
    rows.map(of).sum()
}
