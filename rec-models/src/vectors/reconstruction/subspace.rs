//! The vectors that are best for given weights.

use faer::diag::Diag;
use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::evd;
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, MatRef, Par};
use rand::RngExt as _;
use rayon::prelude::*;
use rec_core::rng::Rng;

use super::associations::Associations;
use crate::{Error, Result};

/// The degree of the filter's polynomial.
const DEGREE: usize = 12;

/// Directions that carry less than this share of a Gram matrix are dropped.
const LEAST: f64 = 1e-9;

/// Columns that a thread takes of a product.
const BLOCK: usize = 16;

/// `V` with `1ᵀ V = 0` and `VᵀV / n = I`, by column.
pub(super) struct Subspace {
    /// Orthonormal columns: `V / √n`, `[n, dim]`.
    columns: Mat<f64>,
    /// The largest eigenvalue of interest, as far as is known.
    edge: Option<f64>,
}

impl Subspace {
    /// Random columns, not yet orthonormal: the first step makes them so.
    pub(super) fn random(n: usize, dim: usize, rng: &mut Rng) -> Self {
        let mut columns = Mat::from_fn(n, dim, |_, _| rng.random::<f64>() - 0.5);
        (0..dim).for_each(|c| centre(column_mut(&mut columns, c)));
        Self { columns, edge: None }
    }

    pub(super) fn dim(&self) -> usize {
        self.columns.ncols()
    }

    /// `V` by row, `[n, dim]`.
    pub(super) fn rows(&self) -> Vec<f64> {
        let (n, dim) = (self.columns.nrows(), self.dim());
        let scale = (n as f64).sqrt();
        let mut rows = vec![0.0; n * dim];
        rows.par_chunks_mut(dim).enumerate().for_each(|(r, row)| {
            row.iter_mut().enumerate().for_each(|(c, x)| *x = scale * self.columns[(r, c)]);
        });
        rows
    }

    /// Moves to the best columns within the span of the present ones and of the filtered ones, those
    /// of least eigenvalue; gives `Σ ‖v_j − Σ_k w_jk v_k‖²`.
    pub(super) fn step(&mut self, weights: &Associations, rng: &mut Rng) -> Result<f64> {
        let n = self.columns.nrows();
        let top = largest(weights, rng);
        // Before anything is known, the lower tenth: wide enough to hold what is sought.
        let edge = self.edge.unwrap_or(0.1 * top).clamp(1e-6 * top, 0.5 * top);
        let both = self.with_filtered(weights, (edge, top));
        let image = columns_of(&both, |x, residual, out| {
            weights.apply(x, residual, out);
            centre(out);
        });
        let basis = whitening(&product_of(both.as_ref(), both.as_ref()))?;
        let energy = transformed(&product_of(both.as_ref(), image.as_ref()), &basis);
        let (values, vectors) = eigen(&energy)?;
        let dim = self.dim().min(values.len());
        let mut best = Mat::zeros(basis.nrows(), dim);
        let least = vectors.as_ref().subcols(0, dim);
        matmul(best.as_mut(), Accum::Replace, basis.as_ref(), least, 1.0, Par::Seq);
        self.columns = times(both.as_ref(), best.as_ref());
        self.edge = values.get(dim - 1).copied();
        Ok(n as f64 * values[..dim].iter().sum::<f64>())
    }

    /// `[V, T(M) V]`, with the Chebyshev polynomial of `DEGREE` that is at most 1 between the edges
    /// and grows below.
    fn with_filtered(&self, weights: &Associations, (from, to): (f64, f64)) -> Mat<f64> {
        let (n, dim) = (self.columns.nrows(), self.dim());
        let (middle, half) = (f64::midpoint(from, to), (to - from) / 2.0);
        let filtered = columns_of(&self.columns, |x, residual, out| {
            let mut before = x.to_vec();
            let mut image = vec![0.0; n];
            weights.apply(x, residual, out);
            out.iter_mut().zip(x).for_each(|(y, x)| *y = (*y - middle * x) / half);
            for _ in 1..DEGREE {
                weights.apply(out, residual, &mut image);
                for ((y, before), image) in out.iter_mut().zip(&mut before).zip(&image) {
                    let next = 2.0 * (image - middle * *y) / half - *before;
                    *before = std::mem::replace(y, next);
                }
                centre(out);
            }
            normalise(out);
        });
        Mat::from_fn(n, 2 * dim, |r, c| match c < dim {
            true => self.columns[(r, c)],
            false => filtered[(r, c - dim)],
        })
    }
}

