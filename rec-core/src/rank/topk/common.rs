//! Selection where all users have the same scores: items are ranked once, and every user takes the first
//! that their filter permits.

use super::filter::Filter;
use super::select::Best;
use super::{TopK, better};
use crate::Result;

/// Users of a block.
const USERS: usize = 256;

pub(super) fn top_k(
    scores: &[f32],
    users: &[u32],
    filter: &Filter<'_>,
    top: &mut TopK,
) -> Result<()> {
    // NaN comes first, so that it is looked at and refused.
    let mut order: Vec<(u32, f32)> = (0u32..).zip(scores.iter().copied()).collect();
    order.sort_unstable_by(|&a, &b| b.1.is_nan().cmp(&a.1.is_nan()).then(better(a, b)));
    top.fill_blocks(USERS, |first, n| {
        (first..first + n).map(|row| walk(scores, &order, users[row], row, filter)).collect()
    })
}

/// The best of one user.
fn walk(
    scores: &[f32],
    order: &[(u32, f32)],
    user: u32,
    row: usize,
    filter: &Filter<'_>,
) -> Result<Best> {
    let (mut best, permit) = (Best::new(filter.k()), filter.row(user));
    if let Some(items) = filter.candidates(row) {
        items.iter().try_for_each(|&item| best.offer(item, scores[item as usize], &permit))?;
        return Ok(best);
    }
    let (mut taken, mut last) = (0, f32::INFINITY);
    for &(item, score) in order {
        // Items of the last score may lose ties, so that all of them are looked at.
        if taken >= filter.k() && score < last {
            break;
        }
        if permit.permits(item) {
            best.offer(item, score, &permit)?;
            (taken, last) = (taken + 1, score);
        }
    }
    Ok(best)
}
