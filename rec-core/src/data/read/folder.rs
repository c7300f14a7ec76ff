//! Folders: a split that others fixed, or a RecBole data set.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::events::EVENTS;
use super::items::{ItemOptions, read_items};
use super::load::{Raw, read_interactions, read_raw};
use super::options::ReadOptions;
use super::report::ReadReport;
use crate::data::{IdMaps, Interactions, Items};
use crate::{Error, Result};

/// A split fixed in files; its parts share one pair of id maps.
#[derive(Debug)]
pub struct FixedSplit {
    /// What to learn from.
    pub train: Interactions,
    /// What to tune on, where there is such a file.
    pub valid: Option<Interactions>,
    /// What to measure on.
    pub test: Interactions,
    /// What was found in each file, in that order.
    pub reports: Vec<ReadReport>,
}

/// Events that stand in one file.
#[derive(Debug)]
pub struct Log {
    /// The events.
    pub interactions: Interactions,
    /// What was found.
    pub report: ReadReport,
}

/// The events at a path.
#[derive(Debug)]
pub enum Events {
    /// A log, to be split.
    Log(Box<Log>),
    /// A split made already.
    Split(Box<FixedSplit>),
}

/// What stands at a path: events, and the items beside them where the folder has a file of them.
#[derive(Debug)]
pub struct Loaded {
    /// The events.
    pub events: Events,
    /// RecBole's `.item` file.
    pub items: Option<(Items, ReadReport)>,
}

/// Reads what stands at a path: a file of events, a RecBole folder (one `.inter`, perhaps an
/// `.item`), or a folder with a fixed split (`train`, `test` and perhaps `valid` or `val`, in any
/// format [`read_interactions`] reads).
///
/// # Errors
/// As [`read_interactions`]; [`Error::Data`] for a folder that is neither, naming its files.
pub fn read_path(path: impl AsRef<Path>, options: &ReadOptions) -> Result<Loaded> {
    let path = path.as_ref();
    if !path.is_dir() {
        return Ok(Loaded { events: log(path, options)?, items: None });
    }
    let folder = Folder::list(path)?;
    let items = match folder.with_ending("item").as_slice() {
        [item] => Some(read_items(item, &ItemOptions::default())?),
        _ => None,
    };
    let events = match (folder.part(&["train"])?, folder.part(&["test"])?) {
        (Some(train), Some(test)) => {
            let valid = folder.part(&["valid", "val", "validation", "dev"])?;
            Events::Split(Box::new(read_split(&train, valid.as_deref(), &test, options)?))
        }
        _ => log(&folder.log()?, options)?,
    };
    Ok(Loaded { events, items })
}

fn log(path: &Path, options: &ReadOptions) -> Result<Events> {
    let (interactions, report) = read_interactions(path, options)?;
    Ok(Events::Log(Box::new(Log { interactions, report })))
}

/// Reads a split that others fixed. Users and items of all parts are numbered together, those of
/// the training part first.
///
/// # Errors
/// As [`read_interactions`].
pub fn read_split(
    train: &Path,
    valid: Option<&Path>,
    test: &Path,
    options: &ReadOptions,
) -> Result<FixedSplit> {
    let mut ids = IdMaps::default();
    let mut parts: Vec<Raw> = Vec::new();
    for path in [Some(train), valid, Some(test)].into_iter().flatten() {
        let mut raw = read_raw(path, options, EVENTS, std::mem::take(&mut ids))?;
        ids = std::mem::take(&mut raw.sink.ids);
        parts.push(raw);
    }
    let ids = Arc::new(ids);
    let mut logs = Vec::new();
    let mut reports = Vec::new();
    for raw in parts {
        let (log, report) = raw.with_ids(ids.clone(), options)?;
        logs.push(log);
        reports.push(report);
    }
    let mut logs = logs.into_iter();
    match (logs.next(), valid.and_then(|_| logs.next()), logs.next()) {
        (Some(train), valid, Some(test)) => Ok(FixedSplit { train, valid, test, reports }),
        _ => Err(Error::data("fixed split", "it has no training or no test part")),
    }
}

/// The file of events at a path: itself, or the one `.inter` of a RecBole folder.
pub(super) fn log_file(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_path_buf());
    }
    let folder = Folder::list(path)?;
    if folder.part(&["train"])?.is_some() && folder.part(&["test"])?.is_some() {
        let what = format!("the folder {}", path.display());
        return Err(Error::data(what, "it holds a fixed split; read it with read_path"));
    }
    folder.log()
}

struct Folder<'a> {
    path: &'a Path,
    names: Vec<String>,
}

impl<'a> Folder<'a> {
    fn list(path: &'a Path) -> Result<Self> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path).map_err(Error::io(path))? {
            let entry = entry.map_err(Error::io(path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && entry.path().is_file() {
                names.push(name);
            }
        }
        names.sort();
        Ok(Self { path, names })
    }

    /// The files whose name ends so, compressed or not.
    fn with_ending(&self, ending: &str) -> Vec<PathBuf> {
        let fits = |name: &&String| {
            let name = name.strip_suffix(".gz").unwrap_or(name);
            name.rsplit_once('.').is_some_and(|(_, last)| last == ending)
        };
        self.names.iter().filter(fits).map(|name| self.path.join(name)).collect()
    }

    /// The file of a part: one of `titles` stands between the dots of its name.
    fn part(&self, titles: &[&str]) -> Result<Option<PathBuf>> {
        let fits =
            |name: &&String| name.to_lowercase().split('.').any(|piece| titles.contains(&piece));
        let found: Vec<_> = self.names.iter().filter(fits).collect();
        match found.as_slice() {
            [] => Ok(None),
            [name] => Ok(Some(self.path.join(name))),
            [a, b, ..] => {
                let why = format!("both {a} and {b} could be its {} part; keep one", titles[0]);
                Err(Error::data(format!("the folder {}", self.path.display()), why))
            }
        }
    }

    fn log(&self) -> Result<PathBuf> {
        let mut logs = self.with_ending("inter");
        match (logs.pop(), logs.is_empty()) {
            (Some(log), true) => Ok(log),
            _ => {
                let why = format!(
                    "a folder of events holds one .inter file, or train and test files; this one \
                     holds {}; name the file of events itself",
                    self.names.join(", ")
                );
                Err(Error::data(format!("the folder {}", self.path.display()), why))
            }
        }
    }
}
