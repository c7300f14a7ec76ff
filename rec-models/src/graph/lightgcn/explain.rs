//! Why an item scored as it did.

use rec_core::rank::{Explain, Explanation};

use super::LightGcnModel;
use crate::{Error, Result};

/// A way from a user to an item: user → `item` → `user` → item.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Path {
    /// An item of the user's past.
    pub item: u32,
    /// Another user who had both it and the item explained.
    pub user: u32,
    /// What the propagation sends along it: the product of the three edges' weights, `1/√(d d′)`
    /// unless degrees are scaled otherwise. Tags do not count in degrees here.
    pub weight: f32,
}

impl LightGcnModel {
    fn check_ids(&self, user: u32, item: u32) -> Result<()> {
        let (n, m) = (self.ids.users.len(), self.ids.items.len());
        if user as usize >= n {
            return Err(Error::shape("dense user", format!("< {n}"), user));
        }
        if item as usize >= m {
            return Err(Error::shape("dense item", format!("< {m}"), item));
        }
        Ok(())
    }

    /// The `k` strongest ways of three edges from a user to an item, strongest first; ties go to the
    /// smaller item, then user.
    ///
    /// # Errors
    /// [`Error::Shape`] for ids the model does not have.
    pub fn paths(&self, user: u32, item: u32, k: usize) -> Result<Vec<Path>> {
        self.check_ids(user, item)?;
        let past = self.seen.row(user as usize);
        let degrees = self.seen.column_counts();
        let (left, right) = self.config.normalization.powers();
        let edge = |to: usize, from: usize| (to as f32).powf(-left) * (from as f32).powf(-right);
        let degree = |i: u32| degrees[i as usize] as usize;
        let others = (0..self.seen.n_rows() as u32)
            .filter(|&other| other != user && self.seen.contains(other as usize, item));
        let mut paths: Vec<Path> = others
            .flat_map(|other| {
                let theirs = self.seen.row(other as usize);
                let shared =
                    past.iter().filter(|&&i| i != item && theirs.binary_search(&i).is_ok());
                let last = edge(theirs.len(), degree(item));
                shared.map(move |&via| Path {
                    item: via,
                    user: other,
                    weight: edge(past.len(), degree(via)) * edge(degree(via), theirs.len()) * last,
                })
            })
            .collect();
        paths.sort_by(|a, b| {
            b.weight.total_cmp(&a.weight).then((a.item, a.user).cmp(&(b.item, b.user)))
        });
        paths.truncate(k);
        Ok(paths)
    }
}

impl Explain for LightGcnModel {
    /// What the score would lose without the edge to each past item, all else held:
    /// `⟨Σ_{k<K} e_jᵏ, e_i⟩ / ((K + 1) √(d_u d_j))` for the plain mean; what remains of the score is the user's own
    /// initial embedding's.
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        self.check_ids(user, item)?;
        let d = self.config.factors;
        let row = |table: &[f32], at: u32| table[at as usize * d..][..d].to_vec();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let (of_user, of_item) = (row(&self.users, user), row(&self.items, item));
        let past = self.seen.row(user as usize);
        if self.config.loss.by_cosine() {
            return Err(Error::unsupported(
                "an explanation by past items",
                "LightGCN trained on cosines",
                "ask for its paths, or train with the BPR loss",
            ));
        }
        let scale = self.share(past.len());
        let part = |&j: &u32| (j, scale * dot(&row(&self.handed, j), &of_item));
        let mut contributions: Vec<(u32, f32)> = past.iter().map(part).collect();
        contributions.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Ok(Explanation { score: dot(&of_user, &of_item), contributions, exact: false })
    }
}
