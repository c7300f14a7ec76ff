//! How good a classifier is on labelled texts.

use std::collections::BTreeMap;

use rec_core::data::{Csr, Id};
use rec_core::metrics::classify::{
    LabelCounts, expected_calibration_error, hamming_loss, mean_average_precision, precision_at_k,
    roc_auc_macro, subset_accuracy,
};

use super::classifier::{Tag, TagClassifier};
use super::labels::Task;
use super::levels::LevelReport;
use crate::{Error, Result};

/// Figures of a classifier on labelled texts. A label never seen in training counts as missed in
/// every text that has it.
#[derive(Clone, Debug)]
pub struct TagReport {
    /// Texts measured.
    pub n_texts: usize,
    /// The share of texts whose label, or whole set of labels, was predicted.
    pub accuracy: f64,
    /// The share of wrong decisions among all texts and labels.
    pub hamming_loss: f64,
    /// Counts of each label; those never seen in training behind the others.
    pub counts: LabelCounts,
    /// Mean average precision over the labels seen in training that occur here; `None` if none does.
    pub mean_average_precision: Option<f64>,
    /// The mean one-versus-rest ROC-AUC over the labels seen in training; `None` where none divides
    /// the texts.
    pub roc_auc: Option<f64>,
    /// The share of right labels among the 1, 3 and 5 most probable (as far as there are so many).
    pub precision_at: BTreeMap<usize, f64>,
    /// ECE in 15 bins: of the predicted label with one label a text, of every decision with several.
    pub expected_calibration_error: f64,
    /// Labels never seen in training, with the number of texts that have them.
    pub unseen: BTreeMap<String, usize>,
    /// Of label paths, the figures of every level, from the top.
    pub levels: Vec<LevelReport>,
}

impl TagClassifier {
    /// Measures predictions on texts and the names of their labels.
    ///
    /// # Errors
    /// [`Error::Shape`] where texts and labels differ in number, [`Error::Empty`] for none, and
    /// those of the model.
    pub fn evaluate<S: AsRef<str>>(&self, texts: &[S], truth: &[Vec<Id>]) -> Result<TagReport> {
        if texts.len() != truth.len() {
            return Err(Error::shape("labels beside the texts", texts.len(), truth.len()));
        }
        let probabilities = self.predict_proba(texts)?;
        let names = truth;
        let Truth { known, all, unseen } = self.truth(truth)?;
        let n_labels = self.labels().len();
        let rows = probabilities.chunks_exact(n_labels);
        let predicted: Vec<Vec<Tag>> = rows.map(|row| self.decide(row)).collect();
        let given = predicted.iter().map(|tags| tags.iter().map(|tag| (tag.label, 1.0)).collect());
        let given = Csr::from_rows(given, all.n_cols());
        let (confidence, right) = self.outcomes(&probabilities, &predicted, &known);
        let at = [1, 3, 5].into_iter().filter(|&k| k <= n_labels);
        let at = at.map(|k| Ok((k, precision_at_k(&known, &probabilities, k)?)));
        Ok(TagReport {
            n_texts: texts.len(),
            accuracy: subset_accuracy(&all, &given)?,
            hamming_loss: hamming_loss(&all, &given)?,
            counts: LabelCounts::multi(&all, &given)?,
            mean_average_precision: mean_average_precision(&known, &probabilities).ok(),
            roc_auc: roc_auc_macro(&known, &probabilities).ok(),
            precision_at: at.collect::<Result<_>>()?,
            expected_calibration_error: expected_calibration_error(&confidence, &right, 15)?,
            unseen,
            levels: self.level_reports(&probabilities, &predicted, names)?,
        })
    }

    fn truth(&self, sets: &[Vec<Id>]) -> Result<Truth> {
        let labels = self.labels();
        let mut unseen: BTreeMap<String, usize> = BTreeMap::new();
        let mut known = Vec::with_capacity(sets.len());
        for set in sets {
            let is_known = |id: &&Id| labels.names().get(id.as_ref()).is_some();
            let (seen, new): (Vec<&Id>, Vec<&Id>) = set.iter().partition(is_known);
            known.push(seen.into_iter().cloned().collect::<Vec<Id>>());
            for id in new {
                *unseen.entry(id.as_ref().to_string()).or_default() += 1;
            }
        }
        let row = |set: &Vec<Id>| match (labels.task(), set.is_empty()) {
            (Task::Single, true) => Ok(Vec::new()),
            _ => labels.row(0, set),
        };
        let rows = known.iter().map(row).collect::<Result<Vec<_>>>()?;
        let extra = |name: &str| unseen.keys().position(|n| n == name);
        let all = rows.iter().zip(sets).map(|(row, set)| {
            let mut row = row.clone();
            let new = set.iter().filter_map(|id| extra(&id.as_ref().to_string()));
            row.extend(new.map(|at| ((labels.len() + at) as u32, 1.0)));
            row
        });
        let all = Csr::from_rows(all, labels.len() + unseen.len());
        Ok(Truth { known: Csr::from_rows(rows, labels.len()), all, unseen })
    }

    fn outcomes(
        &self,
        probabilities: &[f32],
        predicted: &[Vec<Tag>],
        known: &Csr,
    ) -> (Vec<f32>, Vec<bool>) {
        let n_labels = self.labels().len();
        match self.labels().task() {
            Task::Single => (0..)
                .zip(predicted.iter().flatten())
                .map(|(row, tag)| (tag.probability.min(1.0), known.contains(row, tag.label)))
                .unzip(),
            Task::Multi => (0..)
                .zip(probabilities)
                .map(|(at, &p)| (p, known.contains(at / n_labels, (at % n_labels) as u32)))
                .unzip(),
        }
    }
}

struct Truth {
    /// `[texts, labels]`: labels seen in training.
    known: Csr,
    /// `[texts, labels and those never seen]`.
    all: Csr,
    unseen: BTreeMap<String, usize>,
}
