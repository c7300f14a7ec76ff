//! How a product is divided among tasks.

use std::ops::Range;

use rayon::prelude::*;

use super::pack::padded;

/// Rows of a block: its packed rows stay in the second-level cache.
const BLOCK_ROWS: usize = 96;
/// Up to this many rows each task packs the columns it needs for itself.
pub(super) const FEW_ROWS: usize = 192;
/// Longest run of products summed in registers.
const BLOCK_DEPTH: usize = 768;

/// Blocks of rows by columns.
pub(super) struct Grid {
    shape: [usize; 2],
    block: [usize; 2],
}

impl Grid {
    pub(super) fn new([m, n]: [usize; 2], width: usize, threads: usize) -> Self {
        let rows = if m > FEW_ROWS { BLOCK_ROWS } else { m }.max(1);
        let wanted = if threads == 1 { 1 } else { 4 * threads };
        let stripes = wanted.div_ceil(m.div_ceil(rows).max(1));
        let columns = padded(n.div_ceil(stripes), width).max(1);
        Self { shape: [m, n], block: [rows, columns] }
    }

    fn counts(&self) -> [usize; 2] {
        [0, 1].map(|i| self.shape[i].div_ceil(self.block[i]))
    }

    /// Runs `work` on each block's rows and columns.
    pub(super) fn each(&self, threads: usize, work: impl Fn([Range<usize>; 2]) + Send + Sync) {
        let tasks = self.counts().iter().product();
        in_parallel(tasks, threads, |task| work(self.ranges(task)));
    }

    fn ranges(&self, task: usize) -> [Range<usize>; 2] {
        let stripes = self.counts()[1];
        let at = [task / stripes, task % stripes];
        [0, 1].map(|i| {
            let begin = at[i] * self.block[i];
            begin..(begin + self.block[i]).min(self.shape[i])
        })
    }
}

/// The ranges into which sums over `0..k` are cut, at least one.
pub(super) fn depths(k: usize) -> impl Iterator<Item = Range<usize>> {
    let count = k.div_ceil(BLOCK_DEPTH).max(1);
    let step = k.div_ceil(count);
    (0..count).map(move |i| (i * step).min(k)..((i + 1) * step).min(k))
}

/// How many threads take part.
pub(super) fn threads(parallel: bool) -> usize {
    if parallel { rayon::current_num_threads() } else { 1 }
}

pub(super) fn in_parallel(tasks: usize, threads: usize, work: impl Fn(usize) + Send + Sync) {
    match threads {
        1 => (0..tasks).for_each(work),
        _ => (0..tasks).into_par_iter().for_each(work),
    }
}
