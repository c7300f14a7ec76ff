//! The inner loops of ALS: a few rows of factors against one vector.
//!
//! One source compiles twice: with AVX2 and fused multiply-add where the processor has them, and
//! portably. Lanes and order of additions are the same in both; only the fusing differs.

/// Multiplication and addition, fused or not.
pub(super) trait Arithmetic: Copy {
    /// `a · b + c`.
    fn mul_add(a: f32, b: f32, c: f32) -> f32;
}

/// Rounded once; slow unless the code around it is compiled with fused multiply-add.
#[derive(Clone, Copy)]
pub(super) struct Fused;

/// Rounded twice.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Arithmetic for Fused {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

impl Arithmetic for Plain {
    #[inline(always)]
    fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}

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

const LANES: usize = 8;

/// `⟨row, v⟩` for four rows.
#[inline(always)]
pub(super) fn dot4<A: Arithmetic>(rows: [&[f32]; 4], v: &[f32]) -> [f32; 4] {
    let mut sums = [[0f32; LANES]; 4];
    let n = v.len();
    let rows = rows.map(|r| &r[..n]);
    let whole = n / LANES * LANES;
    let mut at = 0;
    while at < whole {
        for k in 0..4 {
            for l in 0..LANES {
                sums[k][l] = A::mul_add(rows[k][at + l], v[at + l], sums[k][l]);
            }
        }
        at += LANES;
    }
    let mut out = sums.map(horizontal);
    for j in whole..n {
        for k in 0..4 {
            out[k] = A::mul_add(rows[k][j], v[j], out[k]);
        }
    }
    out
}

/// `⟨a, b⟩`.
#[inline(always)]
pub(super) fn dot<A: Arithmetic>(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0f32; LANES];
    let n = b.len();
    let a = &a[..n];
    let whole = n / LANES * LANES;
    let mut at = 0;
    while at < whole {
        for l in 0..LANES {
            sums[l] = A::mul_add(a[at + l], b[at + l], sums[l]);
        }
        at += LANES;
    }
    let mut out = horizontal(sums);
    for j in whole..n {
        out = A::mul_add(a[j], b[j], out);
    }
    out
}

#[inline(always)]
fn horizontal(s: [f32; LANES]) -> f32 {
    ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

/// `out += Σ t[k] · rows[k]` for four rows.
#[inline(always)]
pub(super) fn axpy4<A: Arithmetic>(t: [f32; 4], rows: [&[f32]; 4], out: &mut [f32]) {
    let n = out.len();
    let rows = rows.map(|r| &r[..n]);
    for j in 0..n {
        let mut sum = out[j];
        for k in 0..4 {
            sum = A::mul_add(t[k], rows[k][j], sum);
        }
        out[j] = sum;
    }
}

/// `out += t · row`.
#[inline(always)]
pub(super) fn axpy<A: Arithmetic>(t: f32, row: &[f32], out: &mut [f32]) {
    let n = out.len();
    let row = &row[..n];
    for j in 0..n {
        out[j] = A::mul_add(t, row[j], out[j]);
    }
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
        axpy4::<A>(t, [row(j), row(j + 1), row(j + 2), row(j + 3)], out);
    }
    for j in whole..n {
        axpy::<A>(sign * v[j], row(j), out);
    }
}
