//! What an evaluation found.

use std::fmt;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::board::Board;
use super::bootstrap::Bootstrap;
use super::{Counts, Metric, Segment};
use crate::data::{Id, IdMap};
use crate::{Error, Result};

/// The users of a report, by the caller's ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UserIds {
    /// Integer ids.
    Int(Vec<i64>),
    /// Text ids.
    Text(Vec<String>),
}

impl UserIds {
    pub(crate) fn of(ids: &IdMap, users: &[u32]) -> Self {
        match ids.as_integers() {
            Some(all) => Self::Int(users.iter().map(|&u| all[u as usize]).collect()),
            None => {
                let text = |&u: &u32| ids.id(u).map(|id| id.to_string()).unwrap_or_default();
                Self::Text(users.iter().map(text).collect())
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Int(ids) => ids.len(),
            Self::Text(ids) => ids.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The id at a place.
    pub fn get(&self, at: usize) -> Option<Id> {
        match self {
            Self::Int(ids) => ids.get(at).copied().map(Id::Int),
            Self::Text(ids) => ids.get(at).map(|id| Id::from(&id[..])),
        }
    }
}

/// One metric's figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Its name: the metric's, with `sampled(n)_` before it where candidates were sampled.
    pub name: String,
    /// The metric.
    pub metric: Metric,
    /// The mean over users, or the figure of all lists together (coverage, Gini).
    pub mean: f64,
    /// Bootstrap percentile interval of the mean. None for figures of all lists together.
    pub interval: Option<(f64, f64)>,
    /// Users that the mean is over: those who have a value.
    pub users: usize,
    /// Each user's value, beside [`Report::users`]; NaN (in JSON null) where a user has none, as
    /// the novelty of an empty list. Empty for figures of all lists together.
    #[serde(with = "nan_as_null")]
    pub values: Vec<f64>,
}

/// What an evaluation found, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The caller's word on data and split.
    pub protocol: String,
    /// Candidates, filter and ties in words.
    pub setting: String,
    /// One a metric, in the order asked for.
    pub figures: Vec<Figure>,
    /// The same for each part of the users, where they were parted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub segments: Vec<Segment>,
    /// Users and items evaluated, missed and left out.
    pub counts: Counts,
    /// Level of the intervals.
    pub confidence: f64,
    /// Bootstrap samples behind them.
    pub bootstrap: usize,
    /// Seed of the bootstrap.
    pub seed: u64,
    /// Wall time, scoring included.
    pub seconds: f64,
    /// The evaluated users, in the order of the values.
    pub users: UserIds,
}

impl Report {
    /// A figure by its name.
    pub fn figure(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.name == name)
    }

    /// A mean by its name.
    pub fn mean(&self, name: &str) -> Option<f64> {
        self.figure(name).map(|figure| figure.mean)
    }

    /// As [`Report::figure`].
    ///
    /// # Errors
    /// [`Error::Parameter`] listing the figures there are.
    pub fn require(&self, name: &str) -> Result<&Figure> {
        self.figure(name).ok_or_else(|| {
            let names: Vec<&str> = self.figures.iter().map(|f| &f.name[..]).collect();
            Error::parameter("metric", name, format!("the report has {}", names.join(", ")))
        })
    }

    /// The same without users and their values, to keep or print.
    pub fn summary(&self) -> Self {
        let mut short = self.clone();
        short.users = UserIds::Int(Vec::new());
        let of_segments = short.segments.iter_mut().flat_map(|segment| &mut segment.figures);
        let figures = short.figures.iter_mut().chain(of_segments);
        figures.for_each(|figure| figure.values = Vec::new());
        short
    }
}

