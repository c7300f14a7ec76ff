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

    fn age(&self, at: usize) -> f64 {
        match self.times {
            Some(times) => (i128::from(self.now) - i128::from(times[at])).max(0) as f64,
            None => (self.items.len() - 1 - at) as f64,
        }
    }

    /// What each event on a labelled item counts; they add up to 1, or are all 0.
    fn weights(&self, labels: &Csr, half_life: Option<f64>) -> Vec<f64> {
        // Ages are taken from the youngest, so that a long absence does not turn all into 0.
        let labelled = |at: usize| !labels.row(self.items[at] as usize).is_empty();
        let ages = (0..self.items.len()).filter(|&at| labelled(at)).map(|at| self.age(at));
        let youngest = ages.fold(f64::INFINITY, f64::min);
        let weight = |at: usize| {
            let own = self.weights.map_or(1.0, |weights| f64::from(weights[at]));
            let fade = half_life.map_or(1.0, |h| (-(self.age(at) - youngest) / h).exp2());
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
    // Lasting and recent share, and the events behind: by label.
    let mut sums: BTreeMap<u32, (f64, f64, Vec<(usize, f64)>)> = BTreeMap::new();
    for (at, &item) in past.items.iter().enumerate() {
        let own = labels.row(item as usize);
        for &label in own {
            let share = 1.0 / own.len() as f64;
            let sum = sums.entry(label).or_default();
            sum.0 += lasting[at] * share;
            sum.1 += recent[at] * share;
            sum.2.push((at, lasting[at] * share));
        }
    }
    let entropy: f64 = sums.values().map(|s| s.0).filter(|&p| p > 0.0).map(|p| -p * p.ln()).sum();
    let diversity = if sums.values().any(|s| s.0 > 0.0) { entropy.exp() } else { 0.0 };
    let mut order: Vec<_> = sums.into_iter().collect();
    order.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then(a.0.cmp(&b.0)));
    order.truncate(options.interests);
    let interest =
        |(label, (share, recent, events)): (u32, (f64, f64, Vec<(usize, f64)>))| Interest {
            label: names.id(label).map_or_else(String::new, |name| name.to_string()),
            share: share as f32,
            recent: recent as f32,
            trend: (recent - share) as f32,
            evidence: evidence(past, events, log, options.evidence),
        };
    (order.into_iter().map(interest).collect(), diversity)
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
