//! Products of matrices that fit into the cache.

use pulp::{MemMask, Simd, WithSimd};

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
    #[inline(always)]
    pub(super) unsafe fn run<S: Simd>(self, simd: S) {
        simd.vectorize(Checked(self));
    }
}

/// A product whose maker vouched for its pointers.
struct Checked(Product);

impl WithSimd for Checked {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let product = &self.0;
        let lanes = S::F32_LANES;
        let full = product.n / lanes;
        let rest = product.n % lanes;
        let mut vector = 0;
        while vector < full {
            let width = width(full - vector, lanes);
            let j = vector * lanes;
            match width {
                4 => columns::<S, 4>(simd, product, j, None),
                3 => columns::<S, 3>(simd, product, j, None),
                2 => columns::<S, 2>(simd, product, j, None),
                _ => columns::<S, 1>(simd, product, j, None),
            }
            vector += width;
        }
        if rest > 0 {
            let mask = simd.mask_between_m32s(0, rest as u32);
            columns::<S, 1>(simd, product, full * lanes, Some(mask));
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
fn columns<S: Simd, const C: usize>(
    simd: S,
    product: &Product,
    j: usize,
    mask: Option<MemMask<S::m32s>>,
) {
    let mut i = 0;
    while product.m - i >= 6 {
        tile::<S, 6, C>(simd, product, i, j, mask);
        i += 6;
    }
    if product.m - i >= 4 {
        tile::<S, 4, C>(simd, product, i, j, mask);
        i += 4;
    }
    if product.m - i >= 2 {
        tile::<S, 2, C>(simd, product, i, j, mask);
        i += 2;
    }
    if product.m > i {
        tile::<S, 1, C>(simd, product, i, j, mask);
    }
}

/// `R` rows by `C` vectors of `c`, held in registers.
#[inline(always)]
fn tile<S: Simd, const R: usize, const C: usize>(
    simd: S,
    product: &Product,
    i: usize,
    j: usize,
    mask: Option<MemMask<S::m32s>>,
) {
    let lanes = S::F32_LANES;
    let [a_row, a_column] = product.a_strides;
    // SAFETY: row i + R ≤ m and column j + C · lanes ≤ n, or the mask leaves out what is past n:
    // all inside what `Product::run`'s caller vouched for.
    unsafe {
        let mut sums = [[simd.splat_f32s(0.0); C]; R];
        for k in 0..product.k {
            let a = product.a.add(i * a_row + k * a_column);
            let b = product.b.add(k * product.b_row + j);
            let mut right = [simd.splat_f32s(0.0); C];
            for c in 0..C {
                right[c] = load(simd, b.add(c * lanes), mask);
            }
            for r in 0..R {
                let left = simd.splat_f32s(*a.add(r * a_row));
                for c in 0..C {
                    sums[r][c] = simd.mul_add_e_f32s(left, right[c], sums[r][c]);
                }
            }
        }
        let alpha = simd.splat_f32s(product.alpha);
        for (r, row) in sums.iter().enumerate() {
            for (c, sum) in row.iter().enumerate() {
                let at = product.c.add((i + r) * product.c_row + j + c * lanes);
                let scaled = simd.mul_f32s(*sum, alpha);
                let value = match product.add {
                    true => simd.add_f32s(scaled, load(simd, at, mask)),
                    false => scaled,
                };
                store(simd, at, value, mask);
            }
        }
    }
}

/// # Safety
/// A whole vector, or what the mask leaves of it, can be read at `at`.
#[inline(always)]
unsafe fn load<S: Simd>(simd: S, at: *const f32, mask: Option<MemMask<S::m32s>>) -> S::f32s {
    // SAFETY: the caller's promise; `f32s` is plain numbers, read unaligned.
    unsafe {
        match mask {
            Some(mask) => simd.mask_load_ptr_f32s(mask, at),
            None => at.cast::<S::f32s>().read_unaligned(),
        }
    }
}

/// # Safety
/// A whole vector, or what the mask leaves of it, can be written at `at`.
#[inline(always)]
unsafe fn store<S: Simd>(simd: S, at: *mut f32, value: S::f32s, mask: Option<MemMask<S::m32s>>) {
    // SAFETY: the caller's promise.
    unsafe {
        match mask {
            Some(mask) => simd.mask_store_ptr_f32s(mask, at, value),
            None => at.cast::<S::f32s>().write_unaligned(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::lanes;

    struct Run(Product);

    impl WithSimd for Run {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            // SAFETY: the test below gives slices of these sizes.
            unsafe { self.0.run(simd) }
        }
    }

    #[test]
    fn equals_the_definition_at_every_width() {
        for arch in lanes::all() {
            for (m, n, k) in
                [(1, 1, 1), (7, 5, 3), (13, 16, 9), (6, 80, 4), (9, 131, 0), (5, 37, 8)]
            {
                for add in [false, true] {
                    compare(arch, [m, n, k], add);
                }
            }
        }
    }

    fn compare(arch: pulp::Arch, [m, n, k]: [usize; 3], add: bool) {
        let number = |i: usize| ((i * 37 + 11) % 17) as f32 - 8.0;
        let a: Vec<f32> = (0..m * k).map(number).collect();
        let b: Vec<f32> = (0..k * n).map(|i| number(i + 5)).collect();
        // `a` is laid out as its transpose.
        let mut c = vec![1.0; m * n];
        arch.dispatch(Run(Product {
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
        }));
        for i in 0..m {
            for j in 0..n {
                let sum: f32 = (0..k).map(|l| a[l * m + i] * b[l * n + j]).sum();
                let expected = 0.5 * sum + if add { 1.0 } else { 0.0 };
                assert_eq!(c[i * n + j], expected, "{arch:?} {m}×{n}×{k} at {i}, {j}");
            }
        }
    }
}
