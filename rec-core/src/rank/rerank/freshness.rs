//! New items before old ones.

use rayon::prelude::*;

use crate::rank::{Normalize, TopK, better};
use crate::{Error, Result};

/// A share of the score that fades with an item's age:
///
/// `(1 − w) · s + w · 2^(−age / half-life)`
///
/// with `s` scaled to a user's best and worst candidate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Freshness {
    /// The age at which half of the share is left, in the unit of the items' times; above 0.
    pub half_life: f64,
    /// `w` in `[0, 1]`: 0 keeps the order by score, 1 looks at age alone.
    pub weight: f32,
    /// How `s` comes from the scores.
    pub normalize: Normalize,
}

impl Freshness {
    /// The candidates with the new scores, best first. `times` holds when each item appeared,
    /// `[items]`; one without a time, or past the table, is as if of no freshness, and one from
    /// after `now` as if of now.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a `half_life` that is not above 0 or a `weight` outside `[0, 1]`.
    pub fn adjust(&self, candidates: &TopK, times: &[Option<i64>], now: i64) -> Result<TopK> {
        super::check_share("weight", self.weight)?;
        if !(self.half_life.is_finite() && self.half_life > 0.0) {
            let why = "choose an age above 0, in the unit of the items' times";
            return Err(Error::parameter("half_life", self.half_life, why));
        }
        let fresh = |item: u32| {
            let time = times.get(item as usize).copied().flatten();
            time.map_or(0.0, |t| {
                let age = (i128::from(now) - i128::from(t)).max(0) as f64;
                (-age / self.half_life).exp2() as f32
            })
        };
        adjusted(candidates, |items, scores| {
            self.normalize.apply(scores);
            for (score, &item) in scores.iter_mut().zip(items) {
                *score = (1.0 - self.weight) * *score + self.weight * fresh(item);
            }
        })
    }
}

/// Rows with other scores, in their order.
pub(super) fn adjusted(
    candidates: &TopK,
    adjust: impl Fn(&[u32], &mut [f32]) + Sync,
) -> Result<TopK> {
    let rows: Vec<Vec<(u32, f32)>> = (0..candidates.n_rows())
        .into_par_iter()
        .map(|row| {
            let (items, scores) = candidates.row(row);
            let mut scores = scores.to_vec();
            adjust(items, &mut scores);
            let mut row: Vec<(u32, f32)> = items.iter().copied().zip(scores).collect();
            row.sort_by(|a, b| better(*a, *b));
            row
        })
        .collect();
    TopK::from_rows(&rows, candidates.k())
}
