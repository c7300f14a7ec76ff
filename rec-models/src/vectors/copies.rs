//! Workers' own copies of the rows that all of them change most.
//!
//! A row that two processors write in turn is carried from one's cache to the other's each time,
//! which takes longer than the step that changes it, and the rows of the most frequent words are
//! written all the time. So each worker has copies of these, and adds what it made of a copy to the
//! shared row once in a few steps, as the nodes of a cluster do in Ji, Satish, Li and Dubey,
//! "Parallelizing word2vec in shared and distributed memory" (2016), frequent words' rows more often
//! than others.

use super::rows::{Cells, Rows, Shared};
use crate::ops::simd::Lanes;

/// Numbers in the copies of one table, at most: 2 MiB.
const MOST: usize = 1 << 19;

/// Steps of all workers together between two merges of a row's copies, about, at most.
const STEPS: f64 = 32.0;

/// A row in which a share `s` of all words has a part is merged after `SHARE / s` of a worker's steps or
/// earlier: what nearly every step changes, as the root of a tree, must not get far apart.
const SHARE: f64 = 2.0;

/// Stands for no copy.
const NONE: u16 = u16::MAX;

/// The rows that workers have copies of.
pub(super) struct Hot {
    /// Which copy is a row's, if any: `[rows]`.
    slots: Vec<u16>,
    /// The row of each copy.
    rows: Vec<u32>,
    /// Steps of a worker between two merges of each copy; of rows without one, any number.
    every: Vec<u32>,
}

impl Hot {
    /// The rows of the largest weights, of a table of rows of this length: how many of so many words
    /// each has a part in. For so many workers.
    pub(super) fn new(weights: &[u64], words: u64, stride: usize, workers: usize) -> Self {
        let count = (MOST / stride).min(usize::from(NONE));
        let mut rows: Vec<u32> = (0..weights.len() as u32).collect();
        rows.sort_by_key(|&row| std::cmp::Reverse(weights[row as usize]));
        rows.truncate(count);
        let mut slots = vec![NONE; weights.len()];
        for (slot, &row) in rows.iter().enumerate() {
            slots[row as usize] = slot as u16;
        }
        let most = STEPS / workers as f64;
        let every = |&row: &u32| {
            let share = weights[row as usize] as f64 / words.max(1) as f64;
            (SHARE / share).min(most).max(1.0) as u32
        };
        let every = rows.iter().map(every).chain([u32::MAX]).collect();
        Self { slots, rows, every }
    }
}

/// A worker's copies.
pub(super) struct Copies {
    /// One after another, and after them what they were when they were last merged.
    values: Rows,
    /// Steps of each copy until its next merge; the last is that of all rows without one.
    left: Vec<u32>,
}

impl Copies {
    /// Copies of the hot rows, not read yet.
    pub(super) fn new(hot: Option<&Hot>, dim: usize) -> Self {
        let n = hot.map_or(0, |hot| hot.rows.len());
        let left = hot.map_or(Vec::new(), |hot| hot.every.clone());
        Self { values: Rows::zeros(2 * n, dim), left }
    }

    /// A worker's view of the table whose hot rows these are copies of.
    pub(super) fn view<'a>(&'a mut self, shared: Shared<'a>, hot: Option<&'a Hot>) -> View<'a> {
        let (slots, rows, every) = match hot {
            Some(hot) => (&hot.slots[..], &hot.rows[..], &hot.every[..]),
            None => (&[][..], &[][..], &[][..]),
        };
        let (copies, left) = (self.values.share(), &mut self.left[..]);
        View { shared, copies, slots, rows, left, every }
    }
}

/// A worker's view of a table: its copies of the hot rows, and of others the shared rows themselves.
pub(super) struct View<'a> {
    shared: Shared<'a>,
    copies: Shared<'a>,
    slots: &'a [u16],
    rows: &'a [u32],
    left: &'a mut [u32],
    every: &'a [u32],
}

impl<'a> View<'a> {
    /// The number of a row's copy, and whether it has one.
    #[inline(always)]
    fn slot(&self, row: u32) -> (u32, bool) {
        let slot = self.slots[row as usize];
        (u32::from(slot), slot != NONE)
    }

