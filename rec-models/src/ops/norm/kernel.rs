//! A few rows of a norm, forward and backward.
//!
//! With `n = (s − mean) r`, `r = 1 / √(variance + ε)`, and `h = grad ⊙ weight`, layer norm has
//! `ds = r (h − mean(h) − n mean(h ⊙ n))`, `dweight = Σ grad ⊙ n`, `dbias = Σ grad`. The
//! root-mean-square norm is the same without the means of `s` and `h`.

use std::mem::MaybeUninit;
use std::ops::Range;

use super::Kind;
use crate::ops::simd::{Lanes, Task};

/// Rows of `x`, or of `x + residual`.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) x: &'a [f32],
    pub(super) residual: Option<&'a [f32]>,
}

impl<'a> Row<'a> {
    #[inline(always)]
    fn nth(self, i: usize, columns: usize) -> Self {
        let here = i * columns..(i + 1) * columns;
        let residual = self.residual.map(|residual| &residual[here.clone()]);
        Self { x: &self.x[here], residual }
    }

    /// A vector of the sum, 0 in lanes past the end.
    #[inline(always)]
    fn load<S: Lanes>(self, s: S, at: Range<usize>) -> S::V {
        let x = s.load_part(&self.x[at.clone()], 0.0);
        match self.residual {
            Some(residual) => s.add(x, s.load_part(&residual[at], 0.0)),
            None => x,
        }
    }

    /// A vector of `(s − mean) reciprocal`.
    #[inline(always)]
    fn normalised<S: Lanes>(self, s: S, at: Range<usize>, mean: S::V, reciprocal: S::V) -> S::V {
        s.mul(s.sub(self.load(s, at), mean), reciprocal)
    }
}

/// The columns of the vector that begins at `from`; the last of a row may be short.
#[inline(always)]
fn vector<S: Lanes>(_: S, from: usize, columns: usize) -> Range<usize> {
    from..(from + S::WIDTH).min(columns)
}

pub(super) struct Forth<'a> {
    pub(super) kind: Kind,
    pub(super) row: Row<'a>,
    pub(super) weight: &'a [f32],
    pub(super) bias: Option<&'a [f32]>,
    pub(super) epsilon: f32,
    pub(super) y: &'a mut [MaybeUninit<f32>],
    pub(super) means: &'a mut [f32],
    pub(super) reciprocals: &'a mut [f32],
}

impl Task for Forth<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let columns = self.weight.len();
        for (i, y) in self.y.chunks_exact_mut(columns).enumerate() {
            let row = self.row.nth(i, columns);
            let (mean, reciprocal) = statistics(s, self.kind, row, self.epsilon);
            self.means[i] = mean;
            self.reciprocals[i] = reciprocal;
            let (mean, reciprocal) = (s.splat(mean), s.splat(reciprocal));
            for from in (0..columns).step_by(S::WIDTH) {
                let at = vector(s, from, columns);
                let n = row.normalised(s, at.clone(), mean, reciprocal);
                let weight = s.load_part(&self.weight[at.clone()], 0.0);
                let scaled = match self.bias {
                    Some(bias) => s.mul_add(n, weight, s.load_part(&bias[at.clone()], 0.0)),
                    None => s.mul(n, weight),
                };
                s.initialise(scaled, &mut y[at]);
            }
        }
    }
}

/// Mean (0 unless the norm centres) and `1 / √(variance + ε)`. The squares are of what is left
/// when the mean is taken off, so a large mean costs no accuracy.
#[inline(always)]
fn statistics<S: Lanes>(s: S, kind: Kind, row: Row<'_>, epsilon: f32) -> (f32, f32) {
    let columns = row.x.len();
    let count = columns as f32;
    let mean = match kind {
        Kind::Layer => {
            let mut sum = s.splat(0.0);
            for from in (0..columns).step_by(S::WIDTH) {
                let at = vector(s, from, columns);
                sum = s.add(sum, row.load(s, at));
            }
            s.sum(sum) / count
        }
        Kind::RootMeanSquare => 0.0,
    };
    let centre = s.splat(mean);
    let mut squares = s.splat(0.0);
    let whole = columns / S::WIDTH * S::WIDTH;
    for from in (0..whole).step_by(S::WIDTH) {
        let at = vector(s, from, whole);
        let off = s.sub(row.load(s, at), centre);
        squares = s.mul_add(off, off, squares);
    }
    let mut squares = s.sum(squares);
    for i in whole..columns {
        let off = row.x[i] + row.residual.map_or(0.0, |r| r[i]) - mean;
        squares += off * off;
    }
    (mean, 1.0 / (squares / count + epsilon).sqrt())
}

pub(super) struct Back<'a> {
    pub(super) kind: Kind,
    pub(super) row: Row<'a>,
    pub(super) weight: &'a [f32],
    pub(super) grad: &'a [f32],
    /// Empty unless the norm centres.
    pub(super) means: &'a [f32],
    pub(super) reciprocals: &'a [f32],
    pub(super) dx: &'a mut [MaybeUninit<f32>],
    pub(super) dweight: &'a mut [f32],
    pub(super) dbias: &'a mut [f32],
}

impl Task for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let columns = self.weight.len();
        let centres = self.kind == Kind::Layer;
        for (i, dx) in self.dx.chunks_exact_mut(columns).enumerate() {
            let row = self.row.nth(i, columns);
            let grad = &self.grad[i * columns..(i + 1) * columns];
            let mean = s.splat(if centres { self.means[i] } else { 0.0 });
            let reciprocal = s.splat(self.reciprocals[i]);
            let (mut sum, mut dot) = (s.splat(0.0), s.splat(0.0));
            for from in (0..columns).step_by(S::WIDTH) {
                let at = vector(s, from, columns);
                let weight = s.load_part(&self.weight[at.clone()], 0.0);
                let h = s.mul(s.load_part(&grad[at.clone()], 0.0), weight);
                sum = s.add(sum, h);
                // Lanes past the end have a gradient of 0.
                dot = s.mul_add(h, row.normalised(s, at, mean, reciprocal), dot);
            }
            let count = columns as f32;
            let shift = s.splat(if centres { s.sum(sum) / count } else { 0.0 });
            let pull = s.splat(s.sum(dot) / count);
            for from in (0..columns).step_by(S::WIDTH) {
                let at = vector(s, from, columns);
                let n = row.normalised(s, at.clone(), mean, reciprocal);
                let g = s.load_part(&grad[at.clone()], 0.0);
                let h = s.mul(g, s.load_part(&self.weight[at.clone()], 0.0));
                let inner = s.sub(s.sub(h, shift), s.mul(n, pull));
                s.initialise(s.mul(reciprocal, inner), &mut dx[at.clone()]);
                let dweight = s.load_part(&self.dweight[at.clone()], 0.0);
                s.store_part(s.mul_add(g, n, dweight), &mut self.dweight[at.clone()]);
                let dbias = s.load_part(&self.dbias[at.clone()], 0.0);
                s.store_part(s.add(g, dbias), &mut self.dbias[at]);
            }
        }
    }
}
