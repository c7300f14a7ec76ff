//! Training by the model's kind, and loading.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::store::Manifest;
use rec_models::Device;
use rec_models::fit::{Checkpoints, FitContext, Model, Validation};

use crate::dataset::{PyDataset, path_of};
use crate::errors::OrRaise;
use crate::evaluate::measure;
use crate::interrupt;
use crate::model::{PyModel, positive};
use crate::params::params_from_py;
use crate::progress::reporter;

/// Checks an estimator's parameters by name and type.
#[pyfunction]
pub(crate) fn check_params(kind: &str, params: &Bound<'_, PyDict>) -> PyResult<()> {
    rec_models::estimator(kind, &params_from_py(params)?).map(drop).or_raise()
}

/// Checks a device by name.
#[pyfunction]
pub(crate) fn check_device(name: &str) -> PyResult<()> {
    name.parse::<Device>().and_then(Device::tensor).map(drop).or_raise()
}

/// Trains a model of this kind.
#[pyfunction]
#[pyo3(signature = (kind, params, dataset, *, seed, num_threads, device, validation, metric, patience, every, progress, checkpoints))]
#[allow(clippy::too_many_arguments)]
pub(crate) fn fit(
    py: Python<'_>,
    kind: &str,
    params: &Bound<'_, PyDict>,
    dataset: PyRef<'_, PyDataset>,
    seed: u64,
    num_threads: Option<usize>,
    device: &str,
    validation: Option<PyRef<'_, PyDataset>>,
    metric: &str,
    patience: Option<i64>,
    every: i64,
    progress: Option<Py<PyAny>>,
    checkpoints: Option<PathBuf>,
) -> PyResult<PyModel> {
    let params = params_from_py(params)?;
    let device = device.parse().or_raise()?;
    let progress = reporter(progress);
    let every = positive("every", every)?;
    let patience = patience.map(|p| positive("patience", p)).transpose()?;
    let data = &dataset.inner;
    let held_out = validation.as_ref().map(|v| &v.inner.interactions);
    let inner = interrupt::run(py, |cancel| {
        let measure = held_out.map(|test| measure(metric, test)).transpose()?;
        let validation = measure.as_ref().map(|measure| Validation {
            metric: metric.into(),
            measure,
            every,
            patience,
        });
        let mut ctx = FitContext {
            device,
            seed,
            threads: num_threads,
            progress,
            validation,
            checkpoints: checkpoints.map(|dir| Checkpoints { dir, every }),
            cancel: cancel.clone(),
        };
        let (estimator, _) = rec_models::estimator(kind, &params)?;
        Ok(Arc::<dyn Model>::from(estimator.fit_model(data, &mut ctx)?))
    })?;
    Ok(inner.into())
}

/// The kind of model that a folder holds.
#[pyfunction]
pub(crate) fn folder_kind(path: &Bound<'_, PyAny>) -> PyResult<String> {
    Manifest::read(path_of(path)?).map(|manifest| manifest.kind).or_raise()
}

/// Loads a model folder.
#[pyfunction]
pub(crate) fn load(py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<PyModel> {
    let path = path_of(path)?;
    interrupt::run(py, |_| Ok(PyModel::from(Arc::<dyn Model>::from(rec_models::load(&path)?))))
}
