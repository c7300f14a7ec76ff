//! Products of matrices that fit into the cache.

#![allow(clippy::needless_range_loop, reason = "registers are addressed by row and column")]

use crate::ops::simd::{Lanes, Level, Task};

/// `c (+)= alpha · a b`, `[m, k] × [k, n] → [m, n]`.
///
/// Rows of `b` and `c` are contiguous; `a` has any strides (so it may be a transpose).
pub(super) struct Product {
    pub(super) m: usize,
    pub(super) n: usize,
    pub(super) k: usize,
    pub(super) a: *const f32,
    /// From row to row, from column to column.
    pub(super) a_strides: [usize; 2],
    pub(super) b: *const f32,
    pub(super) b_row: usize,
    pub(super) c: *mut f32,
    pub(super) c_row: usize,
    pub(super) alpha: f32,
    /// Whether to add to what `c` holds.
    pub(super) add: bool,
}

impl Product {
    /// # Safety
    /// Every element that the sizes and strides name is inside a live allocation, and nothing else
    /// reads or writes those of `c` meanwhile.
    pub(super) unsafe fn run(self, level: Level) {
        level.run(Checked(self));
    }
}

/// A product whose maker vouched for its pointers.
struct Checked(Product);

impl Task for Checked {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let product = &self.0;
        let lanes = S::WIDTH;
        let full = product.n / lanes;
        let rest = product.n % lanes;
        let mut vector = 0;
        while vector < full {
            let width = width(full - vector, lanes);
            let j = vector * lanes;
            match width {
                4 => columns::<S, 4>(s, product, j, None),
                3 => columns::<S, 3>(s, product, j, None),
                2 => columns::<S, 2>(s, product, j, None),
                _ => columns::<S, 1>(s, product, j, None),
            }
            vector += width;
        }
        if rest > 0 {
            columns::<S, 1>(s, product, full * lanes, Some(rest));
        }
    }
}

/// How many vectors of columns the next tiles have: what the registers hold (32 of AVX-512, else
/// 16), and no lone last one where it can be helped.
#[inline(always)]
fn width(left: usize, lanes: usize) -> usize {
    let most = if lanes >= 16 { 4 } else { 2 };
    if left == most + 1 && most > 2 { most - 1 } else { left.min(most) }
}

#[inline(always)]
fn columns<S: Lanes, const C: usize>(s: S, product: &Product, j: usize, part: Option<usize>) {
    let mut i = 0;
    while product.m - i >= 6 {
        tile::<S, 6, C>(s, product, i, j, part);
        i += 6;
    }
    if product.m - i >= 4 {
        tile::<S, 4, C>(s, product, i, j, part);
        i += 4;
    }
    if product.m - i >= 2 {
        tile::<S, 2, C>(s, product, i, j, part);
        i += 2;
    }
    if product.m > i {
        tile::<S, 1, C>(s, product, i, j, part);
    }
}

/// `R` rows by `C` vectors of `c`, held in registers.
#[inline(always)]
fn tile<S: Lanes, const R: usize, const C: usize>(
    s: S,
    product: &Product,
    i: usize,
    j: usize,
    part: Option<usize>,
) {
    let lanes = S::WIDTH;
    let [a_row, a_column] = product.a_strides;
    // SAFETY: row i + R ≤ m and column j + C · lanes ≤ n, or `part` leaves out what is past n:
    // all inside what `Product::run`'s caller vouched for.
    unsafe {
        let mut sums = [[s.splat(0.0); C]; R];
        for k in 0..product.k {
            let a = product.a.add(i * a_row + k * a_column);
            let b = product.b.add(k * product.b_row + j);
            let mut right = [s.splat(0.0); C];
            for c in 0..C {
                right[c] = load(s, b.add(c * lanes), part);
            }
            for r in 0..R {
                let left = s.splat(*a.add(r * a_row));
                for c in 0..C {
                    sums[r][c] = s.mul_add(left, right[c], sums[r][c]);
                }
            }
        }
        let alpha = s.splat(product.alpha);
        for (r, row) in sums.iter().enumerate() {
            for (c, sum) in row.iter().enumerate() {
                let at = product.c.add((i + r) * product.c_row + j + c * lanes);
                let scaled = s.mul(*sum, alpha);
                let value = match product.add {
                    true => s.add(scaled, load(s, at, part)),
                    false => scaled,
                };
                store(s, at, value, part);
            }
        }
    }
}

/// # Safety
/// A whole vector, or the part of it, can be read at `at`.
#[inline(always)]
unsafe fn load<S: Lanes>(s: S, at: *const f32, part: Option<usize>) -> S::V {
    // SAFETY: the caller's promise.
    unsafe {
        match part {
            Some(count) => s.read_part(at, count, 0.0),
            None => s.read(at),
        }
    }
}

/// # Safety
/// A whole vector, or the part of it, can be written at `at`.
#[inline(always)]
unsafe fn store<S: Lanes>(s: S, at: *mut f32, value: S::V, part: Option<usize>) {
    // SAFETY: the caller's promise.
    unsafe {
        match part {
            Some(count) => s.write_part(value, at, count),
            None => s.write(value, at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_definition_at_every_width() {
        let sizes = [(1, 1, 1), (7, 5, 3), (13, 16, 9), (6, 80, 4), (9, 131, 0), (5, 37, 8)];
        for level in Level::all() {
            for (m, n, k) in sizes {
                for add in [false, true] {
                    compare(level, [m, n, k], add);
                }
            }
        }
    }

    fn compare(level: Level, [m, n, k]: [usize; 3], add: bool) {
        let number = |i: usize| ((i * 37 + 11) % 17) as f32 - 8.0;
        // `a` is laid out as its transpose.
        let a: Vec<f32> = (0..m * k).map(number).collect();
        let b: Vec<f32> = (0..k * n).map(|i| number(i + 5)).collect();
        let mut c = vec![1.0; m * n];
        let product = Product {
            m,
            n,
            k,
            a: a.as_ptr(),
            a_strides: [1, m],
            b: b.as_ptr(),
            b_row: n,
            c: c.as_mut_ptr(),
            c_row: n,
            alpha: 0.5,
            add,
        };
        // SAFETY: the slices have these sizes.
        unsafe { product.run(level) };
        for i in 0..m {
            for j in 0..n {
                let sum: f32 = (0..k).map(|l| a[l * m + i] * b[l * n + j]).sum();
                let expected = 0.5 * sum + if add { 1.0 } else { 0.0 };
                assert_eq!(c[i * n + j], expected, "{level:?} {m}×{n}×{k} at {i}, {j}");
            }
        }
    }
}
