//! Tables of vectors that workers share without locks.

use std::hint::select_unpredictable;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::AtomicU32;

use crate::ops::simd::Lanes;

/// Numbers in a cache line.
const LINE: usize = 16;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

/// A table of rows padded with zeros to whole cache lines, each on lines of its own.
#[derive(Clone)]
pub(super) struct Rows {
    lines: Vec<Line>,
    dim: usize,
}

/// The length of a padded row.
pub(super) fn stride(dim: usize) -> usize {
    dim.next_multiple_of(LINE)
}

impl Rows {
    pub(super) fn zeros(rows: usize, dim: usize) -> Self {
        Self { lines: vec![Line([0.0; LINE]); rows * stride(dim) / LINE], dim }
    }

    /// Rows of `dim` numbers, padded.
    pub(super) fn padded(values: &[f32], dim: usize) -> Self {
        let mut rows = Self::zeros(values.len() / dim, dim);
        for (to, from) in rows.chunks_exact_mut(stride(dim)).zip(values.chunks_exact(dim)) {
            to[..dim].copy_from_slice(from);
        }
        rows
    }

    /// The rows without their padding.
    pub(super) fn packed(&self) -> Vec<f32> {
        let rows = self.chunks_exact(stride(self.dim));
        rows.flat_map(|row| &row[..self.dim]).copied().collect()
    }

    /// Grows to at least so many rows.
    pub(super) fn reserve_rows(&mut self, rows: usize) {
        let lines = rows * stride(self.dim) / LINE;
        if self.lines.len() < lines {
            self.lines.resize(lines, Line([0.0; LINE]));
        }
    }

    /// Shares the table for as long as it is borrowed.
    pub(super) fn share(&mut self) -> Shared<'_> {
        let stride = stride(self.dim);
        let values: &mut [f32] = self;
        let (data, len) = (values.as_mut_ptr().cast::<AtomicU32>(), values.len());
        // SAFETY: `AtomicU32` has the size and alignment of `f32`, every bit pattern is valid for
        // both, and the exclusive borrow of the table lasts as long as the shared one of the
        // atomics, so that nothing reads or writes the values except through them.
        let values = unsafe { std::slice::from_raw_parts(data, len) };
        Shared { values, stride }
    }
}

impl Deref for Rows {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: a `Line` is 16 numbers and nothing else.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.lines.len() * LINE) }
    }
}

impl DerefMut for Rows {
    fn deref_mut(&mut self) -> &mut [f32] {
        let len = self.lines.len() * LINE;
        // SAFETY: as in `deref`, and the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), len) }
    }
}

/// A table that many threads read and write without locks: every access is a relaxed atomic one, so
/// a race gives a stale number, never undefined behaviour (Recht, Ré, Wright and Niu, "Hogwild!",
/// NIPS 2011).
#[derive(Clone, Copy)]
pub(super) struct Shared<'a> {
    values: &'a [AtomicU32],
    stride: usize,
}

impl<'a> Shared<'a> {
    /// A row.
    #[inline(always)]
    pub(super) fn row(&self, row: u32) -> Cells<'a> {
        Cells(&self.values[row as usize * self.stride..][..self.stride])
    }

    /// A row of this table or of another of the same length, without a branch that the processor would
    /// guess at.
    #[inline(always)]
    pub(super) fn row_of_either(&self, other: &Self, (row, is_other): (u32, bool)) -> Cells<'a> {
        let values = select_unpredictable(is_other, other.values, self.values);
        Cells(&values[row as usize * self.stride..][..self.stride])
    }
}

/// A row of a shared table, of the padded length.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a>(&'a [AtomicU32]);

