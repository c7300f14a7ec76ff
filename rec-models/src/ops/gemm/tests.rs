use super::{AsIs, Finish, Matrix, Packed, pack_columns, product_at};
use crate::ops::simd::{Lanes, Level};

fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// Row-major `a`, or its transpose, whose elements are those of `a`.
fn laid(a: &[f32], [rows, columns]: [usize; 2], transposed: bool) -> Vec<f32> {
    if !transposed {
        return a.to_vec();
    }
    (0..columns).flat_map(|j| (0..rows).map(move |i| a[i * columns + j])).collect()
}

fn expected(a: &[f32], b: &[f32], bias: &[f32], [m, k, n]: [usize; 3]) -> Vec<f64> {
    let mut out = Vec::new();
    for i in 0..m {
        for j in 0..n {
            let dot: f64 = (0..k).map(|p| f64::from(a[i * k + p]) * f64::from(b[p * n + j])).sum();
            out.push(dot + f64::from(bias[j]));
        }
    }
    out
}

fn close(what: &str, got: &[f32], expected: impl Iterator<Item = f64>, tolerance: f64) {
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        let off = (f64::from(*g) - e).abs();
        assert!(off <= tolerance, "{what}[{i}]: {g} for {e}");
    }
}

#[derive(Clone, Copy)]
struct Halve;

impl Finish for Halve {
    fn is_identity(self) -> bool {
        false
    }
    #[inline(always)]
    unsafe fn finish<S: Lanes>(self, _: S, from: *const f32, to: *mut f32, count: usize) {
        for i in 0..count {
            // SAFETY: the caller's promise.
            unsafe { *to.add(i) = *from.add(i) * 0.5 };
        }
    }
}

const SHAPES: [[usize; 3]; 17] = [
    [1, 1, 1],
    [3, 5, 7],
    [1, 700, 401],
    [8, 35, 18],
    [6, 16, 9],
    [13, 17, 33],
    [12, 16, 32],
    [24, 0, 5],
    [0, 4, 4],
    [4, 4, 0],
    [200, 1, 1],
    [1, 900, 70],
    [193, 40, 31],
    [205, 769, 65],
    [300, 64, 64],
    [97, 1600, 50],
    [260, 130, 200],
];

#[test]
fn every_level_multiplies_any_shape_and_layout() {
    for [m, k, n] in SHAPES {
        let (a, b, bias) = (numbers(m * k, 1), numbers(k * n, 2), numbers(n, 3));
        let exact = expected(&a, &b, &bias, [m, k, n]);
        let tolerance = 1e-6 * (k as f64).sqrt().max(1.0) * 4.0;
        for (ta, tb) in [(false, false), (false, true), (true, false), (true, true)] {
            let (ra, rb) = (laid(&a, [m, k], ta), laid(&b, [k, n], tb));
            let matrix = |data, [rows, columns]: [usize; 2], transposed| match transposed {
                true => Matrix::new(data, [columns, rows]).transposed(),
                false => Matrix::new(data, [rows, columns]),
            };
            let (ma, mb) = (matrix(&ra, [m, k], ta), matrix(&rb, [k, n], tb));
            for level in Level::all() {
                let what = format!("{level:?} {m} {k} {n} {ta} {tb}");
                let (y, kept) = product_at(level, ma, mb, None, Some(&bias), AsIs, true);
                assert!(y.len() == m * n && kept.is_none(), "{what}");
                close(&what, &y, exact.iter().copied(), tolerance);
                let packed = Packed { level, matrix: mb, panels: pack_columns(level, mb, 1) };
                let without = exact.iter().zip(bias.iter().cycle()).map(|(e, b)| e - f64::from(*b));
                close(&what, &packed.product(ma), without, tolerance);
                for keep in [true, false] {
                    let (y, kept) = product_at(level, ma, mb, None, Some(&bias), Halve, keep);
                    close(&what, &y, exact.iter().map(|e| e / 2.0), tolerance);
                    assert_eq!(kept.is_some(), keep);
                    close(&what, &kept.unwrap_or_default(), exact.iter().copied(), tolerance);
                }
            }
        }
    }
}

#[test]
fn the_result_is_the_same_at_any_number_of_threads() {
    let [m, k, n] = [400, 900, 130];
    let (a, b) = (numbers(m * k, 1), numbers(k * n, 2));
    let run = |threads| {
        let run = || Ok(super::product(Matrix::new(&a, [m, k]), Matrix::new(&b, [k, n])));
        rec_core::parallel::install(Some(threads), run).unwrap()
    };
    let alone = run(1);
    assert!([2, 3, 7].iter().all(|threads| run(*threads) == alone));
}
