//! Rows of the tables added up, multiplied by a vector, and moved, where they lie.

#![allow(clippy::needless_range_loop, reason = "registers are addressed by number")]

use super::{Sum, blocks};
use crate::ops::simd::Lanes;
use crate::vectors::rows::Cells;

/// `x = weight Σ rows`.
#[inline(always)]
pub(super) fn add_up<S: Lanes>(s: S, hidden: Sum<'_>, x: &mut [f32]) {
    let weight = s.splat(hidden.weight);
    for (at, vectors) in blocks::<S>(x.len()) {
        match vectors {
            4 => add_block::<S, 4>(s, hidden.rows, weight, x, at),
            3 => add_block::<S, 3>(s, hidden.rows, weight, x, at),
            2 => add_block::<S, 2>(s, hidden.rows, weight, x, at),
            _ => add_block::<S, 1>(s, hidden.rows, weight, x, at),
        }
    }
}

/// `x = weight Σ rows`, in the vectors from `at` on.
#[inline(always)]
fn add_block<S: Lanes, const B: usize>(
    s: S,
    rows: &[Cells<'_>],
    weight: S::V,
    x: &mut [f32],
    at: usize,
) {
    let mut sums = [s.splat(0.0); B];
    for row in rows {
        let terms = row.load::<S, B>(s, at);
        for b in 0..B {
            sums[b] = s.add(sums[b], terms[b]);
        }
    }
    let to = &mut x[at..][..B * S::WIDTH];
    for b in 0..B {
        s.store(s.mul(sums[b], weight), &mut to[b * S::WIDTH..]);
    }
}

/// `⟨x, row⟩` of all rows.
#[inline(always)]
pub(super) fn all_dots<S: Lanes>(s: S, x: &[f32], rows: &[Cells<'_>], out: &mut [f32]) {
    let mut at = 0;
    while at < rows.len() {
        let rows = &rows[at..];
        match rows.len() {
            1 => dots::<S, 1>(s, x, rows, &mut out[at..]),
            2 => dots::<S, 2>(s, x, rows, &mut out[at..]),
            _ => dots::<S, 3>(s, x, rows, &mut out[at..]),
        }
        at += rows.len().min(3);
    }
}

/// `⟨x, row⟩` of the first `C` rows.
#[inline(always)]
fn dots<S: Lanes, const C: usize>(s: S, x: &[f32], rows: &[Cells<'_>], out: &mut [f32]) {
    let rows = &rows[..C];
    let mut sums = [s.splat(0.0); C];
    for at in (0..x.len()).step_by(S::WIDTH) {
        let x = s.load(&x[at..]);
        for c in 0..C {
            let [y] = rows[c].load::<S, 1>(s, at);
            sums[c] = s.mul_add(x, y, sums[c]);
        }
    }
    for c in 0..C {
        out[c] = s.sum(sums[c]);
    }
}

/// Adds its step to each row, in the vectors from `at` on.
#[inline(always)]
pub(super) fn spread<S: Lanes, const B: usize>(
    s: S,
    hidden: Sum<'_>,
    outputs: &[Cells<'_>],
    errors: &[f32],
    x: &[f32],
    at: usize,
) {
    let mut dx = move_outputs::<S, B>(s, outputs, errors, x, at);
    for b in 0..B {
        dx[b] = s.mul(dx[b], s.splat(hidden.share));
    }
    for row in hidden.rows {
        row.add_at(s, at, dx);
    }
}

/// Adds the step of the outputs to them, and that of `x` to it and to `moved`.
#[inline(always)]
pub(super) fn move_both<S: Lanes, const B: usize>(
    s: S,
    outputs: &[Cells<'_>],
    errors: &[f32],
    x: &mut [f32],
    moved: &mut [f32],
    at: usize,
) {
    let dx = move_outputs::<S, B>(s, outputs, errors, x, at);
    for row in [x, moved] {
        let row = &mut row[at..][..B * S::WIDTH];
        for b in 0..B {
            let row = &mut row[b * S::WIDTH..];
            s.store(s.add(s.load(row), dx[b]), row);
        }
    }
}

/// Adds the step of `x` to its row, and theirs to the copies `y` of outputs.
#[inline(always)]
pub(super) fn move_copies<S: Lanes, const B: usize>(
    s: S,
    row: Cells<'_>,
    errors: &[f32],
    x: &[f32],
    y: &mut [f32],
    at: usize,
) {
    let from = &x[at..][..B * S::WIDTH];
    let (mut xs, mut dx) = ([s.splat(0.0); B], [s.splat(0.0); B]);
    for b in 0..B {
        xs[b] = s.load(&from[b * S::WIDTH..]);
    }
    for (y, &error) in y.chunks_exact_mut(x.len()).zip(errors) {
        let (y, error) = (&mut y[at..][..B * S::WIDTH], s.splat(error));
        for b in 0..B {
            let y = &mut y[b * S::WIDTH..];
            let before = s.load(y);
            dx[b] = s.mul_add(error, before, dx[b]);
            s.store(s.mul_add(error, xs[b], before), y);
        }
    }
    row.add_at(s, at, dx);
}

/// Adds its step to each output, and gives that of `x`.
#[inline(always)]
fn move_outputs<S: Lanes, const B: usize>(
    s: S,
    outputs: &[Cells<'_>],
    errors: &[f32],
    x: &[f32],
    at: usize,
) -> [S::V; B] {
    let errors = &errors[..outputs.len()];
    let from = &x[at..][..B * S::WIDTH];
    let (mut x, mut dx) = ([s.splat(0.0); B], [s.splat(0.0); B]);
    for b in 0..B {
        x[b] = s.load(&from[b * S::WIDTH..]);
    }
    for (row, &error) in outputs.iter().zip(errors) {
        let (y, error) = (row.load::<S, B>(s, at), s.splat(error));
        for b in 0..B {
            dx[b] = s.mul_add(error, y[b], dx[b]);
        }
    }
    // Only now, for an output may stand there twice.
    for (row, &error) in outputs.iter().zip(errors) {
        let (mut y, error) = (row.load::<S, B>(s, at), s.splat(error));
        for b in 0..B {
            y[b] = s.mul_add(error, x[b], y[b]);
        }
        row.store(s, at, y);
    }
    dx
}

/// One of the windows that share negatives, to be moved, and its target.
pub(super) struct Pull<'a> {
    pub(super) hidden: Sum<'a>,
    pub(super) target: Cells<'a>,
    pub(super) errors: &'a [f32],
    pub(super) x: &'a [f32],
    pub(super) y: &'a [f32],
    pub(super) own: &'a [f32],
}

impl Pull<'_> {
    /// Moves the vectors from `at` on.
    #[inline(always)]
    pub(super) fn at<S: Lanes, const B: usize>(&self, s: S, at: usize) {
        let d = self.own.len();
        let (x, own) = (&self.x[at..][..B * S::WIDTH], &self.own[at..][..B * S::WIDTH]);
        let k = self.errors.len() - 1;
        let error = s.splat(self.errors[k]);
        let (mut dx, mut dt) = ([s.splat(0.0); B], [s.splat(0.0); B]);
        for b in 0..B {
            dx[b] = s.mul(error, s.load(&own[b * S::WIDTH..]));
            dt[b] = s.mul(error, s.load(&x[b * S::WIDTH..]));
        }
        self.target.add_at(s, at, dt);
        for (y, &error) in self.y.chunks_exact(d).zip(&self.errors[..k]) {
            let (y, error) = (&y[at..][..B * S::WIDTH], s.splat(error));
            for b in 0..B {
                dx[b] = s.mul_add(error, s.load(&y[b * S::WIDTH..]), dx[b]);
            }
        }
        let share = s.splat(self.hidden.share);
        for b in 0..B {
            dx[b] = s.mul(dx[b], share);
        }
        for row in self.hidden.rows {
            row.add_at(s, at, dx);
        }
    }
}
