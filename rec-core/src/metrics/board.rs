//! The figures of one evaluation while it runs: lists in, a row of values a user out.

use std::sync::atomic::{AtomicU32, Ordering};

use rayon::prelude::*;

use super::beyond::{self, Popularity};
use super::hits::{Gain, Hits};
use super::truth::Truth;
use super::{ItemSimilarity, Metric, UserSegments};
use crate::data::Csr;
use crate::{Error, Result};

/// Users a task.
const BLOCK: usize = 256;

/// What metrics beyond accuracy ask for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Known<'a> {
    pub(crate) popularity: Option<&'a Popularity>,
    pub(crate) similarity: Option<&'a dyn ItemSimilarity>,
    /// Filtered items by the rows of the truth.
    pub(crate) seen: Option<&'a Csr>,
}

impl Known<'_> {
    /// Checks that every metric finds what it needs among `n_items` items.
    pub(crate) fn check(&self, metrics: &[Metric], n_items: usize) -> Result<()> {
        for metric in metrics {
            let lacks = match metric {
                metric if metric.needs_popularity() && self.popularity.is_none() => {
                    "it needs the items' popularity in training"
                }
                Metric::Diversity(_) if self.similarity.is_none() => {
                    "it needs a similarity of items (of their tags or vectors)"
                }
                _ => continue,
            };
            return Err(Error::parameter("metric", metric, lacks));
        }
        match self.similarity {
            Some(s) if s.n_items() != n_items => {
                Err(Error::shape("items of the similarity", n_items, s.n_items()))
            }
            _ => Ok(()),
        }
    }
}

/// What is measured, and what all lists together show.
pub(crate) struct Board<'a> {
    /// The metrics that have a value of each user: the columns of the values.
    pub(crate) per_user: Vec<Metric>,
    known: Known<'a>,
    graded: bool,
    segments: Option<&'a UserSegments>,
    n_items: usize,
    /// For each cut-off, in how many lists each item stands: `[segments, items]`.
    exposure: Vec<(usize, Vec<AtomicU32>)>,
}

impl<'a> Board<'a> {
    pub(crate) fn new(
        metrics: &[Metric],
        known: Known<'a>,
        n_items: usize,
        segments: Option<&'a UserSegments>,
    ) -> Self {
        let cells = n_items * segments.map_or(1, UserSegments::len);
        let mut exposure: Vec<(usize, Vec<AtomicU32>)> = Vec::new();
        for k in metrics.iter().filter(|m| m.is_global()).filter_map(|m| m.k()) {
            if exposure.iter().all(|e| e.0 != k) {
                exposure.push((k, (0..cells).map(|_| AtomicU32::new(0)).collect()));
            }
        }
        Self {
            per_user: metrics.iter().copied().filter(|m| !m.is_global()).collect(),
            known,
            graded: metrics.iter().any(|m| m.is_graded()),
            segments,
            n_items,
            exposure,
        }
    }

    /// `[positions, per_user]`, filled with what users have whom the model does not know.
    pub(crate) fn missed(&self, truth: &Truth<'_>) -> Vec<f64> {
        let value = |m: &Metric| match m {
            Metric::Novelty(_) | Metric::Diversity(_) => f64::NAN,
            _ => 0.0,
        };
        let row: Vec<f64> = self.per_user.iter().map(value).collect();
        let mut values = row.repeat(truth.len());
        for (column, &metric) in self.per_user.iter().enumerate() {
            let Some((head, popularity)) = metric.of_head().zip(self.known.popularity) else {
                continue;
            };
            for (position, items) in &truth.missed {
                let unknown = truth.extra(*position).len();
                let own = beyond::recall_of_part((&[], &[]), (items, unknown), 1, head, popularity);
                values[position * self.per_user.len() + column] = own.unwrap_or(f64::NAN);
            }
        }
        values
    }

