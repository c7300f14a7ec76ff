//! Selection of the best items: blocks of users, a bounded heap each, filters inside the block.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::Scorer;
use crate::data::Csr;
use crate::{Error, Result};

/// The best items of each row, best first; ties go to the smaller dense id.
#[derive(Clone, Debug, PartialEq)]
pub struct TopK {
    k: usize,
    lens: Vec<u32>,
    items: Vec<u32>,
    scores: Vec<f32>,
}

impl TopK {
    /// `n` rows with nothing in them.
    pub fn empty(n: usize, k: usize) -> Self {
        Self { k, lens: vec![0; n], items: vec![0; n * k], scores: vec![0.0; n * k] }
    }

    /// Rows of `(item, score)`, each already in order and no longer than `k`.
    ///
    /// # Errors
    /// [`Error::Shape`] for a longer row.
    pub fn from_rows(rows: &[Vec<(u32, f32)>], k: usize) -> Result<Self> {
        let mut top = Self::empty(rows.len(), k);
        for (at, row) in rows.iter().enumerate() {
            if row.len() > k {
                return Err(Error::shape("row of ranked items", format!("≤ {k}"), row.len()));
            }
            top.set(at, row);
        }
        Ok(top)
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.lens.len()
    }

    /// The longest a row may be.
    pub fn k(&self) -> usize {
        self.k
    }

    /// Items and scores of one row, best first.
    pub fn row(&self, row: usize) -> (&[u32], &[f32]) {
        let range = row * self.k..row * self.k + self.lens[row] as usize;
        (&self.items[range.clone()], &self.scores[range])
    }

    /// Replaces one row.
    pub(crate) fn set(&mut self, row: usize, ranked: &[(u32, f32)]) {
        self.lens[row] = ranked.len() as u32;
        for (at, &(item, score)) in ranked.iter().enumerate() {
            self.items[row * self.k + at] = item;
            self.scores[row * self.k + at] = score;
        }
    }

    /// Copies the rows of `from` to the places `at`.
    pub(crate) fn fill(&mut self, at: &[usize], from: &TopK) {
        for (row, &to) in at.iter().enumerate() {
            let (items, scores) = from.row(row);
            self.lens[to] = items.len() as u32;
            self.items[to * self.k..][..items.len()].copy_from_slice(items);
            self.scores[to * self.k..][..items.len()].copy_from_slice(scores);
        }
    }
}

/// Which items may be selected, by dense ids.
#[derive(Clone, Copy, Debug)]
pub struct Selection<'a> {
    /// How many items a row.
    pub k: usize,
    /// Left out for each user: `[n_users, n_items]`, by the scorer's rows.
    pub seen: Option<&'a Csr>,
    /// Only these, sorted.
    pub allow: Option<&'a [u32]>,
    /// None of these, sorted.
    pub block: &'a [u32],
    /// Only these for each asked user, sorted, beside the users.
    pub candidates: Option<&'a [&'a [u32]]>,
    /// Items that lose ties for each user, against every item not listed (among themselves the
    /// smaller id still wins): `[n_users, n_items]`, by the scorer's rows. Pessimistic evaluation
    /// puts the relevant items here.
    pub losing_ties: Option<&'a Csr>,
}

impl<'a> Selection<'a> {
    /// The best `k` of everything.
    pub fn top(k: usize) -> Self {
        Self { k, seen: None, allow: None, block: &[], candidates: None, losing_ties: None }
    }
}

/// The better of two scored items first: higher score, then smaller id. Scores are not NaN.
pub fn better(a: (u32, f32), b: (u32, f32)) -> Ordering {
    b.1.partial_cmp(&a.1).unwrap_or(Ordering::Equal).then(a.0.cmp(&b.0))
}

/// The best items for each of these users.
///
/// # Errors
/// [`Error::Data`] if the model scores an item NaN, and whatever scoring returns.
pub fn top_k(scorer: &dyn Scorer, users: &[u32], selection: &Selection<'_>) -> Result<TopK> {
    let (n, m, k) = (users.len(), scorer.n_items(), selection.k);
    let mut top = TopK::empty(n, k);
    if n == 0 || k == 0 || m == 0 {
        return Ok(top);
    }
    let block = ((1 << 20) / m).clamp(1, 64);
    top.lens
        .par_chunks_mut(block)
        .zip(top.items.par_chunks_mut(block * k))
        .zip(top.scores.par_chunks_mut(block * k))
        .enumerate()
        .try_for_each_init(Vec::new, |buffer, (b, ((lens, items), scores))| {
            let users = &users[b * block..][..lens.len()];
            buffer.resize(users.len() * m, 0.0);
            scorer.score(users, buffer)?;
            let mut heap = Heap::new(k);
            for (row, &user) in users.iter().enumerate() {
                let scored = &mut buffer[row * m..][..m];
                selection.apply(user, b * block + row, scored);
                heap.set_apart(selection.losing_ties.map(|l| l.row(user as usize)), scored)?;
                heap.select(scored)?;
                lens[row] =
                    heap.drain_into(&mut items[row * k..][..k], &mut scores[row * k..][..k]);
            }
            Ok(())
        })?;
    Ok(top)
}

impl Selection<'_> {
    /// Sets the scores of items that may not be selected to `-∞`.
    fn apply(&self, user: u32, row: usize, scores: &mut [f32]) {
        if let Some(allow) = self.allow {
            keep_only(allow, scores);
        }
        if let Some(lists) = self.candidates {
            keep_only(lists[row], scores);
        }
        for &item in self.block {
            scores[item as usize] = f32::NEG_INFINITY;
        }
        if let Some(seen) = self.seen {
            for &item in seen.row(user as usize) {
                scores[item as usize] = f32::NEG_INFINITY;
            }
        }
    }
}

