//! The inner loops of ALS: a few rows of factors against one vector.
//!
//! Each is written twice: with AVX2 and fused multiply-add for the processors that have them, and
//! portably. Lanes and order of additions are the same in both; only the fusing differs.

/// What this processor can do. A value with `avx2` exists only where that was detected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    avx2: bool,
}

impl Level {
    /// The best of this processor.
    pub(super) fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
        #[cfg(not(target_arch = "x86_64"))]
        let avx2 = false;
        Self { avx2 }
    }

    /// What every processor can do.
    #[cfg(test)]
    pub(super) fn portable() -> Self {
        Self { avx2: false }
    }

    /// Whether AVX2 and FMA were detected.
    pub(super) fn avx2(self) -> bool {
        self.avx2
    }
}

/// The operations, on slices of one length (the last argument's; rows may be longer).
pub(super) trait Arithmetic: Copy {
    /// `⟨row, v⟩` for four rows.
    fn dot4(rows: [&[f32]; 4], v: &[f32]) -> [f32; 4];
    /// `⟨a, b⟩`.
    fn dot(a: &[f32], b: &[f32]) -> f32;
    /// `out += Σ t[k] · rows[k]` for four rows.
    fn axpy4(t: [f32; 4], rows: [&[f32]; 4], out: &mut [f32]);
    /// `out += t · row`.
    fn axpy(t: f32, row: &[f32], out: &mut [f32]);
}

/// `out = sign · matrix · v` for a symmetric row-major `[n, n]` matrix.
#[inline(always)]
pub(super) fn symmetric_product<A: Arithmetic>(
    sign: f32,
    matrix: &[f32],
    v: &[f32],
    out: &mut [f32],
) {
    let n = v.len();
    out.fill(0.0);
    let row = |j: usize| &matrix[j * n..][..n];
    let whole = n / 4 * 4;
    for j in (0..whole).step_by(4) {
        let t = [v[j], v[j + 1], v[j + 2], v[j + 3]].map(|t| sign * t);
        A::axpy4(t, [row(j), row(j + 1), row(j + 2), row(j + 3)], out);
    }
    for (j, v) in v.iter().enumerate().skip(whole) {
        A::axpy(sign * v, row(j), out);
    }
}

const LANES: usize = 8;

/// The portable form.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Arithmetic for Plain {
    #[inline(always)]
    fn dot4(rows: [&[f32]; 4], v: &[f32]) -> [f32; 4] {
        rows.map(|row| Self::dot(row, v))
    }

    #[inline(always)]
    fn dot(a: &[f32], b: &[f32]) -> f32 {
        let mut s = [0f32; LANES];
        let whole = b.len() / LANES * LANES;
        for (a, b) in a[..whole].chunks_exact(LANES).zip(b[..whole].chunks_exact(LANES)) {
            for l in 0..LANES {
                s[l] += a[l] * b[l];
            }
        }
        let mut out = ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]));
        for (a, b) in a[whole..].iter().zip(&b[whole..]) {
            out += a * b;
        }
        out
    }

    #[inline(always)]
    fn axpy4(t: [f32; 4], rows: [&[f32]; 4], out: &mut [f32]) {
        let rows = rows.map(|row| &row[..out.len()]);
        for (j, out) in out.iter_mut().enumerate() {
            *out = (0..4).fold(*out, |sum, k| sum + t[k] * rows[k][j]);
        }
    }

    #[inline(always)]
    fn axpy(t: f32, row: &[f32], out: &mut [f32]) {
        for (out, x) in out.iter_mut().zip(row) {
            *out += t * x;
        }
    }
}

/// The form with AVX2 and fused multiply-add. Only functions compiled for both name it, and those
/// run only where [`Level::avx2`] holds.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Fused;

#[cfg(target_arch = "x86_64")]
mod fused {
    use std::arch::x86_64::*;

    use super::{Arithmetic, Fused, LANES};

