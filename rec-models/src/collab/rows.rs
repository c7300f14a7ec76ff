//! Sparse matrices computed row by row, in parallel, watched and stoppable.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use rec_core::data::Csr;

use crate::Result;
use crate::fit::{Cancel, FitContext, Progress};

/// Rows a worker takes at a time: few enough to balance and to stop soon.
const CHUNK: usize = 16;

/// A part of a training run, as whoever watches it sees it.
pub(crate) struct Task {
    name: &'static str,
    progress: Arc<dyn Progress>,
    cancel: Cancel,
    done: AtomicU64,
}

impl Task {
    /// Announces `total` steps.
    pub(crate) fn begin(ctx: &FitContext<'_>, name: &'static str, total: usize) -> Self {
        ctx.progress.begin(name, total as u64);
        let (progress, cancel) = (ctx.progress.clone(), ctx.cancel.clone());
        Self { name, progress, cancel, done: AtomicU64::new(0) }
    }

    /// Notes `n` more steps done.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`] once a stop was asked for.
    pub(crate) fn advance(&self, n: usize) -> Result<()> {
        self.cancel.check(self.name)?;
        let before = self.done.fetch_add(n as u64, Ordering::Relaxed);
        self.progress.step(before + n as u64, "");
        Ok(())
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.progress.end();
    }
}

/// The `[n_rows, n_cols]` matrix whose rows `row` writes (columns ascending, into an empty
/// buffer). Each row is computed by one thread alone, so the result does not depend on how many
/// there are.
pub(crate) fn sparse_rows<S: Send>(
    task: &Task,
    (n_rows, n_cols): (usize, usize),
    init: impl Fn() -> S + Sync + Send,
    row: impl Fn(&mut S, usize, &mut Vec<(u32, f32)>) -> Result<()> + Sync + Send,
) -> Result<Csr> {
    let chunks = (0..n_rows.div_ceil(CHUNK))
        .into_par_iter()
        .map_init(
            || (init(), Vec::new()),
            |(state, buffer), chunk| {
                let rows = chunk * CHUNK..((chunk + 1) * CHUNK).min(n_rows);
                task.advance(rows.len())?;
                let mut part = Part::default();
                for at in rows {
                    buffer.clear();
                    row(state, at, buffer)?;
                    part.push(buffer);
                }
                Ok(part)
            },
        )
        .collect::<Result<Vec<Part>>>()?;
    join(chunks, n_rows, n_cols)
}

/// Some rows on their way into a matrix.
#[derive(Default)]
struct Part {
    lens: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

impl Part {
    fn push(&mut self, row: &[(u32, f32)]) {
        self.lens.push(row.len());
        self.indices.extend(row.iter().map(|&(c, _)| c));
        self.values.extend(row.iter().map(|&(_, v)| v));
    }
}

fn join(parts: Vec<Part>, n_rows: usize, n_cols: usize) -> Result<Csr> {
    let nnz = parts.iter().map(|p| p.indices.len()).sum();
    let mut indptr = Vec::with_capacity(n_rows + 1);
    let (mut indices, mut values) = (Vec::with_capacity(nnz), Vec::with_capacity(nnz));
    indptr.push(0);
    for part in parts {
        let mut end = indices.len();
        for len in part.lens {
            end += len;
            indptr.push(end);
        }
        indices.extend_from_slice(&part.indices);
        values.extend_from_slice(&part.values);
    }
    Csr::new(indptr, indices, Some(values), n_cols)
}

/// The `k` best of a stream of scored items; ties go to the smaller id. Scores are not NaN.
///
/// Each is held as one integer that orders as the pair does, so that selection compares integers.
pub(crate) struct KBest {
    k: usize,
    floor: f32,
    kept: Vec<u64>,
}

/// Larger for a higher score, then for a smaller id.
fn key(item: u32, score: f32) -> u64 {
    // `+ 0.0` makes one zero of the two.
    let bits = (score + 0.0).to_bits();
    let ordered = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
    u64::from(ordered) << 32 | u64::from(!item)
}

fn entry(key: u64) -> (u32, f32) {
    let ordered = (key >> 32) as u32;
    let bits = if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered };
    (!(key as u32), f32::from_bits(bits))
}

impl KBest {
    pub(crate) fn new(k: usize) -> Self {
        Self { k, floor: f32::NEG_INFINITY, kept: Vec::with_capacity(k.min(1 << 12) * 2) }
    }

    /// Offers an item. Below the floor, the score of the worst that can still be kept, it costs one
    /// comparison.
    #[inline]
    pub(crate) fn push(&mut self, item: u32, score: f32) {
        if score >= self.floor {
            self.kept.push(key(item, score));
            if self.kept.len() >= self.k.saturating_mul(2) {
                self.shrink();
                self.floor = entry(self.kept[self.k - 1]).1;
            }
        }
    }

    fn shrink(&mut self) {
        if self.kept.len() > self.k {
            self.kept.select_nth_unstable_by(self.k - 1, |a, b| b.cmp(a));
            self.kept.truncate(self.k);
        }
    }

    /// Moves the best out, in order of their column, and starts anew.
    pub(crate) fn drain_by_column(&mut self, out: &mut Vec<(u32, f32)>) {
        self.shrink();
        self.floor = f32::NEG_INFINITY;
        out.extend(self.kept.drain(..).map(entry));
        out.sort_unstable_by_key(|&(item, _)| item);
    }

    /// Moves the best out, best first, and starts anew.
    pub(crate) fn drain_ranked(&mut self) -> Vec<(u32, f32)> {
        self.shrink();
        self.floor = f32::NEG_INFINITY;
        self.kept.sort_unstable_by(|a, b| b.cmp(a));
        self.kept.drain(..).map(entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rec_core::rank::better;

    proptest! {
        #[test]
        fn the_best_are_those_of_a_full_sort(
            scores in proptest::collection::vec(-9i8..10, 0..80), k in 1usize..12,
        ) {
            let mut all: Vec<(u32, f32)> =
                scores.iter().enumerate().map(|(i, &s)| (i as u32, f32::from(s))).collect();
            let mut best = KBest::new(k);
            all.iter().for_each(|&(i, s)| best.push(i, s));
            all.sort_by(|&a, &b| better(a, b));
            all.truncate(k);
            prop_assert_eq!(best.drain_ranked(), all.clone());
            all.iter().for_each(|&(i, s)| best.push(i, s));
            all.sort_by_key(|&(i, _)| i);
            let mut out = Vec::new();
            best.drain_by_column(&mut out);
            prop_assert_eq!(out, all);
        }
    }
}
