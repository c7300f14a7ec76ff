//! Users and items rounded and laid out for the kernel.

use rayon::prelude::*;

use super::scale::{Scaling, norm};
use super::{ITEMS, Line, PANEL, PANELS, USERS, place};
use crate::rank::Factors;

/// The longest an integer row may be: 181² fits 16 bits with their sign.
const LENGTH: f32 = 180.9;
/// The largest integer of a user: two of them times 255 must fit 16 bits with their sign.
const USER_MAX: f32 = 63.0;
/// The largest integer of an item; stored with [`OFFSET`] added.
const ITEM_MAX: f32 = 127.0;
const OFFSET: i32 = 128;
/// Lengths between which nothing under- or overflows.
const SAFE: std::ops::Range<f32> = 1e-12..1e12;
/// Above this width the slack eats the gain.
const MAX_WIDTH: usize = 512;

/// What a tile's bound needs.
pub(super) struct Tile {
    /// `1 / b`.
    pub(super) inverse: f32,
    /// The largest `‖b·q‖`.
    pub(super) length: f32,
    /// The largest `‖v − b·q‖`, and the rounding of an exact score of a user of length 1.
    pub(super) error: f32,
}

/// A group of users; places past the last user are padding.
#[derive(Clone)]
pub(in super::super) struct Group {
    /// `[pairs, USERS]`: two dimensions of a user, twice over.
    pub(super) codes: Vec<u32>,
    /// What each sum starts from (twice over), to make up for the items' offset.
    pub(super) start: [i32; USERS],
    /// `1 / a`.
    pub(super) inverse: [f32; 8],
    /// `‖u − a·p‖`.
    pub(super) error: [f32; 8],
    /// `‖u‖`.
    pub(super) norm: [f32; 8],
}

/// All items, ready to be screened.
pub(in super::super) struct Screen {
    scaling: Scaling,
    lines: Vec<Line>,
    pub(super) tiles: Vec<Tile>,
    pub(super) n_items: usize,
    /// The item at each place: by falling length.
    pub(in super::super) order: Vec<u32>,
}

impl Screen {
    /// A screen for these items, or `None` where factors are too wide, too long or not finite.
    pub(in super::super) fn new(
        factors: &Factors<'_>,
        users: &[u32],
        items: &[u32],
    ) -> Option<Self> {
        let scaling = Scaling::new(factors, users);
        if scaling.width() > MAX_WIDTH {
            return None;
        }
        let norms = scaling.norms(factors, items);
        if !norms.iter().all(|&n| n < SAFE.end) {
            return None;
        }
        let mut keyed: Vec<u64> = norms
            .iter()
            .zip(items)
            .map(|(&n, &item)| u64::from(!n.to_bits()) << 32 | u64::from(item))
            .collect();
        keyed.par_sort_unstable();
        let order: Vec<u32> = keyed.iter().map(|&key| key as u32).collect();
        let pairs = scaling.width().div_ceil(2);
        let mut lines =
            vec![Line([OFFSET as u8; 2 * PANEL]); order.len().div_ceil(ITEMS) * PANELS * pairs];
        let tiles = lines
            .par_chunks_mut(PANELS * pairs)
            .zip(order.par_chunks(ITEMS))
            .map(|(lines, items)| Tile::pack(factors, &scaling, items, lines))
            .collect();
        Some(Self { scaling, lines, tiles, n_items: order.len(), order })
    }

    /// The codes of a tile: `[PANELS, pairs]` lines.
    pub(super) fn lines(&self, tile: usize) -> &[Line] {
        let each = self.lines.len() / self.tiles.len();
        &self.lines[tile * each..][..each]
    }

    /// Users in groups of [`USERS`], or `None` where a factor is too long or not finite.
    pub(in super::super) fn groups(
        &self,
        factors: &Factors<'_>,
        users: &[u32],
    ) -> Option<Vec<Group>> {
        users.chunks(USERS).map(|users| Group::pack(factors, &self.scaling, users)).collect()
    }
}