fn keep_only(items: &[u32], scores: &mut [f32]) {
    let mut from = 0;
    for &item in items {
        scores[from..item as usize].fill(f32::NEG_INFINITY);
        from = item as usize + 1;
    }
    scores[from..].fill(f32::NEG_INFINITY);
}

fn nan_score() -> Error {
    Error::data(
        "scores",
        "the model scored an item NaN; its training diverged or its file is damaged",
    )
}

/// The `k` best so far; the worst of them on top.
struct Heap {
    k: usize,
    kept: Vec<(u32, f32)>,
    /// Items that lose ties: ranked apart, merged at the end.
    apart: Vec<(u32, f32)>,
}

impl Heap {
    fn new(k: usize) -> Self {
        Self { k, kept: Vec::with_capacity(2 * k), apart: Vec::new() }
    }

    /// Takes the items that lose ties out of one row of scores.
    fn set_apart(&mut self, losing: Option<&[u32]>, scores: &mut [f32]) -> Result<()> {
        self.apart.clear();
        for &item in losing.unwrap_or_default() {
            let score = std::mem::replace(&mut scores[item as usize], f32::NEG_INFINITY);
            if score.is_nan() {
                return Err(nan_score());
            }
            if score > f32::NEG_INFINITY {
                self.apart.push((item, score));
            }
        }
        self.apart.sort_unstable_by(|&a, &b| better(a, b));
        Ok(())
    }

    /// Takes the best of one row of scores.
    fn select(&mut self, scores: &[f32]) -> Result<()> {
        let mut floor = f32::NEG_INFINITY;
        for (item, &score) in scores.iter().enumerate() {
            if score > floor {
                self.kept.push((item as u32, score));
                if self.kept.len() == 2 * self.k {
                    self.shrink();
                    floor = self.kept[self.k - 1].1;
                }
            } else if score.is_nan() {
                return Err(nan_score());
            }
        }
        Ok(())
    }

    fn shrink(&mut self) {
        if self.kept.len() > self.k {
            self.kept.select_nth_unstable_by(self.k - 1, |&a, &b| better(a, b));
            self.kept.truncate(self.k);
        }
    }

    fn drain_into(&mut self, items: &mut [u32], scores: &mut [f32]) -> u32 {
        self.shrink();
        self.kept.sort_unstable_by(|&a, &b| better(a, b));
        let n = (self.kept.len() + self.apart.len()).min(self.k);
        // The best k of all are among the best k of the winning and all of the losing.
        let (mut kept, mut apart) = (self.kept.drain(..).peekable(), self.apart.iter().peekable());
        for at in 0..n {
            let next = match (kept.peek(), apart.peek()) {
                (Some(a), Some(b)) if b.1 > a.1 => apart.next().copied(),
                (None, _) => apart.next().copied(),
                _ => kept.next(),
            };
            if let Some((item, score)) = next {
                items[at] = item;
                scores[at] = score;
            }
        }
        n as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Table(Vec<f32>, usize);

    impl Scorer for Table {
        fn n_users(&self) -> usize {
            self.0.len() / self.1
        }
        fn n_items(&self) -> usize {
            self.1
        }
        fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
            for (&user, row) in users.iter().zip(out.chunks_mut(self.1)) {
                row.copy_from_slice(&self.0[user as usize * self.1..][..self.1]);
            }
            Ok(())
        }
    }

    #[test]
    fn losing_items_rank_behind_their_equals_as_in_a_full_sort() {
        let (n, m) = (40u32, 23usize);
        let hash = |a: u32, b: u32| crate::rng::mix(u64::from(a) << 32 | u64::from(b));
        let scores: Vec<f32> = (0..n)
            .flat_map(|u| (0..m as u32).map(move |i| (hash(u, i) % 4) as f32))
            .map(|s| if s == 3.0 { f32::NEG_INFINITY } else { s })
            .collect();
        let rows = (0..n).map(|u| {
            (0..m as u32).filter(|&i| hash(u + 99, i) % 3 == 0).map(|i| (i, 1.0)).collect()
        });
        let losing = Csr::from_rows(rows, m);
        let users: Vec<u32> = (0..n).collect();
        for k in [1, 3, 22, 23] {
            let selection = Selection { losing_ties: Some(&losing), ..Selection::top(k) };
            let top = top_k(&Table(scores.clone(), m), &users, &selection).unwrap();
            for u in 0..n {
                let row = &scores[u as usize * m..][..m];
                let mut all: Vec<u32> =
                    (0..m as u32).filter(|&i| row[i as usize].is_finite()).collect();
                let loses = |i: u32| losing.contains(u as usize, i);
                all.sort_by(|&a, &b| {
                    row[b as usize]
                        .total_cmp(&row[a as usize])
                        .then(loses(a).cmp(&loses(b)))
                        .then(a.cmp(&b))
                });
                all.truncate(k);
                assert_eq!(top.row(u as usize).0, all, "user {u}, k {k}");
            }
        }
        let nan = Table(vec![f32::NAN, 1.0], 2);
        let losing = Csr::from_rows([vec![(0, 1.0)]], 2);
        let selection = Selection { losing_ties: Some(&losing), ..Selection::top(1) };
        assert!(top_k(&nan, &[0], &selection).is_err());
    }
}
