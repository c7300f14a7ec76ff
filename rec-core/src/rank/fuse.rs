//! Several rankings made one.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Normalize, TopK, better};
use crate::{Error, Result};

/// How models are fused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fusion", rename_all = "snake_case")]
pub enum Fusion {
    /// `Σ_m w_m · s_m` of each user's scaled scores.
    WeightedSum {
        /// One weight a model, not negative.
        weights: Vec<f32>,
        /// How each model's scores are scaled.
        normalize: Normalize,
    },
    /// Reciprocal rank fusion: `Σ_m 1 / (k + rank_m)`, ranks from 1 (G. V. Cormack, C. L. A.
    /// Clarke, S. Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank
    /// learning methods", SIGIR 2009).
    ReciprocalRank {
        /// The paper's constant, 60 there.
        k: f32,
    },
    /// A weighted sum with weights of their own for each level of activity: those of the last level
    /// whose number of distinct items the user reaches. What [`super::FusionLearner`] learns.
    ByActivity {
        /// By `min_items`, ascending from 0.
        levels: Vec<ActivityLevel>,
        /// How each model's scores are scaled.
        normalize: Normalize,
    },
    /// One model a user: the first that knows the user and asks for no more activity than there
    /// is; if none does, the last that knows the user.
    Switch {
        /// The least number of distinct items a user must have had, one a model; all 0 for the
        /// first model that knows the user.
        min_items: Vec<usize>,
    },
}

/// The weights of users with so many items or more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivityLevel {
    /// The least number of distinct items.
    pub min_items: usize,
    /// One weight a model, not negative.
    pub weights: Vec<f32>,
}

/// The weights of the last level that `items` reach.
pub(super) fn level_of(levels: &[ActivityLevel], items: usize) -> &[f32] {
    let reached = levels.partition_point(|level| level.min_items <= items);
    levels.get(reached.saturating_sub(1)).map_or(&[], |level| &level.weights)
}

impl Fusion {
    /// Checks the parameters for this many models.
    pub(super) fn check(&self, models: usize) -> Result<()> {
        if models == 0 {
            return Err(Error::empty("the list of models", "give at least one to fuse"));
        }
        match self {
            Self::WeightedSum { weights, .. } => check_weights(weights, models),
            Self::ByActivity { levels, .. } => check_levels(levels, models),
            Self::ReciprocalRank { k } => check_constant(*k),
            Self::Switch { min_items } if min_items.len() != models => {
                Err(Error::shape("min_items", format!("{models}, one a model"), min_items.len()))
            }
            Self::Switch { .. } => Ok(()),
        }
    }

    /// Whether it takes a model for a user with so many items; `able` says which models know the user.
    pub(super) fn takes(
        &self,
        model: usize,
        activity: usize,
        able: impl Fn(usize) -> bool,
    ) -> bool {
        let Self::Switch { min_items } = self else { return able(model) };
        let mut models = 0..min_items.len();
        let first = models.clone().find(|&m| able(m) && activity >= min_items[m]);
        first.or_else(|| models.rfind(|&m| able(m))) == Some(model)
    }

    /// The best `k` of several models' ranked lists, row by row; `activity` holds the number of
    /// distinct items of each row's user. Scores are scaled among those of the list, and an item
    /// missing from one counts there as [`Normalize`] says of items without a score.
    ///
    /// # Errors
    /// [`Error::Shape`] where lists and activity differ in rows, or the fusion's parameters do not
    /// fit the number of lists; [`Error::Parameter`] for a `k` of 0 or parameters outside their
    /// domain.
    pub fn fuse(&self, lists: &[&TopK], activity: &[usize], k: usize) -> Result<TopK> {
        self.check(lists.len())?;
        let rows = check_lists(lists, k)?;
        if rows != activity.len() {
            return Err(Error::shape("activity", format!("{rows}, one a row"), activity.len()));
        }
        match self {
            Self::WeightedSum { weights, normalize } => weighted_sum(lists, weights, *normalize, k),
            Self::ReciprocalRank { k: constant } => reciprocal_rank(lists, *constant, k),
            Self::ByActivity { levels, normalize } => fuse_rows(lists, k, |row, model, scores| {
                weighted(level_of(levels, activity[row])[model], *normalize, scores)
            }),
            Self::Switch { .. } => {
                let able = |row: usize| move |list: usize| !lists[list].row(row).0.is_empty();
                let takes = |row: usize, list: usize| self.takes(list, activity[row], able(row));
                switch(lists, takes, k)
            }
        }
    }
}

fn check_levels(levels: &[ActivityLevel], models: usize) -> Result<()> {
    let ascending = levels.windows(2).all(|pair| pair[0].min_items < pair[1].min_items);
    if levels.first().is_none_or(|level| level.min_items > 0) || !ascending {
        let got: Vec<usize> = levels.iter().map(|level| level.min_items).collect();
        let why = "give levels in ascending order, the first from 0 items";
        return Err(Error::parameter("levels", format!("{got:?}"), why));
    }
    levels.iter().try_for_each(|level| check_weights(&level.weights, models))
}

