//! `rec.TagClassifier`.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::{Error, Result, parallel};
use rec_models::FitContext;
use rec_models::language::{DropoutRates, LoraConfig};
use rec_models::tags::{
    ClassWeights, ClassificationLoss, FineTuneTagger, FineTuned, HeadTagger, Labelled, Labels,
    Learner, NgramTagger, Tag, TagClassifier, TagReport, Task, ZeroShot,
};

use crate::dataset::path_of;
use crate::encoder::PyTextEncoder;
use crate::errors::OrRaise;
use crate::ids::{dense_to_py, ids_from_py, map_to_py, reshaped};
use crate::interrupt;
use crate::lesson::{Lesson, label_sets};
use crate::params::{Params, configure, params_from_py};
use crate::texts::Texts;

/// A fitted classifier of texts.
#[pyclass(module = "rec._native", name = "FittedTags", frozen)]
pub(crate) struct PyFittedTags {
    inner: Arc<TagClassifier>,
}

type Named = Vec<Vec<(Py<PyAny>, f32)>>;

/// How an encoder is trained together with its classifier.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct FineTune {
    epochs: usize,
    learning_rate: f64,
    batch_size: usize,
    dropout: f64,
    patience: Option<usize>,
    label_smoothing: f64,
    focal_gamma: f64,
    layer_decay: f64,
    frozen: Vec<String>,
    lora: Option<LoraConfig>,
    validation_share: f64,
    class_weights: ClassWeights,
}

impl FineTune {
    fn tagger(self, encoder: &PyTextEncoder) -> FineTuneTagger {
        let default = FineTuneTagger::default();
        let mut training = default.training.clone();
        training.epochs = self.epochs;
        training.learning_rate = self.learning_rate;
        training.batch_rows = Some(self.batch_size);
        training.dropout = DropoutRates::all(self.dropout);
        training.patience = self.patience;
        training.layer_decay = self.layer_decay;
        training.frozen = self.frozen;
        training.lora = self.lora;
        let options = encoder.inner.options();
        FineTuneTagger {
            training,
            loss: ClassificationLoss {
                label_smoothing: self.label_smoothing,
                focal_gamma: self.focal_gamma,
            },
            class_weights: self.class_weights,
            validation_share: self.validation_share,
            pooling: options.pooling.map(|mode| mode.to_string()),
            max_len: options.max_len,
            ..default
        }
    }
}

fn estimator(params: &Params) -> Result<NgramTagger> {
    configure::<NgramTagger>(params)
}

/// Checks the parameters' names and types.
#[pyfunction]
pub(crate) fn check_tag_params(params: &Bound<'_, PyDict>) -> PyResult<()> {
    estimator(&params_from_py(params)?).map(drop).or_raise()
}

