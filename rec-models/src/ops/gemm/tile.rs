//! The innermost loop: a tile of the product in registers.

use crate::ops::simd::{Lanes, Task};

/// One tile: where its factors are and where its sums go.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    /// A panel of rows, [`Lanes::TILE_ROWS`] wide.
    pub(super) a: *const f32,
    /// A panel of columns, two vectors wide.
    pub(super) b: *const f32,
    /// Products to sum.
    pub(super) depth: usize,
    /// What is added to the sums: a row each `start_stride` numbers, so 0 for the same in all rows.
    pub(super) start: *const f32,
    pub(super) start_stride: usize,
    pub(super) out: *mut f32,
    pub(super) out_stride: usize,
}

impl Tile {
    /// Computes `rows` rows of `columns` numbers.
    ///
    /// # Safety
    /// The panels must hold `depth` steps, `start` and `out` the tile; `1 ≤ rows ≤ TILE_ROWS`,
    /// `1 ≤ columns ≤ 2 WIDTH`.
    #[inline(always)]
    pub(super) unsafe fn compute<S: Lanes>(self, s: S, rows: usize, columns: usize) {
        macro_rules! by_rows {
            ($($rows:literal)+) => {
                match (rows, columns > S::WIDTH) {
                    $(
                        ($rows, true) if $rows <= S::TILE_ROWS => {
                            s.apart(Sum::<$rows, 2> { tile: self, count: columns - S::WIDTH })
                        }
                        ($rows, false) if $rows <= S::TILE_ROWS => {
                            s.apart(Sum::<$rows, 1> { tile: self, count: columns })
                        }
                    )+
                    _ => unreachable!("a tile has 1 to TILE_ROWS rows"),
                }
            };
        }
        by_rows!(12 11 10 9 8 7 6 5 4 3 2 1)
    }

    /// `R` rows of `C` vectors, of which the last has `count` numbers.
    ///
    /// # Safety
    /// As [`Tile::compute`], of `R` rows and so many columns.
    #[inline(always)]
    unsafe fn sum<S: Lanes, const R: usize, const C: usize>(self, s: S, count: usize) {
        let mut sums = [[s.splat(0.0); C]; R];
        let (mut a, mut b) = (self.a, self.b);
        for _ in 0..self.depth {
            // SAFETY: both panels have `depth` steps of these widths.
            unsafe {
                let mut columns = [s.splat(0.0); C];
                for (c, column) in columns.iter_mut().enumerate() {
                    *column = s.read(b.add(c * S::WIDTH));
                }
                for (r, sums) in sums.iter_mut().enumerate() {
                    let x = s.splat(*a.add(r));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = s.mul_add(x, column, *sum);
                    }
                }
                a = a.add(S::TILE_ROWS);
                b = b.add(2 * S::WIDTH);
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            for (c, sum) in sums.into_iter().enumerate() {
                // SAFETY: the place is in the tile, and of the last vector only `count` numbers.
                unsafe {
                    let start = self.start.add(r * self.start_stride + c * S::WIDTH);
                    let out = self.out.add(r * self.out_stride + c * S::WIDTH);
                    if c + 1 < C || count == S::WIDTH {
                        s.write(s.add(sum, s.read(start)), out);
                    } else {
                        s.write_part(s.add(sum, s.read_part(start, count, 0.0)), out, count);
                    }
                }
            }
        }
    }
}

/// A tile as a function of its own: within a larger one the compiler keeps half of the sums on the
/// stack.
#[derive(Clone, Copy)]
struct Sum<const R: usize, const C: usize> {
    tile: Tile,
    count: usize,
}

impl<const R: usize, const C: usize> Task for Sum<R, C> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        // SAFETY: made by `Tile::compute` alone, under its caller's promise.
        unsafe { self.tile.sum::<S, R, C>(s, self.count) }
    }
}
