//! Exact ranks of the relevant items from whole rows of scores: for AUC and R-precision, whose
//! lists have no cut-off.

use rayon::prelude::*;

use super::Ties;
use super::board::{Board, Judge};
use super::truth::Truth;
use crate::data::Csr;
use crate::rank::{Scorer, better};
use crate::{Error, Result};

/// What one pass over the rows needs.
pub(crate) struct RowPass<'a> {
    pub(crate) scorer: &'a dyn Scorer,
    pub(crate) board: &'a Board<'a>,
    pub(crate) truth: &'a Truth<'a>,
    pub(crate) seen: Option<&'a Csr>,
    pub(crate) ties: Ties,
    /// Length of the lists that metrics beyond accuracy look at; 0 for none.
    pub(crate) depth: usize,
}

impl RowPass<'_> {
    /// Judges the positions from `from` on; `candidates`, where given, stand beside them. `values`:
    /// `[positions, metrics]`.
    pub(crate) fn run(
        &self,
        from: usize,
        candidates: Option<&[Vec<u32>]>,
        values: &mut [f64],
    ) -> Result<()> {
        let m = self.scorer.n_items();
        let width = self.board.per_user.len();
        let block = ((1 << 20) / m.max(1)).clamp(1, 64);
        values.par_chunks_mut(block * width).enumerate().try_for_each_init(
            || (Vec::new(), RowRanks::default(), Judge::new(0)),
            |(buffer, ranks, judge), (b, values)| {
                let start = b * block;
                let positions = (0..values.len() / width).map(|i| start + i);
                let known: Vec<(usize, u32)> =
                    positions.filter_map(|i| Some((i, self.truth.row(from + i)?))).collect();
                if known.is_empty() {
                    return Ok(());
                }
                let users: Vec<u32> = known.iter().map(|&(_, row)| row).collect();
                buffer.resize(users.len() * m, 0.0);
                self.scorer.score(&users, buffer)?;
                for (&(at, row), scores) in known.iter().zip(buffer.chunks_mut(m)) {
                    let only = candidates.map(|lists| &lists[at][..]);
                    ranks.rank(self, row as usize, only, scores)?;
                    let auc = ranks.auc(self.truth.extra(from + at).len());
                    judge.ranks.clone_from(&ranks.ranks);
                    judge.weights.clone_from(&ranks.weights);
                    let out = &mut values[(at - start) * width..][..width];
                    self.board.write(self.truth, from + at, judge, &ranks.list, Some(auc), out);
                }
                Ok(())
            },
        )
    }
}

/// Scratch: the ranks of one user's relevant items.
#[derive(Default)]
struct RowRanks {
    /// Relevant items that can be ranked, best first, with score and weight.
    relevant: Vec<(u32, f32, f32)>,
    /// Relevant items that the scorer or a filter rules out.
    ruled_out: usize,
    n_negative: usize,
    /// Of each relevant item: irrelevant items ranked above; scoring at least as high; higher.
    above: Vec<usize>,
    at_least: Vec<usize>,
    higher: Vec<usize>,
    others: Vec<(u32, f32)>,
    ranks: Vec<u32>,
    weights: Vec<f32>,
    list: Vec<u32>,
}

impl RowRanks {
    fn rank(
        &mut self,
        pass: &RowPass<'_>,
        row: usize,
        only: Option<&[u32]>,
        scores: &mut [f32],
    ) -> Result<()> {
        let seen = pass.seen.map_or(&[][..], |seen| seen.row(row));
        if scores.iter().any(|s| s.is_nan()) {
            return Err(Error::data(
                "scores",
                "the model scored an item NaN; its training diverged or its file is damaged",
            ));
        }
        seen.iter().for_each(|&item| scores[item as usize] = f32::NEG_INFINITY);
        self.take_relevant(pass.truth, row, seen, scores);
        let n = self.relevant.len();
        for counts in [&mut self.above, &mut self.at_least, &mut self.higher] {
            counts.clear();
            counts.resize(n + 1, 0);
        }
        self.others.clear();
        match only {
            Some(items) => {
                let relevant = pass.truth.relevant.row(row);
                let other = |item: &&u32| relevant.binary_search(item).is_err();
                self.n_negative = items.iter().filter(other).count();
                items.iter().for_each(|&item| self.count(pass, item, scores[item as usize]));
            }
            None => {
                for (item, &score) in scores.iter().enumerate() {
                    self.count(pass, item as u32, score);
                }
            }
        }
        self.finish(pass.depth);
        Ok(())
    }