#[pymethods]
impl PyFittedTags {
    /// Trains, learners that pretrain on `unlabelled` too, those that learn pairs with `auxiliary` labels;
    /// with `tune`, the best of several estimators by cross-validation.
    #[staticmethod]
    #[pyo3(signature = (texts, labels, params, common, progress, *, unlabelled, auxiliary, tune))]
    #[allow(clippy::too_many_arguments)]
    fn fit(
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        labels: &Bound<'_, PyAny>,
        params: &Bound<'_, PyDict>,
        common: &Bound<'_, PyDict>,
        progress: Option<Py<PyAny>>,
        unlabelled: Option<&Bound<'_, PyAny>>,
        auxiliary: Option<&Bound<'_, PyAny>>,
        tune: bool,
    ) -> PyResult<Self> {
        let mut tagger = estimator(&params_from_py(params)?).or_raise()?;
        let (mut lesson, weights) = Lesson::from_py(texts, labels, common, progress)?;
        let unlabelled = unlabelled.map(Texts::from_py).transpose()?;
        if let Some(weights) = weights {
            tagger.class_weights = weights;
        }
        let joint = auxiliary.is_some();
        if let Some(auxiliary) = auxiliary {
            lesson.beside(&ids_from_py(auxiliary, "auxiliary")?).or_raise()?;
            if !tagger.learners.iter().any(|learner| matches!(learner, Learner::Joint { .. })) {
                tagger = tagger.with_joint_learners();
            }
        }
        let inner = interrupt::run(py, |cancel| {
            let (texts, ctx) = (lesson.texts.as_strs(), lesson.context(cancel));
            if tune {
                let mut all = NgramTagger::candidates();
                for other in &mut all {
                    other.class_weights = tagger.class_weights.clone();
                    (other.folds, other.stacking) = (tagger.folds, tagger.stacking);
                }
                if joint {
                    all = all.into_iter().map(NgramTagger::with_joint_learners).collect();
                }
                tagger = NgramTagger::best_of(&all, &texts, &lesson.labelled, &ctx)?.0;
            }
            let unlabelled = unlabelled.as_ref().map(Texts::as_strs).unwrap_or_default();
            tagger.fit_with_unlabelled(&texts, &lesson.labelled, &unlabelled, &ctx)
        })?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Trains a linear head on the vectors of an encoder.
    #[staticmethod]
    fn fit_head(
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        labels: &Bound<'_, PyAny>,
        encoder: &PyTextEncoder,
        params: &Bound<'_, PyDict>,
        common: &Bound<'_, PyDict>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let mut tagger: HeadTagger = configure(&params_from_py(params)?).or_raise()?;
        let (lesson, weights) = Lesson::from_py(texts, labels, common, progress)?;
        if let Some(weights) = weights {
            tagger.class_weights = weights;
        }
        let inner = interrupt::run(py, |cancel| {
            let (texts, ctx) = (lesson.texts.as_strs(), lesson.context(cancel));
            tagger.fit(encoder.inner.clone(), &texts, &lesson.labelled, &ctx)
        })?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Trains an encoder together with its classifier; the losses of every epoch on the training
    /// and on the validation texts beside it.
    #[staticmethod]
    fn fine_tune(
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        labels: &Bound<'_, PyAny>,
        encoder: &PyTextEncoder,
        params: &Bound<'_, PyDict>,
        common: &Bound<'_, PyDict>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Self, Vec<f64>, Vec<f64>)> {
        let params: FineTune = serde_json::from_value(params_from_py(params)?.into())
            .map_err(|e| Error::data("parameters of fine-tuning", e.to_string()))
            .or_raise()?;
        let mut tagger = params.tagger(encoder);
        let (lesson, weights) = Lesson::from_py(texts, labels, common, progress)?;
        if let Some(weights) = weights {
            tagger.class_weights = weights;
        }
        let tuned = interrupt::run(py, |cancel| {
            let device = encoder.inner.options().device;
            let ctx = FitContext { device, ..lesson.context(cancel) };
            let folder = encoder.inner.trainable_folder()?;
            tagger.fit(folder, (&lesson.texts.as_strs()[..], &lesson.labelled), None, &ctx)
        })?;
        let FineTuned { classifier, losses, validation } = tuned;
        let measured = validation.iter().map(|measured| measured.loss).collect();
        Ok((Self { inner: Arc::new(classifier) }, losses, measured))
    }

    /// Labels told by their names.
    #[staticmethod]
    #[pyo3(signature = (labels, encoder, params, *, several, separator, num_threads))]
    fn zero_shot(
        py: Python<'_>,
        labels: &Bound<'_, PyAny>,
        encoder: &PyTextEncoder,
        params: &Bound<'_, PyDict>,
        several: bool,
        separator: Option<char>,
        num_threads: Option<usize>,
    ) -> PyResult<Self> {
        let options: ZeroShot = configure(&params_from_py(params)?).or_raise()?;
        let task = if several { Task::Multi } else { Task::Single };
        let labels = Labels::new(ids_from_py(labels, "labels")?, task, separator).or_raise()?;
        let inner = interrupt::run(py, |_| {
            parallel::install(num_threads, || options.classifier(encoder.inner.clone(), labels))
        })?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Fitted classifiers as one, their weights found on texts that none of them was trained on.
    #[staticmethod]
    #[pyo3(signature = (members, texts, labels, *, num_threads))]
    fn mixture(
        py: Python<'_>,
        members: Vec<PyRef<'_, Self>>,
        texts: &Bound<'_, PyAny>,
        labels: &Bound<'_, PyAny>,
        num_threads: Option<usize>,
    ) -> PyResult<Self> {
        let members: Vec<Arc<TagClassifier>> = members.iter().map(|m| m.inner.clone()).collect();
        let Some(first) = members.first() else {
            let why = "give two fitted classifiers or more";
            return Err(Error::empty("the members of a mixture", why)).or_raise();
        };
        let names = first.labels().clone();
        let sets = label_sets(labels, names.task() == Task::Multi)?;
        let texts = Texts::from_py(texts)?;
        let inner = interrupt::run(py, |_| {
            let labelled = Labelled::new(names, &sets)?;
            parallel::install(num_threads, || {
                TagClassifier::mixture(members, &texts.as_strs(), &labelled)
            })
        })?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A classifier of more labels, which no text has been seen with.
    fn with_labels(&self, py: Python<'_>, labels: &Bound<'_, PyAny>) -> PyResult<Self> {
        let names = ids_from_py(labels, "labels")?;
        let inner = interrupt::run(py, |_| self.inner.with_labels(&names))?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The kind of the model: `ngrams`, `encoder`, `zero_shot`, `mixture`.
    #[getter]
    fn kind(&self) -> &'static str {
        self.inner.model().kind()
    }

    /// Names and probabilities of a level of label paths: `[texts, names]`.
    fn predict_proba_at<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyAny>,
        depth: usize,
        num_threads: Option<usize>,
    ) -> PyResult<(Vec<String>, Bound<'py, PyAny>)> {
        let texts = Texts::from_py(texts)?;
        let (names, found) = interrupt::run(py, |_| {
            parallel::install(num_threads, || self.inner.predict_proba_at(&texts.as_strs(), depth))
        })?;
        let array = reshaped(PyArray1::from_vec(py, found).into_any(), texts.len(), names.len())?;
        Ok((names, array))
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<Self> {
        let path: PathBuf = path_of(path)?;
        let inner = interrupt::run(py, |_| TagClassifier::load(&path))?;
        Ok(Self { inner: Arc::new(inner) })
    }

    fn save(&self, py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<()> {
        let path = path_of(path)?;
        interrupt::run(py, |_| self.inner.save(&path))
    }

    #[getter]
    fn classes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        map_to_py(py, self.inner.labels().names())
    }

    /// Whether a text may have several labels.
    #[getter]
    fn several(&self) -> bool {
        self.inner.labels().task() == Task::Multi
    }

    #[getter]
    fn separator(&self) -> Option<char> {
        self.inner.labels().separator()
    }

    #[getter]
    fn thresholds<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        PyArray1::from_slice(py, self.inner.thresholds())
    }

    /// `[texts, labels]`.
    fn predict_proba<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyAny>,
        num_threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let texts = Texts::from_py(texts)?;
        let found = interrupt::run(py, |_| {
            parallel::install(num_threads, || self.inner.predict_proba(&texts.as_strs()))
        })?;
        let array = PyArray1::from_vec(py, found).into_any();
        reshaped(array, texts.len(), self.inner.labels().len())
    }

    /// An array of labels, where a text has one.
    fn predict_one<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyAny>,
        num_threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let found = self.tags(py, texts, num_threads, |texts| self.inner.predict(texts))?;
        let labels = found.iter().map(|tags| tags.first().map(|tag| tag.label));
        dense_to_py(py, self.inner.labels().names(), labels)
    }

    /// Labels with probabilities, the most probable first.
    fn predict_tags(
        &self,
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        num_threads: Option<usize>,
    ) -> PyResult<Named> {
        let found = self.tags(py, texts, num_threads, |texts| self.inner.predict(texts))?;
        Ok(self.named(py, &found))
    }

    /// The `k` most probable labels with their probabilities.
    fn top_k(
        &self,
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        k: usize,
        num_threads: Option<usize>,
    ) -> PyResult<Named> {
        let found = self.tags(py, texts, num_threads, |texts| self.inner.top_k(texts, k))?;
        Ok(self.named(py, &found))
    }

    fn evaluate<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyAny>,
        labels: &Bound<'py, PyAny>,
        num_threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let sets = label_sets(labels, self.several())?;
        let texts = Texts::from_py(texts)?;
        let report = interrupt::run(py, |_| {
            parallel::install(num_threads, || self.inner.evaluate(&texts.as_strs(), &sets))
        })?;
        figures(py, &report)
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.inner)
    }
}

