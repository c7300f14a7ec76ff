//! Neighbours in time: which items follow which.

use rec_core::data::{Csr, Dataset, Interactions};
use rec_core::parallel;
use rec_core::rank::History;
use serde::{Deserialize, Serialize};

use super::item_weights::{ItemItem, ItemItemModel, ItemWeights, check_events};
use super::knn::Accumulator;
use super::rows::{KBest, Task, sparse_rows};
use crate::fit::{Fit, FitContext};
use crate::{Error, Result};

/// Sequence-aware item neighbours. With `c_ij` the transitions from item `i` to item `j`, each
/// counted by how far apart the two stand in a user's sequence (`d` events, `d = 1` for the next),
///
/// ```text
/// c_ij    = Σ_{i, d events later j, d ≤ window} d^-decay  +  backward · Σ_{j, d events later i} d^-decay
/// W_ij    = c_ij / (n_i^source_power · n_j^target_power)             n: events of the item
/// s(u, j) = Σ_{r < last_n} (1 + r)^-recency · W_{i_r, j}             i_0: the user's last item
/// ```
///
/// where each row of `W` keeps its `k` largest entries. Weights and times of the events are not
/// used, only their order.
///
/// It follows the family of session neighbours and Markov models of Ludewig and Jannach 2018
/// ("Evaluation of session-based recommendation algorithms"): their *sequential rules* are the case
/// `source_power = 1`, `target_power = 0`, `backward = 0`, `last_n = 1`, `decay = 1`, and their
/// item-item variant of co-occurrence the case of an endless window and `backward = 1`. It departs
/// from them in normalising by the target as well, as item-kNN's cosine does, and in summing over
/// the last items with a weight that falls with their age.
///
/// The defaults were chosen on the validation items of MovieLens-1M, Amazon Beauty and Sports
/// together (`cargo bench -p rec-models --bench knn_ease -- tune`). Where users watch or read in
/// bursts a `decay` of 1 fits better, in slow-moving shops a `target_power` of 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CoTransition {
    /// Neighbours kept for each item, at least 1.
    pub k: usize,
    /// How many events apart two items may stand, at least 1.
    pub window: usize,
    /// How fast a transition's weight falls with the distance, at least 0.
    pub decay: f32,
    /// How much a transition counts for the opposite direction, 0 to 1.
    pub backward: f32,
    /// Exponent of the count of the source's events, at least 0.
    pub source_power: f32,
    /// Exponent of the count of the target's events, at least 0.
    pub target_power: f32,
    /// How many of a user's last events count in scoring, at least 1.
    pub last_n: usize,
    /// How fast an event's weight in scoring falls with its age, at least 0.
    pub recency: f32,
}

impl Default for CoTransition {
    fn default() -> Self {
        Self {
            k: 300,
            window: 20,
            decay: 0.5,
            backward: 0.25,
            source_power: 0.5,
            target_power: 0.1,
            last_n: 5,
            recency: 1.0,
        }
    }
}

/// The model of [`CoTransition`]: row `i` of its weights holds what comes after (and before) `i`.
pub type CoTransitionModel = ItemItemModel<CoTransition>;

impl ItemItem for CoTransition {
    const KIND: &'static str = "co_transition";

    /// The last events by their age; earlier ones count nothing.
    fn profile(&self, history: &[(u32, f32)]) -> History {
        let n = history.len();
        let age = |at: usize| n - 1 - at;
        let weight =
            |age: usize| if age < self.last_n { power(age + 1, self.recency) } else { 0.0 };
        history.iter().enumerate().map(|(at, &(item, _))| (item, weight(age(at)))).collect()
    }
}

/// `n^-exponent`.
fn power(n: usize, exponent: f32) -> f32 {
    (n as f32).powf(-exponent)
}

impl Fit for CoTransition {
    type Model = CoTransitionModel;