    impl Arithmetic for Fused {
        #[inline(always)]
        fn dot4(rows: [&[f32]; 4], v: &[f32]) -> [f32; 4] {
            let n = v.len();
            let p = rows.map(|row| row[..n].as_ptr());
            let whole = n / LANES * LANES;
            // SAFETY: every load reads 8 values from below `whole ≤ n`, the length of all slices.
            // The instructions exist: see `Fused`.
            let mut out = unsafe {
                let mut sums = [_mm256_setzero_ps(); 4];
                for at in (0..whole).step_by(LANES) {
                    let v = _mm256_loadu_ps(v.as_ptr().add(at));
                    for k in 0..4 {
                        sums[k] = _mm256_fmadd_ps(_mm256_loadu_ps(p[k].add(at)), v, sums[k]);
                    }
                }
                horizontal4(sums)
            };
            for j in whole..n {
                for k in 0..4 {
                    out[k] = rows[k][j].mul_add(v[j], out[k]);
                }
            }
            out
        }

        #[inline(always)]
        fn dot(a: &[f32], b: &[f32]) -> f32 {
            let n = b.len();
            let a = &a[..n];
            let whole = n / LANES * LANES;
            // SAFETY: as in `dot4`.
            let mut out = unsafe {
                let mut sum = _mm256_setzero_ps();
                for at in (0..whole).step_by(LANES) {
                    let a = _mm256_loadu_ps(a.as_ptr().add(at));
                    sum = _mm256_fmadd_ps(a, _mm256_loadu_ps(b.as_ptr().add(at)), sum);
                }
                horizontal4([sum; 4])[0]
            };
            for j in whole..n {
                out = a[j].mul_add(b[j], out);
            }
            out
        }

        #[inline(always)]
        fn axpy4(t: [f32; 4], rows: [&[f32]; 4], out: &mut [f32]) {
            let n = out.len();
            let p = rows.map(|row| row[..n].as_ptr());
            let whole = n / LANES * LANES;
            // SAFETY: every load and store covers 8 values from below `whole ≤ n`, the length of
            // all slices; `out` is borrowed exclusively. The instructions exist: see `Fused`.
            unsafe {
                let factor = t.map(|t| _mm256_set1_ps(t));
                for at in (0..whole).step_by(LANES) {
                    let to = out.as_mut_ptr().add(at);
                    let mut sum = _mm256_loadu_ps(to);
                    for k in 0..4 {
                        sum = _mm256_fmadd_ps(factor[k], _mm256_loadu_ps(p[k].add(at)), sum);
                    }
                    _mm256_storeu_ps(to, sum);
                }
            }
            for j in whole..n {
                out[j] = (0..4).fold(out[j], |sum, k| t[k].mul_add(rows[k][j], sum));
            }
        }

        #[inline(always)]
        fn axpy(t: f32, row: &[f32], out: &mut [f32]) {
            let row = &row[..out.len()];
            for (out, x) in out.iter_mut().zip(row) {
                *out = t.mul_add(*x, *out);
            }
        }
    }

    /// The sum of each vector's lanes, in the order of the portable form.
    ///
    /// # Safety
    /// AVX2 must be there.
    #[inline(always)]
    unsafe fn horizontal4(s: [__m256; 4]) -> [f32; 4] {
        let mut out = [0f32; 4];
        // SAFETY: AVX2 is there; the store writes the 4 values of `out`.
        unsafe {
            // Lanes l + (l + 4).
            let h = s.map(|s| _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1)));
            let (ab_low, ab_high) = (_mm_unpacklo_ps(h[0], h[1]), _mm_unpackhi_ps(h[0], h[1]));
            let (cd_low, cd_high) = (_mm_unpacklo_ps(h[2], h[3]), _mm_unpackhi_ps(h[2], h[3]));
            // (0 + 2, 1 + 3) of each vector, then their sum.
            let (ab, cd) = (_mm_add_ps(ab_low, ab_high), _mm_add_ps(cd_low, cd_high));
            let sum = _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab));
            _mm_storeu_ps(out.as_mut_ptr(), sum);
        }
        out
    }
}
