//! Tables of vectors that workers share without locks.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};

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
        Shared { values, stride, wide: wide() }
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
    /// Whether the processor has AVX.
    wide: bool,
}

fn wide() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

impl<'a> Shared<'a> {
    #[inline(always)]
    fn row(&self, row: u32) -> &'a [AtomicU32] {
        &self.values[row as usize * self.stride..][..self.stride]
    }

    /// Asks for a row to be in the cache soon.
    #[inline(always)]
    pub(super) fn prefetch(&self, row: u32) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            let row = self.row(row);
            for at in (0..row.len()).step_by(LINE) {
                // SAFETY: a prefetch reads nothing, and SSE is part of x86-64.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(&row[at]).cast()) };
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = row;
    }

    /// Copies a row to `to`, of the padded length.
    #[inline(always)]
    pub(super) fn read(&self, row: u32, to: &mut [f32]) {
        let from = self.row(row);
        let to = &mut to[..from.len()];
        #[cfg(target_arch = "x86_64")]
        if self.wide {
            // SAFETY: both have the same length, a multiple of 16, and AVX was detected.
            return unsafe { avx::read(from.as_ptr(), to.as_mut_ptr(), from.len()) };
        }
        for (to, from) in to.iter_mut().zip(from) {
            *to = f32::from_bits(from.load(Ordering::Relaxed));
        }
    }

    /// Adds a row to `to`, of the padded length.
    #[inline(always)]
    pub(super) fn add_to(&self, row: u32, to: &mut [f32]) {
        let from = self.row(row);
        let to = &mut to[..from.len()];
        #[cfg(target_arch = "x86_64")]
        if self.wide {
            // SAFETY: both have the same length, a multiple of 16, and AVX was detected; `to` is
            // borrowed exclusively, and its numbers are laid out as the cells are.
            return unsafe { avx::add(to.as_mut_ptr().cast(), from.as_ptr().cast(), to.len()) };
        }
        for (to, from) in to.iter_mut().zip(from) {
            *to += f32::from_bits(from.load(Ordering::Relaxed));
        }
    }

    /// Adds `by`, of the padded length, to a row. An addition of another thread to the same numbers
    /// at the same moment may be lost.
    #[inline(always)]
    pub(super) fn add(&self, row: u32, by: &[f32]) {
        let to = self.row(row);
        let by = &by[..to.len()];
        #[cfg(target_arch = "x86_64")]
        if self.wide {
            // SAFETY: both have the same length, a multiple of 16, and AVX was detected.
            return unsafe { avx::add(to.as_ptr(), by.as_ptr(), to.len()) };
        }
        for (to, by) in to.iter().zip(by) {
            let sum = f32::from_bits(to.load(Ordering::Relaxed)) + by;
            to.store(sum.to_bits(), Ordering::Relaxed);
        }
    }
}

/// Relaxed atomic loads and stores of eight neighbouring numbers in one instruction.
///
/// Rust has no such operation, and a plain load would race with other workers' stores, which is
/// undefined behaviour. Code in `asm!` is outside the language's memory model and may do what the
/// processor does: an access to aligned 32-bit lanes never sees half a lane, which is eight relaxed
/// accesses.
#[cfg(target_arch = "x86_64")]
mod avx {
    use std::arch::asm;
    use std::sync::atomic::AtomicU32;

    /// # Safety
    /// `len`, a positive multiple of 16, must be the length of both; AVX must be there.
    #[inline(always)]
    pub(super) unsafe fn read(from: *const AtomicU32, to: *mut f32, len: usize) {
        // SAFETY: the caller's promise; the loop touches those numbers and nothing else.
        unsafe {
            asm!(
                "2:",
                "vmovups ymm0, ymmword ptr [{from} + 4*{at}]",
                "vmovups ymm1, ymmword ptr [{from} + 4*{at} + 32]",
                "vmovups ymmword ptr [{to} + 4*{at}], ymm0",
                "vmovups ymmword ptr [{to} + 4*{at} + 32], ymm1",
                "add {at}, 16",
                "cmp {at}, {len}",
                "jb 2b",
                from = in(reg) from, to = in(reg) to, len = in(reg) len,
                at = inout(reg) 0usize => _, out("xmm0") _, out("xmm1") _,
                options(nostack),
            );
        }
    }

    /// Adds `by` to `to`: one of them a row, the other a worker's own.
    ///
    /// # Safety
    /// As [`read`]; the cells of `to` are atomics, and so writable through a shared reference, or the
    /// worker's own.
    #[inline(always)]
    pub(super) unsafe fn add(to: *const AtomicU32, by: *const f32, len: usize) {
        // SAFETY: the caller's promise; the loop touches those numbers and nothing else.
        unsafe {
            asm!(
                "2:",
                "vmovups ymm0, ymmword ptr [{by} + 4*{at}]",
                "vmovups ymm1, ymmword ptr [{by} + 4*{at} + 32]",
                "vaddps ymm0, ymm0, ymmword ptr [{to} + 4*{at}]",
                "vaddps ymm1, ymm1, ymmword ptr [{to} + 4*{at} + 32]",
                "vmovups ymmword ptr [{to} + 4*{at}], ymm0",
                "vmovups ymmword ptr [{to} + 4*{at} + 32], ymm1",
                "add {at}, 16",
                "cmp {at}, {len}",
                "jb 2b",
                by = in(reg) by, to = in(reg) to, len = in(reg) len,
                at = inout(reg) 0usize => _, out("xmm0") _, out("xmm1") _,
                options(nostack),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_and_added_to_alike_in_both_forms() {
        for dim in [1, 3, 16, 100, 257] {
            let values: Vec<f32> = (0..3 * dim).map(|x| x as f32).collect();
            let by = vec![0.5; stride(dim)];
            for is_wide in [false, wide()] {
                let mut rows = Rows::padded(&values, dim);
                assert_eq!(rows.as_ptr().align_offset(64), 0);
                let mut shared = rows.share();
                shared.wide = is_wide;
                shared.prefetch(1);
                shared.add(1, &by);
                let mut row = vec![9.0; stride(dim)];
                shared.read(1, &mut row);
                shared.add_to(1, &mut row);
                for (at, &x) in row.iter().enumerate() {
                    let want = if at < dim { values[dim + at] + 0.5 } else { 0.5 };
                    assert_eq!(x, 2.0 * want);
                }
                let packed = rows.packed();
                assert_eq!(packed[..dim], values[..dim]);
                assert_eq!(packed[2 * dim..], values[2 * dim..]);
            }
        }
    }
}
