//! The leading right singular vectors of a sparse matrix.

use faer::{Mat, Side};
use rayon::prelude::*;
use rec_core::data::Csr;
use rec_core::parallel;

use crate::collab::factors::Table;
use crate::collab::rows::Task;
use crate::ops::gemm::{Matrix, product};
use crate::ops::spmm::cpu::{Into, Only, multiply};
use crate::{Error, Result};

/// Vectors beyond those asked for, so that the last ones converge too.
pub(in crate::graph) const OVERSAMPLING: usize = 64;
/// Most rounds of subspace iteration.
pub(in crate::graph) const MOST_ITERATIONS: usize = 40;
/// The sum of the wanted eigenvalues has converged when a round raises it by no more than this part.
const TOLERANCE: f64 = 2e-6;
/// The largest over the smallest eigenvalue of a subspace up to which a polynomial of degree 3 is
/// taken, and one of degree 2.
const SPAN_OF_THREE: f64 = 30.0;
const SPAN_OF_TWO: f64 = 300.0;
/// Directions with less of the largest one's square are noise.
const RANK: f64 = 1e-10;

/// The `k` largest singular values, largest first, and their right singular vectors, `[columns, k]`,
/// row-major and orthonormal. Where the matrix has fewer that are not 0, the rest are zeros.
#[derive(Clone, Debug, Default)]
pub(in crate::graph) struct Leading {
    pub(in crate::graph) values: Vec<f32>,
    pub(in crate::graph) vectors: Vec<f32>,
}

/// The `k` leading right singular vectors of a matrix.
pub(in crate::graph) fn leading(matrix: &Csr, k: usize, seed: u64, task: &Task) -> Result<Leading> {
    let (n, m) = (matrix.n_rows(), matrix.n_cols());
    let p = (k + OVERSAMPLING).min(n).min(m);
    if k == 0 {
        return Ok(Leading::default());
    }
    let transposed = matrix.transpose();
    let gram = |x: &[f32]| {
        let (mut tall, mut out) = (vec![0f32; n * p], vec![0f32; m * p]);
        multiply(matrix, x, p, Only::default(), Into { product: Some(&mut tall), sum: None });
        multiply(
            &transposed,
            &tall,
            p,
            Only::default(),
            Into { product: Some(&mut out), sum: None },
        );
        out
    };
    // A subspace that is all there is needs no search, and loses no small values to it.
    let whole = p == m;
    let mut basis = match whole {
        true => (0..m * m).map(|at| f32::from(u8::from(at / m == at % m))).collect(),
        false => {
            let start = Table::uniform(m, p, seed, "gfcf.svd", (-1.0, 2.0));
            orthonormal(&start, p)?
        }
    };
    let mut last = 0.0;
    for _ in 0..MOST_ITERATIONS {
        task.advance(1)?;
        let image = gram(&basis);
        // Rayleigh–Ritz: eigenvectors of the matrix seen from within the subspace.
        let (values, vectors) = eigen(&inner(&basis, &image, p), p)?;
        let vectors: Vec<f32> = vectors.iter().map(|&x| x as f32).collect();
        let turned = |x: &[f32]| product(Matrix::new(x, [m, p]), Matrix::new(&vectors, [p, p]));
        let ritz = turned(&basis);
        let sum: f64 = values.iter().take(k).sum();
        if whole || sum - last <= TOLERANCE * sum {
            return Ok(first(&ritz, &values, p, k));
        }
        let image = turned(&image);
        // A random subspace does not know how far its values span.
        basis = match last == 0.0 {
            true => orthonormal(&image, p)?,
            false => orthonormal(&filtered(&ritz, image, &values, gram), p)?,
        };
        last = sum;
    }
    Err(Error::data(
        "singular vectors of the interactions",
        "subspace iteration did not converge; choose fewer factors",
    ))
}

