//! The account of a split: sizes, what was moved and why, and what to beware of.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::Interactions;
use super::{Cold, Protocol};

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
    pub(super) fn of(part: &Interactions) -> Self {
        Self {
            events: part.len(),
            users: part.indptr().windows(2).filter(|w| w[0] < w[1]).count(),
            items: part.item_counts().iter().filter(|&&c| c > 0).count(),
        }
    }
}

/// What is not where the protocol would put it; `short` users with so many events stayed in
/// training whole.
pub(super) fn moved(report: &SplitReport, short: (usize, usize), cold: &Cold) -> Vec<Moved> {
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

pub(super) fn warnings(report: &SplitReport) -> Vec<String> {
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
