//! The contract of all models that label texts.

use rec_core::data::Id;
use rec_core::store::ModelWriter;

use super::labels::Labels;
use crate::{Error, Result};

/// Something that scores labels: linear models on n-grams, networks on an encoder. Probabilities,
/// thresholds and predictions are not its business: a [`TagClassifier`](super::TagClassifier) makes
/// them from the scores, the same way for every model.
pub trait TagModel: Send + Sync {
    /// The kind that the model folder names (`ngrams`).
    fn kind(&self) -> &'static str;

    /// The labels, in the order of the scores.
    fn labels(&self) -> &Labels;

    /// How much each label suits each text, any real numbers: `[texts, labels]`, row-major. They are
    /// the logits that [`Calibration::none`](super::Calibration::none) would take as they are. An
    /// empty text gets what the model knows without reading, such as how frequent each label is.
    ///
    /// # Errors
    /// Where the texts cannot be read.
    fn scores(&self, texts: &[&str]) -> Result<Vec<f32>>;

    /// Adds the model's arrays, their names behind `prefix`, and returns its configuration.
    ///
    /// # Errors
    /// Where the model cannot be written.
    fn write(&self, writer: &mut ModelWriter, prefix: &str) -> Result<serde_json::Value>;

    /// A model of these labels too, which no text has been seen with.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where labels are learned from texts.
    fn with_labels(&self, _names: &[Id]) -> Result<Box<dyn TagModel>> {
        let why =
            "it learns labels from texts; train it with texts of the new ones, or use ZeroShot";
        Err(Error::unsupported(
            "adding labels",
            format!("a tag model of kind {}", self.kind()),
            why,
        ))
    }
}
