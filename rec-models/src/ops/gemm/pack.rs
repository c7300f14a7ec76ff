//! Panels: a few rows of a matrix, interleaved, in the order in which the innermost loop reads them.

use std::ops::Range;

use super::Matrix;
use crate::ops::simd::{Lanes, Task};

/// `count` rounded up to whole panels.
pub(super) fn padded(count: usize, width: usize) -> usize {
    count.div_ceil(width) * width
}

/// Packs up to `width` rows of `source`: `to[p · width + r] = source[rows.start + r, depth.start + p]`,
/// and 0 for rows past the end. Where `width` is no multiple of the lanes, up to a vector more is
/// written past the panel's end.
pub(super) struct PackPanel<'a> {
    pub(super) source: Matrix<'a>,
    pub(super) rows: Range<usize>,
    pub(super) depth: Range<usize>,
    pub(super) width: usize,
    pub(super) to: *mut f32,
}

impl Task for PackPanel<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let Self { source, rows, depth, width, to } = self;
        let (rows_end, columns_end) = (source.shape[0], source.shape[1]);
        assert!(rows.end <= rows_end && depth.end <= columns_end && rows.len() <= width);
        if rows.is_empty() || depth.is_empty() {
            return;
        }
        let [row, column] = source.strides;
        let from = source.data[rows.start * row + depth.start * column..].as_ptr();
        // SAFETY: the ranges lie in the matrix, and the caller has made room for the panel.
        unsafe {
            if row == 1 {
                straight(s, from, column, rows.len(), depth.len(), width, to);
            } else {
                assert_eq!(column, 1, "one stride of a matrix is 1");
                transposed(s, from, row, rows.len(), depth.len(), width, to);
            }
        }
    }
}

/// Rows that lie side by side in memory: copied.
#[inline(always)]
unsafe fn straight<S: Lanes>(
    s: S,
    from: *const f32,
    stride: usize,
    rows: usize,
    depth: usize,
    width: usize,
    to: *mut f32,
) {
    for p in 0..depth {
        for r in (0..width).step_by(S::WIDTH) {
            let count = rows.saturating_sub(r).min(S::WIDTH).min(width - r);
            // SAFETY: `count` numbers of the source's row are left, none if it is 0; what is
            // written past the panel's end is within the buffer's slack or overwritten next.
            unsafe {
                let from = from.add(p * stride + if count == 0 { 0 } else { r });
                let v = match count == S::WIDTH {
                    true => s.read(from),
                    false => s.read_part(from, count, 0.0),
                };
                s.write(v, to.add(p * width + r));
            }
        }
    }
}

/// Rows that lie one after another: transposed a square at a time.
#[inline(always)]
unsafe fn transposed<S: Lanes>(
    s: S,
    from: *const f32,
    stride: usize,
    rows: usize,
    depth: usize,
    width: usize,
    to: *mut f32,
) {
    let whole = depth / S::WIDTH * S::WIDTH;
    for p in (0..whole).step_by(S::WIDTH) {
        for r in (0..width).step_by(S::WIDTH) {
            let count = rows.saturating_sub(r).min(S::WIDTH).min(width - r);
            // SAFETY: the square's rows and columns are in the source; what is written past the
            // panel's end is within the buffer's slack or overwritten next.
            unsafe {
                let from = from.add(if count == 0 { 0 } else { r * stride + p });
                s.transpose(from, stride, count, to.add(p * width + r), width);
            }
        }
    }
    for p in whole..depth {
        for r in 0..width {
            // SAFETY: row and column are in the source, and the place is in the panel.
            unsafe {
                *to.add(p * width + r) = if r < rows { *from.add(r * stride + p) } else { 0.0 }
            };
        }
    }
}
