//! What a model gives to ranking.

use std::sync::Arc;

use super::{Query, Recommendations, Selection, TopK, recommend};
use crate::data::{Csr, Id, IdMaps};
use crate::{Error, IdKind, Result};

/// Scores of all items for users, by dense ids. Higher is better; `-∞` means never.
pub trait Scorer: Send + Sync {
    /// Users that have a row.
    fn n_users(&self) -> usize;

    /// Items in the catalogue.
    fn n_items(&self) -> usize;

    /// Writes the scores of all items for a block of users: `out` is row-major
    /// `[users.len(), n_items]`, every element of it is written. Called from many threads at once,
    /// each with a small block.
    ///
    /// # Errors
    /// Where the model cannot score.
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()>;

    /// The same scores as a product of factors, where they are one: ranking then fuses the product
    /// with the selection and never writes whole rows of scores.
    fn factors(&self) -> Option<Factors<'_>> {
        None
    }

    /// The scores of all items, where they are the same for every user: they are then ranked once.
    fn common_scores(&self) -> Option<&[f32]> {
        None
    }

    /// The best items, where the scorer has a way of its own to find them (it asks others, or puts
    /// them in another order); `None` for the best of [`Scorer::score`].
    ///
    /// # Errors
    /// As [`super::top_k`].
    fn select(&self, users: &[u32], selection: &Selection<'_>) -> Option<Result<TopK>> {
        let _ = (users, selection);
        None
    }
}

/// Scores as a product: `score(u, i) = ⟨users[u], items[i]⟩ + item_bias[i]`.
#[derive(Clone, Copy, Debug)]
pub struct Factors<'a> {
    /// Length of a factor.
    pub dim: usize,
    /// `[n_users, dim]`, row-major.
    pub users: &'a [f32],
    /// `[n_items, dim]`, row-major.
    pub items: &'a [f32],
    /// `[n_items]`, where there is one.
    pub item_bias: Option<&'a [f32]>,
}

/// A user's past: dense items with weights, in order of time.
pub type History = Vec<(u32, f32)>;

/// A fitted model that recommends. A model writes [`Scorer`] and says what it learned from;
/// validation, filters, selection and id mapping are provided.
pub trait Recommend: Scorer {
    /// The caller's ids of the model's rows.
    fn ids(&self) -> &Arc<IdMaps>;

    /// What each user had in training: `[n_users, n_items]`; what `filter_seen` removes.
    fn seen(&self) -> &Csr;

    /// Whether the model learned anything of this user; one it does not know is treated as the
    /// query's unknown-id policy says.
    fn knows(&self, user: u32) -> bool {
        !self.seen().row(user as usize).is_empty()
    }

    /// Scores users who have a history and no trained row (fold-in): `out` is
    /// `[histories.len(), n_items]`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] by models that have no fold-in.
    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        let _ = (histories, out);
        Err(Error::unsupported(
            "recommending for a history",
            "this model",
            "ask for users seen in training, or use ItemKNN, EASE, SLIM or ALS",
        ))
    }

    /// [`Scorer::select`] for histories: `selection` speaks of rows by their positions.
    ///
    /// # Errors
    /// As [`super::top_k`].
    fn select_histories(
        &self,
        histories: &[History],
        selection: &Selection<'_>,
    ) -> Option<Result<TopK>> {
        let _ = (histories, selection);
        None
    }

    /// The best items for the users of a query, best first.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a `k` of 0 or above the catalogue, [`Error::UnknownId`] for ids
    /// never seen (unless the query says otherwise), and whatever scoring returns.
    fn recommend(&self, query: &Query<'_>) -> Result<Recommendations>
    where
        Self: Sized,
    {
        recommend(self, query)
    }
}

/// A model that knows which items are alike.
pub trait Similar: Send + Sync {
    /// The caller's ids.
    fn similar_ids(&self) -> &Arc<IdMaps>;

    /// The `k` items most like each of these, itself left out, best first.
    ///
    /// # Errors
    /// Where the model cannot say.
    fn similar(&self, items: &[u32], k: usize) -> Result<TopK>;

    /// The same by the caller's ids.
    ///
    /// # Errors
    /// [`Error::UnknownId`] for items never seen, [`Error::Parameter`] for a `k` of 0 or above the
    /// number of other items.
    fn similar_items(&self, items: &[Id], k: usize) -> Result<Recommendations> {
        let ids = self.similar_ids();
        let others = ids.items.len().saturating_sub(1);
        if k == 0 || k > others {
            return Err(Error::parameter("k", k, format!("choose 1 to {others} other items")));
        }
        let dense = items
            .iter()
            .map(|id| ids.items.require(IdKind::Item, id))
            .collect::<Result<Vec<_>>>()?;
        Ok(Recommendations {
            ids: ids.clone(),
            queries: items.to_vec(),
            top: self.similar(&dense, k)?,
            skipped: Vec::new(),
        })
    }
}

/// Why an item was recommended: what each past item added to its score.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The model's score of the item for the user.
    pub score: f32,
    /// Dense past items and their parts of the score, largest first.
    pub contributions: Vec<(u32, f32)>,
    /// Whether the parts add up to the score (else they are leave-one-out differences).
    pub exact: bool,
}

/// A model that explains its scores by the user's past.
pub trait Explain: Send + Sync {
    /// What each past item of a trained user adds to the item's score.
    ///
    /// # Errors
    /// [`Error::UnknownId`] or [`Error::Shape`] for ids the model does not have.
    fn explain(&self, user: u32, item: u32) -> Result<Explanation>;
}
