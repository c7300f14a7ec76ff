//! `rec.Pipeline`: the whole job in one object.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::data::Id;
use rec_core::parallel;
use rec_models::FitContext;
use rec_models::fit::{Fit as _, Model};
use rec_models::hybrid::{Interests, Pipeline, PipelineConfig, PipelineModel};
use serde_json::Value;

use crate::dataset::PyDataset;
use crate::errors::{OrRaise, internal};
use crate::ids::{id_map, id_to_py, ids_from_py, ids_to_py};
use crate::interrupt;
use crate::leaderboard::PyLeaderboard;
use crate::model::{PyModel, positive};
use crate::params::{params_from_py, to_py};
use crate::progress::reporter;
use crate::recommend::PyRecommendations;
use crate::texts::Texts;

/// The configuration in a dictionary, checked.
fn config(given: &Bound<'_, PyDict>) -> PyResult<PipelineConfig> {
    PipelineConfig::from_value(Value::Object(params_from_py(given)?)).or_raise()
}

/// A checked configuration with every default written out.
#[pyfunction]
pub(crate) fn pipeline_config<'py>(
    py: Python<'py>,
    given: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let value = serde_json::to_value(config(given)?);
    to_py(py, &value.map_err(|e| internal(py, &e.to_string()))?)
}

/// The configuration of a TOML file, likewise.
#[pyfunction]
pub(crate) fn pipeline_from_toml(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyAny>> {
    let value = serde_json::to_value(PipelineConfig::from_toml(path).or_raise()?);
    to_py(py, &value.map_err(|e| internal(py, &e.to_string()))?)
}

/// A configuration as TOML.
#[pyfunction]
pub(crate) fn pipeline_to_toml(given: &Bound<'_, PyDict>) -> PyResult<String> {
    config(given)?.to_toml().or_raise()
}

/// Runs a pipeline on the configuration's files, or on a data set.
#[pyfunction]
#[pyo3(signature = (given, dataset, *, folder, num_threads, device, progress))]
pub(crate) fn run_pipeline(
    py: Python<'_>,
    given: &Bound<'_, PyDict>,
    dataset: Option<PyRef<'_, PyDataset>>,
    folder: Option<PathBuf>,
    num_threads: Option<usize>,
    device: &str,
    progress: Option<Py<PyAny>>,
) -> PyResult<PyModel> {
    let mut pipeline = Pipeline::new(config(given)?);
    if let Some(folder) = folder {
        pipeline = pipeline.keep_in(folder);
    }
    let device = device.parse().or_raise()?;
    let progress = reporter(progress);
    let data = dataset.as_ref().map(|dataset| &dataset.inner);
    let fitted = interrupt::run(py, |cancel| {
        let mut ctx = FitContext {
            device,
            threads: num_threads,
            progress,
            cancel: cancel.clone(),
            ..FitContext::default()
        };
        match data {
            Some(data) => pipeline.fit(data, &mut ctx),
            None => pipeline.run(&ctx),
        }
    })?;
    Ok(PyModel::from(Arc::new(fitted) as Arc<dyn Model>))
}

fn fitted(model: &PyModel) -> PyResult<&PipelineModel> {
    let pipeline = model.model.as_ref().and_then(|model| model.as_pipeline());
    pipeline.ok_or_else(|| {
        crate::errors::parameter("model", model.inner.n_users(), "it is no pipeline")
    })
}

/// How it was made: stages, split, fusion, leaderboard.
#[pyfunction]
pub(crate) fn pipeline_report<'py>(
    py: Python<'py>,
    model: PyRef<'py, PyModel>,
) -> PyResult<Bound<'py, PyAny>> {
    let value = serde_json::to_value(fitted(&model)?.report());
    to_py(py, &value.map_err(|e| internal(py, &e.to_string()))?)
}

/// The recommenders, the fusion and the shown lists on the test part.
#[pyfunction]
pub(crate) fn pipeline_leaderboard(model: PyRef<'_, PyModel>) -> PyResult<Option<PyLeaderboard>> {
    Ok(fitted(&model)?.report().leaderboard.clone().map(PyLeaderboard::from))
}

