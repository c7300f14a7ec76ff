//! Probabilities and predictions, the same way for every model.

use rec_core::data::Csr;

use super::calibrate::Calibration;
use super::labels::{Labels, Task};
use super::model::TagModel;
use super::thresholds::best_thresholds;
use crate::{Error, Result};

/// A label given to a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tag {
    /// The label.
    pub label: u32,
    /// Its probability.
    pub probability: f32,
}

/// A model of any kind, with what turns its scores into probabilities and predictions.
pub struct TagClassifier {
    pub(super) model: Box<dyn TagModel>,
    pub(super) calibration: Calibration,
    pub(super) thresholds: Vec<f32>,
}

impl std::fmt::Debug for TagClassifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, labels) = (self.model.kind(), self.labels().len());
        write!(f, "TagClassifier({kind}, {labels} labels)")
    }
}

impl TagClassifier {
    /// A classifier that takes the model's scores as logits; tags are given from 0.5 on.
    pub fn new(model: Box<dyn TagModel>) -> Self {
        let calibration = Calibration::none(model.labels());
        let thresholds = vec![0.5; model.labels().len()];
        Self { model, calibration, thresholds }
    }

    /// A classifier calibrated, its thresholds tuned, on the scores of texts that the model was not
    /// trained on: `[texts, labels]`, with the texts' labels beside them.
    ///
    /// # Errors
    /// [`Error::Shape`] where scores and labels do not fit.
    pub fn calibrated(model: Box<dyn TagModel>, scores: &[f32], truth: &Csr) -> Result<Self> {
        let labels = model.labels();
        let expected = truth.n_rows() * labels.len();
        if scores.len() != expected || truth.n_cols() != labels.len() {
            let got = format!("{} and {} columns", scores.len(), truth.n_cols());
            return Err(Error::shape("held-out scores and labels", expected, got));
        }
        let calibration = Calibration::fit(labels, scores, truth);
        let mut probabilities = scores.to_vec();
        calibration.apply(&mut probabilities, labels.len());
        below_parents(labels, &mut probabilities);
        let thresholds = match labels.task() {
            Task::Single => vec![0.5; labels.len()],
            Task::Multi => best_thresholds(&probabilities, truth),
        };
        Ok(Self { model, calibration, thresholds })
    }

    /// The labels, in the order of the probabilities.
    pub fn labels(&self) -> &Labels {
        self.model.labels()
    }

    /// The model.
    pub fn model(&self) -> &dyn TagModel {
        self.model.as_ref()
    }

    /// How scores become probabilities.
    pub fn calibration(&self) -> &Calibration {
        &self.calibration
    }

    /// From which probability on each label is given, where a text may have several: `[labels]`.
    pub fn thresholds(&self) -> &[f32] {
        &self.thresholds
    }

    /// Sets from which probability on each label is given.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of thresholds than labels, [`Error::Parameter`] outside
    /// 0 to 1.
    pub fn set_thresholds(&mut self, thresholds: Vec<f32>) -> Result<()> {
        if thresholds.len() != self.labels().len() {
            return Err(Error::shape("thresholds", self.labels().len(), thresholds.len()));
        }
        if let Some(t) = thresholds.iter().find(|t| !(0.0..=1.0).contains(*t)) {
            return Err(Error::parameter("thresholds", t, "probabilities lie in 0 to 1"));
        }
        self.thresholds = thresholds;
        Ok(())
    }

    /// The probability of each label: `[texts, labels]`. With one label a text they sum to 1; of
    /// paths, none exceeds that of the label above.
    ///
    /// # Errors
    /// Those of the model.
    pub fn predict_proba<S: AsRef<str>>(&self, texts: &[S]) -> Result<Vec<f32>> {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let mut scores = self.model.scores(&texts)?;
        self.calibration.apply(&mut scores, self.labels().len());
        below_parents(self.labels(), &mut scores);
        Ok(scores)
    }

    /// The labels of each text: the most probable one, or those above their thresholds (perhaps
    /// none), the most probable first. A path brings those above it.
    ///
    /// # Errors
    /// Those of the model.
    pub fn predict<S: AsRef<str>>(&self, texts: &[S]) -> Result<Vec<Vec<Tag>>> {
        let probabilities = self.predict_proba(texts)?;
        let rows = probabilities.chunks_exact(self.labels().len());
        Ok(rows.map(|row| self.decide(row)).collect())
    }

    /// The labels that a row of probabilities stands for; see [`TagClassifier::predict`].
    pub fn decide(&self, probabilities: &[f32]) -> Vec<Tag> {
        let mut tags = ranked(probabilities);
        if self.labels().task() == Task::Single {
            tags.truncate(1);
            return tags;
        }
        let mut given: Vec<bool> =
            probabilities.iter().zip(&self.thresholds).map(|(p, t)| p >= t).collect();
        // Children have greater ids, so that going down reaches every label above.
        for label in (0..given.len()).rev().filter(|&l| self.labels().parent(l as u32).is_some()) {
            if let (true, Some(parent)) = (given[label], self.labels().parent(label as u32)) {
                given[parent as usize] = true;
            }
        }
        tags.retain(|tag| given[tag.label as usize]);
        tags
    }

    /// The `k` most probable labels of each text, whatever the thresholds.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `k` of 0, and those of the model.
    pub fn top_k<S: AsRef<str>>(&self, texts: &[S], k: usize) -> Result<Vec<Vec<Tag>>> {
        if k == 0 {
            return Err(Error::parameter("k", 0, "choose how many labels a text, at least 1"));
        }
        let probabilities = self.predict_proba(texts)?;
        let best = |row| {
            let mut tags = ranked(row);
            tags.truncate(k);
            tags
        };
        Ok(probabilities.chunks_exact(self.labels().len()).map(best).collect())
    }
}

/// All labels, the most probable first; among equals the smaller id.
fn ranked(probabilities: &[f32]) -> Vec<Tag> {
    let tags = (0..).zip(probabilities);
    let mut tags: Vec<Tag> = tags.map(|(label, &probability)| Tag { label, probability }).collect();
    tags.sort_by(|a, b| b.probability.total_cmp(&a.probability).then(a.label.cmp(&b.label)));
    tags
}

fn below_parents(labels: &Labels, probabilities: &mut [f32]) {
    if labels.separator().is_none() {
        return;
    }
    for row in probabilities.chunks_exact_mut(labels.len()) {
        // Parents have smaller ids, and are final when their children are reached.
        for label in 0..row.len() {
            if let Some(parent) = labels.parent(label as u32) {
                row[label] = row[label].min(row[parent as usize]);
            }
        }
    }
}
