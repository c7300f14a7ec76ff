//! Small matrix products, in registers.

#![allow(clippy::needless_range_loop, reason = "registers are addressed by row and column")]

use super::blocks;
use crate::ops::simd::Lanes;
use crate::vectors::rows::Cells;

/// `out = X Yᵀ`, in rows of length `stride`.
#[inline(always)]
pub(super) fn products<S: Lanes>(
    s: S,
    x: &[f32],
    y: &[f32],
    d: usize,
    out: &mut [f32],
    stride: usize,
) {
    let (n, m) = (x.len() / d, y.len() / d);
    let mut i = 0;
    while i < n {
        let rows = (n - i).min(2);
        let mut j = 0;
        while j < m {
            let columns = (m - j).min(3);
            let at = (&x[i * d..], &y[j * d..], d);
            let out = &mut out[i * stride + j..];
            match (rows, columns) {
                (2, 3) => product::<S, 2, 3>(s, at, out, stride),
                (2, 2) => product::<S, 2, 2>(s, at, out, stride),
                (2, _) => product::<S, 2, 1>(s, at, out, stride),
                (_, 3) => product::<S, 1, 3>(s, at, out, stride),
                (_, 2) => product::<S, 1, 2>(s, at, out, stride),
                _ => product::<S, 1, 1>(s, at, out, stride),
            }
            j += columns;
        }
        i += rows;
    }
}

#[inline(always)]
pub(super) fn product<S: Lanes, const R: usize, const C: usize>(
    s: S,
    (x, y, d): (&[f32], &[f32], usize),
    out: &mut [f32],
    m: usize,
) {
    let (x, y) = (&x[..R * d], &y[..C * d]);
    let mut sums = [[s.splat(0.0); C]; R];
    let mut at = 0;
    while at + S::WIDTH <= d {
        let mut columns = [s.splat(0.0); C];
        for (c, column) in columns.iter_mut().enumerate() {
            // SAFETY: `at + WIDTH ≤ d`, and `y` has C rows of `d`.
            *column = unsafe { s.read(y.as_ptr().add(c * d + at)) };
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: `at + WIDTH ≤ d`, and `x` has R rows of `d`.
            let row = unsafe { s.read(x.as_ptr().add(r * d + at)) };
            for c in 0..C {
                sums[c] = s.mul_add(row, columns[c], sums[c]);
            }
        }
        at += S::WIDTH;
    }
    for r in 0..R {
        for c in 0..C {
            out[r * m + c] = s.sum(sums[r][c]);
        }
    }
}

/// Coefficients: that of term `k` in row `r` is `errors[r · by_row + k · by_term]`.
#[derive(Clone, Copy)]
pub(super) struct Mix<'a> {
    pub(super) errors: &'a [f32],
    pub(super) by_row: usize,
    pub(super) by_term: usize,
}

/// Adds `Σ_k mix(r, k) terms[k]` to row `r`.
#[inline(always)]
pub(super) fn combine<S: Lanes>(s: S, mix: Mix<'_>, terms: &[f32], out: &[Cells<'_>], d: usize) {
    let n = out.len();
    for (at, vectors) in blocks::<S>(d) {
        let mut row = 0;
        while row < n {
            let rows = (n - row).min(2);
            let place = Place { row, at, d };
            match (rows, vectors) {
                (2, 4) => sum::<S, 2, 4>(s, mix, terms, out, place),
                (2, 3) => sum::<S, 2, 3>(s, mix, terms, out, place),
                (2, 2) => sum::<S, 2, 2>(s, mix, terms, out, place),
                (2, _) => sum::<S, 2, 1>(s, mix, terms, out, place),
                (_, 4) => sum::<S, 1, 4>(s, mix, terms, out, place),
                (_, 3) => sum::<S, 1, 3>(s, mix, terms, out, place),
                (_, 2) => sum::<S, 1, 2>(s, mix, terms, out, place),
                _ => sum::<S, 1, 1>(s, mix, terms, out, place),
            }
            row += rows;
        }
    }
}

#[derive(Clone, Copy)]
struct Place {
    row: usize,
    at: usize,
    d: usize,
}

#[inline(always)]
fn sum<S: Lanes, const R: usize, const B: usize>(
    s: S,
    mix: Mix<'_>,
    terms: &[f32],
    out: &[Cells<'_>],
    Place { row, at, d }: Place,
) {
    let mut sums = [[s.splat(0.0); B]; R];
    let coefficients = &mix.errors[row * mix.by_row..];
    for k in 0..terms.len() / d {
        let term = &terms[k * d + at..][..B * S::WIDTH];
        let mut parts = [s.splat(0.0); B];
        for (b, part) in parts.iter_mut().enumerate() {
            // SAFETY: `term` has B vectors.
            *part = unsafe { s.read(term.as_ptr().add(b * S::WIDTH)) };
        }
        for r in 0..R {
            let factor = s.splat(coefficients[r * mix.by_row + k * mix.by_term]);
            for b in 0..B {
                sums[r][b] = s.mul_add(factor, parts[b], sums[r][b]);
            }
        }
    }
    let out = &out[row..row + R];
    for r in 0..R {
        out[r].add_at(s, at, sums[r]);
    }
}
