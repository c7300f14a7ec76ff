//! The account of a split: sizes, what was moved and why, and what to beware of.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::{Event, Interactions};
use super::assign::{Assigned, Part};
use super::{Cold, Protocol, Split};
use crate::{Error, Result};

/// Everything a reader must know of a split to judge a figure measured on it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitReport {
    /// The protocol with its parameters and seed.
    pub protocol: Protocol,
    /// Events before the split.
    pub events: usize,
    /// Users with events before the split.
    pub users: usize,
    /// Size of the training part.
    pub train: PartSize,
    /// Size of the validation part.
    pub valid: PartSize,
    /// Size of the test part.
    pub test: PartSize,
    /// Events folded in for held-out users.
    pub fold_in: PartSize,
    /// Validation events kept apart.
    pub cold_valid: ColdCounts,
    /// Test events kept apart.
    pub cold_test: ColdCounts,
    /// Users and events that are not where the protocol would put them, or not at all in the
    /// parts that count, each with its reason.
    pub moved: Vec<Moved>,
    /// Validation events on an item that the user already had in training (or folded in): a model
    /// that filters seen items cannot get them right.
    pub valid_seen: usize,
    /// The same of test events.
    pub test_seen: usize,
    /// Share of test events, cold ones included, that some training event comes after; `None`
    /// without timestamps.
    pub future_leak: Option<f64>,
    /// What to beware of, in sentences.
    pub warnings: Vec<String>,
}

/// Size of a part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSize {
    /// Events.
    pub events: usize,
    /// Users with events.
    pub users: usize,
    /// Items with events.
    pub items: usize,
}

/// Cold events by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColdCounts {
    /// Only the user is new.
    pub user: usize,
    /// Only the item is new.
    pub item: usize,
    /// Both are.
    pub both: usize,
}

impl ColdCounts {
    /// All of them.
    pub fn total(&self) -> usize {
        self.user + self.item + self.both
    }
}

/// Users and events that a rule moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// How many users it touched.
    pub users: usize,
    /// How many events it touched.
    pub events: usize,
    /// Where they are now (`train`, `cold.test`).
    pub to: String,
    /// Why.
    pub why: String,
}

impl PartSize {
    fn of(part: &Interactions) -> Self {
        Self {
            events: part.len(),
            users: part.indptr().windows(2).filter(|w| w[0] < w[1]).count(),
            items: part.item_counts().iter().filter(|&&c| c > 0).count(),
        }
    }
}

/// Sets cold events apart, takes the parts and accounts for them.
pub(super) fn finish(
    protocol: &Protocol,
    data: &Interactions,
    assigned: Assigned,
) -> Result<Split> {
    let Assigned { mut parts, short } = assigned;
    check_not_empty(protocol, &parts)?;
    let future_leak = future_leak(data, &parts);
    let known = Known::new(data, &parts);
    let (cold_users, cold_items) = known.set_apart(data, &mut parts);
    let part = |which: Part| data.filter(|at, _| parts[at] == which);
    let (train, valid, test) = (part(Part::Train), part(Part::Valid), part(Part::Test));
    let cold = Cold {
        valid: part(Part::ColdValid),
        test: part(Part::ColdTest),
        users: cold_users,
        items: cold_items,
    };
    let fold_in = matches!(protocol, Protocol::HoldOutUsers { .. }).then(|| part(Part::FoldIn));
    let past = fold_in.as_ref().unwrap_or(&train);
    let mut report = SplitReport {
        protocol: protocol.clone(),
        events: data.len(),
        users: PartSize::of(data).users,
        train: PartSize::of(&train),
        valid: PartSize::of(&valid),
        test: PartSize::of(&test),
        fold_in: fold_in.as_ref().map(PartSize::of).unwrap_or_default(),
        cold_valid: known.count(&cold.valid),
        cold_test: known.count(&cold.test),
        moved: Vec::new(),
        valid_seen: repeated(past, &valid),
        test_seen: repeated(past, &test),
        future_leak,
        warnings: Vec::new(),
    };
    report.moved = moved(&report, short, &cold);
    report.warnings = warnings(&report);
    for warning in &report.warnings {
        tracing::warn!(protocol = %report.protocol, "{warning}");
    }
    Ok(Split { train, valid, test, cold, fold_in, report })
}

fn check_not_empty(protocol: &Protocol, parts: &[Part]) -> Result<()> {
    let advice = match protocol {
        Protocol::AtTime { .. } => "choose instants inside the time span of the events",
        Protocol::LeaveLastOut { .. } | Protocol::ByUserRatio { .. } => {
            "no user has enough events; hold out fewer, leave validation out, or use random"
        }
        Protocol::HoldOutUsers { .. } => {
            "too few users have two events; give larger shares or more users"
        }
        _ => "give it a larger share, or more events",
    };
    for (which, name) in [(Part::Train, "the training part"), (Part::Test, "the test part")] {
        if !parts.contains(&which) {
            return Err(Error::empty(name, format!("{protocol}: {advice}")));
        }
    }
    Ok(())
}

/// Which users and items training speaks for.
struct Known {
    users: Vec<bool>,
    items: Vec<bool>,
}

