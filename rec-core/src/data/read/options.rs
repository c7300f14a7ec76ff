//! What a caller may say about a file; everything left unsaid is found out from its contents.

use std::fmt;

use crate::data::TimeUnit;
use crate::{Error, Result};

/// What stands between two fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// `,`
    Comma,
    /// A tab.
    Tab,
    /// `;`
    Semicolon,
    /// `|`
    Pipe,
    /// One or more spaces.
    Space,
    /// `::`, as in MovieLens.
    DoubleColon,
    /// Another single ASCII character.
    Other(u8),
}

impl Separator {
    /// The separator written as text (`","`, `"\t"`, `"::"`).
    ///
    /// # Errors
    /// [`Error::Parameter`] for anything that is not one ASCII character or `::`.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(match text.as_bytes() {
            b"," => Self::Comma,
            b"\t" => Self::Tab,
            b";" => Self::Semicolon,
            b"|" => Self::Pipe,
            b" " => Self::Space,
            b"::" => Self::DoubleColon,
            &[other] if other.is_ascii() && !matches!(other, b'"' | b'\n' | b'\r') => {
                Self::Other(other)
            }
            _ => {
                let why = "choose one ASCII character other than a quote or line break, or \"::\"";
                return Err(Error::parameter("sep", format!("{text:?}"), why));
            }
        })
    }

    /// The separating byte, where one byte separates.
    pub(super) fn byte(self) -> Option<u8> {
        match self {
            Self::Comma => Some(b','),
            Self::Tab => Some(b'\t'),
            Self::Semicolon => Some(b';'),
            Self::Pipe => Some(b'|'),
            Self::Other(byte) => Some(byte),
            Self::Space | Self::DoubleColon => None,
        }
    }
}

impl fmt::Display for Separator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Comma => f.write_str("comma"),
            Self::Tab => f.write_str("tab"),
            Self::Semicolon => f.write_str("semicolon"),
            Self::Pipe => f.write_str("|"),
            Self::Space => f.write_str("space"),
            Self::DoubleColon => f.write_str("::"),
            Self::Other(byte) => write!(f, "{:?}", *byte as char),
        }
    }
}

/// How a file is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A row a line, fields separated.
    Delimited(Separator),
    /// Tab-separated with RecBole's typed header (`user_id:token`).
    RecBole,
    /// A JSON object a line.
    JsonLines,
    /// `user item item item …`: a user's items on one line, in order.
    Adjacency(Separator),
    /// Apache Parquet.
    Parquet,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delimited(Separator::Comma) => f.write_str("CSV"),
            Self::Delimited(Separator::Tab) => f.write_str("TSV"),
            Self::Delimited(sep) => write!(f, "text separated by {sep}"),
            Self::RecBole => f.write_str("RecBole"),
            Self::JsonLines => f.write_str("JSON lines"),
            Self::Adjacency(_) => f.write_str("one line a user (user item item …)"),
            Self::Parquet => f.write_str("Parquet"),
        }
    }
}

/// Which column plays a part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Column {
    /// Found by its name among well-known ones, or by its position where there is no header.
    #[default]
    Auto,
    /// None, even if the file has one.
    Absent,
    /// The column of this name.
    Name(String),
    /// The column at this position, from 0.
    Index(usize),
}

impl From<&str> for Column {
    fn from(name: &str) -> Self {
        Self::Name(name.into())
    }
}
impl From<String> for Column {
    fn from(name: String) -> Self {
        Self::Name(name)
    }
}
impl From<usize> for Column {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// What to do with a row whose event type has no weight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Unlisted {
    /// The row is malformed: an error, or counted under `skip_bad`.
    #[default]
    Refuse,
    /// It weighs this.
    Weight(f32),
}

/// Weights of event types (view, cart, purchase).
#[derive(Clone, Debug, PartialEq)]
pub struct EventWeights {
    /// The column of the event type.
    pub column: Column,
    /// Weight by event type.
    pub weights: Vec<(String, f32)>,
    /// What to do with other types.
    pub unlisted: Unlisted,
}

impl EventWeights {
    /// Weights by event type, any other type refused.
    pub fn new<S: Into<String>>(
        column: impl Into<Column>,
        weights: impl IntoIterator<Item = (S, f32)>,
    ) -> Self {
        let weights = weights.into_iter().map(|(name, w)| (name.into(), w)).collect();
        Self { column: column.into(), weights, unlisted: Unlisted::Refuse }
    }

    pub(super) fn check(&self) -> Result<()> {
        let other = match self.unlisted {
            Unlisted::Weight(w) => Some(("any other type", w)),
            Unlisted::Refuse => None,
        };
        let listed = self.weights.iter().map(|(name, w)| (name.as_str(), *w));
        match listed.chain(other).find(|(_, w)| !w.is_finite()) {
            Some((name, w)) => {
                Err(Error::parameter("event weight", format!("{name}={w}"), "give a finite number"))
            }
            None => Ok(()),
        }
    }
}

/// How to read a file of events.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The layout; found out from the contents unless given.
    pub format: Option<Format>,
    /// Whether the first row names the columns; found out unless given.
    pub header: Option<bool>,
    /// Whether `"` quotes fields. Unless given: yes between commas and semicolons; otherwise only
    /// where the start of the file shows properly quoted fields.
    pub quotes: Option<bool>,
    /// Whether rows that are not UTF-8 are read as Latin-1. Unless given: only in `::`-separated
    /// files, for MovieLens writes both.
    pub latin1: Option<bool>,
    /// The user's id.
    pub user: Column,
    /// The item's id.
    pub item: Column,
    /// The strength of an event: a rating, a count, hours.
    pub weight: Column,
    /// When it happened: a number, or an ISO date or date and time (UTC where none is said).
    pub time: Column,
    /// Weights of event types; multiplied with `weight` where there are both.
    pub events: Option<EventWeights>,
    /// The unit of numeric times (guessed from the latest unless given), and the one ISO times are
    /// converted to (seconds unless given).
    pub time_unit: Option<TimeUnit>,
    /// Malformed rows are counted in the report instead of ending the read.
    pub skip_bad: bool,
}
