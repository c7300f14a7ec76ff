//! One step on a window: hidden vectors against outputs, as two small matrix products.
//!
//! With hidden rows `X` (`[n, d]`), output rows `Y` (`[m, d]`) and labels `t`, the step is
//! `E = η (t − σ(X Yᵀ))`, `ΔX = E Y`, `ΔY = Eᵀ X`: `−η` times the gradient of
//! [`rec_core::objective::SkipGram`], all from the values before the step. Sharing the outputs
//! among the hidden rows of a window is what turns vectors' products into matrices' (Ji, Satish,
//! Li and Dubey, "Parallelizing word2vec in shared and distributed memory", 2016).

#![allow(clippy::needless_range_loop, reason = "registers are addressed by row and column")]

use crate::ops::simd::{Lanes, sigmoid_lanes};
use crate::vectors::rows::{Rows, stride};

/// A worker's own copies of the rows of a step, and what will be added to them.
pub(super) struct Scratch {
    pub(super) x: Rows,
    pub(super) y: Rows,
    pub(super) dx: Rows,
    pub(super) dy: Rows,
    errors: Vec<f32>,
    stride: usize,
}

impl Scratch {
    pub(super) fn new(dim: usize) -> Self {
        let empty = || Rows::zeros(0, dim);
        let (x, y, dx, dy) = (empty(), empty(), empty(), empty());
        Self { x, y, dx, dy, errors: Vec::new(), stride: stride(dim) }
    }

    /// Makes room for `n` hidden and `m` output rows.
    pub(super) fn reserve(&mut self, n: usize, m: usize) {
        // Products are made for whole tiles, whose last rows may be of no use.
        for (rows, count) in [(&mut self.x, n), (&mut self.dx, n)] {
            rows.reserve_rows(count);
        }
        for (rows, count) in [(&mut self.y, m), (&mut self.dy, m)] {
            rows.reserve_rows(count);
        }
        let room = (n * m).next_multiple_of(64);
        if self.errors.len() < room {
            self.errors.resize(room, 0.0);
        }
    }

    /// Takes the step for `n` rows of `x` and the rows of `y`, each with a label and a learning rate:
    /// fills `dx`, `dy`.
    #[inline(always)]
    pub(super) fn step<S: Lanes>(&mut self, s: S, n: usize, labels: &[f32], rates: &[f32]) {
        let (m, d) = (labels.len(), self.stride);
        let (x, y) = (&self.x[..n * d], &self.y[..m * d]);
        let errors = &mut self.errors[..(n * m).next_multiple_of(S::WIDTH)];
        products(s, x, y, d, errors);
        for chunk in errors.chunks_exact_mut(S::WIDTH) {
            s.store(sigmoid_lanes(s, s.load(chunk)), chunk);
        }
        for row in errors[..n * m].chunks_exact_mut(m) {
            for ((error, label), rate) in row.iter_mut().zip(labels).zip(rates) {
                *error = rate * (label - *error);
            }
        }
        combine(s, Mix { errors, by_row: m, by_term: 1 }, y, &mut self.dx[..n * d], d);
        combine(s, Mix { errors, by_row: 1, by_term: m }, x, &mut self.dy[..m * d], d);
    }

    /// The length of a row.
    pub(super) fn stride(&self) -> usize {
        self.stride
    }
}

/// `out = X Yᵀ`, row-major `[n, m]`.
#[inline(always)]
fn products<S: Lanes>(s: S, x: &[f32], y: &[f32], d: usize, out: &mut [f32]) {
    let (n, m) = (x.len() / d, y.len() / d);
    let mut i = 0;
    while i < n {
        let rows = (n - i).min(2);
        let mut j = 0;
        while j < m {
            let columns = (m - j).min(3);
            let at = (&x[i * d..], &y[j * d..], d);
            let out = &mut out[i * m + j..];
            match (rows, columns) {
                (2, 3) => product::<S, 2, 3>(s, at, out, m),
                (2, 2) => product::<S, 2, 2>(s, at, out, m),
                (2, _) => product::<S, 2, 1>(s, at, out, m),
                (_, 3) => product::<S, 1, 3>(s, at, out, m),
                (_, 2) => product::<S, 1, 2>(s, at, out, m),
                _ => product::<S, 1, 1>(s, at, out, m),
            }
            j += columns;
        }
        i += rows;
    }
}

