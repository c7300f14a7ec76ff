//! Selection where scores are a product of factors: small tiles of users × items, compared with
//! each user's floor while they are still in the cache.

use std::borrow::Cow;

use rayon::prelude::*;

use super::TopK;
use super::filter::Filter;
use super::select::{Best, search};
use crate::Result;
use crate::rank::{Factors, product};

/// Users of a tile.
const USERS: usize = 32;
/// Items of a tile.
const ITEMS: usize = 256;

pub(super) fn top_k(
    factors: &Factors<'_>,
    users: &[u32],
    filter: &Filter<'_>,
    top: &mut TopK,
) -> Result<()> {
    factors.check()?;
    product::check_users(users, factors.users.len() / factors.dim)?;
    if filter.candidates(0).is_some() {
        return top.fill_blocks(USERS, |first, n| {
            (first..first + n).map(|row| gather(factors, users[row], row, filter)).collect()
        });
    }
    let table = Table::new(factors, filter);
    let blocks = users.len().div_ceil(USERS);
    let parts = (4 * rayon::current_num_threads()).div_ceil(blocks);
    top.fill_blocks(USERS, |first, n| scan(factors, &table, &users[first..][..n], filter, parts))
}

/// The best of one user's candidates.
fn gather(factors: &Factors<'_>, user: u32, row: usize, filter: &Filter<'_>) -> Result<Best> {
    let mut best = Best::new(filter.k());
    let permit = filter.row(user);
    for &item in filter.candidates(row).unwrap_or_default() {
        best.offer(item, factors.score_one(user, item), &permit)?;
    }
    Ok(best)
}

/// The items to rank.
pub(super) struct Table<'a> {
    vectors: Cow<'a, [f32]>,
    bias: Option<Cow<'a, [f32]>>,
    /// The item of each row, where not all are there.
    ids: Option<&'a [u32]>,
    len: usize,
}

impl<'a> Table<'a> {
    fn new(factors: &Factors<'a>, filter: &Filter<'a>) -> Self {
        let Some(allow) = filter.allow() else {
            return Self {
                vectors: Cow::Borrowed(factors.items),
                bias: factors.item_bias.map(Cow::Borrowed),
                ids: None,
                len: factors.items.len() / factors.dim,
            };
        };
        Self {
            vectors: allow.iter().flat_map(|&i| factors.item(i)).copied().collect(),
            bias: factors.item_bias.map(|b| allow.iter().map(|&i| b[i as usize]).collect()),
            ids: Some(allow),
            len: allow.len(),
        }
    }

    fn id(&self, at: usize) -> u32 {
        self.ids.map_or(at as u32, |ids| ids[at])
    }
}

/// The best items of a block of users: the table is cut into `parts` that run in parallel, so that
/// even one user keeps all threads busy.
fn scan(
    factors: &Factors<'_>,
    table: &Table<'_>,
    users: &[u32],
    filter: &Filter<'_>,
    parts: usize,
) -> Result<Vec<Best>> {
    let vectors: Vec<f32> = users.iter().flat_map(|&u| factors.user(u)).copied().collect();
    let part = table.len.div_ceil(parts).next_multiple_of(ITEMS);
    let starts: Vec<usize> = (0..table.len).step_by(part).collect();
    let found = starts.into_par_iter().map(|from| {
        let to = (from + part).min(table.len);
        scan_part(factors.dim, table, from..to, &vectors, users, filter)
    });
    let none = || Ok(users.iter().map(|_| Best::new(filter.k())).collect());
    found.reduce(none, |a, b| {
        let (mut a, b): (Vec<Best>, Vec<Best>) = (a?, b?);
        a.iter_mut().zip(b).for_each(|(a, b)| a.merge(b));
        Ok(a)
    })
}

fn scan_part(
    dim: usize,
    table: &Table<'_>,
    range: std::ops::Range<usize>,
    vectors: &[f32],
    users: &[u32],
    filter: &Filter<'_>,
) -> Result<Vec<Best>> {
    let mut best: Vec<Best> = users.iter().map(|_| Best::new(filter.k())).collect();
    let mut tile = vec![0f32; users.len() * ITEMS];
    for from in range.clone().step_by(ITEMS) {
        let n = ITEMS.min(range.end - from);
        let tile = &mut tile[..users.len() * n];
        product::block(vectors, &table.vectors[from * dim..][..n * dim], dim, tile);
        for (row, scores) in tile.chunks_exact_mut(n).enumerate() {
            if let Some(bias) = &table.bias {
                scores.iter_mut().zip(&bias[from..]).for_each(|(s, b)| *s += b);
            }
            let id = |at| table.id(from + at);
            let permit = filter.row(users[row]);
            search(scores, id, filter.plain_ties(), &permit, &mut best[row])?;
        }
    }
    Ok(best)
}
