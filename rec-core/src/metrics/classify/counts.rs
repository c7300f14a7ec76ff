//! Precision, recall and F1, by label and over all labels.

use super::{check_pairs, check_sets, ratio};
use crate::data::Csr;
use crate::{Error, Result};

/// For each label, how often it was rightly given, wrongly given and missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelCounts {
    /// Texts that have the label and were given it: `[n_labels]`.
    pub true_positives: Vec<u64>,
    /// Texts that were given the label and do not have it: `[n_labels]`.
    pub false_positives: Vec<u64>,
    /// Texts that have the label and were not given it: `[n_labels]`.
    pub false_negatives: Vec<u64>,
}

impl LabelCounts {
    fn zeros(n_labels: usize) -> Self {
        let zeros = vec![0; n_labels];
        Self {
            true_positives: zeros.clone(),
            false_positives: zeros.clone(),
            false_negatives: zeros,
        }
    }

    /// Counts of one label a text.
    ///
    /// # Errors
    /// [`Error::Shape`] for unequal lengths or ids not below `n_labels`, [`Error::Empty`] for none.
    pub fn single(truth: &[u32], predicted: &[u32], n_labels: usize) -> Result<Self> {
        check_pairs("predicted labels", truth.len(), predicted.len())?;
        check_ids(truth, n_labels)?;
        check_ids(predicted, n_labels)?;
        let mut counts = Self::zeros(n_labels);
        for (&t, &p) in truth.iter().zip(predicted) {
            if t == p {
                counts.true_positives[t as usize] += 1;
            } else {
                counts.false_negatives[t as usize] += 1;
                counts.false_positives[p as usize] += 1;
            }
        }
        Ok(counts)
    }

    /// Counts of several labels a text.
    ///
    /// # Errors
    /// [`Error::Shape`] where the two differ in shape, [`Error::Empty`] for no text.
    pub fn multi(truth: &Csr, predicted: &Csr) -> Result<Self> {
        check_sets(truth, predicted)?;
        let mut counts = Self::zeros(truth.n_cols());
        for row in 0..truth.n_rows() {
            for &p in predicted.row(row) {
                let hit = truth.contains(row, p);
                let of = if hit { &mut counts.true_positives } else { &mut counts.false_positives };
                of[p as usize] += 1;
            }
            for &t in truth.row(row).iter().filter(|&&t| !predicted.contains(row, t)) {
                counts.false_negatives[t as usize] += 1;
            }
        }
        Ok(counts)
    }

    /// Number of labels.
    pub fn n_labels(&self) -> usize {
        self.true_positives.len()
    }

    /// Texts that have each label: `[n_labels]`.
    pub fn support(&self) -> Vec<u64> {
        self.true_positives.iter().zip(&self.false_negatives).map(|(t, f)| t + f).collect()
    }

    /// `TP / (TP + FP)` of each label: `[n_labels]`.
    pub fn precision(&self) -> Vec<f64> {
        self.each(|tp, fp, _| ratio(tp, tp + fp))
    }

    /// `TP / (TP + FN)` of each label: `[n_labels]`.
    pub fn recall(&self) -> Vec<f64> {
        self.each(|tp, _, miss| ratio(tp, tp + miss))
    }

    /// `2 TP / (2 TP + FP + FN)` of each label: `[n_labels]`.
    pub fn f1(&self) -> Vec<f64> {
        self.each(f1)
    }

    /// Precision over the pooled decisions of all labels.
    pub fn micro_precision(&self) -> f64 {
        let [tp, fp, _] = self.totals();
        ratio(tp, tp + fp)
    }

    /// Recall over the pooled decisions of all labels.
    pub fn micro_recall(&self) -> f64 {
        let [tp, _, miss] = self.totals();
        ratio(tp, tp + miss)
    }

    /// F1 over the pooled decisions of all labels. With one label a text it equals accuracy.
    pub fn micro_f1(&self) -> f64 {
        let [tp, fp, miss] = self.totals();
        f1(tp, fp, miss)
    }

    /// The mean F1 of the labels that occur, in the truth or the prediction.
    pub fn macro_f1(&self) -> f64 {
        self.mean_of_present(&self.f1())
    }

    /// The mean precision of the labels that occur.
    pub fn macro_precision(&self) -> f64 {
        self.mean_of_present(&self.precision())
    }

    /// The mean recall of the labels that occur.
    pub fn macro_recall(&self) -> f64 {
        self.mean_of_present(&self.recall())
    }

    fn each(&self, of: impl Fn(f64, f64, f64) -> f64) -> Vec<f64> {
        let counts = self.true_positives.iter().zip(&self.false_positives);
        counts
            .zip(&self.false_negatives)
            .map(|((&tp, &fp), &miss)| of(tp as f64, fp as f64, miss as f64))
            .collect()
    }

    fn totals(&self) -> [f64; 3] {
        [&self.true_positives, &self.false_positives, &self.false_negatives]
            .map(|counts| counts.iter().sum::<u64>() as f64)
    }

    fn mean_of_present(&self, values: &[f64]) -> f64 {
        let occurs = |label: usize| {
            self.true_positives[label] + self.false_positives[label] + self.false_negatives[label]
                > 0
        };
        let present = (0..self.n_labels()).filter(|&label| occurs(label));
        let (sum, n) = present.fold((0.0, 0.0), |(sum, n), label| (sum + values[label], n + 1.0));
        ratio(sum, n)
    }
}

fn f1(tp: f64, fp: f64, miss: f64) -> f64 {
    ratio(2.0 * tp, 2.0 * tp + fp + miss)
}

pub(super) fn check_ids(labels: &[u32], n_labels: usize) -> Result<()> {
    match labels.iter().find(|&&label| label as usize >= n_labels) {
        Some(label) => Err(Error::shape("id of a label", format!("< {n_labels}"), label)),
        None => Ok(()),
    }
}
