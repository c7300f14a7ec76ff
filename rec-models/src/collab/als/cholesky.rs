//! The exact solution of a row's equations.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt;
use faer::{Conj, MatMut, MatRef, Par};

#[cfg(target_arch = "x86_64")]
use super::kernel::Fused;
use super::kernel::{Arithmetic, Level, Plain};
use super::row::Row;
use crate::{Error, Result};

/// Room for a row's matrix and for its factorisation; one a thread.
pub(super) struct Scratch {
    matrix: Vec<f32>,
    target: Vec<f32>,
    buffer: MemBuffer,
}

impl Scratch {
    pub(super) fn new(dim: usize) -> Self {
        let need = llt::factor::cholesky_in_place_scratch::<f32>(dim, Par::Seq, Default::default());
        Self { matrix: vec![0.0; dim * dim], target: vec![0.0; dim], buffer: MemBuffer::new(need) }
    }
}

/// `YᵀY + λI`, and its factorisation where all rows share it.
pub(super) struct Equations<'a> {
    gram: &'a [f32],
    shared: Option<Vec<f32>>,
}

impl<'a> Equations<'a> {
    /// Prepares for rows which all have confidence 1 (`unit`), or for any.
    ///
    /// # Errors
    /// [`Error::Data`] where the matrix is singular.
    pub(super) fn new(gram: &'a [f32], dim: usize, unit: bool) -> Result<Self> {
        let shared = unit
            .then(|| {
                let mut matrix = gram.to_vec();
                factorise(&mut matrix, dim, &mut Scratch::new(dim).buffer)?;
                Ok::<_, Error>(matrix)
            })
            .transpose()?;
        Ok(Self { gram, shared })
    }

    /// Sets `x` to the solution. Returns the row's part `f(x)` of the loss.
    ///
    /// # Errors
    /// [`Error::Data`] where the row's matrix is singular.
    pub(super) fn solve(
        &self,
        level: Level,
        row: Row<'_>,
        x: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<f64> {
        let Scratch { matrix, target, buffer } = scratch;
        target.fill(0.0);
        let shared = self.shared.as_ref().filter(|_| row.is_unit());
        if shared.is_none() {
            matrix.copy_from_slice(self.gram);
        }
        let sum = assemble(level, row, shared.is_none().then_some(&mut matrix[..]), target);
        let factor = match shared {
            Some(factor) => factor,
            None => {
                factorise(matrix, row.dim, buffer)?;
                matrix
            }
        };
        x.copy_from_slice(target);
        substitute(factor, x, buffer);
        let xb: f32 = x.iter().zip(target.iter()).map(|(x, b)| x * b).sum();
        Ok(sum - f64::from(xb))
    }
}

/// Adds a row's entries to its matrix, if it has one of its own, and to its target.
fn assemble(level: Level, row: Row<'_>, matrix: Option<&mut [f32]>, target: &mut [f32]) -> f64 {
    #[cfg(target_arch = "x86_64")]
    if level.avx2() {
        // SAFETY: a level with AVX2 exists only where AVX2 and FMA were detected.
        return unsafe { assemble_avx2(row, matrix, target) };
    }
    let _ = level;
    assemble_with::<Plain>(row, matrix, target)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn assemble_avx2(row: Row<'_>, matrix: Option<&mut [f32]>, target: &mut [f32]) -> f64 {
    assemble_with::<Fused>(row, matrix, target)
}

#[inline(always)]
fn assemble_with<A: Arithmetic>(
    row: Row<'_>,
    matrix: Option<&mut [f32]>,
    target: &mut [f32],
) -> f64 {
    if let Some(matrix) = matrix
        && !row.is_unit()
    {
        row.add_outer::<A>(matrix);
    }
    row.target::<A>(target)
}

/// Cholesky of the upper triangle of a row-major matrix, which is the lower one by columns.
fn factorise(matrix: &mut [f32], dim: usize, buffer: &mut MemBuffer) -> Result<()> {
    let a = MatMut::from_column_major_slice_mut(matrix, dim, dim);
    let stack = MemStack::new(buffer);
    llt::factor::cholesky_in_place(a, Default::default(), Par::Seq, stack, Default::default())
        .map(|_| ())
        .map_err(|_| {
            Error::data(
                "least-squares equations of ALS",
                "they are singular; raise l2 above 0, or take fewer factors",
            )
        })
}

fn substitute(factor: &[f32], x: &mut [f32], buffer: &mut MemBuffer) {
    let dim = x.len();
    let l = MatRef::from_column_major_slice(factor, dim, dim);
    let rhs = MatMut::from_column_major_slice_mut(x, dim, 1);
    let stack = MemStack::new(buffer);
    llt::solve::solve_in_place_with_conj(l, Conj::No, rhs, Par::Seq, stack);
}
