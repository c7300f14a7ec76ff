//! A classifier as a folder.

use std::path::Path;

use rec_core::store::{ModelReader, ModelWriter};
use serde::{Deserialize, Serialize};

use super::calibrate::Calibration;
use super::classifier::TagClassifier;
use super::heads::{self, EncoderTags};
use super::labels::{Labels, Task};
use super::mixture::{self, MixtureTags};
use super::model::TagModel;
use super::ngrams::{self, NgramModel};
use super::zero_shot::{self, ZeroShotTags};
use crate::{Error, Result};

/// The kind of a classifier's folder.
pub const KIND: &str = "tags";

/// The arrays of the model stand behind this prefix.
const PREFIX: &str = "model.";

#[derive(Serialize, Deserialize)]
struct Config {
    task: Task,
    separator: Option<char>,
    calibration: Calibration,
    thresholds: Vec<f32>,
    /// The kind of the model, and its own configuration.
    model: String,
    model_config: serde_json::Value,
}

impl TagClassifier {
    /// Writes the classifier as a folder, whole or not at all.
    ///
    /// # Errors
    /// Those of [`ModelWriter::save`]; [`Error::Unsupported`] for a pipeline that cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut arrays = ModelWriter::new(KIND, &())?;
        arrays.labels(self.labels().names());
        let config = Config {
            task: self.labels().task(),
            separator: self.labels().separator(),
            calibration: self.calibration.clone(),
            thresholds: self.thresholds.clone(),
            model: self.model.kind().to_owned(),
            model_config: self.model.write(&mut arrays, PREFIX)?,
        };
        arrays.config(&config)?;
        arrays.save(path)
    }

    /// Reads a classifier's folder.
    ///
    /// # Errors
    /// Those of [`ModelReader::open`]; [`Error::Format`] for a folder of another kind, or parts that
    /// do not make a classifier.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        load(path.as_ref(), KIND, "no tag classifier; use load", Self::read)
    }

    fn read(reader: &ModelReader) -> Result<Self> {
        let config: Config = reader.config()?;
        let labels = Labels::from_map(reader.labels()?, config.task, config.separator)?;
        check_calibration(&config.calibration, &labels)?;
        let model = read_model(&config.model, labels, config.model_config, reader, PREFIX)?;
        let mut classifier = Self::new(model);
        classifier.calibration = config.calibration;
        classifier.set_thresholds(config.thresholds)?;
        Ok(classifier)
    }
}

/// What `read` makes of a folder of a kind; `but` says what a folder of another kind is not.
pub(super) fn load<T>(
    path: &Path,
    kind: &str,
    but: &str,
    read: impl FnOnce(&ModelReader) -> Result<T>,
) -> Result<T> {
    let reader = ModelReader::open(path)?;
    let found = &reader.manifest().kind;
    if found != kind {
        let why = format!("holds a model of kind {found:?}, {but}");
        return Err(Error::format(path, None, why));
    }
    read(&reader).map_err(|e| match e {
        Error::Format { .. } => e,
        other => Error::format(path, None, other.to_string()),
    })
}

pub(super) fn check_calibration(calibration: &Calibration, labels: &Labels) -> Result<()> {
    let n = labels.len();
    let fits = match calibration {
        Calibration::Temperature(t) => labels.task() == Task::Single && *t > 0.0,
        Calibration::Platt { a, b } => labels.task() == Task::Multi && a.len() == n && b.len() == n,
    };
    match fits {
        true => Ok(()),
        false => Err(Error::data("calibration", "it does not go with the labels")),
    }
}

/// A model of a kind, its arrays behind a prefix.
pub(super) fn read_model(
    kind: &str,
    labels: Labels,
    config: serde_json::Value,
    reader: &ModelReader,
    prefix: &str,
) -> Result<Box<dyn TagModel>> {
    Ok(match kind {
        ngrams::KIND => Box::new(NgramModel::load(labels, config, reader, prefix)?),
        heads::KIND => Box::new(EncoderTags::load(labels, config, reader, prefix)?),
        zero_shot::KIND => Box::new(ZeroShotTags::load(labels, config, reader, prefix)?),
        mixture::KIND => Box::new(MixtureTags::load(labels, config, reader, prefix)?),
        other => {
            let known = [ngrams::KIND, heads::KIND, zero_shot::KIND, mixture::KIND].join(", ");
            let why = format!("this build knows {known}");
            return Err(Error::data(format!("tag model of kind {other:?}"), why));
        }
    })
}

/// The name of a folder that belongs to a model whose arrays stand behind a prefix.
pub(super) fn inner_folder(prefix: &str, name: &str) -> String {
    format!("{}{name}", prefix.strip_prefix(PREFIX).unwrap_or(prefix))
}
