//! Labels of two kinds at once, learned jointly.

use std::collections::BTreeMap;

use rec_core::data::{Csr, Id};

use super::labels::{Labelled, Task};
use crate::{Error, Result};

/// The pairs of label and auxiliary label that training texts have. A learner of pairs is a classifier of
/// labels too: a label is as probable as all pairs it is in.
#[derive(Clone, Debug)]
pub(super) struct Joint {
    /// `[texts, pairs]`: the pair of each text.
    pub rows: Csr,
    /// The label of each pair, ascending.
    pub labels: Vec<u32>,
}

impl Labelled {
    /// With labels of another kind beside, one of each text, that are known while training alone:
    /// the category where the label is a sentiment, the shop a text is from. Learners of
    /// [`Learner::Joint`](super::Learner::Joint) learn from them (Caruana 1997's extra outputs, as the
    /// classes of pairs; label powerset, Tsoumakas and Katakis 2007).
    ///
    /// # Errors
    /// [`Error::Shape`] where they are not one a text, [`Error::Unsupported`] where a text may have several
    /// labels, [`Error::Data`] where all texts have the same.
    pub fn with_auxiliary(self, names: &[Id]) -> Result<Self> {
        if names.len() != self.len() {
            return Err(Error::shape("auxiliary labels beside the texts", self.len(), names.len()));
        }
        if self.labels.task() == Task::Multi {
            let why = "they go with one label a text; leave them out";
            return Err(Error::unsupported("auxiliary labels", "several labels a text", why));
        }
        if names.windows(2).all(|two| two[0] == two[1]) {
            let why = "all texts have the same, which teaches nothing; leave them out";
            return Err(Error::data("auxiliary labels", why));
        }
        let label = |row| self.rows.row(row).first().copied().unwrap_or_default();
        let of: Vec<(u32, &Id)> =
            names.iter().enumerate().map(|(row, id)| (label(row), id)).collect();
        let mut places: BTreeMap<(u32, &Id), u32> = of.iter().map(|&pair| (pair, 0)).collect();
        (0..).zip(places.values_mut()).for_each(|(at, place)| *place = at);
        let rows = Csr::from_rows(of.iter().map(|pair| vec![(places[pair], 1.0)]), places.len());
        let labels = places.into_keys().map(|(label, _)| label).collect();
        Ok(Self { joint: Some(Joint { rows, labels }), ..self })
    }
}

/// The probabilities of labels, `[texts, n_labels]`, of those of pairs.
pub(super) fn summed(pairs: &[f32], labels: &[u32], n_labels: usize) -> Vec<f32> {
    let mut sums = vec![0f32; pairs.len() / labels.len() * n_labels];
    for (sums, pairs) in sums.chunks_exact_mut(n_labels).zip(pairs.chunks_exact(labels.len())) {
        pairs.iter().zip(labels).for_each(|(p, &label)| sums[label as usize] += p);
    }
    sums
}

#[cfg(test)]
mod tests;