fn check_weights(weights: &[f32], models: usize) -> Result<()> {
    if weights.len() != models {
        return Err(Error::shape("weights", format!("{models}, one a model"), weights.len()));
    }
    let fine = weights.iter().all(|w| w.is_finite() && *w >= 0.0);
    if !fine || weights.iter().sum::<f32>() <= 0.0 {
        return Err(Error::parameter(
            "weights",
            format!("{weights:?}"),
            "choose numbers ≥ 0, one of them above 0",
        ));
    }
    Ok(())
}

fn check_constant(k: f32) -> Result<()> {
    if k.is_finite() && k >= 0.0 {
        Ok(())
    } else {
        Err(Error::parameter("k of reciprocal rank fusion", k, "choose a number ≥ 0, such as 60"))
    }
}

/// The best `k` by weighted sum of ranked lists, row by row: see [`Fusion::WeightedSum`]. An item
/// missing from a list counts there as [`Normalize`] says of items without a score; a list without
/// items adds nothing.
///
/// # Errors
/// [`Error::Shape`] where the lists differ in rows or the weights in number, [`Error::Parameter`]
/// for a `k` of 0 or weights that are negative or all 0.
pub fn weighted_sum(
    lists: &[&TopK],
    weights: &[f32],
    normalize: Normalize,
    k: usize,
) -> Result<TopK> {
    check_weights(weights, lists.len())?;
    fuse_rows(lists, k, |_, model, scores| weighted(weights[model], normalize, scores))
}

/// Scales scores and weighs them; returns what an unscored item counts as.
pub(super) fn weighted(weight: f32, normalize: Normalize, scores: &mut [f32]) -> f32 {
    let absent = normalize.apply(scores);
    // 0 × -∞ would be NaN.
    scores.iter_mut().filter(|s| **s != f32::NEG_INFINITY).for_each(|s| *s *= weight);
    absent * weight
}

/// The best `k` by reciprocal rank fusion of ranked lists, row by row: see
/// [`Fusion::ReciprocalRank`]. Ranks are positions in the lists; an item missing from a list gets
/// nothing from it.
///
/// # Errors
/// [`Error::Shape`] where the lists differ in rows, [`Error::Parameter`] for a `k` of 0 or a
/// negative constant.
pub fn reciprocal_rank(lists: &[&TopK], constant: f32, k: usize) -> Result<TopK> {
    check_constant(constant)?;
    fuse_rows(lists, k, |_, _, scores| {
        for (at, score) in scores.iter_mut().enumerate() {
            *score = 1.0 / (constant + at as f32 + 1.0);
        }
        0.0
    })
}

/// Each row from the first list that has items there and that `usable(row, list)` accepts.
///
/// # Errors
/// [`Error::Shape`] where the lists differ in rows, [`Error::Parameter`] for a `k` of 0.
pub fn switch(lists: &[&TopK], usable: impl Fn(usize, usize) -> bool, k: usize) -> Result<TopK> {
    let rows = check_lists(lists, k)?;
    let row = |row: usize| {
        let chosen = (0..lists.len()).find(|&l| !lists[l].row(row).0.is_empty() && usable(row, l));
        chosen.map_or_else(Vec::new, |l| {
            let (items, scores) = lists[l].row(row);
            items.iter().copied().zip(scores.iter().copied()).take(k).collect()
        })
    };
    TopK::from_rows(&(0..rows).map(row).collect::<Vec<_>>(), k)
}

fn check_lists(lists: &[&TopK], k: usize) -> Result<usize> {
    let Some(first) = lists.first() else {
        return Err(Error::empty("the lists", "give at least one to fuse"));
    };
    if k == 0 {
        return Err(Error::parameter("k", k, "ask for at least 1 item"));
    }
    match lists.iter().find(|l| l.n_rows() != first.n_rows()) {
        Some(other) => Err(Error::shape("rows of a ranked list", first.n_rows(), other.n_rows())),
        None => Ok(first.n_rows()),
    }
}

