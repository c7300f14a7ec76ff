//! One task of a product: a range of rows by a range of columns.

use std::ops::Range;

use super::grid::depths;
use super::pack::PackPanel;
use super::scratch::Scratch;
use super::tile::Tile;
use super::{Address, Finish, Matrix};
use crate::ops::simd::{Lanes, Task};

/// Where the columns come from.
#[derive(Clone, Copy)]
pub(super) enum Columns<'a> {
    /// All panels, as `pack_columns` lays them.
    Packed(&'a Scratch),
    /// Packed by the task, panel by panel.
    Raw(Matrix<'a>),
}

pub(super) struct Block<'a, F> {
    pub(super) a: Matrix<'a>,
    pub(super) b: Columns<'a>,
    pub(super) rows: Range<usize>,
    /// Begins with a panel's first column.
    pub(super) columns: Range<usize>,
    /// The number each column's sums begin with, for whole panels.
    pub(super) start: &'a [f32],
    /// Row-major, of the whole product.
    pub(super) sums: Address,
    /// As `sums`; the same place, or another.
    pub(super) last: Address,
    pub(super) finish: F,
    /// Columns of the whole product.
    pub(super) n: usize,
}

impl<F: Finish> Task for Block<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let k = self.a.shape[1];
        let deepest = depths(k).map(|depth| depth.len()).max().unwrap_or(0);
        let panels = self.rows.len().div_ceil(S::TILE_ROWS);
        let mut rows = Scratch::take(panels * S::TILE_ROWS * deepest);
        let mut own = match self.b {
            Columns::Packed(_) => None,
            Columns::Raw(_) => Some(Scratch::take(2 * S::WIDTH * deepest)),
        };
        for depth in depths(k) {
            self.pack_rows(s, &depth, rows.as_mut_ptr());
            for from in self.columns.clone().step_by(2 * S::WIDTH) {
                let columns = from..(from + 2 * S::WIDTH).min(self.columns.end);
                let b = match (self.b, &mut own) {
                    (Columns::Raw(b), Some(own)) => {
                        let to = own.as_mut_ptr();
                        let (rows, depth) = (columns.clone(), depth.clone());
                        let source = b.transposed();
                        PackPanel { source, rows, depth, width: 2 * S::WIDTH, to }.run(s);
                        to.cast_const()
                    }
                    (Columns::Packed(packed), _) => {
                        let wide = self.n.div_ceil(2 * S::WIDTH) * 2 * S::WIDTH;
                        // SAFETY: the panel's place in the buffer.
                        unsafe { packed.as_ptr().add(depth.start * wide + from * depth.len()) }
                    }
                    (Columns::Raw(_), None) => return,
                };
                // SAFETY: both panels are packed for this range of depths.
                unsafe { self.stripe(s, rows.as_ptr(), b, columns, &depth) };
            }
        }
    }
}

impl<F: Finish> Block<'_, F> {
    #[inline(always)]
    fn pack_rows<S: Lanes>(&self, s: S, depth: &Range<usize>, to: *mut f32) {
        for (i, from) in self.rows.clone().step_by(S::TILE_ROWS).enumerate() {
            let rows = from..(from + S::TILE_ROWS).min(self.rows.end);
            // SAFETY: the buffer was made for as many panels.
            let to = unsafe { to.add(i * S::TILE_ROWS * depth.len()) };
            let (source, depth) = (self.a, depth.clone());
            PackPanel { source, rows, depth, width: S::TILE_ROWS, to }.run(s);
        }
    }

    /// All rows by one panel of columns.
    #[inline(always)]
    unsafe fn stripe<S: Lanes>(
        &self,
        s: S,
        a: *const f32,
        b: *const f32,
        columns: Range<usize>,
        depth: &Range<usize>,
    ) {
        let finishes = depth.end == self.a.shape[1] && !self.finish.is_identity();
        for (i, from) in self.rows.clone().step_by(S::TILE_ROWS).enumerate() {
            let rows = S::TILE_ROWS.min(self.rows.end - from);
            let at = from * self.n + columns.start;
            // SAFETY: `at` is in the product, the tile's rows and columns after it too, and no
            // other task writes there. The panels are the caller's promise.
            unsafe {
                let out = self.sums.0.add(at);
                let (start, start_stride) = match depth.start {
                    0 => (self.start.as_ptr().add(columns.start), 0),
                    _ => (out.cast_const(), self.n),
                };
                let tile = Tile {
                    a: a.add(i * S::TILE_ROWS * depth.len()),
                    b,
                    depth: depth.len(),
                    start,
                    start_stride,
                    out,
                    out_stride: self.n,
                };
                tile.compute(s, rows, columns.len());
                if finishes {
                    for r in 0..rows {
                        let at = at + r * self.n;
                        let (from, to) = (self.sums.0.add(at), self.last.0.add(at));
                        self.finish.finish(s, from, to, columns.len());
                    }
                }
            }
        }
    }
}
