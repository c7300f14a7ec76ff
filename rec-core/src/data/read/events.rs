//! One row of a table into one event.

use super::columns::{ITEM, Names, TIME, USER, WEIGHT};
use super::csv::Fields;
use super::options::{ReadOptions, Unlisted};
use super::report::Reason;
use super::sink::Parsed;
use super::values::{self, Refused, TimeKind};
use crate::Result;

/// The names of the columns a reader looks for: of both ids.
#[derive(Clone, Copy)]
pub(super) struct Usual {
    pub(super) user: &'static [&'static str],
    pub(super) item: &'static [&'static str],
}

/// The ids of events.
pub(super) const EVENTS: Usual = Usual { user: USER, item: ITEM };

/// Where the parts of an event stand in a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    pub(super) width: usize,
    pub(super) user: usize,
    pub(super) item: usize,
    pub(super) weight: Option<usize>,
    pub(super) time: Option<usize>,
    pub(super) event: Option<usize>,
}

impl Layout {
    /// The layout the caller asks for; `rows` are the first of the file.
    pub(super) fn find(
        names: &Names<'_>,
        options: &ReadOptions,
        usual: Usual,
        rows: &[Vec<String>],
    ) -> Result<Self> {
        let user = names.require("user", &options.user, usual.user, Some(0))?;
        let item = names.require("item", &options.item, usual.item, Some(1))?;
        let bare = Positions::of(rows, names.names.len());
        let weight = names.find(&options.weight, WEIGHT, bare.weight)?;
        let time = names.find(&options.time, TIME, bare.time)?;
        let event = match &options.events {
            Some(events) => Some(names.require(
                "event",
                &events.column,
                &["event", "eventtype", "behavior", "behaviour", "action", "type"],
                None,
            )?),
            None => None,
        };
        Ok(Self { width: names.names.len(), user, item, weight, time, event })
    }

    /// The columns used, for the report.
    pub(super) fn describe(&self, names: &[String]) -> Vec<(&'static str, String)> {
        let parts = [
            ("user", Some(self.user)),
            ("item", Some(self.item)),
            ("weight", self.weight),
            ("time", self.time),
            ("event", self.event),
        ];
        parts.into_iter().filter_map(|(part, at)| Some((part, names.get(at?)?.clone()))).collect()
    }
}

/// Where weight and time stand when nothing names them: third and fourth, but three columns may
/// also end with the time.
struct Positions {
    weight: Option<usize>,
    time: Option<usize>,
}

impl Positions {
    fn of(rows: &[Vec<String>], width: usize) -> Self {
        use crate::data::TimeUnit;
        let dated = |f: &String| match values::number(f) {
            Some(v) => TimeUnit::guess(v) != TimeUnit::Unknown,
            None => values::nanoseconds(f).is_some(),
        };
        let third: Vec<&String> = rows.iter().filter_map(|row| row.get(2)).collect();
        let most = |n: usize| 2 * n > third.len();
        let numbers = third.iter().filter(|f| values::weight(f).is_ok()).count();
        let dates = third.iter().filter(|f| dated(f)).count();
        Self {
            weight: (most(numbers) && !(width == 3 && most(dates))).then_some(2),
            time: if width == 3 { most(dates).then_some(2) } else { Some(3) },
        }
    }
}

/// Turns rows into events.
pub(super) struct EventParser<'a> {
    pub(super) layout: Layout,
    pub(super) time: TimeKind,
    options: &'a ReadOptions,
}

impl<'a> EventParser<'a> {
    /// A parser of such rows; the first with a time says of which kind times are.
    pub(super) fn new(layout: Layout, rows: &[Vec<String>], options: &'a ReadOptions) -> Self {
        let sample = layout.time.and_then(|at| rows.iter().find_map(|r| r.get(at)));
        let time = TimeKind::of(sample.map_or("", String::as_str), options.time_unit);
        Self { layout, time, options }
    }

    /// Adds the event of a row.
    pub(super) fn row(&self, fields: Fields<'_>, out: &mut Parsed) -> Result<(), Refused> {
        let layout = &self.layout;
        if fields.len() != layout.width {
            let why = format!("{} fields where {} belong", fields.len(), layout.width);
            return Err((Reason::Fields, why));
        }
        self.event(
            fields.get(layout.user),
            fields.get(layout.item),
            layout.weight.map(|at| fields.get(at)),
            layout.time.map(|at| fields.get(at)),
            layout.event.map(|at| fields.get(at)),
            out,
        )
    }

    fn event(
        &self,
        user: &str,
        item: &str,
        weight: Option<&str>,
        time: Option<&str>,
        event: Option<&str>,
        out: &mut Parsed,
    ) -> Result<(), Refused> {
        for (kind, id) in [("user", user), ("item", item)] {
            if id.is_empty() {
                return Err((Reason::EmptyId, format!("the {kind} id is empty")));
            }
        }
        let weight = weight.map(values::weight).transpose()?;
        let factor = event.map(|event| self.event_weight(event)).transpose()?;
        let time = time.map(|time| self.time.parse(time)).transpose()?;
        if let Some(weight) = product(weight, factor)? {
            out.weights.push(weight);
        }
        out.times.extend(time);
        out.users.push(user);
        out.items.push(item);
        Ok(())
    }

    /// The weight of an event type.
    pub(super) fn event_weight(&self, event: &str) -> Result<f32, Refused> {
        let Some(events) = &self.options.events else { return Ok(1.0) };
        let listed = events.weights.iter().find(|(name, _)| name == event);
        match (listed, events.unlisted) {
            (Some(&(_, weight)), _) | (None, Unlisted::Weight(weight)) => Ok(weight),
            (None, Unlisted::Refuse) => {
                let known: Vec<_> = events.weights.iter().map(|(name, _)| name.as_str()).collect();
                let why = format!(
                    "event type {event:?} has no weight (those given: {})",
                    known.join(", ")
                );
                Err((Reason::Event, why))
            }
        }
    }
}

/// The weight of a row from its weight column and its event type.
pub(super) fn product(weight: Option<f32>, factor: Option<f32>) -> Result<Option<f32>, Refused> {
    match (weight, factor) {
        (Some(w), Some(f)) if !(w * f).is_finite() => {
            Err((Reason::Weight, format!("weight {w} × {f} is not finite")))
        }
        (Some(w), Some(f)) => Ok(Some(w * f)),
        (w, f) => Ok(w.or(f)),
    }
}