/// The next basis, before it is orthonormal: `T(2 A/c − I) X` of the Ritz vectors `X`, with the
/// Chebyshev polynomial `T` that stays small up to the last Ritz value `c` and rises steeply above it
/// (Y. Zhou, Y. Saad, M. L. Tiago, J. R. Chelikowsky, "Self-consistent-field calculations using
/// Chebyshev-filtered subspace iteration", Journal of Computational Physics 2006). The more the values
/// span, the lower its degree: what it makes of the largest one's rounding errors in a column must not
/// drown that column. At the lowest it is `A X`.
fn filtered(
    ritz: &[f32],
    image: Vec<f32>,
    values: &[f64],
    gram: impl Fn(&[f32]) -> Vec<f32>,
) -> Vec<f32> {
    let (first, last) = (values.first().copied().unwrap_or(0.0), values.last().copied());
    let span = last.filter(|&last| last > 0.0).map_or(f64::INFINITY, |last| first / last);
    let degree = if span <= SPAN_OF_THREE { 3 } else { 2 };
    let (Some(cut), true) = (last, span <= SPAN_OF_TWO) else { return image };
    let scale = (2.0 / cut) as f32;
    let turned = image.into_par_iter().zip(ritz).map(|(image, x)| scale * image - x);
    let (mut before, mut now): (Vec<f32>, Vec<f32>) = (ritz.to_vec(), turned.collect());
    for _ in 1..degree {
        // Tⱼ₊₁ = 2 B Tⱼ − Tⱼ₋₁ with B = 2 A/c − I.
        let all = gram(&now).into_par_iter().zip(&now).zip(&before);
        let next = all.map(|((image, x), before)| 2.0 * (scale * image - x) - before).collect();
        before = std::mem::replace(&mut now, next);
    }
    now
}

/// The first `k` of `p` columns, those of eigenvalues that are noise as zeros.
fn first(columns: &[f32], values: &[f64], p: usize, k: usize) -> Leading {
    let largest = values.first().copied().unwrap_or(0.0);
    let kept = |at: usize| at < p && values[at] > RANK.sqrt() * largest;
    let row = |row: &[f32]| -> Vec<f32> {
        (0..k).map(|at| if kept(at) { row[at] } else { 0.0 }).collect()
    };
    Leading {
        values: (0..k).map(|at| if kept(at) { values[at].sqrt() as f32 } else { 0.0 }).collect(),
        vectors: columns.chunks_exact(p).flat_map(row).collect(),
    }
}

/// `aᵀ b` of matrices with `p` columns, in double precision at the end.
fn inner(a: &[f32], b: &[f32], p: usize) -> Vec<f64> {
    let rows = a.len() / p;
    let (a, b) = (Matrix::new(a, [rows, p]).transposed(), Matrix::new(b, [rows, p]));
    product(a, b).into_iter().map(f64::from).collect()
}

/// An orthonormal basis of the columns (Stathopoulos & Wu 2002): `X W Λ^-½` with `XᵀX = W Λ Wᵀ`,
/// the columns scaled to one length before. Directions of no length become zeros.
fn orthonormal(x: &[f32], p: usize) -> Result<Vec<f32>> {
    let mut squares = vec![0f64; p];
    for row in x.chunks_exact(p) {
        squares.iter_mut().zip(row).for_each(|(s, x)| *s += f64::from(*x) * f64::from(*x));
    }
    let scales: Vec<f32> =
        squares.iter().map(|s| if *s > 0.0 { (1.0 / s.sqrt()) as f32 } else { 0.0 }).collect();
    let mut scaled = x.to_vec();
    scaled.par_chunks_exact_mut(p).for_each(|row| {
        row.iter_mut().zip(&scales).for_each(|(x, s)| *x *= s);
    });
    let (values, vectors) = eigen(&inner(&scaled, &scaled, p), p)?;
    let largest = values.first().copied().unwrap_or(0.0);
    let turn: Vec<f32> = (0..p * p)
        .map(|at| {
            let value = values[at % p];
            // Below this a direction is the rounding error of others.
            if value > 1e-6 * largest { (vectors[at] / value.sqrt()) as f32 } else { 0.0 }
        })
        .collect();
    Ok(product(Matrix::new(&scaled, [x.len() / p, p]), Matrix::new(&turn, [p, p])))
}

/// Eigenvalues of a symmetric `[p, p]` matrix, largest first, and their vectors as columns,
/// row-major. On one thread, so that the result does not depend on how many there are.
fn eigen(matrix: &[f64], p: usize) -> Result<(Vec<f64>, Vec<f64>)> {
    parallel::install(Some(1), || {
        let symmetric = Mat::from_fn(p, p, |r, c| 0.5 * (matrix[r * p + c] + matrix[c * p + r]));
        let found = symmetric.self_adjoint_eigen(Side::Lower).map_err(|_| {
            Error::data("singular vectors of the interactions", "they are not finite numbers")
        })?;
        let (values, vectors) = (found.S().column_vector(), found.U());
        let mut order: Vec<usize> = (0..p).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
        let sorted = order.iter().map(|&at| values[at]).collect();
        let columns = (0..p).flat_map(|r| order.iter().map(move |&c| vectors[(r, c)]));
        Ok((sorted, columns.collect()))
    })
}