/// `scale(row, list, scores)` scales one row of one list in place and returns what a missing item
/// counts as.
fn fuse_rows(
    lists: &[&TopK],
    k: usize,
    scale: impl Fn(usize, usize, &mut [f32]) -> f32 + Sync,
) -> Result<TopK> {
    let n = check_lists(lists, k)?;
    let row = |row: usize| {
        let (mut parts, mut missing) = (Vec::new(), 0.0);
        for (at, list) in lists.iter().enumerate() {
            let (items, scores) = list.row(row);
            if items.is_empty() {
                continue;
            }
            let mut scores = scores.to_vec();
            let absent = scale(row, at, &mut scores);
            missing += absent;
            parts.extend(items.iter().zip(scores).map(|(&item, score)| (item, score - absent)));
        }
        // Stable, so that an item's parts add up in the order of the lists.
        parts.sort_by_key(|&(item, _)| item);
        parts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0.0 };
            same
        });
        parts.iter_mut().for_each(|(_, sum)| *sum += missing);
        parts.sort_unstable_by(|&a, &b| better(a, b));
        parts.truncate(k);
        parts
    };
    TopK::from_rows(&(0..n).into_par_iter().map(row).collect::<Vec<_>>(), k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(rows: &[&[(u32, f32)]]) -> TopK {
        TopK::from_rows(&rows.iter().map(|r| r.to_vec()).collect::<Vec<_>>(), 4).unwrap()
    }

    #[test]
    fn reciprocal_ranks_by_hand() {
        let a = list(&[&[(7, 9.0), (3, 8.0), (5, 1.0)], &[]]);
        let b = list(&[&[(3, 0.2), (9, 0.1)], &[(1, 1.0)]]);
        let fused = reciprocal_rank(&[&a, &b], 60.0, 3).unwrap();
        let (items, scores) = fused.row(0);
        assert_eq!(items, [3, 7, 9]);
        assert_eq!(scores, [1.0 / 62.0 + 1.0 / 61.0, 1.0 / 61.0, 1.0 / 62.0]);
        assert_eq!(fused.row(1), (&[1][..], &[1.0 / 61.0][..]));
    }

    #[test]
    fn weighted_sums_by_hand() {
        let a = list(&[&[(7, 9.0), (3, 8.0), (5, 1.0)]]);
        let b = list(&[&[(3, 0.3), (9, 0.1)]]);
        let fused = weighted_sum(&[&a, &b], &[1.0, 0.5], Normalize::MinMax, 4).unwrap();
        assert_eq!(fused.row(0), (&[3, 7, 5, 9][..], &[7.0 / 8.0 + 0.5, 1.0, 0.0, 0.0][..]));
        let plain = weighted_sum(&[&a, &b], &[1.0, 10.0], Normalize::None, 2).unwrap();
        assert_eq!(plain.row(0), (&[3, 7][..], &[11.0, 10.0][..]));
        let ranks = weighted_sum(&[&a, &b], &[3.0, 2.0], Normalize::Rank, 4).unwrap();
        assert_eq!(ranks.row(0), (&[3, 7, 5, 9][..], &[4.0, 3.0, 1.0, 1.0][..]));
    }

    #[test]
    fn switching_takes_the_first_usable_list() {
        let a = list(&[&[(1, 1.0)], &[], &[(2, 5.0)]]);
        let b = list(&[&[(4, 2.0), (5, 1.0)], &[(6, 1.0)], &[(7, 1.0)]]);
        let fused = switch(&[&a, &b], |row, list| row < 2 || list == 1, 1).unwrap();
        let items: Vec<_> = (0..3).map(|r| fused.row(r).0.to_vec()).collect();
        assert_eq!(items, [[1], [6], [7]]);
        let none = switch(&[&a, &b], |_, _| false, 1).unwrap();
        assert!(none.row(0).0.is_empty());
    }

    #[test]
    fn bad_parameters_are_refused() {
        let (a, b) = (list(&[&[]]), list(&[&[], &[]]));
        assert!(reciprocal_rank(&[&a, &b], 60.0, 1).is_err());
        assert!(reciprocal_rank(&[&a], 60.0, 0).is_err());
        assert!(reciprocal_rank(&[&a], f32::NAN, 1).is_err());
        assert!(reciprocal_rank(&[], 60.0, 1).is_err());
        for weights in [&[1.0][..], &[0.0, 0.0], &[1.0, -1.0], &[f32::INFINITY, 1.0]] {
            assert!(weighted_sum(&[&a, &a], weights, Normalize::None, 1).is_err());
        }
    }

    proptest! {
        #[test]
        fn fusing_a_list_with_itself_keeps_its_order(
            scores in proptest::collection::btree_map(0u32..30, -9i8..9, 1..9)
        ) {
            let mut row: Vec<(u32, f32)> =
                scores.into_iter().map(|(i, s)| (i, f32::from(s))).collect();
            row.sort_by(|&a, &b| better(a, b));
            let top = TopK::from_rows(&[row], 9).unwrap();
            let fused = reciprocal_rank(&[&top, &top], 60.0, 9).unwrap();
            prop_assert_eq!(fused.row(0).0, top.row(0).0);
            for how in [Normalize::None, Normalize::MinMax, Normalize::ZScore, Normalize::Rank] {
                let fused = weighted_sum(&[&top, &top], &[0.5, 2.0], how, 9).unwrap();
                prop_assert_eq!(fused.row(0).0, top.row(0).0);
            }
        }
    }
}
