//! Metrics of scores, before any threshold.

use super::{check_pairs, check_scores, finite, ratio};
use crate::data::Csr;
use crate::metrics::auc;
use crate::{Error, Result};

/// The probability that a text with the label scores above one without, ties counting one half
/// (Hanley and McNeil 1982).
///
/// # Errors
/// [`Error::Shape`] for unequal lengths, [`Error::Data`] where all texts have the label or none has,
/// or a score is not a number.
pub fn roc_auc(truth: &[bool], scores: &[f32]) -> Result<f64> {
    check_pairs("scores", truth.len(), scores.len())?;
    finite(scores)?;
    let of = |wanted: bool| -> Vec<f32> {
        truth.iter().zip(scores).filter(|(t, _)| **t == wanted).map(|(_, s)| *s).collect()
    };
    let (with, without) = (of(true), of(false));
    if with.is_empty() || without.is_empty() {
        let why = "it needs texts with the label and texts without; this part has one kind only";
        return Err(Error::data("ROC-AUC", why));
    }
    Ok(auc(&with, &without))
}

/// The mean of [`roc_auc`] over the labels that some texts have and others have not; scores are
/// `[texts, labels]`. For one label a text this is the one-vs-rest average.
///
/// # Errors
/// [`Error::Shape`] where the scores do not fit, [`Error::Data`] where no label divides the texts.
pub fn roc_auc_macro(truth: &Csr, scores: &[f32]) -> Result<f64> {
    check_scores(truth, scores)?;
    let all: Vec<f64> = (0..truth.n_cols())
        .filter_map(|label| {
            let (has, column) = column(truth, scores, label);
            roc_auc(&has, &column).ok()
        })
        .collect();
    if all.is_empty() {
        let why = "no label has both texts with it and texts without";
        return Err(Error::data("ROC-AUC", why));
    }
    Ok(all.iter().sum::<f64>() / all.len() as f64)
}

/// `Σ_n (R_n − R_{n−1}) P_n` over the distinct scores in falling order; texts of equal score enter
/// together. 0 where no text has the label.
///
/// # Errors
/// [`Error::Shape`] for unequal lengths, [`Error::Data`] for a score that is not a number.
pub fn average_precision(truth: &[bool], scores: &[f32]) -> Result<f64> {
    check_pairs("scores", truth.len(), scores.len())?;
    finite(scores)?;
    let mut ranked: Vec<(f32, bool)> = scores.iter().copied().zip(truth.iter().copied()).collect();
    ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let (mut seen, mut hits, mut sum) = (0usize, 0usize, 0.0);
    for tied in ranked.chunk_by(|a, b| a.0 == b.0) {
        let new = tied.iter().filter(|(_, has)| *has).count();
        seen += tied.len();
        hits += new;
        sum += new as f64 * hits as f64 / seen as f64;
    }
    Ok(ratio(sum, hits as f64))
}

/// mAP: the mean of [`average_precision`] over the labels that some text has (macro average);
/// scores are `[texts, labels]`.
///
/// # Errors
/// As for [`roc_auc_macro`].
pub fn mean_average_precision(truth: &Csr, scores: &[f32]) -> Result<f64> {
    check_scores(truth, scores)?;
    let (mut sum, mut n) = (0.0, 0.0);
    for label in 0..truth.n_cols() {
        let (has, column) = column(truth, scores, label);
        if has.contains(&true) {
            sum += average_precision(&has, &column)?;
            n += 1.0;
        }
    }
    if n == 0.0 {
        return Err(Error::data("mAP", "no text has any label"));
    }
    Ok(sum / n)
}

/// The share of right labels among the `k` of highest score, averaged over the texts that have
/// labels; among equal scores the smaller label id comes first.
///
/// # Errors
/// [`Error::Parameter`] for `k` of 0 or more than there are labels, and as for [`roc_auc_macro`].
pub fn precision_at_k(truth: &Csr, scores: &[f32], k: usize) -> Result<f64> {
    check_scores(truth, scores)?;
    let n_labels = truth.n_cols();
    if k == 0 || k > n_labels {
        return Err(Error::parameter("k", k, format!("choose 1 to the {n_labels} labels")));
    }
    let (mut sum, mut n) = (0.0, 0.0);
    let mut order: Vec<u32> = Vec::new();
    for (row, scores) in scores.chunks_exact(n_labels).enumerate() {
        if truth.row(row).is_empty() {
            continue;
        }
        order.clear();
        order.extend(0..n_labels as u32);
        let by =
            |a: &u32, b: &u32| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b));
        order.sort_unstable_by(by);
        sum += order[..k].iter().filter(|&&label| truth.contains(row, label)).count() as f64;
        n += 1.0;
    }
    Ok(ratio(sum, n * k as f64))
}

fn column(truth: &Csr, scores: &[f32], label: usize) -> (Vec<bool>, Vec<f32>) {
    let n = truth.n_cols();
    let has = (0..truth.n_rows()).map(|row| truth.contains(row, label as u32)).collect();
    (has, scores.iter().skip(label).step_by(n).copied().collect())
}