/// The profiles of these users, or of all, as JSON.
#[pyfunction]
#[pyo3(signature = (model, users, by))]
pub(crate) fn pipeline_profiles(
    py: Python<'_>,
    model: PyRef<'_, PyModel>,
    users: Option<&Bound<'_, PyAny>>,
    by: Option<&str>,
) -> PyResult<String> {
    let pipeline = fitted(&model)?;
    let by = by.map(str::parse::<Interests>).transpose().or_raise()?;
    let users = match users {
        Some(users) => ids_from_py(users, "users")?,
        None => model.inner.ids().users.iter().map(|id| id.to_owned()).collect(),
    };
    let found = interrupt::run(py, |_| pipeline.profiles(&users, by))?;
    serde_json::to_string(&found).map_err(|e| internal(py, &e.to_string()))
}

/// The best items for people who said in words what they like.
#[pyfunction]
#[pyo3(signature = (model, texts, k, *, num_threads))]
pub(crate) fn pipeline_recommend_texts(
    py: Python<'_>,
    model: PyRef<'_, PyModel>,
    texts: &Bound<'_, PyAny>,
    k: i64,
    num_threads: Option<usize>,
) -> PyResult<PyRecommendations> {
    let pipeline = fitted(&model)?;
    let (texts, k) = (Texts::from_py(texts)?, positive("k", k)?);
    let work =
        |_: &_| parallel::install(num_threads, || pipeline.recommend_texts(&texts.as_strs(), k));
    Ok(PyRecommendations { inner: interrupt::run(py, work)?, names: ("text", "item") })
}

/// The items that stand in for their past, best first.
#[pyfunction]
pub(crate) fn pipeline_stand_ins<'py>(
    py: Python<'py>,
    model: PyRef<'py, PyModel>,
    texts: &Bound<'py, PyAny>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let pipeline = fitted(&model)?;
    let texts = Texts::from_py(texts)?;
    let found = interrupt::run(py, |_| pipeline.stand_ins(&texts.as_strs()))?;
    let row =
        |row: Vec<(Id, f32)>| ids_to_py(py, &row.into_iter().map(|(id, _)| id).collect::<Vec<_>>());
    found.into_iter().map(row).collect()
}

/// Users with their cosines.
type Near = Vec<(Py<PyAny>, f32)>;

/// The users most like each of these, with the cosines of what they had.
#[pyfunction]
pub(crate) fn pipeline_nearest_users(
    py: Python<'_>,
    model: PyRef<'_, PyModel>,
    users: &Bound<'_, PyAny>,
    k: i64,
) -> PyResult<Vec<Near>> {
    let pipeline = fitted(&model)?;
    let (users, k) = (ids_from_py(users, "users")?, positive("k", k)?);
    let found = interrupt::run(py, |_| pipeline.nearest_users(&users, k))?;
    let row = |row: Vec<(Id, f32)>| {
        row.into_iter().map(|(id, cosine)| (id_to_py(py, id.as_ref()), cosine)).collect()
    };
    Ok(found.into_iter().map(row).collect())
}

/// The keywords of items, best first.
#[pyfunction]
pub(crate) fn pipeline_keywords(
    model: PyRef<'_, PyModel>,
    items: &Bound<'_, PyAny>,
) -> PyResult<Vec<Vec<String>>> {
    let pipeline = fitted(&model)?;
    let known = &model.inner.ids().items;
    let one = |id| {
        let item = known.require(rec_core::IdKind::Item, id).or_raise()?;
        Ok(pipeline.keywords(item))
    };
    ids_from_py(items, "items")?.iter().map(one).collect()
}

/// Shows only these items from now on; returns how many of them are known, how many known ones are gone,
/// and the new ones.
#[pyfunction]
pub(crate) fn pipeline_set_catalogue<'py>(
    py: Python<'py>,
    model: PyRef<'py, PyModel>,
    items: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyDict>> {
    let change =
        fitted(&model)?.set_catalogue(&id_map(&ids_from_py(items, "items")?)?).or_raise()?;
    let dict = PyDict::new(py);
    dict.set_item("known", change.known)?;
    dict.set_item("gone", change.gone)?;
    dict.set_item("new", ids_to_py(py, &change.new)?)?;
    Ok(dict)
}
