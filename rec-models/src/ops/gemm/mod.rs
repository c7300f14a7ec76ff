//! Matrix products of `f32` on the CPU, with bias and a finishing function applied to each tile
//! while it is in cache.
//!
//! Blocked as by Goto & van de Geijn (2008, "Anatomy of High-Performance Matrix Multiplication"):
//! both factors are packed into panels in the order in which the innermost loop reads them, and
//! that loop keeps a tile of the product in registers. Packing costs one pass over each factor.
//! Sums run in the same order at any number of threads.

mod block;
mod grid;
mod pack;
mod scratch;
#[cfg(test)]
mod tests;
mod thin;
mod tile;

use std::ops::Range;

use self::block::{Block, Columns};
use self::grid::{FEW_ROWS, Grid, depths, in_parallel, threads};
use self::pack::{PackPanel, padded};
use self::scratch::Scratch;
use self::thin::Thin;
use super::simd::{Lanes, Level};

/// A matrix in memory: element `(i, j)` is `data[i · strides[0] + j · strides[1]]`, and one of the
/// strides is 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a> {
    data: &'a [f32],
    shape: [usize; 2],
    strides: [usize; 2],
}

impl<'a> Matrix<'a> {
    /// Row-major `data` of `[rows, columns]`.
    pub(crate) fn new(data: &'a [f32], shape: [usize; 2]) -> Self {
        assert_eq!(data.len(), shape[0] * shape[1], "sizes disagree");
        Self { data, shape, strides: [shape[1], 1] }
    }

    /// The transpose.
    pub(crate) fn transposed(self) -> Self {
        let ([rows, columns], [row, column]) = (self.shape, self.strides);
        Self { data: self.data, shape: [columns, rows], strides: [column, row] }
    }
}

/// What becomes of each finished number.
pub(crate) trait Finish: Copy + Send + Sync {
    /// Whether nothing does.
    fn is_identity(self) -> bool;
    /// Writes the images of `count` numbers at `from` to `to`, which may be the same place. Mark it
    /// `#[inline(always)]`.
    ///
    /// # Safety
    /// `from` must be readable and `to` writable for `count` numbers.
    unsafe fn finish<S: Lanes>(self, lanes: S, from: *const f32, to: *mut f32, count: usize);
}

/// Nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsIs;

impl Finish for AsIs {
    fn is_identity(self) -> bool {
        true
    }
    #[inline(always)]
    unsafe fn finish<S: Lanes>(self, _: S, _: *const f32, _: *mut f32, _: usize) {}
}

/// `a b`, row-major.
pub(crate) fn product(a: Matrix<'_>, b: Matrix<'_>) -> Vec<f32> {
    product_finished(a, b, None, AsIs, false).0
}

/// The second factor of many products of few rows, laid out once for all of them.
pub(crate) struct Packed<'a> {
    level: Level,
    matrix: Matrix<'a>,
    panels: Scratch,
}

impl<'a> Packed<'a> {
    /// Of a matrix, on one thread.
    pub(crate) fn new(matrix: Matrix<'a>) -> Self {
        let level = Level::best();
        Self { level, matrix, panels: pack_columns(level, matrix, 1) }
    }

    /// `a b`, row-major.
    pub(crate) fn product(&self, a: Matrix<'_>) -> Vec<f32> {
        product_at(self.level, a, self.matrix, Some(&self.panels), None, AsIs, false).0
    }
}

/// `finish(a b + bias)`, row-major, and with `keep` also what `finish` was applied to, unless it is
/// the identity. `bias` has one number a column.
pub(crate) fn product_finished(
    a: Matrix<'_>,
    b: Matrix<'_>,
    bias: Option<&[f32]>,
    finish: impl Finish,
    keep: bool,
) -> (Vec<f32>, Option<Vec<f32>>) {
    product_at(Level::best(), a, b, None, bias, finish, keep)
}

/// Below this many multiplications one thread is faster than waking others.
const PARALLEL: usize = 1 << 20;
/// The same for [`Thin`], in numbers of the second factor: memory is what bounds it.
const PARALLEL_THIN: usize = 1 << 18;

/// `packed`, where it is given, holds the panels of `b` for this level.
fn product_at(
    level: Level,
    a: Matrix<'_>,
    b: Matrix<'_>,
    packed: Option<&Scratch>,
    bias: Option<&[f32]>,
    finish: impl Finish,
    keep: bool,
) -> (Vec<f32>, Option<Vec<f32>>) {
    let ([m, k], n) = (a.shape, b.shape[1]);
    assert_eq!(k, b.shape[0], "inner sizes disagree");
    assert!(bias.is_none_or(|bias| bias.len() == n), "one bias a column");
    let keep = keep && !finish.is_identity();
    let mut out = Vec::with_capacity(m * n);
    let mut kept = Vec::with_capacity(if keep { m * n } else { 0 });
    let last: *mut f32 = out.as_mut_ptr();
    let sums = if keep { kept.as_mut_ptr() } else { last };
    let (_, width) = level.tile();
    let mut start = bias.map_or(Vec::new(), <[f32]>::to_vec);
    start.resize(padded(n, width), 0.0);
    let (last, sums) = (Address(last), Address(sums));
    if packed.is_none() && thin::suits(a, b) {
        let threads = threads(n * k >= PARALLEL_THIN);
        let grid = Grid::new([m, n], width, threads);
        let run = |[_, columns]: [Range<usize>; 2]| {
            level.run(Thin { a, b, columns, start: &start, sums, last, finish });
        };
        grid.each(threads, run);
    } else {
        let threads = threads(m * n * k >= PARALLEL);
        let shared = (m > FEW_ROWS && packed.is_none()).then(|| pack_columns(level, b, threads));
        let b = packed.or(shared.as_ref()).map_or(Columns::Raw(b), Columns::Packed);
        let grid = Grid::new([m, n], width, threads);
        let run = |[rows, columns]: [Range<usize>; 2]| {
            level.run(Block { a, b, rows, columns, start: &start, sums, last, finish, n });
        };
        grid.each(threads, run);
    }
    // SAFETY: the tasks' ranges cover every row and column, and each task wrote all of its own
    // numbers, to both buffers if there are two.
    unsafe {
        out.set_len(m * n);
        kept.set_len(if keep { m * n } else { 0 });
    }
    (out, keep.then_some(kept))
}

/// A place that several threads write to, each to numbers of its own.
#[derive(Clone, Copy)]
struct Address(*mut f32);
// SAFETY: whoever writes through it sees to it that no two threads touch the same number.
unsafe impl Send for Address {}
// SAFETY: as above.
unsafe impl Sync for Address {}

/// All panels of `b`, of one range of depths after another.
fn pack_columns(level: Level, b: Matrix<'_>, threads: usize) -> Scratch {
    let [k, n] = b.shape;
    let (_, width) = level.tile();
    let panels = n.div_ceil(width);
    let mut packed = Scratch::take(panels * width * k);
    let to = Address(packed.as_mut_ptr());
    in_parallel(panels, threads, |panel| {
        #[allow(clippy::redundant_locals, reason = "takes the whole address into the closure")]
        let to = to;
        for depth in depths(k) {
            let rows = panel * width..((panel + 1) * width).min(n);
            // SAFETY: panel by panel and depth by depth these are distinct ranges of the buffer.
            let to =
                unsafe { to.0.add(depth.start * panels * width + panel * depth.len() * width) };
            level.run(PackPanel { source: b.transposed(), rows, depth, width, to });
        }
    });
    packed
}
