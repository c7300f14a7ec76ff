//! What trees see of a candidate.

use crate::data::Csr;
use crate::rank::{Normalize, TopK};
use crate::{Error, Result};

/// What is known of items beside the recommenders' lists, by dense ids.
#[derive(Clone, Debug, Default)]
pub struct ItemFacts {
    /// How old each item is, in any unit; NaN where unknown.
    pub ages: Option<Vec<f32>>,
    /// The items' tags: `[items, tags]`.
    pub tags: Option<Csr>,
}

impl ItemFacts {
    pub(super) fn check(&self, n_items: usize) -> Result<()> {
        let sizes = [
            ("items with an age", self.ages.as_ref().map(Vec::len)),
            ("items with tags", self.tags.as_ref().map(Csr::n_rows)),
        ];
        for (what, len) in sizes {
            if let Some(len) = len.filter(|&len| len != n_items) {
                return Err(Error::shape(what, n_items, len));
            }
        }
        Ok(())
    }

    /// The columns' names.
    pub(super) fn columns(&self, models: usize) -> Vec<String> {
        let own = (1..=models).flat_map(|m| [format!("score {m}"), format!("rank {m}")]);
        let mut columns: Vec<String> = own.collect();
        columns.extend(["lists", "popularity", "activity"].map(str::to_owned));
        columns.extend(self.ages.as_ref().map(|_| "age".to_owned()));
        columns.extend(self.tags.as_ref().map(|_| "tags".to_owned()));
        columns
    }
}

/// One user's candidates.
pub(super) struct Candidates {
    /// Ascending.
    pub(super) items: Vec<u32>,
    /// `[columns, items]`.
    pub(super) columns: Vec<f64>,
}

/// Those of row `row` of the recommenders' lists; `past` is what the user had, `counts` how many users
/// had each item.
pub(super) fn candidates(
    lists: &[TopK],
    row: usize,
    past: &[u32],
    counts: &[u32],
    facts: &ItemFacts,
) -> Candidates {
    let mut items: Vec<u32> = lists.iter().flat_map(|list| list.row(row).0).copied().collect();
    items.sort_unstable();
    items.dedup();
    let n = items.len();
    let mut columns = Vec::with_capacity(n * (2 * lists.len() + 5));
    let mut listed = vec![0.0; n];
    for list in lists {
        let (of_list, scores) = list.row(row);
        let mut scaled = scores.to_vec();
        Normalize::MinMax.apply(&mut scaled);
        let (mut score, mut rank) = (vec![f64::NAN; n], vec![f64::NAN; n]);
        for (place, (item, scaled)) in of_list.iter().zip(scaled).enumerate() {
            if let Ok(at) = items.binary_search(item) {
                (score[at], rank[at]) = (f64::from(scaled), place as f64);
                listed[at] += 1.0;
            }
        }
        columns.extend(score);
        columns.extend(rank);
    }
    columns.extend(listed);
    columns.extend(items.iter().map(|&item| f64::from(counts[item as usize]).ln_1p()));
    columns.extend(std::iter::repeat_n((past.len() as f64).ln_1p(), n));
    if let Some(ages) = &facts.ages {
        columns.extend(items.iter().map(|&item| f64::from(ages[item as usize])));
    }
    if let Some(tags) = &facts.tags {
        let interests = interests(tags, past);
        let covered = |&item: &u32| {
            tags.row(item as usize).iter().map(|&tag| interests[tag as usize]).sum::<f64>()
        };
        columns.extend(items.iter().map(covered));
    }
    Candidates { items, columns }
}

/// `p(tag | user)`: the mean over past items with tags of the tag's share in the item.
fn interests(tags: &Csr, past: &[u32]) -> Vec<f64> {
    let mut shares = vec![0.0; tags.n_cols()];
    let labelled = past.iter().map(|&item| tags.row(item as usize)).filter(|own| !own.is_empty());
    let mut n = 0.0;
    for own in labelled {
        n += 1.0;
        own.iter().for_each(|&tag| shares[tag as usize] += 1.0 / own.len() as f64);
    }
    shares.iter_mut().for_each(|share| *share /= f64::max(n, 1.0));
    shares
}
