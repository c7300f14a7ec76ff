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

impl Screen {
    /// Calls `found(user of the group, row of the table)` for every item of a tile that may reach
    /// the floor of a user, `floors` giving it for each; returns how many there were.
    pub(super) fn search<E>(
        &self,
        tile: usize,
        group: &Group,
        floors: &[f32; 8],
        mut found: impl FnMut(usize, usize) -> Result<(), E>,
    ) -> Result<usize, E> {
        let thresholds = thresholds(group, floors, &self.tiles[tile]);
        if thresholds.iter().all(|&t| t == i16::MAX) {
            return Ok(0);
        }
        let mut passed = [[0; USERS]; PANELS];
        compare(self.lines(tile), group, &thresholds, &mut passed);
        let mut n = 0;
        for (panel, users) in passed.iter().enumerate() {
            for (user, &bits) in users.iter().enumerate() {
                let mut bits = bits;
                while bits != 0 {
                    let at = tile * ITEMS + panel * PANEL + bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    if at < self.n_items {
                        n += 1;
                        found(user, at)?;
                    }
                }
            }
        }
        Ok(n)
    }
}

/// The rounded product that an item must exceed to reach each floor. `f32` errs here by less than
/// 0.1, which the subtrahend 1.1 allows for beside the truncation.
#[inline(always)]
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

#[inline]
fn compare(lines: &[Line], group: &Group, thresholds: &[i16; 8], passed: &mut Passed) {
    #[cfg(target_arch = "x86_64")]
    if crate::rank::product::has_avx2() {
        // SAFETY: AVX2 is there.
        return unsafe { avx2::compare(lines, group, thresholds, passed) };
    }
    portable::compare(lines, group, thresholds, passed);
}

#[cfg(test)]
mod tests;
