//! `YᵀY + λI`: what all rows of a sweep share.

use rayon::prelude::*;

#[cfg(target_arch = "x86_64")]
use super::kernel::Fused;
use super::kernel::{Arithmetic, Level, Plain};

/// Rows summed in 32 bits before the sum moves to 64.
const BLOCK: usize = 256;
/// Tasks at most; fixed, so that the order of additions is.
const TASKS: usize = 64;

/// `YᵀY + λI` of row-major factors `[n, dim]`: row-major `[dim, dim]`, both triangles.
pub(super) fn gram(level: Level, factors: &[f32], dim: usize, l2: f32) -> Vec<f32> {
    let rows = factors.len() / dim;
    let task = rows.div_ceil(TASKS).next_multiple_of(BLOCK).max(BLOCK);
    let parts: Vec<Vec<f64>> =
        factors.par_chunks(task * dim).map(|rows| upper(level, rows, dim)).collect();
    let mut out = vec![0f32; dim * dim];
    for i in 0..dim {
        for j in i..dim {
            let sum: f64 = parts.iter().map(|p| p[i * dim + j]).sum();
            let value = if i == j { sum + f64::from(l2) } else { sum } as f32;
            out[i * dim + j] = value;
            out[j * dim + i] = value;
        }
    }
    out
}

fn upper(level: Level, rows: &[f32], dim: usize) -> Vec<f64> {
    let mut total = vec![0f64; dim * dim];
    let mut block = vec![0f32; dim * dim];
    for rows in rows.chunks(BLOCK * dim) {
        block.fill(0.0);
        add(level, rows, dim, &mut block);
        total.iter_mut().zip(&block).for_each(|(t, &b)| *t += f64::from(b));
    }
    total
}

fn add(level: Level, rows: &[f32], dim: usize, out: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    if level.avx2() {
        // SAFETY: a level with AVX2 exists only where AVX2 and FMA were detected.
        return unsafe { add_avx2(rows, dim, out) };
    }
    let _ = level;
    add_with::<Plain>(rows, dim, out);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn add_avx2(rows: &[f32], dim: usize, out: &mut [f32]) {
    add_with::<Fused>(rows, dim, out);
}

#[inline(always)]
fn add_with<A: Arithmetic>(rows: &[f32], dim: usize, out: &mut [f32]) {
    let mut fours = rows.chunks_exact(4 * dim);
    for four in &mut fours {
        let row: [&[f32]; 4] = std::array::from_fn(|k| &four[k * dim..][..dim]);
        for i in 0..dim {
            let t = row.map(|r| r[i]);
            A::axpy4(t, row.map(|r| &r[i..]), &mut out[i * dim + i..][..dim - i]);
        }
    }
    for row in fours.remainder().chunks_exact(dim) {
        for i in 0..dim {
            A::axpy(row[i], &row[i..], &mut out[i * dim + i..][..dim - i]);
        }
    }
}
