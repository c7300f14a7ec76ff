//! A block of users on its way through the screened items.

use super::factors::{Block, Table};
use super::filter::Filter;
use super::screen::{Hits, ITEMS, Screen, USERS};
use super::select::Best;
use crate::Result;
use crate::rank::Factors;

/// Where more than one in this many pairs passes, scoring whole tiles costs less than screening.
const DENSE: usize = 8;
/// How many tiles are then scored before the screen is tried again.
const PAUSE: usize = 7;

pub(super) fn scan(
    factors: &Factors<'_>,
    table: &Table<'_>,
    screen: &Screen,
    users: &[u32],
    filter: &Filter<'_>,
) -> Result<Vec<Best>> {
    let mut block = Block::new(factors, table, users, filter);
    let groups = screen.groups(factors, users);
    // Without a floor everything would pass the first tile.
    let mut unscreened = if groups.is_some() { 1 } else { usize::MAX };
    let groups = groups.unwrap_or_default();
    let (mut hits, mut waiting) = (Hits::new(), Hits::new());
    for (tile, from) in (0..screen.order.len()).step_by(ITEMS).enumerate() {
        if unscreened > 0 {
            unscreened -= 1;
            block.offer_all(from, (from + ITEMS).min(screen.order.len()))?;
            continue;
        }
        let mut passed = 0;
        for (g, group) in groups.iter().enumerate() {
            let first = g * USERS;
            let floors = floors(&block.best[first..], users.len() - first);
            screen.search(tile, group, &floors, &mut hits);
            passed += hits.as_slice().len();
            hits.as_slice().iter().for_each(|hit| table.prefetch(hit.row as usize));
            // While these come from memory, the hits of the group before are scored.
            std::mem::swap(&mut hits, &mut waiting);
            take(&mut block, &hits, first.wrapping_sub(USERS))?;
            hits.clear();
        }
        take(&mut block, &waiting, (groups.len() - 1) * USERS)?;
        waiting.clear();
        if passed * DENSE > users.len() * ITEMS {
            unscreened = PAUSE;
        }
    }
    Ok(block.best)
}

/// Scores the hits of the group that starts with the user `first` of the block.
#[inline]
fn take(block: &mut Block<'_>, hits: &Hits, first: usize) -> Result<()> {
    hits.as_slice().iter().try_for_each(|h| block.offer(first + h.user as usize, h.row as usize))
}

/// The floors of a group; nothing reaches the padding's.
fn floors(best: &[Best], n: usize) -> [f32; 8] {
    let mut floors = [f32::MAX; 8];
    for (floor, best) in floors.iter_mut().zip(&best[..n.min(USERS)]) {
        *floor = best.bar(false);
    }
    floors
}