impl Known {
    fn new(data: &Interactions, parts: &[Part]) -> Self {
        let mut known =
            Self { users: vec![false; data.n_users()], items: vec![false; data.n_items()] };
        for (event, part) in data.events().zip(parts) {
            match part {
                Part::Train => {
                    known.users[event.user as usize] = true;
                    known.items[event.item as usize] = true;
                }
                Part::FoldIn => known.users[event.user as usize] = true,
                _ => {}
            }
        }
        known
    }

    fn has(&self, event: &Event) -> (bool, bool) {
        (self.users[event.user as usize], self.items[event.item as usize])
    }

    /// Moves cold events to their parts; returns the new users and items among them.
    fn set_apart(&self, data: &Interactions, parts: &mut [Part]) -> (Vec<u32>, Vec<u32>) {
        let (mut users, mut items) = (Vec::new(), Vec::new());
        for (event, part) in data.events().zip(parts) {
            let (user, item) = self.has(&event);
            let cold = match part {
                Part::Valid => Part::ColdValid,
                Part::Test => Part::ColdTest,
                _ => continue,
            };
            if !user {
                users.push(event.user);
            }
            if !item {
                items.push(event.item);
            }
            if !(user && item) {
                *part = cold;
            }
        }
        users.dedup();
        items.sort_unstable();
        items.dedup();
        (users, items)
    }

    fn count(&self, cold: &Interactions) -> ColdCounts {
        let mut counts = ColdCounts::default();
        for event in cold.events() {
            match self.has(&event) {
                (false, true) => counts.user += 1,
                (true, false) => counts.item += 1,
                _ => counts.both += 1,
            }
        }
        counts
    }
}

/// Events of `part` on items that the user has in `past`.
fn repeated(past: &Interactions, part: &Interactions) -> usize {
    let mut had = Vec::new();
    let mut count = 0;
    for user in 0..part.n_users() as u32 {
        let events = part.sequence(user);
        if events.is_empty() {
            continue;
        }
        had.clear();
        had.extend_from_slice(past.sequence(user));
        had.sort_unstable();
        count += events.iter().filter(|item| had.binary_search(item).is_ok()).count();
    }
    count
}

fn future_leak(data: &Interactions, parts: &[Part]) -> Option<f64> {
    let times = data.times()?;
    let of = |which: Part| {
        times.iter().zip(parts).filter(move |&(_, &part)| part == which).map(|(&t, _)| t)
    };
    let latest = of(Part::Train).max()?;
    let before = of(Part::Test).filter(|&t| t < latest).count();
    Some(before as f64 / of(Part::Test).count() as f64)
}

fn moved(report: &SplitReport, short: (usize, usize), cold: &Cold) -> Vec<Moved> {
    let mut moved = Vec::new();
    if short.0 > 0 {
        moved.push(Moved {
            users: short.0,
            events: short.1,
            to: "train".into(),
            why: match report.protocol {
                Protocol::HoldOutUsers { .. } => "a single event cannot be told and asked for",
                _ => "too few events to hold one out and keep one to train on",
            }
            .into(),
        });
    }
    for (part, counts, to) in [
        (&cold.valid, report.cold_valid, "cold.valid"),
        (&cold.test, report.cold_test, "cold.test"),
    ] {
        if counts.total() > 0 {
            moved.push(Moved {
                users: PartSize::of(part).users,
                events: counts.total(),
                to: to.into(),
                why: format!(
                    "not in training: the user of {}, the item of {}, both of {}",
                    counts.user, counts.item, counts.both
                ),
            });
        }
    }
    moved
}

fn warnings(report: &SplitReport) -> Vec<String> {
    let mut warnings = Vec::new();
    let per_user =
        matches!(report.protocol, Protocol::LeaveLastOut { .. } | Protocol::ByUserRatio { .. });
    if let Some(share) = report.future_leak.filter(|&share| per_user && share > 0.0) {
        warnings.push(format!(
            "training holds events later than {:.1}% of the test events, so a model may learn from \
             their future; split by_time to measure what a live system would see",
            100.0 * share
        ));
    }
    if report.test.events == 0 {
        warnings.push(format!(
            "all {} test events are cold, so the test part is empty; measure on cold.test, or \
             train on more",
            report.cold_test.total()
        ));
    }
    if report.protocol.has_validation() && report.valid.events == 0 {
        warnings.push("the validation part is empty".into());
    }
    for (part, seen, size) in [
        ("validation", report.valid_seen, report.valid.events),
        ("test", report.test_seen, report.test.events),
    ] {
        if seen > 0 {
            warnings.push(format!(
                "{seen} of {size} {part} events repeat an item the user already had; with \
                 filter_seen no model can get them right: deduplicate first, or recommend with \
                 filter_seen off"
            ));
        }
    }
    warnings
}

impl fmt::Display for PartSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events of {} users on {} items", self.events, self.users, self.items)
    }
}

impl fmt::Display for SplitReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: train {}", self.protocol, self.train)?;
        if self.protocol.has_validation() {
            write!(f, "; valid {}", self.valid)?;
        }
        write!(f, "; test {}", self.test)?;
        if self.fold_in.events > 0 {
            write!(f, "; folded in {}", self.fold_in.events)?;
        }
        for Moved { users, events, to, why } in &self.moved {
            write!(f, "; {events} events of {users} users in {to} ({why})")?;
        }
        Ok(())
    }
}
