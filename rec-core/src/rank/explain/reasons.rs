//! An explanation as data.

use serde::{Deserialize, Serialize};

use crate::data::Id;

/// Why an item has its score for a user: what [`super::Explainer`] finds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reasons {
    /// The user; none where a history was asked for.
    pub user: Option<Id>,
    /// The item.
    pub item: ItemName,
    /// Its score: the sum of the recommenders' parts.
    pub score: f32,
    /// What of the score no past item accounts for: `score − Σ past parts`.
    pub rest: f32,
    /// What each recommender adds, largest part first.
    pub recommenders: Vec<Share>,
    /// What each past item adds over all recommenders, largest part first.
    pub past: Vec<PastItem>,
    /// Tags of the item that the user is interested in, largest interest first.
    pub tags: Vec<Match>,
    /// The same of keywords.
    pub keywords: Vec<Match>,
    /// Whether every recommender's past items are [`Basis::Exact`].
    pub exact: bool,
}

/// An item by the caller's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemName {
    /// The id.
    pub id: Id,
    /// Its title, where one is known.
    pub title: Option<String>,
}

/// One recommender's share in a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Share {
    /// The recommender.
    pub name: String,
    /// Its own score; none where it does not score the item.
    pub score: Option<f32>,
    /// What it adds to the fused score; the parts of all add up to it.
    pub part: f32,
    /// The part over the sum of all parts' absolute values.
    pub share: f32,
    /// Where its past items come from.
    pub basis: Basis,
    /// What each past item adds to the fused score by way of this recommender, largest first.
    pub past: Vec<PastItem>,
}

/// Where the parts of past items come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The model's own sum over past items.
    Exact,
    /// The model's own estimate: what the score loses without the item, all else held.
    Approximate,
    /// The score of the user's history minus that of the history without the item.
    LeaveOneOut,
    /// Ranks are fused: the recommender's part, in proportion to what past items add to its score.
    /// Without one of them its score falls, its rank need not: other items' scores fall as well.
    Proportional,
    /// The recommender says nothing of past items.
    None,
}

impl Basis {
    pub(super) fn of(exact: bool, linear: bool) -> Self {
        match (exact, linear) {
            (_, false) => Self::Proportional,
            (true, _) => Self::Exact,
            (false, _) => Self::Approximate,
        }
    }
}

/// A past item's part in a score.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PastItem {
    /// The item.
    pub item: ItemName,
    /// What it adds; below 0 where it speaks against.
    pub part: f32,
    /// Tags it shares with the item explained.
    pub shared_tags: Vec<String>,
    /// Keywords it shares with it.
    pub shared_keywords: Vec<String>,
}

/// A label of the item that the user is interested in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// The label.
    pub label: String,
    /// Its share of the user's lasting interests.
    pub share: f32,
    /// Its share of the recent ones.
    pub recent: f32,
    /// The past items behind it.
    pub evidence: Vec<ItemName>,
}
