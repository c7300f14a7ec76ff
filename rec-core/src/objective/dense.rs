//! Symmetric positive definite systems in plain loops: O(n³), for reference solutions.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::{Error, Result};

/// The lower factor `L` of `A = L Lᵀ`: `[n, n] → [n, n]`.
///
/// # Errors
/// [`Error::Data`] if the matrix is not positive definite, [`Error::Shape`] if it is not square.
pub fn cholesky(a: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
    let n = a.nrows();
    if a.ncols() != n {
        return Err(Error::shape("matrix to factor", format!("[{n}, {n}]"), a.ncols()));
    }
    let mut l = Array2::zeros((n, n));
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| l[[i, k]] * l[[j, k]]).sum();
            let left = a[[i, j]] - known;
            if i == j && !(left > 0.0 && left.is_finite()) {
                return Err(Error::data(
                    "matrix to factor",
                    "it is not positive definite; raise the regularisation",
                ));
            }
            l[[i, j]] = if i == j { left.sqrt() } else { left / l[[j, j]] };
        }
    }
    Ok(l)
}

/// The solution of `A x = b`.
///
/// # Errors
/// As [`cholesky`], and [`Error::Shape`] if `b` is not as long as the matrix.
pub fn solve(a: ArrayView2<'_, f64>, b: ArrayView1<'_, f64>) -> Result<Array1<f64>> {
    let l = cholesky(a)?;
    let n = l.nrows();
    if b.len() != n {
        return Err(Error::shape("right-hand side", n, b.len()));
    }
    let mut x = b.to_owned();
    for i in 0..n {
        let known: f64 = (0..i).map(|k| l[[i, k]] * x[k]).sum();
        x[i] = (x[i] - known) / l[[i, i]];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| l[[k, i]] * x[k]).sum();
        x[i] = (x[i] - known) / l[[i, i]];
    }
    Ok(x)
}

/// The inverse `A⁻¹`, column by column.
///
/// # Errors
/// As [`cholesky`].
pub fn inverse(a: ArrayView2<'_, f64>) -> Result<Array2<f64>> {
    let n = a.nrows();
    let mut inverse = Array2::zeros((n, n));
    for j in 0..n {
        let mut unit = Array1::zeros(n);
        unit[j] = 1.0;
        inverse.column_mut(j).assign(&solve(a, unit.view())?);
    }
    Ok(inverse)
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_hand_made_system_is_solved() {
        let a = array![[4.0, 2.0], [2.0, 5.0]];
        assert_eq!(cholesky(a.view()).unwrap(), array![[2.0, 0.0], [1.0, 2.0]]);
        let x = solve(a.view(), array![8.0, 12.0].view()).unwrap();
        assert!((x - array![1.0, 2.0]).iter().all(|e| e.abs() < 1e-15));
        let inverse = inverse(a.view()).unwrap();
        assert!((inverse.dot(&a) - Array2::<f64>::eye(2)).iter().all(|e| e.abs() < 1e-15));
    }

    #[test]
    fn what_has_no_factor_is_refused() {
        assert!(cholesky(array![[1.0, 2.0], [2.0, 1.0]].view()).is_err());
        assert!(cholesky(array![[f64::NAN]].view()).is_err());
        assert!(cholesky(array![[1.0, 0.0]].view()).is_err());
        assert!(solve(array![[1.0]].view(), array![1.0, 2.0].view()).is_err());
    }
}
