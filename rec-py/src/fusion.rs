//! Several models as one.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::Result;
use rec_core::rank::{
    Fused, Fusion, FusionLearner, ItemFacts, LearntTrees, Recommend, Shortlisted, TreeLearner,
    TreeRanked, TreeRanker,
};

use crate::dataset::PyDataset;
use crate::errors::{internal, parameter};
use crate::ids::id_from_py;
use crate::interrupt;
use crate::items::PyItems;
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

/// What trees are told of items: tags of the table, ages by id.
fn facts(
    models: &[Arc<dyn Recommend>],
    items: Option<&PyItems>,
    ages: Option<&Bound<'_, PyDict>>,
) -> PyResult<ItemFacts> {
    let Some(ids) = models.first().map(|model| &model.ids().items) else {
        return Ok(ItemFacts::default());
    };
    let mut by_item = ages.map(|_| vec![f32::NAN; ids.len()]);
    for (id, age) in ages.into_iter().flatten() {
        // Items that cannot be recommended may well have ages.
        if let (Some(item), Some(ages)) = (ids.get(&id_from_py(&id, "ages")?), &mut by_item) {
            ages[item as usize] = age.extract()?;
        }
    }
    Ok(ItemFacts { ages: by_item, tags: items.and_then(|items| items.inner.tags_for(ids)) })
}

/// The models' shortlists; their own fusion is not asked.
fn shortlists(models: Vec<Arc<dyn Recommend>>, candidates: usize) -> Result<Shortlisted> {
    Shortlisted::new(models, Fusion::ReciprocalRank { k: 60.0 }, candidates)
}

/// Learns trees that rank the models' shortlists; what was found, as JSON.
#[pyfunction]
pub(crate) fn learn_trees(
    py: Python<'_>,
    models: Vec<PyRef<'_, PyModel>>,
    truth: PyRef<'_, PyDataset>,
    learner: &Bound<'_, PyDict>,
    candidates: usize,
    items: Option<PyRef<'_, PyItems>>,
    ages: Option<&Bound<'_, PyDict>>,
) -> PyResult<String> {
    let (members, learner): (_, TreeLearner) = (members(&models), settings("learner", learner)?);
    let facts = facts(&members, items.as_deref(), ages)?;
    let truth = &truth.inner.interactions;
    let learnt: LearntTrees =
        interrupt::run(py, |_| learner.learn(&shortlists(members, candidates)?, truth, &facts))?;
    serde_json::to_string(&learnt).map_err(|e| internal(py, &e.to_string()))
}

/// The models' shortlists, ranked by learned trees.
#[pyfunction]
pub(crate) fn rank_by_trees(
    py: Python<'_>,
    models: Vec<PyRef<'_, PyModel>>,
    ranker: &str,
    candidates: usize,
    items: Option<PyRef<'_, PyItems>>,
    ages: Option<&Bound<'_, PyDict>>,
) -> PyResult<PyModel> {
    let ranker: TreeRanker = serde_json::from_str(ranker)
        .map_err(|e| parameter("ranker", "…", &format!("it was not learned here: {e}")))?;
    let members = members(&models);
    let facts = facts(&members, items.as_deref(), ages)?;
    let ranked =
        interrupt::run(py, |_| TreeRanked::new(shortlists(members, candidates)?, ranker, facts))?;
    Ok(PyModel { inner: Arc::new(ranked), model: None, members: None })
}
