//! The trees.

use std::fmt;

use forust_ml::gradientbooster::GrowPolicy;
use forust_ml::objective::ObjectiveType;
use forust_ml::{GradientBooster, Matrix};
use serde::{Deserialize, Serialize};

use super::TreeLearner;
use super::features::Candidates;
use crate::{Error, Result};

/// Trees that score candidates; learned by [`TreeLearner`].
#[derive(Serialize, Deserialize)]
pub struct TreeRanker {
    columns: Vec<String>,
    trees: GradientBooster,
}

impl fmt::Debug for TreeRanker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TreeRanker({} trees of {} columns)", self.trees.trees.len(), self.columns.len())
    }
}

/// Rows to learn from: `columns` is `[columns, rows]`.
pub(super) struct Rows {
    pub(super) columns: Vec<f64>,
    pub(super) right: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

impl TreeRanker {
    /// # Errors
    /// [`Error::Data`] for what the trees refuse.
    pub(super) fn fit(learner: &TreeLearner, columns: Vec<String>, rows: &Rows) -> Result<Self> {
        // Sums of gradients in another order differ in their last bits, so trees grow on one thread.
        let mut trees = GradientBooster::default()
            .set_objective_type(ObjectiveType::LogLoss)
            .set_iterations(learner.trees)
            .set_learning_rate(learner.learning_rate)
            .set_max_leaves(learner.leaves)
            .set_max_depth(8)
            .set_nbins(64)
            .set_base_score(0.0)
            .set_initialize_base_score(false)
            .set_parallel(false);
        trees.grow_policy = GrowPolicy::LossGuide;
        let data = Matrix::new(&rows.columns, rows.right.len(), columns.len());
        trees
            .fit(&data, &rows.right, &rows.weights, None)
            .map_err(|error| Error::data("the candidates' columns", error.to_string()))?;
        Ok(Self { columns, trees })
    }

    /// The columns it was learned from.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The log-odds of each candidate.
    pub(super) fn scores(&self, candidates: &Candidates) -> Vec<f32> {
        let data = Matrix::new(&candidates.columns, candidates.items.len(), self.columns.len());
        self.trees.predict(&data, false).into_iter().map(|score| score as f32).collect()
    }
}
