//! What a reader found.

use std::fmt;
use std::path::{Path, PathBuf};

use super::options::Format;
use super::values::date;
use crate::data::{Interactions, TimeUnit};
use crate::{Error, Result};

/// Why a row was refused.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// More or fewer fields than the file has columns.
    Fields,
    /// A user or item without an id.
    EmptyId,
    /// An id that is neither text nor an integer.
    Id,
    /// A weight that is not a finite number.
    Weight,
    /// A time that is no number or date, or not of the kind the other rows have.
    Time,
    /// An event type without a weight.
    Event,
    /// Bytes that are not UTF-8.
    Utf8,
    /// A line that is no JSON object.
    Json,
    /// An item that stands in the file already.
    Repeated,
    /// A vector of another length, or with values that are not finite numbers.
    Vector,
    /// A friend of oneself.
    SelfLoop,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fields => "wrong number of fields",
            Self::EmptyId => "empty id",
            Self::Id => "id neither text nor integer",
            Self::Weight => "weight not a finite number",
            Self::Time => "time not understood",
            Self::Event => "event type without a weight",
            Self::Utf8 => "not UTF-8",
            Self::Json => "not a JSON object",
            Self::Repeated => "repeated item",
            Self::Vector => "vector of another length or not finite",
            Self::SelfLoop => "a user as their own friend",
        })
    }
}

/// The rows refused for one reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The reason.
    pub reason: Reason,
    /// How many.
    pub count: u64,
    /// The first few: line (row, in Parquet) from 1, and what was wrong there.
    pub examples: Vec<(u64, String)>,
}

/// What a reader found in a file.
#[derive(Clone, Debug)]
pub struct ReadReport {
    /// The file.
    pub path: PathBuf,
    /// Its layout.
    pub format: Format,
    /// Whether it was compressed with gzip.
    pub gzip: bool,
    /// Whether a header named its columns.
    pub header: bool,
    /// The columns used: the part each plays, and its name (`column 0` without a header).
    pub columns: Vec<(&'static str, String)>,
    /// Rows read, blank lines and the header not counted.
    pub rows: u64,
    /// Events (or items, or edges) kept.
    pub kept: u64,
    /// Rows refused, by reason.
    pub refused: Vec<Refusal>,
    /// Item rows left out because the id mapping does not name them.
    pub unmapped: u64,
    /// Users with events.
    pub users: usize,
    /// Items, in a file of events those that occur.
    pub items: usize,
    /// Events that repeat an earlier one of the same user on the same item.
    pub duplicates: usize,
    /// Earliest and latest time.
    pub time_span: Option<(i64, i64)>,
    /// The unit of the times.
    pub time_unit: TimeUnit,
}

impl ReadReport {
    pub(super) fn new(path: &Path, format: Format, gzip: bool, header: bool) -> Self {
        Self {
            path: path.to_path_buf(),
            format,
            gzip,
            header,
            columns: Vec::new(),
            rows: 0,
            kept: 0,
            refused: Vec::new(),
            unmapped: 0,
            users: 0,
            items: 0,
            duplicates: 0,
            time_span: None,
            time_unit: TimeUnit::Unknown,
        }
    }

    /// Rows refused for any reason.
    pub fn refused_rows(&self) -> u64 {
        self.refused.iter().map(|r| r.count).sum()
    }

    /// Fills in what the finished events say.
    pub(super) fn describe(&mut self, log: &Interactions) {
        self.kept = log.len() as u64;
        self.users = log.indptr().windows(2).filter(|w| w[0] < w[1]).count();
        self.items = log.item_counts().iter().filter(|&&n| n > 0).count();
        self.duplicates = log.duplicates();
        self.time_span = log.time_span();
        self.time_unit = log.time_unit();
    }
}

impl fmt::Display for ReadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gzip = if self.gzip { ", gzip" } else { "" };
        writeln!(f, "{} ({}{gzip})", self.path.display(), self.format)?;
        let columns: Vec<_> =
            self.columns.iter().map(|(part, c)| format!("{part} = {c}")).collect();
        writeln!(f, "  columns: {}", columns.join(", "))?;
        write!(f, "  rows {}, kept {}", self.rows, self.kept)?;
        if self.users > 0 {
            write!(f, ", users {}, items {}", self.users, self.items)?;
            write!(f, ", duplicates {}", self.duplicates)?;
        }
        if self.unmapped > 0 {
            write!(f, ", without a mapped id {}", self.unmapped)?;
        }
        writeln!(f, ", refused {}", self.refused_rows())?;
        if let Some((from, to)) = self.time_span {
            let show = |t| date(t, self.time_unit).unwrap_or_else(|| t.to_string());
            writeln!(f, "  from {} to {}", show(from), show(to))?;
        }
        for refusal in &self.refused {
            writeln!(f, "  {} × {}", refusal.count, refusal.reason)?;
            for (line, why) in &refusal.examples {
                writeln!(f, "    line {line}: {why}")?;
            }
        }
        Ok(())
    }
}

/// How many examples of each reason are kept.
const EXAMPLES: usize = 3;

/// Counts of refused rows, the first few of each reason with their lines.
#[derive(Debug, Default)]
pub(super) struct Tally(Vec<Refusal>);

impl Tally {
    /// Notes a refused row; `why` is only asked for where it will be kept.
    pub(super) fn refuse(&mut self, line: u64, reason: Reason, why: impl FnOnce() -> String) {
        let at = match self.0.iter().position(|r| r.reason == reason) {
            Some(at) => at,
            None => {
                self.0.push(Refusal { reason, count: 0, examples: Vec::new() });
                self.0.len() - 1
            }
        };
        let refusal = &mut self.0[at];
        refusal.count += 1;
        if refusal.examples.len() < EXAMPLES {
            refusal.examples.push((line, why()));
        }
    }

    /// Adds the tally of a later part whose first line has number `base`.
    pub(super) fn absorb(&mut self, part: Tally, base: u64) {
        for refusal in part.0 {
            match self.0.iter_mut().find(|r| r.reason == refusal.reason) {
                Some(mine) => {
                    mine.count += refusal.count;
                    let room = EXAMPLES - mine.examples.len();
                    let more = refusal.examples.into_iter().take(room);
                    mine.examples.extend(more.map(|(line, why)| (line + base, why)));
                }
                None => {
                    let examples = refusal.examples.into_iter();
                    let examples = examples.map(|(line, why)| (line + base, why)).collect();
                    self.0.push(Refusal { examples, ..refusal });
                }
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first refused row as an error, if there is one. Tables without lines name the row.
    pub(super) fn first_error(&self, path: &Path, lines: bool) -> Result<()> {
        match self.0.iter().filter_map(|r| r.examples.first()).min_by_key(|(line, _)| *line) {
            Some((line, why)) if lines => Err(Error::format(path, Some(*line), why.as_str())),
            Some((row, why)) => Err(Error::format(path, None, format!("row {row}: {why}"))),
            None => Ok(()),
        }
    }

    /// The refusals in the order of [`Reason`].
    pub(super) fn finish(mut self) -> Vec<Refusal> {
        self.0.sort_by_key(|r| r.reason);
        self.0
    }
}
