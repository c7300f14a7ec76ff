//! A few steps of conjugate gradient on a row's equations, from the factor it had
//! (Takács, Pilászy and Tikk 2011, algorithm 1): the row's matrix is never formed.

#[cfg(target_arch = "x86_64")]
use super::kernel::Fused;
use super::kernel::{Arithmetic, Level, Plain, symmetric_product};
use super::row::Row;

/// Squared residual under which a row counts as solved.
const SOLVED: f32 = 1e-20;

/// Vectors of the iteration; one a thread.
pub(super) struct Scratch {
    residual: Vec<f32>,
    direction: Vec<f32>,
    image: Vec<f32>,
}

impl Scratch {
    pub(super) fn new(dim: usize) -> Self {
        Self { residual: vec![0.0; dim], direction: vec![0.0; dim], image: vec![0.0; dim] }
    }
}

/// Improves `x` by `steps` steps; `gram` is `YᵀY + λI`. Returns the row's part `f(x)` of the loss.
pub(super) fn solve(
    level: Level,
    row: Row<'_>,
    gram: &[f32],
    steps: usize,
    x: &mut [f32],
    scratch: &mut Scratch,
) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if level.avx2() {
        // SAFETY: a level with AVX2 exists only where AVX2 and FMA were detected.
        return unsafe { solve_avx2(row, gram, steps, x, scratch) };
    }
    let _ = level;
    solve_with::<Plain>(row, gram, steps, x, scratch)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn solve_avx2(
    row: Row<'_>,
    gram: &[f32],
    steps: usize,
    x: &mut [f32],
    scratch: &mut Scratch,
) -> f64 {
    solve_with::<Fused>(row, gram, steps, x, scratch)
}

#[inline(always)]
fn solve_with<A: Arithmetic>(
    row: Row<'_>,
    gram: &[f32],
    steps: usize,
    x: &mut [f32],
    scratch: &mut Scratch,
) -> f64 {
    let Scratch { residual: r, direction: p, image: ap } = scratch;
    let unit = row.is_unit();
    symmetric_product::<A>(-1.0, gram, x, r);
    let (xb, sum) = if unit {
        ap.fill(0.0);
        let sum = row.target::<A>(ap);
        A::axpy(1.0, ap, r);
        (f64::from(A::dot(x, ap)), sum)
    } else {
        row.add_residual::<A>(x, r)
    };
    // f(x) = xᵀAx - 2xᵀb + Σc and Ax = b - r; each step then lowers f by step · ‖r‖².
    let mut loss = sum - xb - f64::from(A::dot(x, r));
    p.copy_from_slice(r);
    let mut norm = A::dot(r, r);
    for _ in 0..steps {
        if norm < SOLVED {
            break;
        }
        symmetric_product::<A>(1.0, gram, p, ap);
        if !unit {
            row.add_product::<A>(p, ap);
        }
        let step = norm / A::dot(p, ap);
        A::axpy(step, p, x);
        A::axpy(-step, ap, r);
        loss -= f64::from(step) * f64::from(norm);
        let next = A::dot(r, r);
        let turn = next / norm;
        for (p, r) in p.iter_mut().zip(r.iter()) {
            *p = turn * *p + *r;
        }
        norm = next;
    }
    loss
}
