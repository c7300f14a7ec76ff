//! Fusion of models, and re-ranking of what they answer.

use std::sync::Arc;

use pyo3::prelude::*;
use rec_core::data::{Csr, Items};
use rec_core::rank::{
    Calibration, Fused, Fusion, Mmr, Normalize, Recommend, Recommendations, TopK, cosine, jaccard,
    tag_profiles,
};
use rec_core::{Error, Result};

use crate::dataset::PyDataset;
use crate::errors::parameter;
use crate::interrupt;
use crate::items::PyItems;
use crate::model::{PyModel, count};
use crate::params::{Params, params_from_py};
use crate::recommend::PyRecommendations;

fn normalization(name: &str) -> PyResult<Normalize> {
    serde_json::from_value(serde_json::Value::from(name))
        .map_err(|e| parameter("normalize", name, &e.to_string()))
}

/// Fuses fitted models into one that recommends.
#[pyfunction]
pub(crate) fn fuse(
    py: Python<'_>,
    models: Vec<PyRef<'_, PyModel>>,
    fusion: &Bound<'_, pyo3::types::PyDict>,
) -> PyResult<PyModel> {
    let params: Params = params_from_py(fusion)?;
    let fusion: Fusion = serde_json::from_value(serde_json::Value::Object(params))
        .map_err(|e| parameter("fusion", "…", &e.to_string()))?;
    let members: Vec<Arc<dyn Recommend>> = models.iter().map(|m| m.inner.clone()).collect();
    let fused = interrupt::run(py, |_| Fused::new(members, fusion))?;
    Ok(PyModel { inner: Arc::new(fused), model: None })
}

/// Re-ranks for diversity by maximal marginal relevance.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub(crate) fn rerank_mmr(
    py: Python<'_>,
    candidates: PyRef<'_, PyRecommendations>,
    items: PyRef<'_, PyItems>,
    k: i64,
    relevance: f32,
    similarity: &str,
    normalize: &str,
) -> PyResult<PyRecommendations> {
    let mmr = Mmr { lambda: relevance, normalize: normalization(normalize)? };
    let (k, from, table) = (count("k", k)?, &candidates.inner, items.inner.as_ref());
    let top = interrupt::run(py, |_| diversify(&mmr, from, table, k, similarity))?;
    Ok(answer(&candidates, top))
}

fn diversify(
    mmr: &Mmr,
    from: &Recommendations,
    items: &Items,
    k: usize,
    similarity: &str,
) -> Result<TopK> {
    let ids = &from.ids.items;
    if similarity == "jaccard" {
        return mmr.rerank(&from.top, k, jaccard(&tags_of(items, from)?));
    }
    let Some(field) = items.vectors().iter().find(|f| f.name == similarity) else {
        return Err(Error::parameter(
            "similarity",
            similarity,
            "choose jaccard (of tags), or name a vector field of the items",
        ));
    };
    let mut values = vec![0.0; ids.len() * field.dim];
    for (to, row) in values.chunks_exact_mut(field.dim).zip(items.rows_of(ids)) {
        if let Some(row) = row {
            to.copy_from_slice(&field.values[row as usize * field.dim..][..field.dim]);
        }
    }
    mmr.rerank(&from.top, k, cosine(&values, field.dim)?)
}

/// Re-ranks so that the list's tags match those of the user's past.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub(crate) fn rerank_calibrate(
    py: Python<'_>,
    candidates: PyRef<'_, PyRecommendations>,
    past: PyRef<'_, PyDataset>,
    items: PyRef<'_, PyItems>,
    k: i64,
    strength: f32,
    alpha: f32,
    normalize: &str,
) -> PyResult<PyRecommendations> {
    let normalize = normalization(normalize)?;
    let calibration = Calibration { lambda: strength, alpha, normalize };
    let (k, from) = (count("k", k)?, &candidates.inner);
    let (log, table) = (&past.inner.interactions, items.inner.as_ref());
    let top = interrupt::run(py, |_| {
        let tags = tags_of(table, from)?;
        let matrix = log.mapped_to(&from.ids)?.0.matrix();
        let row = |query| match from.ids.users.get(query) {
            Some(user) => matrix.iter_row(user as usize).collect(),
            None => Vec::new(),
        };
        let past = Csr::from_rows(from.queries.iter().map(row), matrix.n_cols());
        calibration.rerank(&from.top, k, &tag_profiles(&past, &tags)?, &tags)
    })?;
    Ok(answer(&candidates, top))
}

fn tags_of(items: &Items, from: &Recommendations) -> Result<Csr> {
    items.tags_for(&from.ids.items).ok_or_else(|| {
        Error::data("items", "they have no tags; name their column when reading the items")
    })
}

fn answer(candidates: &PyRecommendations, top: TopK) -> PyRecommendations {
    let inner = Recommendations { top, ..candidates.inner.clone() };
    PyRecommendations { inner, names: candidates.names }
}
