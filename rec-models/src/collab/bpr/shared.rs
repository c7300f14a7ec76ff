//! Factors that several workers update at once.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::collab::factors::Table;

/// Rows of 32-bit floats, each value readable and writable from many threads without locks: a read
/// sees some value written before, never half of one. Rows are padded with zeros to a multiple of
/// 8, which training leaves zeros.
pub(super) struct Shared<'a> {
    values: &'a [AtomicU32],
    stride: usize,
}

/// Length of a padded row.
pub(super) fn stride(dim: usize) -> usize {
    dim.next_multiple_of(8)
}

impl<'a> Shared<'a> {
    /// Shares a table of padded rows for as long as it is borrowed.
    pub(super) fn new(table: &'a mut Table, stride: usize) -> Self {
        let values: &mut [f32] = table;
        let (data, len) = (values.as_mut_ptr().cast::<AtomicU32>(), values.len());
        // SAFETY: `AtomicU32` has the size and alignment of `f32`, every bit pattern is valid for
        // both, and the exclusive borrow of the table lasts as long as the shared one of the
        // atomics, so that nothing reads or writes the values except through them.
        Self { values: unsafe { std::slice::from_raw_parts(data, len) }, stride }
    }

    /// One row.
    #[inline(always)]
    pub(super) fn row(&self, row: u32) -> &'a [AtomicU32] {
        &self.values[row as usize * self.stride..][..self.stride]
    }

    /// Asks for a row to be in the cache soon.
    #[inline(always)]
    pub(super) fn prefetch(&self, row: u32) {
        self.row(row).chunks(16).for_each(|line| prefetch(&line[0]));
    }
}

/// Asks for the cache line of a value to be in the cache soon.
#[inline(always)]
pub(super) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a prefetch reads nothing, and SSE is part of x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

/// The value of one cell.
#[inline(always)]
pub(super) fn get(cell: &AtomicU32) -> f32 {
    f32::from_bits(cell.load(Ordering::Relaxed))
}

/// Replaces the value of one cell.
#[inline(always)]
pub(super) fn set(cell: &AtomicU32, value: f32) {
    cell.store(value.to_bits(), Ordering::Relaxed);
}
