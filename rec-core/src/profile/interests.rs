//! A user's events made shares of labels.

use std::collections::BTreeMap;

use super::{Evidence, Interest, ProfileOptions};
use crate::data::{Csr, Id, IdMap, Interactions};

/// One user's events, in order of time.
pub(super) struct Past<'a> {
    pub(super) items: &'a [u32],
    pub(super) times: Option<&'a [i64]>,
    weights: Option<&'a [f32]>,
    now: i64,
}

impl<'a> Past<'a> {
    pub(super) fn of(log: &'a Interactions, user: u32, now: i64) -> Self {
        let range = log.range(user);
        Self {
            items: log.sequence(user),
            times: log.times().map(|times| &times[range.clone()]),
            weights: log.weights().map(|weights| &weights[range]),
            now,
        }
    }

    /// When an event was, at the latest now; without times, its place.
    fn moment(&self, at: usize) -> i128 {
        self.times.map_or(at as i128, |times| i128::from(times[at].min(self.now)))
    }

    /// What each event on a labelled item counts; they add up to 1, or are all 0.
    fn weights(&self, labels: &Csr, half_life: Option<f64>) -> Vec<f64> {
        // Ages are taken from the youngest, which changes no share, so that a long absence does not
        // turn all into 0.
        let labelled = |at: usize| !labels.row(self.items[at] as usize).is_empty();
        let moments = (0..self.items.len()).filter(|&at| labelled(at)).map(|at| self.moment(at));
        let youngest = moments.max().unwrap_or(0);
        let weight = |at: usize| {
            let own = self.weights.map_or(1.0, |weights| f64::from(weights[at]));
            let fade =
                half_life.map_or(1.0, |h| (-((youngest - self.moment(at)) as f64) / h).exp2());
            if labelled(at) { own * fade } else { 0.0 }
        };
        let mut weights: Vec<f64> = (0..self.items.len()).map(weight).collect();
        let total: f64 = weights.iter().sum();
        if total > 0.0 {
            weights.iter_mut().for_each(|w| *w /= total);
        }
        weights
    }
}

/// The interests, largest first, and how many there are in effect.
pub(super) fn interests(
    past: &Past<'_>,
    labels: &Csr,
    names: &IdMap,
    log: &Interactions,
    options: &ProfileOptions,
) -> (Vec<Interest>, f64) {
    let lasting = past.weights(labels, options.half_life);
    let recent = past.weights(labels, Some(options.recent_half_life));
    let mut sums: BTreeMap<u32, Sum> = BTreeMap::new();
    for (at, &item) in past.items.iter().enumerate() {
        let own = labels.row(item as usize);
        for &label in own {
            let share = 1.0 / own.len() as f64;
            let sum = sums.entry(label).or_default();
            sum.lasting += lasting[at] * share;
            sum.recent += recent[at] * share;
            sum.events.push((at, lasting[at] * share));
        }
    }
    let shares = sums.values().map(|sum| sum.lasting).filter(|&p| p > 0.0);
    let entropy: f64 = shares.map(|p| -p * p.ln()).sum();
    let diversity = if sums.values().any(|sum| sum.lasting > 0.0) { entropy.exp() } else { 0.0 };
    let mut order: Vec<(u32, Sum)> = sums.into_iter().collect();
    order.sort_by(|a, b| b.1.lasting.total_cmp(&a.1.lasting).then(a.0.cmp(&b.0)));
    order.truncate(options.interests);
    let interest = |(label, sum): (u32, Sum)| Interest {
        label: names.id(label).map_or_else(String::new, |name| name.to_string()),
        share: sum.lasting as f32,
        recent: sum.recent as f32,
        trend: (sum.recent - sum.lasting) as f32,
        evidence: evidence(past, sum.events, log, options.evidence),
    };
    (order.into_iter().map(interest).collect(), diversity)
}

/// What a user's events add up to for one label.
#[derive(Default)]
struct Sum {
    lasting: f64,
    recent: f64,
    /// Each event's part of the lasting share.
    events: Vec<(usize, f64)>,
}

/// The events of the largest parts, later ones first among equals.
fn evidence(
    past: &Past<'_>,
    mut events: Vec<(usize, f64)>,
    log: &Interactions,
    most: usize,
) -> Vec<Evidence> {
    events.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.0.cmp(&a.0)));
    events.truncate(most);
    let one = |(at, part): (usize, f64)| Evidence {
        item: log.item_id(past.items[at]).unwrap_or(Id::Int(-1)),
        time: past.times.map(|times| times[at]),
        part: part as f32,
    };
    events.into_iter().map(one).collect()
}
