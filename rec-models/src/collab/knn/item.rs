//! Item-based nearest neighbours.

use rec_core::data::Dataset;
use rec_core::parallel;
use serde::{Deserialize, Serialize};

use super::super::item_weights::{
    ItemItem, ItemItemModel, ItemWeights, check_events, check_not_negative,
};
use super::super::rows::Task;
use super::product::neighbours;
use super::similarity::{Documents, Similarity};
use crate::Result;
use crate::fit::{Fit, FitContext};

/// Item-based nearest neighbours (Sarwar et al. 2001; Deshpande and Karypis 2004): each item keeps
/// the `k` items most similar to it, and `score(u, t) = Σ_s x_us · sim(s, t)` over those of the
/// user's items `s` that have `t` among their neighbours.
///
/// The definitions match `implicit.nearest_neighbours`, except that an item is not a neighbour of
/// itself: `k` here is implicit's `K - 1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ItemKnn {
    /// Neighbours kept for each item, at least 1.
    pub k: usize,
    /// How similar two items are, by their users.
    pub similarity: Similarity,
    /// Added to the denominator of the similarity, at least 0: similarities that rest on few users
    /// weigh less. For cosine, Jaccard and TF-IDF.
    pub shrinkage: f32,
    /// Makes the similarities of each item's neighbours add up to 1, so that items with dense
    /// neighbourhoods do not outweigh others (Deshpande and Karypis 2004, §4.3).
    pub normalize: bool,
}

impl Default for ItemKnn {
    fn default() -> Self {
        Self { k: 100, similarity: Similarity::Cosine, shrinkage: 0.0, normalize: false }
    }
}

/// The model of [`ItemKnn`]: row `s` of its weights holds the neighbours of item `s`.
pub type ItemKnnModel = ItemItemModel<ItemKnn>;

impl ItemItem for ItemKnn {
    const KIND: &'static str = "item_knn";
}

impl Fit for ItemKnn {
    type Model = ItemKnnModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<ItemKnnModel> {
        self.similarity.check(self.k, self.shrinkage)?;
        let events = &data.interactions;
        check_events(events)?;
        if self.similarity.needs_positive() {
            check_not_negative(events, "this similarity")?;
        }
        ctx.cancel.check("item neighbours")?;
        let task = Task::begin(ctx, "item neighbours", events.n_items());
        let (matrix, similar) = parallel::install(ctx.cpu_threads("ItemKNN")?, || {
            let by_user = events.matrix();
            let by_item = by_user.transpose();
            let docs = Documents::new(self.similarity, self.shrinkage, &by_item, &by_user);
            let similar = neighbours(&task, &by_item, &docs, self.k, self.normalize)?;
            Ok((by_user, similar))
        })?;
        let weights = ItemWeights::Sparse(similar);
        Ok(ItemItemModel::new(self.clone(), events.ids().clone(), matrix, weights))
    }
}
