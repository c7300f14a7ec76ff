//! The best items of one user so far, and the search of a row of scores for better ones.

use super::filter::RowFilter;
use super::key::{key, parts};
use crate::{Error, Result};

/// The best `k` so far, in a buffer that is cut back to `k` whenever it has doubled. After the
/// first cut the k-th best is the floor that others must beat.
pub(super) struct Best {
    k: usize,
    kept: Vec<u64>,
    /// Keys at or below it are of no interest.
    floor: u64,
}

impl Best {
    pub(super) fn new(k: usize) -> Self {
        Self { k, kept: Vec::new(), floor: key(0, f32::NEG_INFINITY, false) }
    }

    /// A score that an item must reach to matter. Where `ascending`, items come by ascending id
    /// and none loses ties, so that one that merely equals the floor comes too late.
    #[inline]
    pub(super) fn bar(&self, ascending: bool) -> f32 {
        let score = parts(self.floor).1;
        if ascending { score.next_up() } else { score }
    }

    /// Takes a scored item, if it is among the best and the filter permits it.
    ///
    /// # Errors
    /// [`Error::Data`] for a permitted item scored NaN.
    #[inline]
    pub(super) fn offer(&mut self, item: u32, score: f32, filter: &RowFilter<'_>) -> Result<()> {
        if score.is_nan() {
            return if filter.permits(item) { Err(not_a_number()) } else { Ok(()) };
        }
        let key = key(item, score, filter.loses(item));
        if key > self.floor && filter.permits(item) {
            self.push(key);
        }
        Ok(())
    }

    #[inline]
    fn push(&mut self, key: u64) {
        self.kept.push(key);
        if self.kept.len() == 2 * self.k {
            self.cut();
            self.floor = self.kept[self.k - 1];
        }
    }

    fn cut(&mut self) {
        if self.kept.len() > self.k {
            self.kept.select_nth_unstable_by(self.k - 1, |a, b| b.cmp(a));
            self.kept.truncate(self.k);
        }
    }

    /// Takes what another found among other items.
    pub(super) fn merge(&mut self, other: Best) {
        for key in other.kept {
            if key > self.floor {
                self.push(key);
            }
        }
    }

    /// Items and scores, best first.
    pub(super) fn into_sorted(mut self) -> impl ExactSizeIterator<Item = (u32, f32)> {
        self.cut();
        self.kept.sort_unstable_by(|a, b| b.cmp(a));
        self.kept.into_iter().map(parts)
    }
}

fn not_a_number() -> Error {
    Error::data(
        "scores",
        "the model scored an item NaN; its training diverged or its file is damaged",
    )
}

/// Offers the scores of a row that reach the floor; `item(at)` names the item at a place, and
/// `ascending` is as in [`Best::bar`].
///
/// # Errors
/// As [`Best::offer`].
#[inline]
pub(super) fn search(
    scores: &[f32],
    item: impl Fn(usize) -> u32,
    ascending: bool,
    filter: &RowFilter<'_>,
    best: &mut Best,
) -> Result<()> {
    let (groups, tail) = scores.as_chunks::<GROUP>();
    let mut at = 0;
    loop {
        at += skip(&groups[at..], best.bar(ascending));
        let Some(group) = groups.get(at) else { break };
        for (i, &score) in group.iter().enumerate() {
            if reaches(score, best.bar(ascending)) {
                best.offer(item(at * GROUP + i), score, filter)?;
            }
        }
        at += 1;
    }
    for (i, &score) in tail.iter().enumerate() {
        if reaches(score, best.bar(ascending)) {
            best.offer(item(groups.len() * GROUP + i), score, filter)?;
        }
    }
    Ok(())
}

/// Scores compared with the floor in one go.
const GROUP: usize = 32;

/// NaN reaches every bar, to be refused where it is looked at.
#[inline(always)]
#[expect(clippy::neg_cmp_op_on_partial_ord, reason = "NaN must pass")]
fn reaches(score: f32, bar: f32) -> bool {
    !(score < bar)
}

/// How many groups lie before the first that has a score that reaches the bar.
#[inline]
fn skip(groups: &[[f32; GROUP]], bar: f32) -> usize {
    #[cfg(target_arch = "x86_64")]
    if super::super::product::has_avx2() {
        // SAFETY: AVX2 is there.
        return unsafe { skip_avx2(groups, bar) };
    }
    skip_portable(groups, bar)
}

/// [`skip_portable`], compiled for wider registers.
///
/// # Safety
/// AVX2 must be available.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn skip_avx2(groups: &[[f32; GROUP]], bar: f32) -> usize {
    skip_portable(groups, bar)
}

#[inline(always)]
fn skip_portable(groups: &[[f32; GROUP]], bar: f32) -> usize {
    let any = |group: &[f32; GROUP]| group.iter().fold(false, |any, &s| any | reaches(s, bar));
    groups.iter().position(any).unwrap_or(groups.len())
}
