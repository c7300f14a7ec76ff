//! Products of very few rows, as in decoding a token at a time: dot products that read the columns
//! where they lie, for packing them would cost more than it saves.

use std::ops::Range;

use super::{Address, Finish, Matrix};
use crate::ops::simd::{Lanes, Task};

/// So many rows are few.
pub(super) const ROWS: usize = 8;
/// Columns whose sums are in registers at a time.
const COLUMNS: usize = 4;

/// Whether this form computes `a b`: rows and columns must lie in one piece each.
pub(super) fn suits(a: Matrix<'_>, b: Matrix<'_>) -> bool {
    a.shape[0] <= ROWS && a.strides[1] == 1 && b.strides[0] == 1 && b.strides[1] == b.shape[0]
}

pub(super) struct Thin<'a, F> {
    pub(super) a: Matrix<'a>,
    pub(super) b: Matrix<'a>,
    pub(super) columns: Range<usize>,
    /// The number each column's sums begin with.
    pub(super) start: &'a [f32],
    pub(super) sums: Address,
    pub(super) last: Address,
    pub(super) finish: F,
}

impl<F: Finish> Task for Thin<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let (m, n) = (self.a.shape[0], self.b.shape[1]);
        let group = if S::TILE_ROWS < 12 { 2 } else { 4 };
        let whole = self.columns.start + self.columns.len() / COLUMNS * COLUMNS;
        for from in (self.columns.start..whole).step_by(COLUMNS) {
            for row in (0..m).step_by(group) {
                self.rows::<S, COLUMNS>(s, row..(row + group).min(m), from);
            }
        }
        for from in whole..self.columns.end {
            for row in (0..m).step_by(group) {
                self.rows::<S, 1>(s, row..(row + group).min(m), from);
            }
        }
        if !self.finish.is_identity() {
            for row in 0..m {
                let at = row * n + self.columns.start;
                // SAFETY: this task's columns of the row, written above.
                unsafe {
                    let (from, to) = (self.sums.0.add(at), self.last.0.add(at));
                    self.finish.finish(s, from, to, self.columns.len());
                }
            }
        }
    }
}

impl<F: Finish> Thin<'_, F> {
    #[inline(always)]
    fn rows<S: Lanes, const C: usize>(&self, s: S, rows: Range<usize>, column: usize) {
        match rows.len() {
            4 => self.dots::<S, 4, C>(s, rows.start, column),
            3 => self.dots::<S, 3, C>(s, rows.start, column),
            2 => self.dots::<S, 2, C>(s, rows.start, column),
            _ => self.dots::<S, 1, C>(s, rows.start, column),
        }
    }

    /// `R` rows by `C` columns.
    #[inline(always)]
    fn dots<S: Lanes, const R: usize, const C: usize>(&self, s: S, row: usize, column: usize) {
        let (k, n) = (self.a.shape[1], self.b.shape[1]);
        let rows: [&[f32]; R] =
            std::array::from_fn(|r| &self.a.data[(row + r) * self.a.strides[0]..][..k]);
        let columns: [&[f32]; C] = std::array::from_fn(|c| &self.b.data[(column + c) * k..][..k]);
        let mut sums = [[s.splat(0.0); C]; R];
        for from in (0..k).step_by(S::WIDTH) {
            let here = from..(from + S::WIDTH).min(k);
            let mut vectors = [s.splat(0.0); C];
            for (vector, column) in vectors.iter_mut().zip(columns) {
                *vector = s.load_part(&column[here.clone()], 0.0);
            }
            for (row, sums) in rows.iter().zip(&mut sums) {
                let x = s.load_part(&row[here.clone()], 0.0);
                for (sum, vector) in sums.iter_mut().zip(vectors) {
                    *sum = s.mul_add(x, vector, *sum);
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (c, sum) in sums.into_iter().enumerate() {
                let value = s.sum(sum) + self.start[column + c];
                // SAFETY: row and column are in the product, and this task's own.
                unsafe { *self.sums.0.add((row + r) * n + column + c) = value };
            }
        }
    }
}
