//! Why an item scored as it did.

use rec_core::rank::{Explain, Explanation};

use super::GfCfModel;
use crate::Result;
use crate::graph::filter::explanation;
use crate::graph::paths::{Degrees, Path, check_ids, strongest};

impl GfCfModel {
    /// The `k` strongest ways of three edges from a user to an item, strongest first; ties go to the
    /// smaller item, then user. Their weights are the terms `1/(d_v √(d_j d_i))` of the linear filter:
    /// without factors all ways together make up the score of an item the user did not have.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] for ids the model does not have.
    pub fn paths(&self, user: u32, item: u32, k: usize) -> Result<Vec<Path>> {
        strongest(&self.seen, (user, item), k, |Degrees { via, other, item, .. }| {
            1.0 / (other * (via * item).sqrt())
        })
    }
}

impl Explain for GfCfModel {
    /// The filter is linear, so each past item `j` has its part:
    /// `Σ_v r̃_vj r̃_vi + α √(d_i / d_j) ⟨V_j, V_i⟩`.
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        check_ids(&self.seen, user, item)?;
        let d = self.config.factors;
        let vector = |i: u32| &self.vectors[i as usize * d..][..d];
        let root = |i: u32| self.filter.divisors[i as usize];
        let history = self.seen.row(user as usize);
        let linear = self.filter.linear_parts(history, item);
        let parts = history.iter().zip(linear).map(|(&j, linear)| {
            let ideal: f32 = vector(j).iter().zip(vector(item)).map(|(a, b)| a * b).sum();
            (j, linear + self.config.alpha * root(item) / root(j) * ideal)
        });
        Ok(explanation(parts.collect()))
    }
}