impl Tile {
    fn pack(factors: &Factors<'_>, scaling: &Scaling, items: &[u32], lines: &mut [Line]) -> Self {
        let (width, pairs) = (scaling.width(), lines.len() / PANELS);
        let mut rows = vec![0f32; items.len() * width];
        for (&item, row) in items.iter().zip(rows.chunks_exact_mut(width)) {
            scaling.item(factors, item, row);
        }
        let longest = rows.chunks_exact(width).map(norm).fold(0.0, f32::max);
        let unit = unit(longest, &rows, width, ITEM_MAX);
        let mut tile = Self { inverse: unit.recip(), length: 0.0, error: 0.0 };
        for (i, row) in rows.chunks_exact_mut(width).enumerate() {
            let (panel, at) = (i / PANEL, 2 * place(i % PANEL));
            let lines = &mut lines[panel * pairs..][..pairs];
            let (length, error) = round(row, unit, ITEM_MAX, |d, code| {
                lines[d / 2].0[at + d % 2] = (code + OFFSET) as u8;
            });
            tile.length = tile.length.max(length);
            tile.error = tile.error.max(error);
        }
        // The exact score errs by at most (dim / 8 + 4) roundings of the factors' lengths.
        tile.error += longest * (width as f32 + 8.0) * f32::EPSILON;
        tile
    }
}

impl Group {
    fn pack(factors: &Factors<'_>, scaling: &Scaling, users: &[u32]) -> Option<Self> {
        let width = scaling.width();
        let mut group = Self {
            codes: vec![0; width.div_ceil(2) * USERS],
            start: [0; USERS],
            inverse: [1.0; 8],
            error: [0.0; 8],
            norm: [0.0; 8],
        };
        let mut row = vec![0f32; width];
        for (u, &user) in users.iter().enumerate() {
            scaling.user(factors, user, &mut row);
            let length = norm(&row);
            if length.is_nan() || length >= SAFE.end {
                return None;
            }
            let unit = unit(length, &row, width, USER_MAX);
            let mut sum = 0;
            let (_, error) = round(&mut row, unit, USER_MAX, |d, code| {
                sum += code;
                let byte = u32::from(code as i8 as u8) << (8 * (d % 2));
                group.codes[d / 2 * USERS + u] |= byte | byte << 16;
            });
            let start = u32::from((-OFFSET * sum) as u16);
            group.start[u] = (start | start << 16) as i32;
            group.inverse[u] = unit.recip();
            group.error[u] = error;
            group.norm[u] = length * (1.0 + 2.0 * f32::EPSILON);
        }
        Some(group)
    }
}

/// What one step of the integers stands for: the rows' entries stay within `max` steps and their
/// lengths, rounding included, within [`LENGTH`] steps.
fn unit(longest: f32, rows: &[f32], width: usize, max: f32) -> f32 {
    if longest < SAFE.start {
        return 1.0;
    }
    let largest = rows.iter().fold(0f32, |m, x| m.max(x.abs()));
    (longest / (LENGTH - (width as f32).sqrt() / 2.0)).max(largest / max)
}

/// Rounds a row, gives its integers to `code`, and returns the length of the rounded row and of
/// the error, a little above the true ones. The row is overwritten.
fn round(row: &mut [f32], unit: f32, max: f32, mut code: impl FnMut(usize, i32)) -> (f32, f32) {
    let (inverse, mut squares) = (unit.recip(), 0i32);
    for (d, x) in row.iter_mut().enumerate() {
        // Adding and taking 1.5 · 2²³ rounds to an integer.
        let step = ((*x * inverse).clamp(-max, max) + 12_582_912.0) - 12_582_912.0;
        *x -= step * unit;
        code(d, step as i32);
        squares += step as i32 * step as i32;
    }
    let above = 1.0 + 1e-5;
    // What is left of an entry is off by at most 2⁻²⁴ of `max` steps, where it was rounded at all.
    let rounding = if squares == 0 { 0.0 } else { 1e-3 * unit };
    ((squares as f32).sqrt() * unit * above, norm(row) * above + rounding)
}
