//! Inner products of factor rows, one at a time and in blocks.
//!
//! Every product here adds up in one fixed order: lane `j` of eight sums the dimensions
//! `j, j + 8, j + 16, …` in turn, and the lanes are then added pairwise. A score is therefore the
//! same number whether it is computed alone, in a block of any size, or on any thread. (Machines
//! with and without fused multiply-add may differ in the last bits.)

#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;

use super::Factors;
use crate::{Error, Result};

/// Whether the AVX2 kernels can run here.
#[cfg(target_arch = "x86_64")]
pub(crate) fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

/// The inner product of two rows of equal length (of the shorter one, if they differ).
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len().min(b.len());
    let (a, b) = (&a[..n], &b[..n]);
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: AVX2 and FMA are there, and the rows are of equal length.
        return unsafe { avx2::dot(a, b) };
    }
    portable::dot(a, b)
}

/// `out = users · itemsᵀ`: `users` is `[n_users, dim]`, `items` is `[n_items, dim]` and `out`
/// `[n_users, n_items]`, all row-major. Each element equals [`dot`] of its two rows. One thread;
/// the caller splits the work.
///
/// # Errors
/// [`Error::Shape`] where the sizes do not fit together.
pub fn scores_block(users: &[f32], items: &[f32], dim: usize, out: &mut [f32]) -> Result<()> {
    let n_users = rows("user factors", users, dim)?;
    let n_items = rows("item factors", items, dim)?;
    if out.len() != n_users * n_items {
        return Err(Error::shape("block of scores", n_users * n_items, out.len()));
    }
    block(users, items, dim, out);
    Ok(())
}

/// [`scores_block`] for sizes that are known to fit.
pub(crate) fn block(users: &[f32], items: &[f32], dim: usize, out: &mut [f32]) {
    if dim == 0 || out.is_empty() {
        return out.fill(0.0);
    }
    #[cfg(target_arch = "x86_64")]
    if has_avx2() {
        // SAFETY: AVX2 and FMA are there, and the caller has checked the sizes.
        return unsafe { avx2::block(users, items, dim, out) };
    }
    portable::block(users, items, dim, out);
}

/// Asks for a row to be brought into the cache, where that can be asked.
#[inline]
pub(crate) fn prefetch(row: &[f32]) {
    /// Numbers of a cache line.
    const LINE: usize = 16;
    #[cfg(target_arch = "x86_64")]
    for line in row.chunks(LINE) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, and the address is the row's own.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (row, LINE);
}

/// How many rows of `dim` there are.
pub(crate) fn rows(what: &str, factors: &[f32], dim: usize) -> Result<usize> {
    if dim == 0 {
        return Err(Error::parameter("dim", 0, "factors need at least one dimension"));
    }
    if !factors.len().is_multiple_of(dim) {
        return Err(Error::shape(what, format!("a multiple of {dim}"), factors.len()));
    }
    Ok(factors.len() / dim)
}

impl Factors<'_> {
    /// One user's factor.
    pub fn user(&self, user: u32) -> &[f32] {
        &self.users[user as usize * self.dim..][..self.dim]
    }

    /// One item's factor.
    pub fn item(&self, item: u32) -> &[f32] {
        &self.items[item as usize * self.dim..][..self.dim]
    }

    /// The score of one item for one user.
    pub fn score_one(&self, user: u32, item: u32) -> f32 {
        dot(self.user(user), self.item(item)) + self.item_bias.map_or(0.0, |b| b[item as usize])
    }

    /// The scores of all items for a block of users, `[users.len(), n_items]`: what
    /// [`super::Scorer::score`] asks of a factor model.
    ///
    /// # Errors
    /// [`Error::Shape`] for tables whose sizes do not fit together, users that have no row, or
    /// another length of `out`.
    pub fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        let (n_users, n_items) = self.check()?;
        check_users(users, n_users)?;
        if out.len() != users.len() * n_items {
            return Err(Error::shape("block of scores", users.len() * n_items, out.len()));
        }
        let gathered: Vec<f32> = users.iter().flat_map(|&u| self.user(u)).copied().collect();
        block(&gathered, self.items, self.dim, out);
        if let Some(bias) = self.item_bias {
            for row in out.chunks_exact_mut(n_items.max(1)) {
                row.iter_mut().zip(bias).for_each(|(s, b)| *s += b);
            }
        }
        Ok(())
    }

    /// The numbers of users and items.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Parameter`] for tables whose sizes do not fit together.
    pub fn check(&self) -> Result<(usize, usize)> {
        let n_users = rows("user factors", self.users, self.dim)?;
        let n_items = rows("item factors", self.items, self.dim)?;
        match self.item_bias {
            Some(bias) if bias.len() != n_items => {
                Err(Error::shape("item biases", n_items, bias.len()))
            }
            _ => Ok((n_users, n_items)),
        }
    }
}

/// Refuses dense users past the model's rows.
pub(crate) fn check_users(users: &[u32], n_users: usize) -> Result<()> {
    match users.iter().find(|&&u| u as usize >= n_users) {
        Some(u) => Err(Error::shape("dense user", format!("< {n_users}"), u)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