    /// Judges the lists of a range of positions: `list(i)` is that of position `start + i`. Writes
    /// `values`: `[positions, per_user]`; rows of missed users stay as they are.
    pub(crate) fn judge<'l>(
        &self,
        truth: &Truth<'_>,
        positions: std::ops::Range<usize>,
        list: impl Fn(usize) -> &'l [u32] + Sync,
        values: &mut [f64],
    ) -> Result<()> {
        let width = self.per_user.len();
        let from = positions.start;
        let judge_one = |judge: &mut Judge, at: usize, out: &mut [f64]| {
            let Some(row) = truth.row(from + at) else { return Ok(()) };
            judge.find(list(at), &truth.relevant, row)?;
            self.write(truth, from + at, judge, list(at), None, out);
            Ok(())
        };
        let init = || Judge::new(truth.relevant.n_cols());
        if width == 0 {
            let each = |judge: &mut Judge, at| judge_one(judge, at, &mut []);
            return (0..positions.len())
                .into_par_iter()
                .with_min_len(BLOCK)
                .try_for_each_init(init, each);
        }
        values.par_chunks_mut(width * BLOCK).enumerate().try_for_each_init(
            init,
            |judge, (block, values)| {
                for (at, out) in values.chunks_mut(width).enumerate() {
                    judge_one(judge, block * BLOCK + at, out)?;
                }
                Ok(())
            },
        )
    }

    /// One user's values from the found items in `judge` (and the AUC, where it was measured).
    pub(crate) fn write(
        &self,
        truth: &Truth<'_>,
        position: usize,
        judge: &mut Judge,
        list: &[u32],
        auc: Option<f64>,
        out: &mut [f64],
    ) {
        let Some(row) = truth.row(position) else { return };
        let row = row as usize;
        let relevant = truth.relevant.row(row);
        let extra = truth.extra(position);
        if self.graded {
            judge.set_ideal(truth.relevant.row_values(row), relevant.len(), extra);
        }
        let hits = Hits {
            ranks: &judge.ranks,
            weights: &judge.weights,
            n_relevant: relevant.len() + extra.len(),
            ideal: &judge.ideal,
        };
        for (value, &metric) in out.iter_mut().zip(&self.per_user) {
            *value = match metric {
                Metric::Auc => auc.unwrap_or(f64::NAN),
                Metric::RecallHead(k) | Metric::RecallTail(k) => {
                    self.of_part(metric, k, (list, &judge.ranks), (relevant, extra.len()))
                }
                metric if metric.is_beyond_accuracy() => self.beyond(metric, list, relevant, row),
                metric => accuracy(metric, &hits),
            };
        }
        let segment = self.segments.map_or(0, |segments| segments.of(truth.users[position]));
        for (k, counts) in &self.exposure {
            for &item in list.iter().take(*k) {
                counts[segment * self.n_items + item as usize].fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn of_part(
        &self,
        metric: Metric,
        k: usize,
        found: (&[u32], &[u32]),
        relevant: (&[u32], usize),
    ) -> f64 {
        let known = metric.of_head().zip(self.known.popularity);
        let value = known.and_then(|(head, popularity)| {
            beyond::recall_of_part(found, relevant, k, head, popularity)
        });
        value.unwrap_or(f64::NAN)
    }

    fn beyond(&self, metric: Metric, list: &[u32], relevant: &[u32], row: usize) -> f64 {
        let value = match (metric, self.known.popularity, self.known.similarity) {
            (Metric::Novelty(k), Some(popularity), _) => beyond::novelty(list, k, popularity),
            (Metric::Diversity(k), _, Some(similarity)) => {
                beyond::intra_list_diversity(list, k, similarity)
            }
            (Metric::Serendipity(k), Some(popularity), _) => {
                let seen = self.known.seen.map_or(&[][..], |seen| seen.row(row));
                Some(beyond::serendipity(list, relevant, k, popularity, seen))
            }
            _ => None,
        };
        value.unwrap_or(f64::NAN)
    }

    /// The value of a metric of all lists together, or of those of a segment.
    pub(crate) fn global(&self, metric: Metric, segment: Option<usize>) -> Option<f64> {
        let (_, counts) = self.exposure.iter().find(|(k, _)| metric.k() == Some(*k))?;
        let mut sums = vec![0; self.n_items];
        for (at, counts) in counts.chunks(self.n_items.max(1)).enumerate() {
            if segment.is_none_or(|segment| segment == at) {
                let counts = counts.iter().map(|n| n.load(Ordering::Relaxed));
                sums.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
            }
        }
        let counts: Vec<u32> = sums;
        match metric {
            Metric::Coverage(_) => Some(beyond::coverage(&counts)),
            Metric::Gini(_) => Some(beyond::gini(&counts)),
            _ => None,
        }
    }
}

fn accuracy(metric: Metric, hits: &Hits<'_>) -> f64 {
    match metric {
        Metric::Precision(k) => hits.precision(k),
        Metric::Recall(k) => hits.recall(k),
        Metric::HitRate(k) => hits.hit_rate(k),
        Metric::Ndcg(k) => hits.ndcg(k),
        Metric::NdcgLinear(k) => hits.ndcg_graded(k, Gain::Linear),
        Metric::NdcgExp(k) => hits.ndcg_graded(k, Gain::Exponential),
        Metric::Mrr(k) => hits.reciprocal_rank(k),
        Metric::Map(k) => hits.average_precision(k),
        Metric::MapFull(k) => hits.average_precision_full(k),
        Metric::RPrecision => hits.r_precision(),
        _ => f64::NAN,
    }
}

/// One thread's scratch: finds the relevant items of a list in `O(|list| + |relevant|)`.
pub(crate) struct Judge {
    /// Of each item: 1 + its place among the relevant, or 0; the top bit marks it as listed.
    slots: Vec<u32>,
    pub(crate) ranks: Vec<u32>,
    pub(crate) weights: Vec<f32>,
    ideal: Vec<f32>,
}

const LISTED: u32 = 1 << 31;

impl Judge {
    pub(crate) fn new(n_items: usize) -> Self {
        Self { slots: vec![0; n_items], ranks: vec![], weights: vec![], ideal: vec![] }
    }

    fn find(&mut self, list: &[u32], relevant: &Csr, row: u32) -> Result<()> {
        let items = relevant.row(row as usize);
        let weights = relevant.row_values(row as usize);
        self.ranks.clear();
        self.weights.clear();
        for (at, &item) in items.iter().enumerate() {
            self.slots[item as usize] = at as u32 + 1;
        }
        let mut refused = None;
        for (rank, &item) in list.iter().enumerate() {
            let Some(slot) = self.slots.get_mut(item as usize).filter(|s| **s & LISTED == 0) else {
                refused = Some(rank);
                break;
            };
            if *slot > 0 {
                self.ranks.push(rank as u32);
                self.weights.push(weights.map_or(1.0, |w| w[*slot as usize - 1]));
            }
            *slot |= LISTED;
        }
        for &item in list[..refused.unwrap_or(list.len())].iter().chain(items) {
            self.slots[item as usize] = 0;
        }
        refused.map_or(Ok(()), |rank| Err(refuse(list[rank], self.slots.len())))
    }

    fn set_ideal(&mut self, weights: Option<&[f32]>, n: usize, extra: &[f32]) {
        self.ideal.clear();
        match weights {
            Some(weights) => self.ideal.extend_from_slice(weights),
            None => self.ideal.resize(n, 1.0),
        }
        self.ideal.extend_from_slice(extra);
        self.ideal.sort_unstable_by(|a, b| b.total_cmp(a));
    }
}

fn refuse(item: u32, n_items: usize) -> Error {
    if item as usize >= n_items {
        return Error::shape("item of a ranked list", format!("< {n_items}"), item);
    }
    Error::data("ranked list", format!("item {item} stands in it twice; keep its best rank"))
}