/// A little more than the largest eigenvalue, by power iteration.
fn largest(weights: &Associations, rng: &mut Rng) -> f64 {
    const ITERATIONS: usize = 40;
    let n = weights.len();
    let mut x: Vec<f64> = (0..n).map(|_| rng.random::<f64>() - 0.5).collect();
    let (mut residual, mut out) = (vec![0.0; n], vec![0.0; n]);
    let mut value = 1.0;
    for _ in 0..ITERATIONS {
        normalise(&mut x);
        weights.apply(&x, &mut residual, &mut out);
        value = out.iter().map(|y| y * y).sum::<f64>().sqrt();
        std::mem::swap(&mut x, &mut out);
    }
    1.1 * value
}

/// A matrix whose columns are made of those of another.
fn columns_of(from: &Mat<f64>, of: impl Fn(&[f64], &mut [f64], &mut [f64]) + Sync) -> Mat<f64> {
    let (n, m) = (from.nrows(), from.ncols());
    let columns: Vec<Vec<f64>> = (0..m)
        .into_par_iter()
        .map(|c| {
            let (mut residual, mut out) = (vec![0.0; n], vec![0.0; n]);
            of(column(from, c), &mut residual, &mut out);
            out
        })
        .collect();
    Mat::from_fn(n, m, |r, c| columns[c][r])
}

fn column(of: &Mat<f64>, c: usize) -> &[f64] {
    of.col_as_slice(c)
}

fn column_mut(of: &mut Mat<f64>, c: usize) -> &mut [f64] {
    of.col_as_slice_mut(c)
}

fn centre(x: &mut [f64]) {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    x.iter_mut().for_each(|x| *x -= mean);
}

fn normalise(x: &mut [f64]) {
    let norm = x.iter().map(|x| x * x).sum::<f64>().sqrt();
    if norm > 0.0 {
        x.iter_mut().for_each(|x| *x /= norm);
    }
}

/// `A B`, a block of columns a thread, each in one order whatever the threads.
fn times(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    let mut out = Mat::zeros(a.nrows(), b.ncols());
    out.as_mut().par_col_chunks_mut(BLOCK).enumerate().for_each(|(block, part)| {
        let columns = b.subcols(block * BLOCK, part.ncols());
        matmul(part, Accum::Replace, a, columns, 1.0, Par::Seq);
    });
    out
}

/// `Aᵀ B`.
fn product_of(a: MatRef<'_, f64>, b: MatRef<'_, f64>) -> Mat<f64> {
    times(a.transpose(), b)
}

/// `T` with `Tᵀ G T = I`, for the directions that `G` carries.
fn whitening(gram: &Mat<f64>) -> Result<Mat<f64>> {
    let (values, vectors) = eigen(gram)?;
    let most = values.last().copied().unwrap_or(0.0);
    let kept: Vec<usize> = (0..values.len()).filter(|&k| values[k] > LEAST * most).collect();
    let entry = |r: usize, c: usize| vectors[(r, kept[c])] / values[kept[c]].sqrt();
    Ok(Mat::from_fn(gram.nrows(), kept.len(), entry))
}

/// `Tᵀ A T`.
fn transformed(a: &Mat<f64>, t: &Mat<f64>) -> Mat<f64> {
    product_of(t.as_ref(), times(a.as_ref(), t.as_ref()).as_ref())
}

/// Eigenvalues of a symmetric matrix, ascending, and its eigenvectors.
fn eigen(a: &Mat<f64>) -> Result<(Vec<f64>, Mat<f64>)> {
    let n = a.nrows();
    // The two halves differ by rounding.
    let a = Mat::from_fn(n, n, |r, c| f64::midpoint(a[(r, c)], a[(c, r)]));
    let (mut vectors, mut values) = (Mat::zeros(n, n), Diag::zeros(n));
    let (par, all) = (Par::Seq, evd::ComputeEigenvectors::Yes);
    let room = evd::self_adjoint_evd_scratch::<f64>(n, all, par, Default::default());
    evd::self_adjoint_evd(
        a.as_ref(),
        values.as_mut(),
        Some(vectors.as_mut()),
        par,
        MemStack::new(&mut MemBuffer::new(room)),
        Default::default(),
    )
    .map_err(|_| Error::data("context reconstruction", "its eigenvectors were not found"))?;
    Ok(((0..n).map(|k| values[k]).collect(), vectors))
}