/// Means and intervals of `values`: `[users, board.per_user]`, row-major, of all users or of a segment.
/// `prefix` goes before each name.
pub(crate) fn figures(
    metrics: &[Metric],
    board: &Board<'_>,
    segment: Option<usize>,
    values: &[f64],
    n_users: usize,
    bootstrap: Bootstrap,
    prefix: &str,
) -> Vec<Figure> {
    let width = board.per_user.len();
    let column = |c: usize| values.iter().skip(c).step_by(width).copied().collect();
    let columns: Vec<Vec<f64>> = (0..width).into_par_iter().map(column).collect();
    let intervals = intervals(&columns, bootstrap);
    let mut columns = columns.into_iter().zip(intervals);
    let make = |&metric: &Metric| {
        let name = format!("{prefix}{metric}");
        if let Some(mean) = board.global(metric, segment) {
            return Figure { name, metric, mean, interval: None, users: n_users, values: vec![] };
        }
        // The columns come in the order of the metrics.
        let (values, interval) = columns.next().unwrap_or_default();
        let present = || values.iter().filter(|v| !v.is_nan());
        let users = present().count();
        Figure {
            name,
            metric,
            mean: present().sum::<f64>() / users as f64,
            interval,
            users,
            values,
        }
    };
    metrics.iter().map(make).collect()
}

/// Intervals of the columns: whole ones are drawn together, others each among its own values.
fn intervals(columns: &[Vec<f64>], bootstrap: Bootstrap) -> Vec<Option<(f64, f64)>> {
    let whole = |column: &&Vec<f64>| !column.iter().any(|v| v.is_nan());
    let together: Vec<&[f64]> = columns.iter().filter(whole).map(|column| &column[..]).collect();
    let mut together = bootstrap.intervals(&together).into_iter();
    let one = |column: &Vec<f64>| {
        if whole(&column) {
            return together.next().flatten();
        }
        let present: Vec<f64> = column.iter().copied().filter(|v| !v.is_nan()).collect();
        bootstrap.intervals(&[&present])[0]
    };
    columns.iter().map(one).collect()
}

impl fmt::Display for Report {
    /// An aligned table, the protocol above and what was missed below.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.protocol.is_empty() {
            writeln!(f, "{}", self.protocol)?;
        }
        writeln!(f, "{}", self.setting)?;
        let longest = self.figures.iter().map(|figure| figure.name.len()).max();
        let width = longest.unwrap_or_default().max("metric".len());
        write!(f, "{:width$}  {:>9}", "metric", "mean")?;
        if self.figures.iter().any(|figure| figure.interval.is_some()) {
            write!(f, "  {:>19}", format!("{:.4}% interval", Percent(self.confidence)))?;
        }
        writeln!(f, "  {:>9}", "users")?;
        let intervals = self.figures.iter().any(|figure| figure.interval.is_some());
        for figure in &self.figures {
            write!(f, "{:width$}  {:9.4}", figure.name, figure.mean)?;
            match figure.interval {
                Some((low, high)) => write!(f, "  {low:8.4} – {high:8.4}")?,
                None if intervals => write!(f, "  {:>19}", "")?,
                None => {}
            }
            writeln!(f, "  {:>9}", figure.users)?;
        }
        self.write_counts(f)
    }
}

struct Percent(f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:.2}", 100.0 * self.0);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

impl Report {
    fn write_counts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = &self.counts;
        write!(f, "{} users with {} relevant items", c.users, c.relevant)?;
        for (n, what) in [
            (c.users_missed, "users unknown to the model, counted as misses"),
            (c.users_unknown_left_out, "unknown users left out"),
            (c.users_without_relevant, "users left out without a relevant item"),
            (c.items_unknown, "relevant items unknown to the model"),
            (c.items_seen, "relevant items filtered as seen"),
        ] {
            if n > 0 {
                write!(f, "; {n} {what}")?;
            }
        }
        write!(f, "; {:.2} s", self.seconds)
    }
}

/// JSON has no NaN.
mod nan_as_null {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(values: &[f64], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(values.iter().map(|&v| (!v.is_nan()).then_some(v)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f64>, D::Error> {
        let values = Vec::<Option<f64>>::deserialize(from)?;
        Ok(values.into_iter().map(|v| v.unwrap_or(f64::NAN)).collect())
    }
}
