//! Why an item scored as it did.

use rec_core::rank::{Explain, Explanation};

use super::GfCfModel;
use crate::Result;
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
        let (n, d) = (self.ids.users.len(), self.config.factors);
        let mut having = vec![0f32; n];
        self.filter.by_item.iter_row(item as usize).for_each(|(v, x)| having[v as usize] = x);
        let vector = |i: u32| &self.vectors[i as usize * d..][..d];
        let root = |i: u32| self.filter.roots[i as usize];
        let part = |&j: &u32| {
            let shared = self.filter.by_item.iter_row(j as usize);
            let linear: f32 = shared.map(|(v, x)| x * having[v as usize]).sum();
            let ideal: f32 = vector(j).iter().zip(vector(item)).map(|(a, b)| a * b).sum();
            (j, linear + self.config.alpha * root(item) / root(j) * ideal)
        };
        let mut contributions: Vec<(u32, f32)> =
            self.seen.row(user as usize).iter().map(part).collect();
        contributions.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let score = contributions.iter().map(|(_, part)| part).sum();
        Ok(Explanation { score, contributions, exact: true })
    }
}
