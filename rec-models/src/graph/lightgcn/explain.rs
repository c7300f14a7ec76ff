//! Why an item scored as it did.

use rec_core::rank::{Explain, Explanation};

use super::{LightGcnModel, ScoreBy};
use crate::graph::paths::{Degrees, Path, check_ids, strongest};
use crate::{Error, Result};

impl LightGcnModel {
    /// The `k` strongest ways of three edges from a user to an item, strongest first; ties go to the
    /// smaller item, then user. Edges weigh `1/√(d d′)` unless degrees are scaled otherwise; tags do
    /// not count in degrees here.
    ///
    /// # Errors
    /// [`Error::Shape`] for ids the model does not have.
    pub fn paths(&self, user: u32, item: u32, k: usize) -> Result<Vec<Path>> {
        let (left, right) = self.config.normalization.powers();
        let edge = |to: f32, from: f32| to.powf(-left) * from.powf(-right);
        strongest(&self.seen, (user, item), k, |Degrees { user, via, other, item }| {
            edge(user, via) * edge(via, other) * edge(other, item)
        })
    }
}

impl Explain for LightGcnModel {
    /// What the score would lose without the edge to each past item, all else held:
    /// `⟨Σ_{k<K} e_jᵏ, e_i⟩ / ((K + 1) √(d_u d_j))` for the plain mean; what remains of the score is the user's own
    /// initial embedding's.
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        check_ids(&self.seen, user, item)?;
        let d = self.config.factors;
        let row = |table: &[f32], at: u32| table[at as usize * d..][..d].to_vec();
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let (of_user, of_item) = (row(&self.users, user), row(&self.items, item));
        let past = self.seen.row(user as usize);
        if self.config.score_by == ScoreBy::Cosine {
            return Err(Error::unsupported(
                "an explanation by past items",
                "LightGCN that scores by cosine",
                "ask for its paths, or score by product",
            ));
        }
        let scale = self.share(past.len());
        let part = |&j: &u32| (j, scale * dot(&row(&self.handed, j), &of_item));
        let mut contributions: Vec<(u32, f32)> = past.iter().map(part).collect();
        contributions.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Ok(Explanation { score: dot(&of_user, &of_item), contributions, exact: false })
    }
}
