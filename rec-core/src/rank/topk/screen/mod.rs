//! A cheap screen before the exact scores: which items could reach a user's floor at all?
//!
//! Factors are rounded to 7 and 8 bits. The error of that is bounded rigorously, so an item whose
//! rounded product stays below the floor by more than the bound cannot be among the best, and its
//! score is never computed; all others are scored by [`crate::rank::dot`]. With `u ≈ a·p` and
//! `v ≈ b·q` for integer rows `p` and `q`,
//!
//! `⟨u, v⟩ = a·b·⟨p, q⟩ + ⟨u − a·p, b·q⟩ + ⟨u, v − b·q⟩ ≤ a·b·⟨p, q⟩ + ‖u − a·p‖·‖b·q‖ + ‖u‖·‖v − b·q‖`
//!
//! and the last two terms, the rounding of the exact score included, are the slack. `‖p‖·‖q‖` is
//! kept within 16 bits, so that sums in 16-bit lanes may wrap on the way and are right at the end:
//! twice as many products an instruction as 32-bit sums would allow, and four times those of `f32`.
//!
//! Items are ordered by norm, which lets the bound skip whole tiles where norms are skewed
//! (Cauchy–Schwarz), and gives the items of a tile one scale.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod pack;
mod portable;
mod scale;

use self::pack::Tile;
pub(super) use self::pack::{Group, Screen};

/// Users that the kernel takes at a time.
pub(super) const USERS: usize = 6;
/// Items of a panel: two registers of 16-bit sums.
const PANEL: usize = 32;
/// Panels of a tile.
const PANELS: usize = 8;
/// Items of a tile, which share a scale and a bound.
pub(super) const ITEMS: usize = PANEL * PANELS;

/// Bit `i` of `[panel][user]`: whether item `i` of the panel passes for the user.
type Passed = [[u32; USERS]; PANELS];

/// A line of the cache: two factors' places of each item of a panel.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 2 * PANEL]);

/// Where an item of a panel stands in a line, so that the kernel's bits come out in order.
fn place(item: usize) -> usize {
    match item / 8 {
        1 => item + 8,
        2 => item - 8,
        _ => item,
    }
}

/// An item that may reach a user's floor: the user's place in its group, and the row of the table.
#[derive(Clone, Copy, Default)]
pub(super) struct Hit {
    pub(super) user: u32,
    pub(super) row: u32,
}

/// The most hits that a group can have in a tile, and one to spare.
const HITS: usize = USERS * ITEMS + 1;

/// The hits of a group in a tile.
pub(super) struct Hits {
    found: Box<[Hit; HITS]>,
    len: usize,
}

impl Hits {
    pub(super) fn new() -> Self {
        Self { found: Box::new([Hit::default(); HITS]), len: 0 }
    }

    pub(super) fn as_slice(&self) -> &[Hit] {
        &self.found[..self.len]
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    /// Reads the kernel's bits; one branch a word that is rarely taken, for most words have one
    /// bit or none.
    fn read(&mut self, passed: &Passed, first: usize) {
        self.len = 0;
        for (panel, users) in passed.iter().enumerate() {
            let first = (first + panel * PANEL) as u32;
            for (user, &bits) in users.iter().enumerate() {
                let mut bits = bits;
                loop {
                    let row = first + bits.trailing_zeros();
                    self.found[self.len] = Hit { user: user as u32, row };
                    self.len += usize::from(bits != 0);
                    bits &= bits.wrapping_sub(1);
                    if bits == 0 {
                        break;
                    }
                }
            }
        }
    }
}

impl Screen {
    /// Finds the items of a tile that may reach the floors of a group's users.
    pub(super) fn search(&self, tile: usize, group: &Group, floors: &[f32; 8], hits: &mut Hits) {
        let mut passed = [[0; USERS]; PANELS];
        if !compare(self.lines(tile), group, &self.tiles[tile], floors, &mut passed) {
            return hits.clear();
        }
        hits.read(&passed, tile * ITEMS);
        // The last tile may be padded.
        if (tile + 1) * ITEMS > self.n_items {
            let kept = hits.as_slice().iter().filter(|h| (h.row as usize) < self.n_items);
            let kept: Vec<Hit> = kept.copied().collect();
            hits.found[..kept.len()].copy_from_slice(&kept);
            hits.len = kept.len();
        }
    }
}

/// The rounded product that an item must exceed to reach each floor. `f32` errs here by less than
/// 0.1, which the subtrahend 1.1 allows for beside the truncation.
#[inline]
fn thresholds(group: &Group, floors: &[f32; 8], tile: &Tile) -> [i16; 8] {
    let mut out = [0; 8];
    for u in 0..8 {
        let floor = floors[u] - 2e-7 * floors[u].abs();
        let slack = group.error[u] * tile.length + group.norm[u] * tile.error;
        let least = (floor - slack) * (group.inverse[u] * tile.inverse) - 1.1;
        // A floor of ±∞ may come out as NaN: everything passes.
        let least = if least > -32768.0 { least } else { -32768.0 };
        out[u] = least.min(32767.0) as i32 as i16;
    }
    out
}

/// Whether the bound leaves anything to look for, and if so, what passes.
#[inline]
fn compare(
    lines: &[Line],
    group: &Group,
    tile: &Tile,
    floors: &[f32; 8],
    passed: &mut Passed,
) -> bool {
    let thresholds = thresholds(group, floors, tile);
    if thresholds.iter().all(|&t| t == i16::MAX) {
        return false;
    }
    #[cfg(target_arch = "x86_64")]
    if crate::rank::product::has_avx2() {
        // SAFETY: AVX2 is there.
        unsafe { avx2::compare(lines, group, &thresholds, passed) };
        return true;
    }
    portable::compare(lines, group, &thresholds, passed);
    true
}

#[cfg(test)]
mod tests;
