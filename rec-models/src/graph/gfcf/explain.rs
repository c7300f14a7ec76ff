//! Why an item scored as it did.

use rec_core::rank::{Explain, Explanation};

use super::GfCfModel;
use crate::{Error, Result};

impl Explain for GfCfModel {
    /// The filter is linear, so each past item `j` has its part:
    /// `Σ_v r̃_vj r̃_vi + α √(d_i / d_j) ⟨V_j, V_i⟩`.
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        let (n, m, d) = (self.ids.users.len(), self.ids.items.len(), self.config.factors);
        if user as usize >= n {
            return Err(Error::shape("dense user", format!("< {n}"), user));
        }
        if item as usize >= m {
            return Err(Error::shape("dense item", format!("< {m}"), item));
        }
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
