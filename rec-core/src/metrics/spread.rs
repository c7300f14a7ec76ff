//! How vectors lie on the sphere (Wang & Isola 2020).

use ndarray::ArrayView2;
use rayon::prelude::*;

use crate::{Error, Result};

/// The mean of `‖xᵢ − yᵢ‖²` over pairs that belong together, rows scaled to length 1: 0 where they
/// coincide, 2 where they have nothing to do with one another. `[n, d], [n, d]`.
///
/// # Errors
/// No rows, other shapes, a row of zeros or of values that are not finite.
pub fn alignment(x: ArrayView2<'_, f32>, y: ArrayView2<'_, f32>) -> Result<f64> {
    if x.dim() != y.dim() {
        return Err(Error::shape("vectors", format!("{:?}", x.dim()), format!("{:?}", y.dim())));
    }
    let (x, y) = (unit_rows(x)?, unit_rows(y)?);
    let distances: Vec<f64> =
        x.par_iter().zip(&y).map(|(x, y)| 2.0 - 2.0 * f64::from(dot(x, y))).collect();
    Ok(distances.iter().sum::<f64>() / x.len() as f64)
}

/// `ln mean exp(−2 ‖xᵢ − xⱼ‖²)` over all pairs `i < j`, rows scaled to length 1: 0 where all
/// coincide, about −4 + 8/d where `d` is large and they are spread over the sphere. `[n, d]`, of
/// which every pair is looked at.
///
/// # Errors
/// Fewer than two rows, a row of zeros or of values that are not finite.
pub fn uniformity(x: ArrayView2<'_, f32>) -> Result<f64> {
    let x = unit_rows(x)?;
    let n = x.len();
    if n < 2 {
        return Err(Error::empty("pairs of vectors", "pass two vectors or more"));
    }
    let sums: Vec<f64> = (0..n)
        .into_par_iter()
        .map(|i| {
            x[..i].iter().map(|other| (4.0 * (f64::from(dot(&x[i], other)) - 1.0)).exp()).sum()
        })
        .collect();
    Ok((2.0 * sums.iter().sum::<f64>() / (n as f64 * (n - 1) as f64)).ln())
}

fn unit_rows(x: ArrayView2<'_, f32>) -> Result<Vec<Vec<f32>>> {
    if x.is_empty() {
        return Err(Error::empty("vectors", "pass at least one"));
    }
    let unit = |(i, row): (usize, ndarray::ArrayView1<'_, f32>)| {
        let length = row.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        match length > 0.0 && length.is_finite() {
            true => Ok(row.iter().map(|v| (f64::from(*v) / length) as f32).collect()),
            false => Err(Error::data(
                format!("vector {i}"),
                "it is zero or not finite and has no direction; leave it out",
            )),
        }
    };
    x.rows().into_iter().enumerate().map(unit).collect()
}

fn dot(x: &[f32], y: &[f32]) -> f32 {
    x.iter().zip(y).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn figures_by_hand() {
        let x = array![[3.0, 0.0], [0.0, 2.0], [1.0, 0.0]];
        let y = array![[1.0, 0.0], [1.0, 0.0], [-5.0, 0.0]];
        // Distances squared: 0, 2, 4.
        assert!((alignment(x.view(), y.view()).unwrap() - 2.0).abs() < 1e-6);
        // Pairs of x at 2, 0 and 2.
        let expected = ((1.0 + 2.0 * (-4f64).exp()) / 3.0).ln();
        assert!((uniformity(x.view()).unwrap() - expected).abs() < 1e-6);
    }

    #[test]
    fn what_has_no_direction_is_refused() {
        let says = |result: Result<f64>, part: &str| {
            let message = result.unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        };
        let zero = array![[1.0, 0.0], [0.0, 0.0]];
        says(uniformity(zero.view()), "vector 1");
        says(uniformity(array![[1.0f32, 2.0]].view()), "two vectors");
        says(uniformity(Array2::zeros((0, 3)).view()), "at least one");
        says(alignment(zero.view(), array![[1.0f32, 2.0]].view()), "vectors");
        says(alignment(array![[f32::NAN]].view(), array![[1.0f32]].view()), "vector 0");
    }
}