    /// A row, or this worker's copy of it.
    #[inline(always)]
    pub(super) fn row(&self, row: u32) -> Cells<'a> {
        if self.slots.is_empty() {
            return self.shared.row(row);
        }
        let (slot, is_hot) = self.slot(row);
        let at = std::hint::select_unpredictable(is_hot, slot, row);
        self.shared.row_of_either(&self.copies, (at, is_hot))
    }

    /// Asks for a row to be in the cache soon, and where its copy is about to be merged for all that
    /// takes.
    #[inline(always)]
    pub(super) fn prefetch(&self, row: u32) {
        self.row(row).prefetch();
        if self.slots.is_empty() {
            return;
        }
        let (slot, is_hot) = self.slot(row);
        if is_hot && self.left[slot as usize] == 1 {
            self.shared.row(row).prefetch();
            self.copies.row(slot + self.rows.len() as u32).prefetch();
        }
    }

    /// To be told after each step on a row: merges its copy when it is time.
    #[inline(always)]
    pub(super) fn stepped<S: Lanes>(&mut self, s: S, row: u32) {
        if self.slots.is_empty() {
            return;
        }
        let (slot, is_hot) = self.slot(row);
        let last = self.left.len() - 1;
        let at = std::hint::select_unpredictable(is_hot, slot as usize, last);
        self.left[at] -= 1;
        if self.left[at] == 0 {
            self.merge(s, at);
        }
    }

    /// Merges, or reads for the first time, all copies.
    #[inline(always)]
    pub(super) fn merge_all<S: Lanes>(&mut self, s: S) {
        for slot in 0..self.rows.len() {
            self.merge(s, slot);
        }
    }

    #[inline(always)]
    fn merge<S: Lanes>(&mut self, s: S, slot: usize) {
        self.left[slot] = self.every[slot];
        let Some(&row) = self.rows.get(slot) else { return };
        let before = (slot + self.rows.len()) as u32;
        let (copy, merged) = (self.copies.row(slot as u32), self.copies.row(before));
        self.shared.row(row).merge(s, copy, merged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::simd::{Level, Task};

    const DIM: usize = MOST / 2;
    const TO_MERGE: usize = STEPS as usize / 2;

    /// What stands first in each row: of the table, of one worker's view, of another's.
    type Seen = [[f32; 3]; 3];

    struct Work<'a>(&'a mut Rows, &'a Hot);

    impl Task for Work<'_> {
        type Output = [Seen; 3];

        #[inline(always)]
        fn run<S: Lanes>(self, s: S) -> [Seen; 3] {
            let Self(rows, hot) = self;
            let shared = rows.share();
            let [mut of_one, mut of_other] = [0, 1].map(|_| Copies::new(Some(hot), DIM));
            let mut one = of_one.view(shared, Some(hot));
            let mut other = of_other.view(shared, Some(hot));
            one.merge_all(s);
            other.merge_all(s);
            let see = |one: &View<'_>, other: &View<'_>| {
                let mut seen = [[0.0; 3]; 3];
                for row in 0..3 {
                    let cells = [shared.row(row), one.row(row), other.row(row)];
                    for (seen, cells) in seen.iter_mut().zip(cells) {
                        let mut values = vec![0.0; DIM];
                        cells.read(s, &mut values);
                        assert!(values.iter().all(|&x| x == values[0]));
                        seen[row as usize] = values[0];
                    }
                }
                seen
            };
            let add = |view: &mut View<'_>, row, by| {
                view.row(row).add(s, &vec![by; DIM]);
                view.stepped(s, row);
            };
            for row in [0, 2].into_iter().chain([1; TO_MERGE - 1]) {
                add(&mut one, row, 1.0);
            }
            add(&mut other, 1, 0.5);
            let before = see(&one, &other);
            add(&mut one, 1, 1.0);
            let merged = see(&one, &other);
            other.merge_all(s);
            one.merge_all(s);
            [before, merged, see(&one, &other)]
        }
    }

    #[test]
    fn copies_are_merged_every_few_steps() {
        for level in Level::all() {
            let mut rows = Rows::padded(&[[1.0; DIM], [2.0; DIM], [3.0; DIM]].concat(), DIM);
            let hot = Hot::new(&[5, 9, 1], 10_000, DIM, 2);
            assert_eq!(hot.rows, [1, 0]);
            let half = TO_MERGE as u32;
            assert_eq!(Hot::new(&[50, 1000], 1000, DIM, 2).every, [2, half, u32::MAX]);
            let [before, merged, after] = level.run(Work(&mut rows, &hot));
            // Row 2 has no copies; row 1 merges with its next step.
            let n = TO_MERGE as f32;
            assert_eq!(before, [[1.0, 2.0, 4.0], [2.0, 1.0 + n, 4.0], [1.0, 2.5, 4.0]]);
            assert_eq!(merged, [[1.0, 2.0 + n, 4.0], [2.0, 2.0 + n, 4.0], [1.0, 2.5, 4.0]]);
            assert_eq!(after, [[2.0, 2.5 + n, 4.0], [2.0, 2.5 + n, 4.0], [1.0, 2.5 + n, 4.0]]);
        }
    }
}
