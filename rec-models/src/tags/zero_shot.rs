//! Labels that no text has been seen with, by their names.

use std::sync::Arc;

use rec_core::data::Id;
use rec_core::store::{ModelReader, ModelWriter};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::classifier::TagClassifier;
use super::heads::{Settings, write_encoder};
use super::labels::{Labels, Task};
use super::model::TagModel;
use crate::language::{Encode, TextEncoder, Vectors};
use crate::{Error, Result};

/// Labels texts without training: a label suits a text whose vector is like that of its name
/// (Yin, Hay and Roth 2019, in the form of sentence encoders).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ZeroShot {
    /// What is encoded for a label, its name in the place of `{}`.
    pub template: String,
    /// τ of the scores `cosine / τ`.
    pub temperature: f32,
    /// Where a text may have several labels: the cosine from which on one is given, whose
    /// probability is then 0.5.
    pub least_cosine: f32,
}

impl Default for ZeroShot {
    fn default() -> Self {
        Self { template: "{}".into(), temperature: 0.05, least_cosine: 0.3 }
    }
}

impl ZeroShot {
    /// A classifier of these labels.
    ///
    /// # Errors
    /// [`Error::Parameter`] for parameters outside their domain, and those of
    /// [`TextEncoder::encode`].
    pub fn classifier(&self, encoder: Arc<TextEncoder>, labels: Labels) -> Result<TagClassifier> {
        let model = ZeroShotTags::new(self.clone(), encoder, labels, None)?;
        Ok(TagClassifier::new(Box::new(model)))
    }

    fn check(&self) -> Result<()> {
        if !self.template.contains("{}") {
            let why = "it needs {} where the label's name goes, such as \"this text is about {}\"";
            return Err(Error::parameter("template", format!("{:?}", self.template), why));
        }
        if !(self.temperature.is_finite() && self.temperature > 0.0) {
            return Err(Error::parameter("temperature", self.temperature, "choose above 0"));
        }
        if !(-1.0..=1.0).contains(&self.least_cosine) {
            return Err(Error::parameter("least_cosine", self.least_cosine, "choose −1 to 1"));
        }
        Ok(())
    }

    /// What is encoded for a label: names such as `card_arrival` and paths as words.
    fn text(&self, name: &str, separator: Option<char>) -> String {
        let name = name.replace('_', " ");
        let name = separator.map_or(name.clone(), |separator| name.replace(separator, ", "));
        self.template.replace("{}", &name)
    }
}

/// Scores are cosines with the vectors of the labels' names.
pub struct ZeroShotTags {
    options: ZeroShot,
    labels: Labels,
    encoder: Arc<TextEncoder>,
    /// `[labels, dim]`.
    vectors: Vectors,
    kept: Option<Arc<TempDir>>,
}

pub(super) const KIND: &str = "zero_shot";

#[derive(Serialize, Deserialize)]
struct Config {
    options: ZeroShot,
    encoder: Settings,
}

impl ZeroShotTags {
    fn new(
        options: ZeroShot,
        encoder: Arc<TextEncoder>,
        labels: Labels,
        kept: Option<Arc<TempDir>>,
    ) -> Result<Self> {
        options.check()?;
        let separator = labels.separator();
        let texts = labels.names().iter().map(|id| options.text(&id.to_string(), separator));
        let vectors = encoder.encode(&texts.collect::<Vec<_>>(), &Encode::default())?;
        Ok(Self { options, labels, encoder, vectors, kept })
    }

    pub(super) fn load(
        labels: Labels,
        config: serde_json::Value,
        reader: &ModelReader,
        prefix: &str,
    ) -> Result<Self> {
        let Config { options, encoder } = serde_json::from_value(config)
            .map_err(|e| Error::data("configuration of a zero-shot tag model", e.to_string()))?;
        Self::new(options, Arc::new(encoder.encoder(reader, prefix)?), labels, None)
    }
}

impl TagModel for ZeroShotTags {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn labels(&self) -> &Labels {
        &self.labels
    }

    fn scores(&self, texts: &[&str]) -> Result<Vec<f32>> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let mut scores =
            self.encoder.encode(texts, &Encode::default())?.similarity(&self.vectors)?;
        let ZeroShot { temperature, least_cosine, .. } = self.options;
        let least = if self.labels.task() == Task::Multi { least_cosine } else { 0.0 };
        scores.iter_mut().for_each(|s| *s = (*s - least) / temperature);
        Ok(scores)
    }

    fn write(&self, writer: &mut ModelWriter, prefix: &str) -> Result<serde_json::Value> {
        write_encoder(writer, prefix, &self.encoder, self.kept.clone());
        let config = Config { options: self.options.clone(), encoder: Settings::of(&self.encoder) };
        serde_json::to_value(config)
            .map_err(|e| Error::data("configuration of a zero-shot tag model", e.to_string()))
    }

    fn with_labels(&self, names: &[Id]) -> Result<Box<dyn TagModel>> {
        let labels = self.labels.with(names)?;
        let encoder = self.encoder.clone();
        Ok(Box::new(Self::new(self.options.clone(), encoder, labels, self.kept.clone())?))
    }
}

impl TagClassifier {
    /// A classifier of more labels, which no text has been seen with; those it has already stay as
    /// they are. The calibration and threshold of the new ones are none, and 0.5.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for a model that learns its labels from texts.
    pub fn with_labels(&self, names: &[Id]) -> Result<Self> {
        let model = self.model.with_labels(names)?;
        let known = model.labels().names();
        let places: Vec<u32> =
            self.labels().names().iter().filter_map(|id| known.get(id)).collect();
        let mut fresh = TagClassifier::new(model);
        fresh.calibration = self.calibration.moved(fresh.calibration, &places);
        for (&place, threshold) in places.iter().zip(&self.thresholds) {
            fresh.thresholds[place as usize] = *threshold;
        }
        Ok(fresh)
    }
}
