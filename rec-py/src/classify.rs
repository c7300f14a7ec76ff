//! Metrics of classification: `rec.metrics`.

use std::collections::BTreeSet;

use numpy::{PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use rec_core::data::{Csr, Id, IdMap};
use rec_core::metrics::classify as metrics;
use rec_core::{Error, Result};

use crate::errors::OrRaise;
use crate::ids::{id_lists_from_py, ids_from_py, map_to_py, reshaped};

/// Counts of labels, true and predicted, of all texts.
#[pyclass(module = "rec._native", name = "LabelCounts", frozen)]
pub(crate) struct PyLabelCounts {
    labels: IdMap,
    counts: metrics::LabelCounts,
    confusion: Option<metrics::ConfusionMatrix>,
    accuracy: f64,
    hamming_loss: f64,
}

/// The sorted union of both sides' labels.
fn union(truth: &[Vec<Id>], predicted: &[Vec<Id>]) -> Result<IdMap> {
    let all: BTreeSet<&Id> = truth.iter().chain(predicted).flatten().collect();
    IdMap::from_ids(all)
}

fn rows(labels: &IdMap, sets: &[Vec<Id>]) -> Csr {
    let row = |set: &Vec<Id>| {
        let distinct: BTreeSet<u32> = set.iter().filter_map(|id| labels.get(id)).collect();
        distinct.into_iter().map(|label| (label, 1.0)).collect()
    };
    Csr::from_rows(sets.iter().map(row), labels.len())
}

#[pymethods]
impl PyLabelCounts {
    #[new]
    fn new(y_true: &Bound<'_, PyAny>, y_pred: &Bound<'_, PyAny>, several: bool) -> PyResult<Self> {
        let sets = |labels: &Bound<'_, PyAny>, what: &str| -> PyResult<Vec<Vec<Id>>> {
            match several {
                true => id_lists_from_py(labels, what),
                false => Ok(ids_from_py(labels, what)?.into_iter().map(|id| vec![id]).collect()),
            }
        };
        let (truth, predicted) = (sets(y_true, "y_true")?, sets(y_pred, "y_pred")?);
        Self::of(&truth, &predicted, several).or_raise()
    }

    #[getter]
    fn labels<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        map_to_py(py, &self.labels)
    }

    #[getter]
    fn accuracy(&self) -> f64 {
        self.accuracy
    }

    #[getter]
    fn hamming_loss(&self) -> f64 {
        self.hamming_loss
    }

    /// Precision, recall and F1 of each label.
    #[getter]
    fn by_label(&self) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
        (self.counts.precision(), self.counts.recall(), self.counts.f1())
    }

    #[getter]
    fn support(&self) -> Vec<u64> {
        self.counts.support()
    }

    /// Precision, recall and F1 over the pooled decisions.
    #[getter]
    fn micro(&self) -> (f64, f64, f64) {
        let counts = &self.counts;
        (counts.micro_precision(), counts.micro_recall(), counts.micro_f1())
    }

    /// Their means over the labels.
    #[getter]
    fn r#macro(&self) -> (f64, f64, f64) {
        let counts = &self.counts;
        (counts.macro_precision(), counts.macro_recall(), counts.macro_f1())
    }

    /// `[true label, predicted label]`, where a text has one label.
    #[getter]
    fn confusion<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let Some(matrix) = &self.confusion else { return Ok(None) };
        let array = PyArray1::from_slice(py, matrix.counts()).into_any();
        reshaped(array, matrix.n_labels(), matrix.n_labels()).map(Some)
    }
}

impl PyLabelCounts {
    fn of(truth: &[Vec<Id>], predicted: &[Vec<Id>], several: bool) -> Result<Self> {
        let labels = union(truth, predicted)?;
        let (truth, predicted) = (rows(&labels, truth), rows(&labels, predicted));
        let counts = metrics::LabelCounts::multi(&truth, &predicted)?;
        let confusion =
            || metrics::ConfusionMatrix::new(truth.indices(), predicted.indices(), labels.len());
        Ok(Self {
            counts,
            confusion: if several { None } else { Some(confusion()?) },
            accuracy: metrics::subset_accuracy(&truth, &predicted)?,
            hamming_loss: metrics::hamming_loss(&truth, &predicted)?,
            labels,
        })
    }
}

/// Truth and scores, `[texts, labels]` each, as the library takes them.
fn table(
    truth: &PyReadonlyArray2<'_, bool>,
    scores: &PyReadonlyArray2<'_, f32>,
) -> Result<(Csr, Vec<f32>)> {
    if truth.shape() != scores.shape() {
        let (expected, got) = (format!("{:?}", truth.shape()), format!("{:?}", scores.shape()));
        return Err(Error::shape("scores beside the true labels", expected, got));
    }
    let row = |row: numpy::ndarray::ArrayView1<'_, bool>| {
        (0..).zip(row).filter(|(_, has)| **has).map(|(label, _)| (label, 1.0)).collect()
    };
    let truth = truth.as_array();
    let rows = Csr::from_rows(truth.outer_iter().map(row), truth.ncols());
    Ok((rows, scores.as_array().iter().copied().collect()))
}

/// mAP.
#[pyfunction]
pub(crate) fn classify_map(
    truth: PyReadonlyArray2<'_, bool>,
    scores: PyReadonlyArray2<'_, f32>,
) -> PyResult<f64> {
    table(&truth, &scores).and_then(|(t, s)| metrics::mean_average_precision(&t, &s)).or_raise()
}

/// The mean one-versus-rest ROC-AUC.
#[pyfunction]
pub(crate) fn classify_roc_auc(
    truth: PyReadonlyArray2<'_, bool>,
    scores: PyReadonlyArray2<'_, f32>,
) -> PyResult<f64> {
    table(&truth, &scores).and_then(|(t, s)| metrics::roc_auc_macro(&t, &s)).or_raise()
}

/// The share of right labels among the `k` of highest score.
#[pyfunction]
pub(crate) fn classify_precision_at_k(
    truth: PyReadonlyArray2<'_, bool>,
    scores: PyReadonlyArray2<'_, f32>,
    k: usize,
) -> PyResult<f64> {
    table(&truth, &scores).and_then(|(t, s)| metrics::precision_at_k(&t, &s, k)).or_raise()
}

/// ECE.
#[pyfunction]
pub(crate) fn classify_ece(
    confidence: PyReadonlyArray1<'_, f32>,
    right: PyReadonlyArray1<'_, bool>,
    bins: usize,
) -> PyResult<f64> {
    let confidence: Vec<f32> = confidence.as_array().iter().copied().collect();
    let right: Vec<bool> = right.as_array().iter().copied().collect();
    metrics::expected_calibration_error(&confidence, &right, bins).or_raise()
}
