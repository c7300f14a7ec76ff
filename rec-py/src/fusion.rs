//! Several models as one.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::rank::{Fused, Fusion, FusionLearner, Recommend};

use crate::dataset::PyDataset;
use crate::errors::internal;
use crate::interrupt;
use crate::model::{Members, PyModel};
use crate::params::settings;

fn members(models: &[PyRef<'_, PyModel>]) -> Vec<Arc<dyn Recommend>> {
    models.iter().map(|model| model.inner.clone()).collect()
}

/// Fuses fitted models into one that recommends.
#[pyfunction]
pub(crate) fn fuse(
    py: Python<'_>,
    models: Vec<PyRef<'_, PyModel>>,
    names: Vec<String>,
    fusion: &Bound<'_, PyDict>,
) -> PyResult<PyModel> {
    let (members, fusion): (_, Fusion) = (members(&models), settings("fusion", fusion)?);
    let fused = Arc::new(interrupt::run(py, |_| Fused::new(members, fusion))?);
    let models = models.iter().map(|model| model.model.clone()).collect();
    let members = Members { fused: fused.clone(), names, models };
    Ok(PyModel { inner: fused, model: None, members: Some(members) })
}

/// Learns weights by level of activity from a held-out part; what was found, as JSON.
#[pyfunction]
pub(crate) fn learn_fusion(
    py: Python<'_>,
    models: Vec<PyRef<'_, PyModel>>,
    truth: PyRef<'_, PyDataset>,
    learner: &Bound<'_, PyDict>,
) -> PyResult<String> {
    let (members, learner): (_, FusionLearner) = (members(&models), settings("learner", learner)?);
    let truth = &truth.inner.interactions;
    let learnt = interrupt::run(py, |_| learner.learn(&members, truth))?;
    serde_json::to_string(&learnt).map_err(|e| internal(py, &e.to_string()))
}