    /// Takes the relevant items out of the row, so that what is left is irrelevant.
    fn take_relevant(&mut self, truth: &Truth<'_>, row: usize, seen: &[u32], scores: &mut [f32]) {
        self.relevant.clear();
        let mut all = 0;
        let mut seen_too = 0;
        for (item, weight) in truth.relevant.iter_row(row) {
            all += 1;
            seen_too += usize::from(seen.binary_search(&item).is_ok());
            let score = std::mem::replace(&mut scores[item as usize], f32::NEG_INFINITY);
            if score > f32::NEG_INFINITY {
                self.relevant.push((item, score, weight));
            }
        }
        self.ruled_out = all - self.relevant.len();
        self.n_negative = scores.len() - (seen.len() + all - seen_too);
        self.relevant.sort_unstable_by(|a, b| better((a.0, a.1), (b.0, b.1)));
    }

    /// Counts an irrelevant item where it first outranks a relevant one; running sums then give
    /// every relevant item's count.
    fn count(&mut self, pass: &RowPass<'_>, item: u32, score: f32) {
        if score == f32::NEG_INFINITY {
            return;
        }
        if pass.depth > 0 {
            self.others.push((item, score));
        }
        let Some(&(_, lowest, _)) = self.relevant.last() else { return };
        if score < lowest {
            return;
        }
        let equal = self.relevant.partition_point(|r| r.1 > score);
        let lower = equal + self.relevant[equal..].partition_point(|r| r.1 >= score);
        self.at_least[equal] += 1;
        self.higher[lower] += 1;
        let first = match pass.ties {
            Ties::Pessimistic => equal,
            Ties::ById => equal + self.relevant[equal..lower].partition_point(|r| r.0 < item),
        };
        self.above[first] += 1;
    }

    fn finish(&mut self, depth: usize) {
        for counts in [&mut self.above, &mut self.at_least, &mut self.higher] {
            let mut sum = 0;
            for count in counts.iter_mut() {
                sum += *count;
                *count = sum;
            }
        }
        let before = |(at, above): (usize, &usize)| (at + above) as u32;
        let n = self.relevant.len();
        self.ranks.clear();
        self.ranks.extend(self.above[..n].iter().enumerate().map(before));
        self.weights.clear();
        self.weights.extend(self.relevant.iter().map(|r| r.2));
        self.fill_list(depth);
    }

    /// The first `depth` items: the relevant at their ranks, the best others in between.
    fn fill_list(&mut self, depth: usize) {
        self.list.clear();
        if depth == 0 {
            return;
        }
        if self.others.len() > depth {
            self.others.select_nth_unstable_by(depth - 1, |&a, &b| better(a, b));
            self.others.truncate(depth);
        }
        self.others.sort_unstable_by(|&a, &b| better(a, b));
        let mut others = self.others.iter().map(|o| o.0);
        let mut relevant = self.ranks.iter().zip(&self.relevant).peekable();
        for at in 0..depth as u32 {
            let next = match relevant.next_if(|&(&rank, _)| rank == at) {
                Some((_, r)) => Some(r.0),
                None => others.next(),
            };
            self.list.extend(next);
        }
    }

    /// [`super::auc`] over the irrelevant items that compete; a relevant item that cannot be ranked
    /// loses to all of them, as do `unknown` more.
    fn auc(&self, unknown: usize) -> f64 {
        let n_relevant = self.relevant.len() + self.ruled_out + unknown;
        if self.n_negative == 0 || n_relevant == 0 {
            return 0.5;
        }
        let n = self.n_negative as f64;
        let twice_won = |at: usize| 2.0 * n - (self.at_least[at] + self.higher[at]) as f64;
        let twice: f64 = (0..self.relevant.len()).map(twice_won).sum();
        twice / (2.0 * n * n_relevant as f64)
    }
}
