//! How good tags and classes are. Labels are dense `u32` ids; scores are row-major
//! `[texts, labels]`. One label a text is a slice of ids; several are the rows of a [`Csr`],
//! `[texts, labels]`, whose stored entries are the labels.
//!
//! Definitions are scikit-learn's unless a function says otherwise; a ratio without a denominator
//! is 0.

mod calibration;
mod confusion;
mod counts;
mod multilabel;
mod scores;
#[cfg(test)]
mod tests;

pub use calibration::{Calibration, expected_calibration_error};
pub use confusion::{ConfusionMatrix, accuracy};
pub use counts::LabelCounts;
pub use multilabel::{hamming_loss, subset_accuracy};
pub use scores::{
    average_precision, mean_average_precision, precision_at_k, roc_auc, roc_auc_macro,
};

use crate::data::Csr;
use crate::{Error, Result};

/// `a / b`, and 0 where `b` is.
fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}

fn check_pairs(what: &str, truth: usize, predicted: usize) -> Result<()> {
    if truth != predicted {
        return Err(Error::shape(format!("{what} beside the true labels"), truth, predicted));
    }
    if truth == 0 {
        return Err(Error::empty("the true labels", "there is nothing to measure"));
    }
    Ok(())
}

fn check_sets(truth: &Csr, predicted: &Csr) -> Result<()> {
    check_pairs("predicted label sets", truth.n_rows(), predicted.n_rows())?;
    if truth.n_cols() != predicted.n_cols() {
        let what = "labels of the predicted sets";
        return Err(Error::shape(what, truth.n_cols(), predicted.n_cols()));
    }
    Ok(())
}

fn check_scores(truth: &Csr, scores: &[f32]) -> Result<()> {
    check_pairs("rows of scores", truth.n_rows() * truth.n_cols(), scores.len())?;
    finite(scores)
}

fn finite(scores: &[f32]) -> Result<()> {
    if scores.iter().any(|s| s.is_nan()) {
        return Err(Error::data("scores", "one of them is not a number; nothing ranks beside it"));
    }
    Ok(())
}
