//! What was taken for what.

use super::check_pairs;
use super::counts::check_ids;
use crate::Result;

/// The share of texts whose label was predicted.
///
/// # Errors
/// [`Error::Shape`](crate::Error::Shape) for unequal lengths, [`Error::Empty`](crate::Error::Empty)
/// for none.
pub fn accuracy(truth: &[u32], predicted: &[u32]) -> Result<f64> {
    check_pairs("predicted labels", truth.len(), predicted.len())?;
    let right = truth.iter().zip(predicted).filter(|(t, p)| t == p).count();
    Ok(right as f64 / truth.len() as f64)
}

/// How many texts of each true label were given each label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionMatrix {
    n_labels: usize,
    counts: Vec<u64>,
}

impl ConfusionMatrix {
    /// Counts the pairs of true and predicted labels.
    ///
    /// # Errors
    /// [`Error::Shape`](crate::Error::Shape) for unequal lengths or ids not below `n_labels`,
    /// [`Error::Empty`](crate::Error::Empty) for none.
    pub fn new(truth: &[u32], predicted: &[u32], n_labels: usize) -> Result<Self> {
        check_pairs("predicted labels", truth.len(), predicted.len())?;
        check_ids(truth, n_labels)?;
        check_ids(predicted, n_labels)?;
        let mut counts = vec![0; n_labels * n_labels];
        for (&t, &p) in truth.iter().zip(predicted) {
            counts[t as usize * n_labels + p as usize] += 1;
        }
        Ok(Self { n_labels, counts })
    }

    /// Number of labels.
    pub fn n_labels(&self) -> usize {
        self.n_labels
    }

    /// Row-major `[true label, predicted label]`.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Texts of this true label that were given that label.
    pub fn get(&self, truth: u32, predicted: u32) -> Option<u64> {
        let (t, p) = (truth as usize, predicted as usize);
        (t < self.n_labels && p < self.n_labels).then(|| self.counts[t * self.n_labels + p])
    }

    /// The most frequent mistakes, `(true, predicted, count)`, the most frequent first.
    pub fn mistakes(&self, k: usize) -> Vec<(u32, u32, u64)> {
        let n = self.n_labels;
        let mut found: Vec<_> = (0..self.counts.len())
            .map(|at| ((at / n) as u32, (at % n) as u32, self.counts[at]))
            .filter(|&(t, p, count)| t != p && count > 0)
            .collect();
        found.sort_by_key(|&(t, p, count)| (std::cmp::Reverse(count), t, p));
        found.truncate(k);
        found
    }
}
