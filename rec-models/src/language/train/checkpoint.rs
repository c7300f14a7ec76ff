//! A run's state on disk.

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::module::Module;
use burn::tensor::{DType, Device, TensorData};
use rec_core::store::{ModelReader, ModelWriter};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::LanguageTraining;
use super::parameters;
use crate::fit::Checkpoints;
use crate::ops::AdamW;
use crate::train::Snapshot;
use crate::{Error, Result};

const KIND: &str = "language-model-checkpoint";
const ADVICE: &str = "remove it to start anew, or save checkpoints to another folder";
/// The optimiser's count of steps, which is no array of floats.
const STEP: &str = ".step";

/// What tells runs apart beside their settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) objective: String,
    pub(super) seed: u64,
    /// Tokens of the tokenizer.
    pub(super) vocabulary: usize,
    pub(super) corpus: String,
    pub(super) validation: Option<String>,
}

/// How far a run is; figures as bits, so that what is resumed is the very same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Progress {
    pub(super) step: usize,
    /// Loss times predictions, and predictions, of each epoch.
    pub(super) epochs: Vec<(u64, usize)>,
    /// Step and loss of each measurement.
    pub(super) evaluations: Vec<(usize, u64)>,
    /// Which measurement was best.
    pub(super) best: Option<usize>,
}

#[derive(Serialize, Deserialize)]
struct Note {
    identity: Identity,
    progress: Progress,
    parameters: Vec<String>,
    moments: Vec<String>,
    steps: BTreeMap<String, i64>,
    best: bool,
}

/// The checkpoint folder of one run.
pub(super) struct Store {
    path: PathBuf,
    pub(super) every: usize,
    config: Value,
    identity: Identity,
}

/// A state read back.
pub(super) struct Saved<M> {
    pub(super) model: M,
    pub(super) best: Option<M>,
    pub(super) progress: Progress,
}

impl Store {
    pub(super) fn open(
        to: &Checkpoints,
        settings: &LanguageTraining,
        identity: Identity,
    ) -> Result<Self> {
        if to.every == 0 {
            let why = "save after every 1 step or more";
            return Err(Error::parameter("checkpoints.every", 0, why));
        }
        let config = serde_json::to_value(settings)
            .map_err(|e| Error::data("settings of the training", e.to_string()))?;
        Ok(Self { path: to.dir.join(KIND), every: to.every, config, identity })
    }

    /// Replaces the saved state, whole or not at all.
    pub(super) fn save<M: Module>(
        &self,
        model: &M,
        best: Option<&M>,
        optimizer: &AdamW,
        progress: &Progress,
    ) -> Result<()> {
        let last = parameters::snapshot(model);
        let (moments, steps) = split(optimizer.state());
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        writer.training(&Note {
            identity: self.identity.clone(),
            progress: progress.clone(),
            parameters: last.names(),
            moments: moments.names(),
            steps,
            best: best.is_some(),
        })?;
        last.write("last", &mut writer)?;
        moments.write("moments", &mut writer)?;
        if let Some(best) = best {
            parameters::snapshot(best).write("best", &mut writer)?;
        }
        writer.save(&self.path)
    }

    /// The saved state, if there is one, put into `model` and `optimizer`.
    ///
    /// # Errors
    /// [`Error::Parameter`] or [`Error::Data`] if it is of another run, [`Error::Shape`] if of
    /// another model, [`Error::Format`] if it is damaged.
    pub(super) fn resume<M: Module>(
        &self,
        model: &M,
        optimizer: &mut AdamW,
        device: &Device,
    ) -> Result<Option<Saved<M>>> {
        if !self.path.exists() {
            return Ok(None);
        }
        let reader = ModelReader::open(&self.path)?;
        let note: Note = serde_json::from_value(reader.manifest().training.clone())
            .map_err(|e| Error::format(&self.path, None, format!("not a checkpoint: {e}")))?;
        self.check(&reader.manifest().config, &note.identity)?;
        let put = |prefix: &str| {
            let snapshot = Snapshot::read(prefix, &note.parameters, &reader)?;
            parameters::restored(model.clone(), snapshot)
        };
        let moments = Snapshot::read("moments", &note.moments, &reader)?;
        optimizer.load_state(&joined(moments, &note.steps), device)?;
        let best = if note.best { Some(put("best")?) } else { None };
        Ok(Some(Saved { model: put("last")?, best, progress: note.progress }))
    }

    fn check(&self, config: &Value, identity: &Identity) -> Result<()> {
        let empty = serde_json::Map::new();
        let fields = |value: &Value| value.as_object().unwrap_or(&empty).clone();
        let (mut mine, mut theirs) = (fields(&self.config), fields(config));
        for (fields, identity) in [(&mut mine, &self.identity), (&mut theirs, identity)] {
            let identity = serde_json::to_value(identity)
                .map_err(|e| Error::data("a checkpoint", e.to_string()))?;
            fields.extend(identity.as_object().cloned().unwrap_or_default());
        }
        for name in mine.keys().chain(theirs.keys()) {
            let show = |v: Option<&Value>| v.map_or_else(|| "nothing".into(), Value::to_string);
            let (mine, theirs) = (mine.get(name), theirs.get(name));
            if mine != theirs {
                let at = self.path.display();
                let why =
                    format!("the checkpoint in {at} was made with {}; {ADVICE}", show(theirs));
                return Err(Error::parameter(name.as_str(), show(mine), why));
            }
        }
        Ok(())
    }
}

/// The optimiser's arrays, and its counts of steps.
fn split(state: BTreeMap<String, TensorData>) -> (Snapshot, BTreeMap<String, i64>) {
    let mut steps = BTreeMap::new();
    let mut arrays = Snapshot::new();
    for (name, data) in state {
        if name.ends_with(STEP) {
            steps.insert(name, data.iter::<i64>().next().unwrap_or(0));
        } else {
            let shape = data.shape().to_vec();
            arrays = arrays.with(&name, &shape, data.iter::<f32>().collect());
        }
    }
    (arrays, steps)
}

fn joined(moments: Snapshot, steps: &BTreeMap<String, i64>) -> BTreeMap<String, TensorData> {
    let counts = steps.iter().map(|(name, &n)| (name.clone(), TensorData::new(vec![n], [1])));
    let arrays = moments.into_arrays().map(|(name, shape, values)| {
        (name, TensorData::new(values, shape).convert_dtype(DType::F32))
    });
    counts.chain(arrays).collect()
}
