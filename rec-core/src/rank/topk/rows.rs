//! Selection from whole rows of scores, for models that are not a product of factors.

use super::TopK;
use super::filter::{Filter, RowFilter};
use super::select::{Best, search};
use crate::Result;
use crate::rank::Scorer;

/// Scores held at a time by a thread: 4 MiB.
const BLOCK: usize = 1 << 20;

pub(super) fn top_k(
    scorer: &dyn Scorer,
    users: &[u32],
    filter: &Filter<'_>,
    top: &mut TopK,
) -> Result<()> {
    let m = scorer.n_items();
    let block = (BLOCK / m).clamp(1, 64);
    top.fill_blocks(block, |first, n| {
        let users = &users[first..][..n];
        let mut scores = vec![0.0; n * m];
        scorer.score(users, &mut scores)?;
        let rows = users.iter().zip(scores.chunks_exact(m)).enumerate();
        rows.map(|(row, (&user, scores))| select(scores, user, first + row, filter)).collect()
    })
}

/// The best of one row.
fn select(scores: &[f32], user: u32, row: usize, filter: &Filter<'_>) -> Result<Best> {
    let mut best = Best::new(filter.k());
    let permit = filter.row(user);
    match filter.candidates(row).or(filter.allow()) {
        Some(items) => pick(scores, items, &permit, &mut best)?,
        None => search(scores, |at| at as u32, filter.plain_ties(), &permit, &mut best)?,
    }
    Ok(best)
}

fn pick(scores: &[f32], items: &[u32], filter: &RowFilter<'_>, best: &mut Best) -> Result<()> {
    items.iter().try_for_each(|&item| best.offer(item, scores[item as usize], filter))
}