impl PyFittedTags {
    fn tags(
        &self,
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        num_threads: Option<usize>,
        of: impl FnOnce(&[&str]) -> Result<Vec<Vec<Tag>>> + Send,
    ) -> PyResult<Vec<Vec<Tag>>> {
        let texts = Texts::from_py(texts)?;
        interrupt::run(py, |_| parallel::install(num_threads, || of(&texts.as_strs())))
    }

    fn named(&self, py: Python<'_>, found: &[Vec<Tag>]) -> Named {
        let labels = self.inner.labels();
        let name = |tag: &Tag| {
            let name = labels.name(tag.label).map(|id| crate::ids::id_to_py(py, id));
            Some((name?, tag.probability))
        };
        found.iter().map(|tags| tags.iter().filter_map(name).collect()).collect()
    }
}

fn figures<'py>(py: Python<'py>, report: &TagReport) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("accuracy", report.accuracy)?;
    dict.set_item("micro_f1", report.counts.micro_f1())?;
    dict.set_item("macro_f1", report.counts.macro_f1())?;
    dict.set_item("hamming_loss", report.hamming_loss)?;
    dict.set_item("map", report.mean_average_precision)?;
    dict.set_item("roc_auc", report.roc_auc)?;
    for (k, value) in &report.precision_at {
        dict.set_item(format!("precision@{k}"), value)?;
    }
    dict.set_item("ece", report.expected_calibration_error)?;
    dict.set_item("n_texts", report.n_texts)?;
    dict.set_item("unseen_labels", report.unseen.clone())?;
    if !report.levels.is_empty() {
        let levels = report.levels.iter().map(|level| {
            let figures = PyDict::new(py);
            figures.set_item("accuracy", level.accuracy)?;
            figures.set_item("micro_f1", level.counts.micro_f1())?;
            figures.set_item("macro_f1", level.counts.macro_f1())?;
            Ok(figures)
        });
        dict.set_item("levels", levels.collect::<PyResult<Vec<_>>>()?)?;
    }
    Ok(dict)
}
