//! A block of users on its way through the screened items.

use super::factors::{Block, Table};
use super::filter::Filter;
use super::screen::{ITEMS, Screen, USERS};
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
            passed +=
                screen.search(tile, group, &floors, |user, at| block.offer(first + user, at))?;
        }
        if passed * DENSE > users.len() * ITEMS {
            unscreened = PAUSE;
        }
    }
    Ok(block.best)
}

/// The floors of a group; nothing reaches the padding's.
fn floors(best: &[Best], n: usize) -> [f32; 8] {
    let mut floors = [f32::MAX; 8];
    for (floor, best) in floors.iter_mut().zip(&best[..n.min(USERS)]) {
        *floor = best.bar(false);
    }
    floors
}
