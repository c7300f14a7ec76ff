//! Splits by protocol: what to train on, what to measure on, and an account of every event.
//!
//! An event lands in exactly one part. Validation and test events that no model can get right,
//! because training never saw their user or item, are kept apart in [`Cold`].

mod assign;
mod finish;
mod protocol;
mod report;
#[cfg(test)]
mod tests;

pub use protocol::{FoldIn, Fractions, Protocol};
pub use report::{ColdCounts, Moved, PartSize, SplitReport};

use super::Interactions;
use crate::Result;

/// The parts of a split. All share the id maps of the data they came from, and each keeps its
/// events in their old order.
#[derive(Clone, Debug)]
pub struct Split {
    /// What to learn from.
    pub train: Interactions,
    /// What to choose parameters by; empty where the protocol has no validation part.
    pub valid: Interactions,
    /// What to measure on.
    pub test: Interactions,
    /// Validation and test events whose user or item is not in `train`.
    pub cold: Cold,
    /// The pasts of held-out users, to fold in when asked for their `valid` and `test` events; of
    /// user holdout only.
    pub fold_in: Option<Interactions>,
    /// Protocol, sizes, what was moved and why, warnings.
    pub report: SplitReport,
}

/// Events of the validation and test parts that training cannot speak for.
#[derive(Clone, Debug)]
pub struct Cold {
    /// From the validation part.
    pub valid: Interactions,
    /// From the test part.
    pub test: Interactions,
    /// Users of these parts without an event in `train` (or, held out, in `fold_in`), ascending.
    pub users: Vec<u32>,
    /// Items of these parts without an event in `train`, ascending.
    pub items: Vec<u32>,
}

/// Why an event is cold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColdReason {
    /// Its user is not in `train`.
    User,
    /// Its item is not in `train`.
    Item,
    /// Neither is.
    Both,
}

impl Cold {
    /// Why an event with this user and item is cold; `None` if it is not.
    pub fn reason(&self, user: u32, item: u32) -> Option<ColdReason> {
        let user = self.users.binary_search(&user).is_ok();
        let item = self.items.binary_search(&item).is_ok();
        match (user, item) {
            (true, true) => Some(ColdReason::Both),
            (true, false) => Some(ColdReason::User),
            (false, true) => Some(ColdReason::Item),
            (false, false) => None,
        }
    }
}

/// Splits all events at points in time, so that training precedes validation precedes test:
/// `[.8, .1, .1]`, or `[.8, .2]` without a validation part. Events of one instant stay together,
/// so the fractions hold up to ties.
///
/// # Errors
/// As [`Protocol::split`].
pub fn by_time(data: &Interactions, fractions: &[f64]) -> Result<Split> {
    Protocol::ByTime { fractions: Fractions::new(fractions)? }.split(data)
}

/// Splits all events at given timestamps, in the data's own unit: validation starts at
/// `valid_from` (where given), test at `test_from`.
///
/// # Errors
/// As [`Protocol::split`].
pub fn at_time(data: &Interactions, valid_from: Option<i64>, test_from: i64) -> Result<Split> {
    Protocol::AtTime { valid_from, test_from }.split(data)
}

/// Holds out each user's last `n` events for the test, and the `n` before them for validation
/// where asked. Users with too few events for that and one training event stay wholly in training.
///
/// # Errors
/// As [`Protocol::split`].
pub fn leave_last_out(data: &Interactions, n: usize, validation: bool) -> Result<Split> {
    Protocol::LeaveLastOut { n, validation }.split(data)
}

/// Splits each user's events by fractions in order of time. Parts are rounded down, but a part
/// of a positive fraction gets one event (test first, then validation) while one is left to train.
///
/// # Errors
/// As [`Protocol::split`].
pub fn by_user_ratio(data: &Interactions, fractions: &[f64]) -> Result<Split> {
    Protocol::ByUserRatio { fractions: Fractions::new(fractions)? }.split(data)
}

/// Splits all events at random, by fractions.
///
/// # Errors
/// As [`Protocol::split`].
pub fn random(data: &Interactions, fractions: &[f64], seed: u64) -> Result<Split> {
    Protocol::Random { fractions: Fractions::new(fractions)?, seed }.split(data)
}

/// Holds out whole users, by fractions (strong generalisation; Marlin 2004, Liang et al. 2018): a
/// model never trains on them, is told a part of their events (`fold_in` of each), and is measured
/// on the rest. Users with a single event cannot be held out and stay in training.
///
/// # Errors
/// As [`Protocol::split`].
pub fn hold_out_users(
    data: &Interactions,
    fractions: &[f64],
    fold_in: FoldIn,
    seed: u64,
) -> Result<Split> {
    Protocol::HoldOutUsers { fractions: Fractions::new(fractions)?, fold_in, seed }.split(data)
}
