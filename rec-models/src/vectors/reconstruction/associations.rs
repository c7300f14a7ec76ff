//! The weights that rebuild words.

use faer::linalg::solvers::Solve;
use faer::{Mat, Side};
use rayon::prelude::*;

use super::subspace::Subspace;
use crate::vectors::Cooccurrences;
use crate::{Error, Result};

/// A sparse matrix of weights beside what the counts say of them.
pub(super) struct Associations {
    /// `[words + 1]`.
    starts: Vec<usize>,
    contexts: Vec<u32>,
    weights: Vec<f64>,
    prior: Vec<f64>,
    /// Where each word is a context: the word it rebuilds, and the weight's place.
    used: Vec<Vec<(u32, u32)>>,
}

impl Associations {
    /// The contexts of most `X PMI` of each word, with their positive PMI as shares.
    pub(super) fn of(counts: &Cooccurrences, neighbours: usize) -> Self {
        let n = counts.vocab().len();
        let mut rows: Vec<Vec<(u32, f64)>> = vec![Vec::new(); n];
        for (word, context, count) in counts.iter() {
            if word != context {
                rows[word as usize].push((context, f64::from(count)));
                rows[context as usize].push((word, f64::from(count)));
            }
        }
        let sums: Vec<f64> = rows.iter().map(|row| row.iter().map(|pair| pair.1).sum()).collect();
        let smoothed: f64 = sums.iter().map(|sum| sum.powf(0.75)).sum();
        rows.par_iter_mut().zip(&sums).for_each(|(row, sum)| {
            let pmi = |&(context, count): &(u32, f64)| {
                let share = sums[context as usize].powf(0.75) / smoothed;
                (context, count, (count / sum / share).ln())
            };
            let mut best: Vec<(u32, f64, f64)> =
                row.iter().map(pmi).filter(|&(_, _, pmi)| pmi > 0.0).collect();
            best.sort_by(|a, b| (b.1 * b.2).total_cmp(&(a.1 * a.2)).then(a.0.cmp(&b.0)));
            best.truncate(neighbours);
            best.sort_by_key(|&(context, ..)| context);
            let total: f64 = best.iter().map(|&(_, _, pmi)| pmi).sum();
            *row = best.into_iter().map(|(context, _, pmi)| (context, pmi / total)).collect();
        });
        Self::from_rows(rows)
    }

    pub(super) fn from_rows(rows: Vec<Vec<(u32, f64)>>) -> Self {
        let mut used = vec![Vec::new(); rows.len()];
        let (mut starts, mut contexts, mut prior) = (vec![0], Vec::new(), Vec::new());
        for (word, row) in rows.into_iter().enumerate() {
            for (context, share) in row {
                used[context as usize].push((word as u32, contexts.len() as u32));
                contexts.push(context);
                prior.push(share);
            }
            starts.push(contexts.len());
        }
        Self { starts, contexts, weights: prior.clone(), prior, used }
    }

    pub(super) fn len(&self) -> usize {
        self.used.len()
    }

    /// A word's contexts, their weights, and what the counts say.
    pub(super) fn row(&self, word: usize) -> impl Iterator<Item = (u32, f64, f64)> + '_ {
        let range = self.starts[word]..self.starts[word + 1];
        range.map(|at| (self.contexts[at], self.weights[at], self.prior[at]))
    }

    /// `Σ (w − p)²`.
    pub(super) fn distance(&self) -> f64 {
        self.weights.iter().zip(&self.prior).map(|(w, p)| (w - p).powi(2)).sum()
    }

    /// `out = (I − W)ᵀ (I − W) x`, by way of `residual = (I − W) x`.
    pub(super) fn apply(&self, x: &[f64], residual: &mut [f64], out: &mut [f64]) {
        for (word, residual) in residual.iter_mut().enumerate() {
            let rebuilt: f64 = self.row(word).map(|(context, w, _)| w * x[context as usize]).sum();
            *residual = x[word] - rebuilt;
        }
        for (context, out) in out.iter_mut().enumerate() {
            let used = self.used[context].iter();
            let back: f64 =
                used.map(|&(word, at)| self.weights[at as usize] * residual[word as usize]).sum();
            *out = residual[context] - back;
        }
    }

    /// The weights that are best for the vectors: for each word the solution of
    /// `(N Nᵀ + λ I) w = N v + λ p`, with its contexts' vectors as the rows of `N`.
    pub(super) fn solve(&mut self, space: &Subspace, l2: f64) -> Result<()> {
        let rows = space.rows();
        let dim = space.dim();
        let solved: Result<Vec<Vec<f64>>> = (0..self.len())
            .into_par_iter()
            .map(|word| {
                let contexts: Vec<(u32, f64)> =
                    self.row(word).map(|(context, _, p)| (context, p)).collect();
                let of = |word: usize| &rows[word * dim..][..dim];
                ridge(of(word), &contexts, of, l2)
            })
            .collect();
        self.weights = solved?.concat();
        Ok(())
    }
}

fn ridge<'a>(
    target: &[f64],
    contexts: &[(u32, f64)],
    of: impl Fn(usize) -> &'a [f64],
    l2: f64,
) -> Result<Vec<f64>> {
    let n = contexts.len();
    if n == 0 {
        return Ok(Vec::new());
    }
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    let vectors: Vec<&[f64]> = contexts.iter().map(|&(context, _)| of(context as usize)).collect();
    let products = Mat::from_fn(n, n, |r, c| match r >= c {
        true => dot(vectors[r], vectors[c]) + if r == c { l2 } else { 0.0 },
        false => 0.0,
    });
    let wanted = Mat::from_fn(n, 1, |r, _| dot(vectors[r], target) + l2 * contexts[r].1);
    let llt = products.llt(Side::Lower).map_err(|_| {
        Error::data("the equations of the weights", "they are singular; choose a larger l2")
    })?;
    let solved = llt.solve(&wanted);
    Ok((0..n).map(|r| solved[(r, 0)]).collect())
}