#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "rows and columns by number")]
fn product<S: Lanes, const R: usize, const C: usize>(
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
struct Mix<'a> {
    errors: &'a [f32],
    by_row: usize,
    by_term: usize,
}

/// `out[r] = Σ_k mix(r, k) terms[k]`.
#[inline(always)]
fn combine<S: Lanes>(s: S, mix: Mix<'_>, terms: &[f32], out: &mut [f32], d: usize) {
    let n = out.len() / d;
    let mut at = 0;
    while at < d {
        let vectors = ((d - at) / S::WIDTH).min(4);
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
        at += vectors * S::WIDTH;
    }
}

#[derive(Clone, Copy)]
struct Place {
    row: usize,
    at: usize,
    d: usize,
}

#[inline(always)]
#[allow(clippy::needless_range_loop, reason = "rows and columns by number")]
fn sum<S: Lanes, const R: usize, const B: usize>(
    s: S,
    mix: Mix<'_>,
    terms: &[f32],
    out: &mut [f32],
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
    for (r, sums) in sums.iter().enumerate() {
        let to = &mut out[(row + r) * d + at..][..B * S::WIDTH];
        for (b, &sum) in sums.iter().enumerate() {
            // SAFETY: `to` has B vectors.
            unsafe { s.write(sum, to.as_mut_ptr().add(b * S::WIDTH)) };
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use rec_core::objective::{SkipGram, WordFactors};

    use super::*;
    use crate::ops::simd::{Level, Task};

    struct Step<'a>(&'a mut Scratch, usize, &'a [f32], &'a [f32]);

    impl Task for Step<'_> {
        type Output = ();

        #[inline(always)]
        fn run<S: Lanes>(self, s: S) {
            self.0.step(s, self.1, self.2, self.3);
        }
    }

    #[test]
    fn a_step_is_against_the_gradient_of_the_objective() {
        for dim in [1, 3, 16, 100, 257] {
            for (n, m) in [(1, 1), (2, 6), (3, 4), (7, 3), (16, 21)] {
                let value = |at: usize, salt: usize| ((at * 37 + salt) % 23) as f64 / 23.0 - 0.5;
                let at = WordFactors {
                    inputs: Array2::from_shape_fn((n, dim), |(r, c)| value(r * dim + c, 5)),
                    outputs: Array2::from_shape_fn((m, dim), |(r, c)| value(r * dim + c, 11)),
                };
                let context: Vec<u32> = (0..n as u32).collect();
                let negatives: Vec<u32> = (1..m as u32).collect();
                let want = SkipGram::SkipGram.gradient(&at, &context, 0, &negatives);
                for level in Level::all() {
                    let mut scratch = Scratch::new(dim);
                    let flat = |a: &Array2<f64>| a.iter().map(|&v| v as f32).collect::<Vec<_>>();
                    scratch.x = Rows::padded(&flat(&at.inputs), dim);
                    scratch.y = Rows::padded(&flat(&at.outputs), dim);
                    scratch.reserve(n, m);
                    let mut labels = vec![0.0; m];
                    labels[0] = 1.0;
                    level.run(Step(&mut scratch, n, &labels, &vec![0.25; m]));
                    for (got, want) in [(&scratch.dx, &want.inputs), (&scratch.dy, &want.outputs)] {
                        for (got, want) in got.packed().iter().zip(want.iter()) {
                            let want = -0.25 * *want as f32;
                            assert!((got - want).abs() < 2e-5, "{level:?} {got} is not {want}");
                        }
                    }
                }
            }
        }
    }
}
