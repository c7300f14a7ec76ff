//! The crate's error type: structured, and every message says what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Which of the two id spaces an id belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdKind {
    /// A user (reader, buyer, listener).
    User,
    /// An item (product, post, article, track).
    Item,
}

impl fmt::Display for IdKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IdKind::User => "user",
            IdKind::Item => "item",
        })
    }
}

/// Everything that can go wrong in this library.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An id the model or data set has never seen.
    #[error(
        "unknown {kind} {id:?}: not among the {known} {kind}s seen in training; pass on_unknown = skip, name a fallback, or give the {kind}'s history"
    )]
    UnknownId {
        /// User or item.
        kind: IdKind,
        /// The id as the caller gave it.
        id: String,
        /// How many ids of that kind are known.
        known: usize,
    },
    /// Two things whose sizes must agree do not.
    #[error("{what}: expected {expected}, got {got}")]
    Shape {
        /// What was measured.
        what: String,
        /// The size that fits.
        expected: String,
        /// The size that came.
        got: String,
    },
    /// A parameter outside its domain.
    #[error("parameter {name} = {value}: {why}")]
    Parameter {
        /// The parameter's name, as the caller spells it.
        name: String,
        /// The refused value.
        value: String,
        /// The domain, and what to choose instead.
        why: String,
    },
    /// A file that is not what it claims to be.
    #[error("{}{}: {why}", path.display(), line.map(|l| format!(":{l}")).unwrap_or_default())]
    Format {
        /// The file.
        path: PathBuf,
        /// The line, from 1, where the format has lines.
        line: Option<u64>,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// A named column that the table does not have.
    #[error("{}: no column {column:?}; its columns are {}", path.display(), present.join(", "))]
    MissingColumn {
        /// The file or frame.
        path: PathBuf,
        /// The column asked for.
        column: String,
        /// The columns there are.
        present: Vec<String>,
    },
    /// Nothing to work on.
    #[error("{what} is empty: {why}")]
    Empty {
        /// What is empty.
        what: String,
        /// Why that stops the work, and what to do.
        why: String,
    },
    /// Data the operation or the model cannot take.
    #[error("{what}: {why}")]
    Data {
        /// What the data is.
        what: String,
        /// What is wrong with it, and what to do.
        why: String,
    },
    /// Two objects whose id maps differ.
    #[error("{what} do not share their ids: {why}")]
    IdMismatch {
        /// The two objects.
        what: String,
        /// The difference, and what to do.
        why: String,
    },
    /// An operation this model does not have.
    #[error("{what} is not supported by {by}: {why}")]
    Unsupported {
        /// The operation.
        what: String,
        /// The model or build.
        by: String,
        /// What does support it.
        why: String,
    },
    /// A job that would not fit.
    #[error("{what} needs {} and the limit is {}: {why}", bytes(*needs), bytes(*limit))]
    TooLarge {
        /// The job.
        what: String,
        /// Bytes it would need.
        needs: u64,
        /// Bytes allowed.
        limit: u64,
        /// What to do instead.
        why: String,
    },
    /// A model folder written in a format this build does not read.
    #[error("{}: written in format {found}, and this build reads formats up to {supported}; upgrade the library to load it", path.display())]
    Version {
        /// The model folder.
        path: PathBuf,
        /// The folder's format.
        found: u32,
        /// The newest format known here.
        supported: u32,
    },
    /// Training was cancelled.
    #[error("cancelled: {0}")]
    Cancelled(String),
    /// A stage of a longer job that failed.
    #[error("stage {stage} failed: {source} ({done})")]
    Stage {
        /// The stage.
        stage: String,
        /// What was done before it, and whether it stays.
        done: String,
        /// What went wrong.
        source: Box<Error>,
    },
    /// The operating system refused a file operation.
    #[error("{}: {source}", path.display())]
    Io {
        /// The path.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// A parameter error.
    pub fn parameter(
        name: impl Into<String>,
        value: impl fmt::Display,
        why: impl Into<String>,
    ) -> Self {
        Error::Parameter { name: name.into(), value: value.to_string(), why: why.into() }
    }

    /// A size error.
    pub fn shape(
        what: impl Into<String>,
        expected: impl fmt::Display,
        got: impl fmt::Display,
    ) -> Self {
        Error::Shape { what: what.into(), expected: expected.to_string(), got: got.to_string() }
    }

    /// A format error in `path`, at `line` (from 1) where there are lines.
    pub fn format(path: impl AsRef<Path>, line: Option<u64>, why: impl Into<String>) -> Self {
        Error::Format { path: path.as_ref().to_path_buf(), line, why: why.into() }
    }

    /// A data error.
    pub fn data(what: impl Into<String>, why: impl Into<String>) -> Self {
        Error::Data { what: what.into(), why: why.into() }
    }

    /// An emptiness error.
    pub fn empty(what: impl Into<String>, why: impl Into<String>) -> Self {
        Error::Empty { what: what.into(), why: why.into() }
    }

    /// An operation that `by` does not have.
    pub fn unsupported(
        what: impl Into<String>,
        by: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        Error::Unsupported { what: what.into(), by: by.into(), why: why.into() }
    }

    /// Wraps an operating system error with its path; for `map_err`.
    pub fn io(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_path_buf();
        move |source| Error::Io { path, source }
    }
}

/// A byte count in the unit a reader takes in at a glance.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = n as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}