    fn reads_items(&self) -> bool {
        false
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<CoTransitionModel> {
        self.check()?;
        let events = &data.interactions;
        check_events(events)?;
        ctx.cancel.check("transitions")?;
        let task = Task::begin(ctx, "transitions", events.n_items());
        parallel::install(ctx.cpu_threads("CoTransition")?, || {
            let weights = ItemWeights::Sparse(self.transitions(events, &task)?);
            let profile = self.profiles(events);
            Ok(ItemItemModel::new(self.clone(), events.ids().clone(), profile, weights))
        })
    }
}

impl CoTransition {
    fn check(&self) -> Result<()> {
        for (name, value) in [("k", self.k), ("window", self.window), ("last_n", self.last_n)] {
            if value == 0 {
                return Err(Error::parameter(name, value, "give a number of at least 1"));
            }
        }
        for (name, value) in [
            ("decay", self.decay),
            ("backward", self.backward),
            ("source_power", self.source_power),
            ("target_power", self.target_power),
            ("recency", self.recency),
        ] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(Error::parameter(name, value, "give a number of at least 0"));
            }
        }
        if self.backward > 1.0 {
            return Err(Error::parameter("backward", self.backward, "give a number from 0 to 1"));
        }
        Ok(())
    }

    fn profiles(&self, events: &Interactions) -> Csr {
        let rows = (0..events.n_users() as u32).map(|user| {
            let sequence: Vec<_> = events.sequence(user).iter().map(|&i| (i, 1.0)).collect();
            self.profile(&sequence)
        });
        Csr::from_rows(rows, events.n_items())
    }

    fn transitions(&self, events: &Interactions, task: &Task) -> Result<Csr> {
        let n = events.n_items();
        let longest = events.indptr().windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0);
        let by_distance: Vec<f32> =
            (1..=self.window.min(longest)).map(|d| power(d, self.decay)).collect();
        let places = Places::of(events);
        let counts = events.item_counts();
        let target: Vec<f32> =
            counts.iter().map(|&c| power(c.max(1) as usize, self.target_power)).collect();
        sparse_rows(
            task,
            (n, n),
            || (Accumulator::new(n), KBest::new(self.k)),
            |(sums, best), item, out| {
                let around = || places.of_item(item).map(|at| places.around(at, by_distance.len()));
                sums.begin(around().map(|(before, after)| before.len() + after.len()).sum());
                for (before, after) in around() {
                    after.iter().zip(&by_distance).for_each(|(&j, &w)| sums.add_at(j, w));
                    if self.backward > 0.0 {
                        let near = before.iter().rev().zip(&by_distance);
                        near.for_each(|(&j, &w)| sums.add_at(j, self.backward * w));
                    }
                }
                let source = power(counts[item].max(1) as usize, self.source_power);
                sums.drain(|j, c| {
                    if j as usize != item {
                        best.push(j, c * source * target[j as usize]);
                    }
                });
                best.drain_by_column(out);
                Ok(())
            },
        )
    }
}

/// Where in the log each item stands.
struct Places<'a> {
    events: &'a Interactions,
    /// `[items + 1]`, into `at`.
    start: Vec<usize>,
    /// Positions in the log: `[events]`.
    at: Vec<usize>,
    /// The user at each position: `[events]`.
    user: Vec<u32>,
}

impl<'a> Places<'a> {
    fn of(events: &'a Interactions) -> Self {
        let mut start = vec![0usize; events.n_items() + 1];
        events.items().iter().for_each(|&i| start[i as usize + 1] += 1);
        (0..events.n_items()).for_each(|i| start[i + 1] += start[i]);
        let mut next = start.clone();
        let mut at = vec![0; events.len()];
        for (position, &item) in events.items().iter().enumerate() {
            at[next[item as usize]] = position;
            next[item as usize] += 1;
        }
        let mut user = vec![0; events.len()];
        for u in 0..events.n_users() as u32 {
            user[events.range(u)].fill(u);
        }
        Self { events, start, at, user }
    }

    fn of_item(&self, item: usize) -> impl Iterator<Item = usize> + '_ {
        self.at[self.start[item]..self.start[item + 1]].iter().copied()
    }

    /// The up to `window` items before and after a position, of the same user.
    fn around(&self, at: usize, window: usize) -> (&'a [u32], &'a [u32]) {
        let range = self.events.range(self.user[at]);
        let before = at.saturating_sub(window).max(range.start)..at;
        let after = at + 1..(at + 1 + window).min(range.end);
        (&self.events.items()[before], &self.events.items()[after])
    }
}
