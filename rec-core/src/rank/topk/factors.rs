//! Selection where scores are a product of factors: small tiles of users × items, compared with
//! each user's floor while they are still in the cache.

use std::borrow::Cow;

use rayon::prelude::*;

use super::filter::{Filter, RowFilter};
use super::screen::{self, ITEMS, Screen};
use super::select::{Best, search};
use super::{TopK, sieve};
use crate::Result;
use crate::rank::{Factors, product};

/// Users of a block.
const USERS: usize = 32;
/// Users of a block that is screened first: one pass over the items serves them all.
const SCREENED: usize = 192;
/// Fewer users than this are not worth the rounding of all items.
const MIN_SCREENED: usize = 64;

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
    let threads = rayon::current_num_threads();
    let whole = Table::new(factors, filter);
    if users.len() >= MIN_SCREENED && whole.len >= 2 * ITEMS {
        let items: Vec<u32> = (0..whole.len).map(|at| whole.id(at)).collect();
        if let Some(screen) = Screen::new(factors, users, &items) {
            drop(whole);
            let table = Table::of(factors, &screen.order);
            let block = users.len().div_ceil(2 * threads).next_multiple_of(screen::USERS);
            return top.fill_blocks(block.min(SCREENED), |first, n| {
                sieve::scan(factors, &table, &screen, &users[first..][..n], filter)
            });
        }
    }
    let parts = (4 * threads).div_ceil(users.len().div_ceil(USERS));
    top.fill_blocks(USERS, |first, n| scan(factors, &whole, &users[first..][..n], filter, parts))
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
    dim: usize,
    vectors: Cow<'a, [f32]>,
    bias: Option<Cow<'a, [f32]>>,
    /// The item of each row, where not all are there in order.
    ids: Option<&'a [u32]>,
    len: usize,
    /// Whether rows go by ascending id.
    ascending: bool,
}

impl<'a> Table<'a> {
    /// The items that the filter allows.
    fn new(factors: &Factors<'a>, filter: &Filter<'a>) -> Self {
        if let Some(allow) = filter.allow() {
            return Self { ascending: true, ..Self::of(factors, allow) };
        }
        Self {
            dim: factors.dim,
            vectors: Cow::Borrowed(factors.items),
            bias: factors.item_bias.map(Cow::Borrowed),
            ids: None,
            len: factors.items.len() / factors.dim,
            ascending: true,
        }
    }

    /// These items, in any order.
    fn of(factors: &Factors<'a>, ids: &'a [u32]) -> Self {
        let mut vectors = vec![0f32; ids.len() * factors.dim];
        let rows = vectors.par_chunks_exact_mut(factors.dim).zip(ids).with_min_len(1024);
        rows.for_each(|(row, &item)| row.copy_from_slice(factors.item(item)));
        Self {
            dim: factors.dim,
            vectors: Cow::Owned(vectors),
            bias: factors.item_bias.map(|b| ids.iter().map(|&i| b[i as usize]).collect()),
            ids: Some(ids),
            len: ids.len(),
            ascending: false,
        }
    }

    /// The item of a row.
    pub(super) fn id(&self, at: usize) -> u32 {
        self.ids.map_or(at as u32, |ids| ids[at])
    }

    /// Asks for a row to be brought into the cache.
    #[inline]
    pub(super) fn prefetch(&self, at: usize) {
        product::prefetch(&self.vectors[at * self.dim..][..self.dim]);
    }

    /// The score of a row for a user's factor.
    pub(super) fn score(&self, user: &[f32], at: usize) -> f32 {
        let item = &self.vectors[at * self.dim..][..self.dim];
        product::dot(user, item) + self.bias.as_ref().map_or(0.0, |b| b[at])
    }
}

/// A block of users on their way through the items.
pub(super) struct Block<'a> {
    table: &'a Table<'a>,
    /// Their factors, `[users, dim]`.
    vectors: Vec<f32>,
    permits: Vec<RowFilter<'a>>,
    ascending: bool,
    pub(super) best: Vec<Best>,
    tile: Vec<f32>,
}

impl<'a> Block<'a> {
    pub(super) fn new(
        factors: &Factors<'_>,
        table: &'a Table<'a>,
        users: &[u32],
        filter: &'a Filter<'_>,
    ) -> Self {
        Self {
            table,
            vectors: users.iter().flat_map(|&u| factors.user(u)).copied().collect(),
            permits: users.iter().map(|&u| filter.row(u)).collect(),
            ascending: table.ascending && filter.plain_ties(),
            best: users.iter().map(|_| Best::new(filter.k())).collect(),
            tile: Vec::new(),
        }
    }

    /// Scores one row of the table for one user of the block.
    #[inline]
    pub(super) fn offer(&mut self, row: usize, at: usize) -> Result<()> {
        let dim = self.table.dim;
        let score = self.table.score(&self.vectors[row * dim..][..dim], at);
        self.best[row].offer(self.table.id(at), score, &self.permits[row])
    }

    /// Scores the rows `from .. to` of the table for all users of the block.
    pub(super) fn offer_all(&mut self, from: usize, to: usize) -> Result<()> {
        let (n, dim) = (to - from, self.table.dim);
        self.tile.resize(self.best.len() * n, 0.0);
        product::block(
            &self.vectors,
            &self.table.vectors[from * dim..to * dim],
            dim,
            &mut self.tile,
        );
        for (row, scores) in self.tile.chunks_exact_mut(n).enumerate() {
            if let Some(bias) = &self.table.bias {
                scores.iter_mut().zip(&bias[from..to]).for_each(|(s, b)| *s += b);
            }
            let id = |at| self.table.id(from + at);
            search(scores, id, self.ascending, &self.permits[row], &mut self.best[row])?;
        }
        Ok(())
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
    let part = table.len.div_ceil(parts).next_multiple_of(ITEMS).max(ITEMS);
    let starts: Vec<usize> = (0..table.len).step_by(part).collect();
    let found = starts.into_par_iter().map(|first| {
        let mut block = Block::new(factors, table, users, filter);
        let end = (first + part).min(table.len);
        for from in (first..end).step_by(ITEMS) {
            block.offer_all(from, (from + ITEMS).min(end))?;
        }
        Ok(block.best)
    });
    let none = || Ok(users.iter().map(|_| Best::new(filter.k())).collect());
    found.reduce(none, |a, b| {
        let (mut a, b): (Vec<Best>, Vec<Best>) = (a?, b?);
        a.iter_mut().zip(b).for_each(|(a, b)| a.merge(b));
        Ok(a)
    })
}
