//! Agreement of whole sets of labels.

use super::check_sets;
use crate::Result;
use crate::data::Csr;

/// The share of wrong decisions among all `texts × labels` (Schapire and Singer 2000).
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) where the two differ in shape,
/// [`Error::Empty`](crate::Error::Empty) for no text.
pub fn hamming_loss(truth: &Csr, predicted: &Csr) -> Result<f64> {
    check_sets(truth, predicted)?;
    let shared: usize = (0..truth.n_rows())
        .map(|row| predicted.row(row).iter().filter(|&&p| truth.contains(row, p)).count())
        .sum();
    let wrong = truth.nnz() + predicted.nnz() - 2 * shared;
    Ok(wrong as f64 / (truth.n_rows() * truth.n_cols()) as f64)
}

/// The share of texts whose whole set of labels was predicted; `accuracy_score` of scikit-learn for
/// several labels a text.
///
/// # Errors
/// As for [`hamming_loss`].
pub fn subset_accuracy(truth: &Csr, predicted: &Csr) -> Result<f64> {
    check_sets(truth, predicted)?;
    let whole = (0..truth.n_rows()).filter(|&row| truth.row(row) == predicted.row(row)).count();
    Ok(whole as f64 / truth.n_rows() as f64)
}
