//! A table of vectors.

use rec_core::rank::{TopK, nearest_rows, scores_block};

use crate::{Error, Result};

/// `[rows, dim]`, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    dim: usize,
    values: Vec<f32>,
}

impl Vectors {
    /// From row-major values.
    ///
    /// # Errors
    /// Where `values` are no whole number of rows.
    pub fn new(dim: usize, values: Vec<f32>) -> Result<Self> {
        if dim == 0 || !values.len().is_multiple_of(dim) {
            let expected = format!("whole rows of {dim} values");
            return Err(Error::shape("vectors", expected, format!("{} values", values.len())));
        }
        Ok(Self { dim, values })
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Columns.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.dim..(i + 1) * self.dim]
    }

    /// All values, row-major.
    pub fn as_slice(&self) -> &[f32] {
        &self.values
    }

    /// All values, row-major.
    pub fn into_vec(self) -> Vec<f32> {
        self.values
    }

    /// The same rows with length 1; rows of zeros stay.
    pub fn normalized(&self) -> Self {
        let mut values = self.values.clone();
        normalize(&mut values, self.dim);
        Self { dim: self.dim, values }
    }

    /// The cosine of every row with every row of `other`: `[rows, other rows]`, row-major.
    ///
    /// # Errors
    /// Where the columns differ.
    pub fn similarity(&self, other: &Self) -> Result<Vec<f32>> {
        self.check_dim(other)?;
        let mut out = vec![0.0; self.len() * other.len()];
        let (a, b) = (self.normalized(), other.normalized());
        scores_block(&a.values, &b.values, self.dim, &mut out)?;
        Ok(out)
    }

    /// The `k` rows of `self` with the greatest cosine to each row of `queries`, best first.
    ///
    /// # Errors
    /// Where the columns differ, or `k` is 0 or above the number of rows.
    pub fn nearest(&self, queries: &Self, k: usize) -> Result<TopK> {
        self.check_dim(queries)?;
        nearest_rows(&self.values, &queries.values, self.dim, k, true)
    }

    fn check_dim(&self, other: &Self) -> Result<()> {
        if self.dim == other.dim {
            return Ok(());
        }
        Err(Error::shape("columns of the vectors to compare", self.dim, other.dim))
    }
}

/// Scales rows to length 1.
pub(super) fn normalize(values: &mut [f32], dim: usize) {
    for row in values.chunks_exact_mut(dim) {
        let norm = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        if norm > 0.0 {
            row.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_and_neighbours_by_hand() {
        let rows = Vectors::new(2, vec![2.0, 0.0, 0.0, 3.0, 1.0, 1.0]).unwrap();
        let query = Vectors::new(2, vec![5.0, 0.0]).unwrap();
        let cosines = query.similarity(&rows).unwrap();
        for (got, expected) in cosines.iter().zip([1.0, 0.0, 0.5f32.sqrt()]) {
            assert!((got - expected).abs() < 1e-6, "{got} for {expected}");
        }
        assert_eq!(rows.nearest(&query, 2).unwrap().row(0).0, [0, 2]);
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        assert!(Vectors::new(3, vec![0.0; 4]).is_err());
        assert!(Vectors::new(0, vec![]).is_err());
        let a = Vectors::new(2, vec![1.0, 0.0]).unwrap();
        let b = Vectors::new(3, vec![1.0, 0.0, 0.0]).unwrap();
        assert!(a.similarity(&b).is_err());
        assert!(a.nearest(&b, 1).is_err());
    }
}
