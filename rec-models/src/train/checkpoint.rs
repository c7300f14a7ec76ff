//! States on disk, to resume from.

use std::path::PathBuf;
use std::sync::Arc;

use rec_core::data::{IdMaps, Interactions};
use rec_core::rng::mix;
use rec_core::store::{ModelReader, ModelWriter};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Snapshot;
use super::epochs::Plan;
use super::stopping::{Measurement, Stopping};
use crate::fit::Checkpoints;
use crate::{Error, Result};

/// The checkpoint folder of one run: `<dir>/<kind>-checkpoint`.
pub(super) struct Store {
    path: PathBuf,
    every: usize,
    kind: String,
    config: Value,
    epochs: usize,
    run: Run,
    ids: Arc<IdMaps>,
}

/// What tells runs apart beside their parameters and ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Run {
    seed: u64,
    data: String,
}

/// Where a run stood; figures as bits, because a resumed run must compare the very same numbers.
#[derive(Serialize, Deserialize)]
struct Note {
    run: Run,
    done: usize,
    arrays: Vec<String>,
    measurements: Vec<(usize, u64)>,
    best: Option<(usize, u64)>,
}

/// A state read back.
pub(super) struct Saved {
    pub(super) done: usize,
    pub(super) last: Snapshot,
    pub(super) stopping: Stopping,
}

impl Store {
    pub(super) fn open<C: Serialize>(
        to: &Checkpoints,
        plan: &Plan<'_, C>,
        seed: u64,
        ids: &Arc<IdMaps>,
        data: String,
    ) -> Result<Self> {
        if to.every == 0 {
            return Err(Error::parameter(
                "checkpoints.every",
                0,
                "save after every 1 epoch or more",
            ));
        }
        let config = serde_json::to_value(plan.config)
            .map_err(|e| Error::data("configuration", e.to_string()))?;
        Ok(Self {
            path: to.dir.join(format!("{}-checkpoint", plan.kind)),
            every: to.every,
            kind: format!("{}-checkpoint", plan.kind),
            config,
            epochs: plan.epochs,
            run: Run { seed, data },
            ids: ids.clone(),
        })
    }

    /// Whether a state is to be saved after so many epochs.
    pub(super) fn due(&self, done: usize) -> bool {
        done.is_multiple_of(self.every)
    }

    /// Replaces the saved state, whole or not at all.
    pub(super) fn save(&self, done: usize, last: &Snapshot, stopping: &Stopping) -> Result<()> {
        let bits = |m: &Measurement| (m.epoch, m.figure.to_bits());
        let mut writer = ModelWriter::new(&self.kind, &self.config)?;
        writer.training(&Note {
            run: self.run.clone(),
            done,
            arrays: last.names(),
            measurements: stopping.measurements.iter().map(bits).collect(),
            best: stopping.best.as_ref().map(|(m, _)| bits(m)),
        })?;
        writer.ids(&self.ids);
        last.write("last", &mut writer)?;
        if let Some((_, best)) = &stopping.best {
            best.write("best", &mut writer)?;
        }
        writer.save(&self.path)
    }

    /// The saved state, if there is one.
    ///
    /// # Errors
    /// [`Error::Parameter`], [`Error::IdMismatch`] or [`Error::Data`] if it is of another run,
    /// [`Error::Format`] if it is damaged.
    pub(super) fn resume(&self) -> Result<Option<Saved>> {
        if !self.path.exists() {
            return Ok(None);
        }
        let reader = ModelReader::open(&self.path)?;
        let note: Note = serde_json::from_value(reader.manifest().training.clone())
            .map_err(|e| Error::format(&self.path, None, format!("not a checkpoint: {e}")))?;
        self.check(&reader, &note)?;
        let figure = |(epoch, bits)| Measurement { epoch, figure: f64::from_bits(bits) };
        let best = match note.best {
            Some(m) => Some((figure(m), Snapshot::read("best", &note.arrays, &reader)?)),
            None => None,
        };
        Ok(Some(Saved {
            done: note.done,
            last: Snapshot::read("last", &note.arrays, &reader)?,
            stopping: Stopping {
                measurements: note.measurements.into_iter().map(figure).collect(),
                best,
            },
        }))
    }

    fn check(&self, reader: &ModelReader, note: &Note) -> Result<()> {
        let manifest = reader.manifest();
        if manifest.kind != self.kind {
            return Err(self.other("kind", &self.kind, &manifest.kind));
        }
        self.check_config(&manifest.config, note.done)?;
        if note.run.seed != self.run.seed {
            return Err(self.other("seed", self.run.seed, note.run.seed));
        }
        for (name, map) in [("users", &self.ids.users), ("items", &self.ids.items)] {
            if manifest.ids.get(name) != Some(&map.fingerprint()) {
                return Err(Error::IdMismatch {
                    what: format!("the checkpoint in {} and the data", self.path.display()),
                    why: format!("their {name} differ; {ADVICE}"),
                });
            }
        }
        if note.run.data != self.run.data {
            let why = format!("it was made with other interactions of the same ids; {ADVICE}");
            return Err(Error::data(format!("checkpoint in {}", self.path.display()), why));
        }
        Ok(())
    }

    /// The parameters must agree, except that a run may be made longer.
    fn check_config(&self, saved: &Value, done: usize) -> Result<()> {
        let empty = serde_json::Map::new();
        let (mine, theirs) =
            (self.config.as_object().unwrap_or(&empty), saved.as_object().unwrap_or(&empty));
        for name in mine.keys().chain(theirs.keys()) {
            if name == "epochs" && done <= self.epochs {
                continue;
            }
            let show = |v: Option<&Value>| v.map_or_else(|| "nothing".into(), Value::to_string);
            if mine.get(name) != theirs.get(name) {
                return Err(self.other(name, show(mine.get(name)), show(theirs.get(name))));
            }
        }
        Ok(())
    }

    fn other(
        &self,
        name: &str,
        mine: impl std::fmt::Display,
        theirs: impl std::fmt::Display,
    ) -> Error {
        let at = self.path.display();
        Error::parameter(
            name,
            mine,
            format!("the checkpoint in {at} was made with {theirs}; {ADVICE}"),
        )
    }
}

const ADVICE: &str = "remove it to start anew, or save checkpoints to another folder";

/// A fingerprint of the events (users, items and weights, in order), to tell data sets of the same
/// ids apart.
pub fn data_fingerprint(data: &Interactions) -> String {
    let rows = data.indptr().iter().map(|&p| p as u64);
    let items = data.items().iter().map(|&i| u64::from(i));
    let weights = data.weights().unwrap_or_default().iter().map(|w| u64::from(w.to_bits()));
    let hash = rows.chain(items).chain(weights).fold(data.len() as u64, |h, x| mix(h ^ x));
    format!("{hash:016x}")
}
