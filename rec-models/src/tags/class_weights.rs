//! How much errors weigh.

use serde::{Deserialize, Serialize};

use super::labels::Labelled;
use crate::{Error, Result};

/// How much an error in a text of each label weighs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// All the same.
    #[default]
    Uniform,
    /// `n / (labels · n_label)`: rare labels weigh more.
    Balanced,
    /// As given, in the order of the labels.
    Each(Vec<f32>),
}

impl ClassWeights {
    pub(super) fn of(&self, labelled: &Labelled) -> Result<Vec<f32>> {
        let n_labels = labelled.labels.len();
        match self {
            Self::Uniform => Ok(vec![1.0; n_labels]),
            Self::Balanced => {
                let mut counts = vec![0usize; n_labels];
                labelled.rows.indices().iter().for_each(|&label| counts[label as usize] += 1);
                let weight = |&n: &usize| labelled.len() as f32 / (n_labels * n.max(1)) as f32;
                Ok(counts.iter().map(weight).collect())
            }
            Self::Each(weights) if weights.len() != n_labels => {
                Err(Error::shape("class weights", n_labels, weights.len()))
            }
            Self::Each(weights) => match weights.iter().find(|w| !(w.is_finite() && **w > 0.0)) {
                Some(w) => {
                    Err(Error::parameter("class_weights", w, "finite numbers above 0 are needed"))
                }
                None => Ok(weights.clone()),
            },
        }
    }
}
