//! Protocols as data: checked, serialisable, and readable in one line.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::Interactions;
use super::{Split, assign, finish};
use crate::{Error, Result};

/// How to split, with all parameters: enough to repeat a split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "protocol", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Protocol {
    /// See [`by_time`](super::by_time).
    ByTime {
        /// Shares of all events.
        fractions: Fractions,
    },
    /// See [`at_time`](super::at_time).
    AtTime {
        /// First instant of the validation part, where there is one.
        valid_from: Option<i64>,
        /// First instant of the test part.
        test_from: i64,
    },
    /// See [`leave_last_out`](super::leave_last_out).
    LeaveLastOut {
        /// Events held out of each user for each part.
        n: usize,
        /// Whether there is a validation part.
        validation: bool,
    },
    /// See [`by_user_ratio`](super::by_user_ratio).
    ByUserRatio {
        /// Shares of each user's events.
        fractions: Fractions,
    },
    /// See [`random`](super::random).
    Random {
        /// Shares of all events.
        fractions: Fractions,
        /// Seed of the draw.
        seed: u64,
    },
    /// See [`hold_out_users`](super::hold_out_users).
    HoldOutUsers {
        /// Shares of the users with at least two events.
        fractions: Fractions,
        /// What of a held-out user's events is told.
        fold_in: FoldIn,
        /// Seed of the draw.
        seed: u64,
    },
}

/// What part of a held-out user's events is folded in; at least one is, and at least one is not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "which", rename_all = "snake_case")]
pub enum FoldIn {
    /// The earliest.
    First {
        /// Their share, above 0 and below 1.
        share: f64,
    },
    /// A random choice.
    Random {
        /// Their share, above 0 and below 1.
        share: f64,
    },
}

impl FoldIn {
    pub(super) fn share(self) -> f64 {
        match self {
            Self::First { share } | Self::Random { share } => share,
        }
    }
}

/// Shares of training, validation and test: they sum to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<f64>", into = "Vec<f64>")]
pub struct Fractions([f64; 3]);

impl Fractions {
    /// Shares `[train, valid, test]` or `[train, test]`.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless there are 2 or 3 shares that sum to 1, those of training and
    /// test positive, that of validation not negative.
    pub fn new(shares: &[f64]) -> Result<Self> {
        let refuse = |why: String| Err(Error::parameter("fractions", format!("{shares:?}"), why));
        let [train, valid, test] = match *shares {
            [train, test] => [train, 0.0, test],
            [train, valid, test] => [train, valid, test],
            _ => return refuse("give [train, test] or [train, valid, test]".into()),
        };
        if !(train > 0.0 && valid >= 0.0 && test > 0.0) {
            return refuse("train and test need a share above 0, and no share is negative".into());
        }
        let sum = train + valid + test;
        // Shares typed with four digits may miss 1 by as much (.3333 × 3).
        if (sum - 1.0).abs() > 1e-6 {
            return refuse(format!("they sum to {sum}; make them sum to 1"));
        }
        Ok(Self([train, valid, test]))
    }

    /// Share of training.
    pub fn train(&self) -> f64 {
        self.0[0]
    }

    /// Share of validation; 0 for none.
    pub fn valid(&self) -> f64 {
        self.0[1]
    }

    /// Share of test.
    pub fn test(&self) -> f64 {
        self.0[2]
    }

    /// Where validation and test start among `n` things, rounded to the nearest.
    pub(super) fn cuts(&self, n: usize) -> (usize, usize) {
        let at = |share: f64| ((n as f64 * share).round() as usize).min(n);
        let valid = at(self.train());
        let test = if self.valid() == 0.0 { valid } else { at(self.train() + self.valid()) };
        (valid, test)
    }
}

impl TryFrom<Vec<f64>> for Fractions {
    type Error = Error;

    fn try_from(shares: Vec<f64>) -> Result<Self> {
        Self::new(&shares)
    }
}

impl From<Fractions> for Vec<f64> {
    fn from(fractions: Fractions) -> Self {
        fractions.0.to_vec()
    }
}

impl fmt::Display for Fractions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.0[0], self.0[1], self.0[2])
    }
}

impl Protocol {
    /// Splits the events.
    ///
    /// # Errors
    /// [`Error::Parameter`] for parameters outside their domain, [`Error::Data`] where a protocol
    /// in time meets data without timestamps or whose timestamps are all alike, [`Error::Empty`]
    /// where nothing would be left to train on or to test on.
    pub fn split(&self, data: &Interactions) -> Result<Split> {
        self.check()?;
        let parts = assign::assign(self, data)?;
        finish::finish(self, data, parts)
    }

    /// Whether the protocol has a validation part.
    pub fn has_validation(&self) -> bool {
        match self {
            Self::AtTime { valid_from, .. } => valid_from.is_some(),
            Self::LeaveLastOut { validation, .. } => *validation,
            Self::ByTime { fractions }
            | Self::ByUserRatio { fractions }
            | Self::Random { fractions, .. }
            | Self::HoldOutUsers { fractions, .. } => fractions.valid() > 0.0,
        }
    }

    fn check(&self) -> Result<()> {
        match *self {
            Self::AtTime { valid_from: Some(valid), test_from } if valid > test_from => {
                Err(Error::parameter(
                    "valid_from",
                    valid,
                    format!("choose at most {test_from}, where the test part starts"),
                ))
            }
            Self::LeaveLastOut { n: 0, .. } => {
                Err(Error::parameter("n", 0, "hold out at least 1 event of each user"))
            }
            Self::HoldOutUsers { fold_in, .. }
                if !(fold_in.share() > 0.0 && fold_in.share() < 1.0) =>
            {
                Err(Error::parameter(
                    "fold_in",
                    fold_in.share(),
                    "choose a share above 0 and below 1, such as 0.8",
                ))
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ByTime { fractions } => write!(f, "global time {fractions}"),
            Self::AtTime { valid_from: Some(v), test_from } => {
                write!(f, "global time, validation from {v}, test from {test_from}")
            }
            Self::AtTime { valid_from: None, test_from } => {
                write!(f, "global time, test from {test_from}")
            }
            Self::LeaveLastOut { n, validation } => {
                write!(
                    f,
                    "leave last {n} out{}",
                    if *validation { ", with validation" } else { "" }
                )
            }
            Self::ByUserRatio { fractions } => write!(f, "per-user ratio {fractions} by time"),
            Self::Random { fractions, seed } => write!(f, "random {fractions}, seed {seed}"),
            Self::HoldOutUsers { fractions, fold_in, seed } => {
                let which = match fold_in {
                    FoldIn::First { .. } => "first",
                    FoldIn::Random { .. } => "random",
                };
                let share = fold_in.share();
                write!(f, "user holdout {fractions}, {which} {share} folded in, seed {seed}")
            }
        }
    }
}
