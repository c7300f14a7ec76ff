//! Stages: work that is named, timed, kept by the hash of what it depends on, and picked up again.

mod key;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};

pub(super) use key::{Key, hash_files};

use super::memory;
use crate::fit::{Checkpoints, FitContext};
use crate::{Error, Result};

/// What a stage took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageReport {
    /// The stage.
    pub stage: String,
    /// Seconds it took; of a kept one, those of the run that did the work.
    pub seconds: f64,
    /// The most memory resident meanwhile, in bytes, where the system tells.
    pub peak_bytes: Option<u64>,
    /// What it was kept as, in bytes.
    pub kept_bytes: Option<u64>,
    /// Whether an earlier run had done it.
    pub kept: bool,
}

/// The stages of one run.
pub(super) struct Stages {
    dir: Option<PathBuf>,
    pub(super) done: Vec<StageReport>,
}

/// How a stage's outcome is kept: `make` does the work, `save` writes it to a path that does not exist,
/// `load` reads it back.
pub(super) struct Work<M, S, L> {
    pub(super) make: M,
    pub(super) save: S,
    pub(super) load: L,
}

/// The name inside a stage's folder.
const OUTCOME: &str = "outcome";
const REPORT: &str = "stage.json";

impl Stages {
    /// Stages kept in a folder; of none, each is done anew.
    pub(super) fn new(dir: Option<PathBuf>) -> Result<Self> {
        if let Some(dir) = &dir {
            fs::create_dir_all(dir).map_err(io(dir))?;
            remove_leftovers(dir)?;
        }
        Ok(Self { dir, done: Vec::new() })
    }

    /// Does a stage, or takes what an earlier run kept under the same key.
    pub(super) fn run<T>(
        &mut self,
        stage: &str,
        key: &Key,
        work: Work<
            impl FnOnce() -> Result<T>,
            impl FnOnce(&T, &Path) -> Result<()>,
            impl FnOnce(&Path) -> Result<T>,
        >,
    ) -> Result<T> {
        let outcome = self.run_plain(stage, key, work);
        outcome.map_err(|e| self.named(stage, e))
    }

    fn run_plain<T>(
        &mut self,
        stage: &str,
        key: &Key,
        work: Work<
            impl FnOnce() -> Result<T>,
            impl FnOnce(&T, &Path) -> Result<()>,
            impl FnOnce(&Path) -> Result<T>,
        >,
    ) -> Result<T> {
        let place = self.dir.as_ref().map(|dir| dir.join(format!("{stage}-{}", key.short())));
        if let Some(place) = place.as_ref().filter(|place| place.join(REPORT).is_file()) {
            tracing::info!(stage, "kept");
            let report: StageReport = read_json(&place.join(REPORT))?;
            let outcome = (work.load)(&place.join(OUTCOME))?;
            self.done.push(StageReport { kept: true, ..report });
            return Ok(outcome);
        }
        memory::reset_peak();
        let start = Instant::now();
        let outcome = (work.make)()?;
        let mut report = StageReport {
            stage: stage.into(),
            seconds: start.elapsed().as_secs_f64(),
            peak_bytes: memory::peak(),
            kept_bytes: None,
            kept: false,
        };
        tracing::info!(stage, seconds = report.seconds, "done");
        if let Some(place) = place {
            keep(&place, &mut report, |path| (work.save)(&outcome, path))?;
            let _ = fs::remove_dir_all(partial(&place));
        }
        self.done.push(report);
        Ok(outcome)
    }

    /// The context of a stage that trains: a run that was cut short is taken up at its last state.
    pub(super) fn context<'a>(
        &self,
        stage: &str,
        key: &Key,
        ctx: &FitContext<'_>,
        seed: u64,
    ) -> FitContext<'a> {
        let state =
            self.dir.as_ref().map(|dir| partial(&dir.join(format!("{stage}-{}", key.short()))));
        FitContext {
            device: ctx.device,
            seed,
            threads: ctx.threads,
            progress: ctx.progress.clone(),
            validation: None,
            checkpoints: state.map(|dir| Checkpoints { dir, every: 5 }),
            cancel: ctx.cancel.clone(),
        }
    }

    /// An error that says where it happened and what stays.
    fn named(&self, stage: &str, error: Error) -> Error {
        if matches!(error, Error::Cancelled(_) | Error::Stage { .. }) {
            return error;
        }
        let done: Vec<&str> = self.done.iter().map(|report| report.stage.as_str()).collect();
        let done = match (&self.dir, done.is_empty()) {
            (_, true) => "nothing was done before it".to_owned(),
            (None, false) => format!(
                "done before it, and not kept without a working folder: {}",
                done.join(", ")
            ),
            (Some(dir), false) => {
                format!("kept in {} for the next run: {}", dir.display(), done.join(", "))
            }
        };
        Error::Stage { stage: stage.into(), done, source: Box::new(error) }
    }
}

/// Where a stage that trains keeps its states.
fn partial(place: &Path) -> PathBuf {
    place.with_extension("states")
}

/// Writes an outcome beside its place, then puts it there.
fn keep(
    place: &Path,
    report: &mut StageReport,
    save: impl FnOnce(&Path) -> Result<()>,
) -> Result<()> {
    let staged = place.with_extension("partial");
    fs::create_dir_all(&staged).map_err(io(&staged))?;
    save(&staged.join(OUTCOME))?;
    report.kept_bytes = Some(size(&staged)?);
    let json =
        serde_json::to_vec_pretty(&report).map_err(|e| Error::data("report", e.to_string()))?;
    let file = staged.join(REPORT);
    fs::write(&file, json).map_err(io(&file))?;
    if place.exists() {
        fs::remove_dir_all(place).map_err(io(place))?;
    }
    fs::rename(&staged, place).map_err(io(place))
}

/// What a killed run left half-written.
fn remove_leftovers(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir).map_err(io(dir))? {
        let path = entry.map_err(io(dir))?.path();
        if path.extension().is_some_and(|end| end == "partial") {
            fs::remove_dir_all(&path).map_err(io(&path))?;
        }
    }
    Ok(())
}

fn size(path: &Path) -> Result<u64> {
    let meta = fs::metadata(path).map_err(io(path))?;
    if meta.is_file() {
        return Ok(meta.len());
    }
    let entries = fs::read_dir(path).map_err(io(path))?;
    entries.map(|entry| size(&entry.map_err(io(path))?.path())).sum()
}

pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let text = fs::read(path).map_err(io(path))?;
    serde_json::from_slice(&text).map_err(|e| Error::format(path, None, e.to_string()))
}

pub(super) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let json = serde_json::to_vec(value).map_err(|e| Error::data("outcome", e.to_string()))?;
    fs::write(path, json).map_err(io(path))
}

pub(super) fn io(path: &Path) -> impl Fn(std::io::Error) -> Error + '_ {
    |source| Error::Io { path: path.into(), source }
}

#[cfg(test)]
mod tests;