impl Cells<'_> {
    /// Asks for the row to be in the cache soon, to be written to.
    #[inline(always)]
    pub(super) fn prefetch(self) {
        #[cfg(target_arch = "x86_64")]
        for at in (0..self.0.len()).step_by(LINE) {
            // SAFETY: a prefetch reads nothing; processors that know no `prefetchw` take it as nothing
            // to do.
            unsafe {
                std::arch::asm!(
                    "prefetchw [{}]", in(reg) self.0[at..].as_ptr(),
                    options(nostack, preserves_flags, readonly),
                );
            }
        }
    }

    /// The `B` vectors from `at` on.
    #[inline(always)]
    pub(super) fn load<S: Lanes, const B: usize>(self, s: S, at: usize) -> [S::V; B] {
        let from = &self.0[at..][..B * S::WIDTH];
        let mut out = [s.splat(0.0); B];
        for (b, out) in out.iter_mut().enumerate() {
            // SAFETY: the slice has B vectors.
            *out = unsafe { s.read_shared(from.as_ptr().add(b * S::WIDTH)) };
        }
        out
    }

    /// Writes `B` vectors from `at` on.
    #[inline(always)]
    pub(super) fn store<S: Lanes, const B: usize>(self, s: S, at: usize, values: [S::V; B]) {
        let to = &self.0[at..][..B * S::WIDTH];
        for (b, &value) in values.iter().enumerate() {
            // SAFETY: the slice has B vectors.
            unsafe { s.write_shared(value, to.as_ptr().add(b * S::WIDTH)) };
        }
    }

    /// Adds to the `B` vectors from `at` on. An addition of another thread to the same numbers at the
    /// same moment may be lost.
    #[inline(always)]
    pub(super) fn add_at<S: Lanes, const B: usize>(self, s: S, at: usize, by: [S::V; B]) {
        let mut sums = self.load::<S, B>(s, at);
        for b in 0..B {
            sums[b] = s.add(sums[b], by[b]);
        }
        self.store(s, at, sums);
    }

    /// Copies the row to `to`.
    #[inline(always)]
    pub(super) fn read<S: Lanes>(self, s: S, to: &mut [f32]) {
        let to = &mut to[..self.0.len()];
        for at in (0..to.len()).step_by(S::WIDTH) {
            let [v] = self.load::<S, 1>(s, at);
            s.store(v, &mut to[at..]);
        }
    }

    /// Adds `by` to the row, as [`Cells::add_at`].
    #[inline(always)]
    pub(super) fn add<S: Lanes>(self, s: S, by: &[f32]) {
        let by = &by[..self.0.len()];
        for at in (0..by.len()).step_by(S::WIDTH) {
            self.add_at(s, at, [s.load(&by[at..])]);
        }
    }

    /// Adds `after − before` to the row, as [`Cells::add_at`].
    #[inline(always)]
    pub(super) fn add_difference<S: Lanes>(self, s: S, after: &[f32], before: &[f32]) {
        let (after, before) = (&after[..self.0.len()], &before[..self.0.len()]);
        for at in (0..after.len()).step_by(S::WIDTH) {
            self.add_at(s, at, [s.sub(s.load(&after[at..]), s.load(&before[at..]))]);
        }
    }

    /// Adds to this row what a copy of it was changed by since both were `merged`, and gives the sum to
    /// the copy.
    #[inline(always)]
    pub(super) fn merge<S: Lanes>(self, s: S, copy: Self, merged: Self) {
        for at in (0..self.0.len()).step_by(S::WIDTH) {
            let ([ours], [before]) = (copy.load::<S, 1>(s, at), merged.load::<S, 1>(s, at));
            let [theirs] = self.load::<S, 1>(s, at);
            let sum = s.add(theirs, s.sub(ours, before));
            for row in [self, copy, merged] {
                row.store(s, at, [sum]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::simd::{Level, Task};

    /// Adds to row 1, merges row 0 with row 2 as its copy, and gives row 1.
    struct Add<'a>(Shared<'a>, &'a [f32]);

    impl Task for Add<'_> {
        type Output = Vec<f32>;

        #[inline(always)]
        fn run<S: Lanes>(self, s: S) -> Vec<f32> {
            let Self(shared, by) = self;
            let row = shared.row(1);
            row.prefetch();
            row.add(s, by);
            row.add_at(s, 0, [s.load(by)]);
            let mut out = vec![9.0; by.len()];
            row.read(s, &mut out);
            shared.row(0).merge(s, shared.row(2), shared.row(3));
            out
        }
    }

    #[test]
    fn rows_are_read_and_added_to_on_every_level() {
        for level in Level::all() {
            for dim in [1, 3, 16, 100, 257] {
                let values: Vec<f32> = (0..4 * dim).map(|x| x as f32).collect();
                let mut rows = Rows::padded(&values, dim);
                assert_eq!(rows.as_ptr().align_offset(64), 0);
                let width = match level {
                    Level::Portable(_) => 8,
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx2(_) => 8,
                    #[cfg(target_arch = "x86_64")]
                    Level::Avx512(_) => 16,
                };
                let row = level.run(Add(rows.share(), &vec![0.5; stride(dim)]));
                for (at, &x) in row.iter().enumerate() {
                    let before = if at < dim { values[dim + at] } else { 0.0 };
                    assert_eq!(x, before + if at < width { 1.0 } else { 0.5 });
                }
                let packed = rows.packed();
                assert_eq!(packed[dim..2 * dim], row[..dim]);
                // x + (2 dim + x) − (3 dim + x), for the row and both copies.
                for row in [0, 2, 3] {
                    for at in 0..dim {
                        assert_eq!(packed[row * dim + at], at as f32 - dim as f32);
                    }
                }
            }
        }
    }
}
