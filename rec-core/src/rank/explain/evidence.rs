//! What each past item adds to a recommender's score.

use std::collections::BTreeMap;

use super::Basis;
use super::past::Past;
use super::rows::MemberRow;
use crate::rank::{Explain, History};
use crate::{Error, Result};

/// Histories scored at once when past items are left out.
const BLOCK: usize = 16;

/// One recommender's past items, for each item asked about.
pub(super) struct Evidence {
    /// In the recommender's own score.
    raw: Vec<Vec<(u32, f32)>>,
    pub(super) basis: Vec<Basis>,
}

impl Evidence {
    pub(super) fn of(
        row: &MemberRow<'_>,
        own: Option<&dyn Explain>,
        past: &Past,
        items: &[u32],
        max_past: usize,
    ) -> Result<Self> {
        let told = match (own, row.user) {
            (Some(own), Some(user)) => Self::told(own, row, user, items)?,
            _ => None,
        };
        match told {
            Some(told) => Ok(told),
            None => Self::left_out(row, past, items, max_past),
        }
    }

    /// By the model's own explanation; none where it refuses.
    fn told(
        own: &dyn Explain,
        row: &MemberRow<'_>,
        user: u32,
        items: &[u32],
    ) -> Result<Option<Self>> {
        let (mut raw, mut basis) = (Vec::new(), Vec::new());
        for &item in items {
            match own.explain(user, item) {
                Ok(found) => {
                    raw.push(found.contributions);
                    basis.push(Basis::of(found.exact, row.slope.is_some()));
                }
                Err(Error::Unsupported { .. }) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(Self { raw, basis }))
    }

    /// By what the score loses without each past item; nothing where histories are not folded in.
    fn left_out(row: &MemberRow<'_>, past: &Past, items: &[u32], max_past: usize) -> Result<Self> {
        let without = past.last_items(max_past);
        let mut histories: Vec<History> = vec![past.history.clone()];
        histories.extend(without.iter().map(|&item| past.without(item)));
        let Some(scores) = scores_of(row, &histories, items)? else {
            return Ok(Self {
                raw: vec![Vec::new(); items.len()],
                basis: vec![Basis::None; items.len()],
            });
        };
        let of_item = |at: usize| {
            let lost = without
                .iter()
                .zip(&scores[1..])
                .map(|(&past, less)| (past, scores[0][at] - less[at]));
            let mut parts: Vec<(u32, f32)> =
                lost.filter(|(_, part)| part.is_finite() && *part != 0.0).collect();
            parts.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            parts
        };
        let raw = (0..items.len()).map(of_item).collect();
        let basis = if row.slope.is_some() { Basis::LeaveOneOut } else { Basis::Proportional };
        Ok(Self { raw, basis: vec![basis; items.len()] })
    }

    /// The past items' parts of the fused score, in the recommender's order.
    pub(super) fn parts<'s>(
        &'s self,
        row: &MemberRow<'_>,
        at: usize,
        item: u32,
    ) -> impl Iterator<Item = (u32, f32)> + 's {
        let raw = &self.raw[at];
        let positive: f32 = raw.iter().map(|(_, part)| part.max(0.0)).sum();
        // Ranks have no slope: the part is shared among what speaks for the item.
        let shared = if positive > 0.0 { row.part(item) / positive } else { 0.0 };
        let (scale, floor) = row.slope.map_or((shared, 0.0), |slope| (slope, f32::NEG_INFINITY));
        raw.iter().map(move |&(past, part)| (past, scale * part.max(floor))).filter(|p| p.1 != 0.0)
    }
}

/// `[histories][items]` of the recommender's scores; none where it folds in no histories.
fn scores_of(
    row: &MemberRow<'_>,
    histories: &[History],
    items: &[u32],
) -> Result<Option<Vec<Vec<f32>>>> {
    let n = row.model.n_items();
    let mut scores = Vec::with_capacity(histories.len());
    let mut block = vec![0.0; n * BLOCK.min(histories.len())];
    for histories in histories.chunks(BLOCK) {
        let block = &mut block[..n * histories.len()];
        match row.model.score_histories(histories, block) {
            Ok(()) => {}
            Err(Error::Unsupported { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
        let picked =
            block.chunks_exact(n).map(|row| items.iter().map(|&i| row[i as usize]).collect());
        scores.extend(picked);
    }
    Ok(Some(scores))
}

/// The past items' parts of the fused score over all recommenders, largest first.
pub(super) fn combined(
    rows: &[MemberRow<'_>],
    evidence: &[Evidence],
    at: usize,
    item: u32,
) -> Vec<(u32, f32)> {
    let mut sums: BTreeMap<u32, f32> = BTreeMap::new();
    for (row, found) in rows.iter().zip(evidence) {
        found.parts(row, at, item).for_each(|(past, part)| *sums.entry(past).or_default() += part);
    }
    let mut parts: Vec<(u32, f32)> = sums.into_iter().collect();
    parts.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    parts
}
