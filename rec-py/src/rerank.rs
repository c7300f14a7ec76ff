//! Re-ranking of what models answer.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::data::{Csr, Items};
use rec_core::rank::{
    Calibration, Dpp, Freshness, Mmr, Normalize, Recommendations, Rules, TopK, cosine, jaccard,
    tag_profiles,
};
use rec_core::{Error, Result};

use crate::dataset::PyDataset;
use crate::errors::parameter;
use crate::ids::id_from_py;
use crate::interrupt;
use crate::items::PyItems;
use crate::model::count;
use crate::params::settings;
use crate::recommend::PyRecommendations;

fn normalization(name: &str) -> PyResult<Normalize> {
    serde_json::from_value(serde_json::Value::from(name))
        .map_err(|e| parameter("normalize", name, &e.to_string()))
}

/// Re-ranks for diversity: by maximal marginal relevance, or by a determinantal point process.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub(crate) fn rerank_diverse(
    py: Python<'_>,
    candidates: PyRef<'_, PyRecommendations>,
    items: PyRef<'_, PyItems>,
    k: i64,
    method: &str,
    relevance: f32,
    similarity: &str,
    normalize: &str,
) -> PyResult<PyRecommendations> {
    let normalize = normalization(normalize)?;
    let (k, from, table) = (count("k", k)?, &candidates.inner, items.inner.as_ref());
    let top = interrupt::run(py, |_| {
        by_similarity(from, table, similarity, |like| match method {
            "mmr" => Mmr { lambda: relevance, normalize }.rerank(&from.top, k, like),
            "dpp" => Dpp { theta: relevance, normalize }.rerank(&from.top, k, like),
            other => Err(Error::parameter("method", other, "choose mmr or dpp")),
        })
    })?;
    Ok(answer(&candidates, top))
}

/// How alike two dense items are.
type Like<'a> = &'a (dyn Fn(u32, u32) -> f32 + Sync);

/// Hands the similarity of this name to `rerank`.
fn by_similarity(
    from: &Recommendations,
    items: &Items,
    similarity: &str,
    rerank: impl FnOnce(Like<'_>) -> Result<TopK>,
) -> Result<TopK> {
    let ids = &from.ids.items;
    if similarity == "jaccard" {
        return rerank(&jaccard(&tags_of(items, from)?));
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
    rerank(&cosine(&values, field.dim)?)
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

/// New items before old ones; `times` holds when items appeared.
#[pyfunction]
pub(crate) fn rerank_freshness(
    py: Python<'_>,
    candidates: PyRef<'_, PyRecommendations>,
    times: &Bound<'_, PyDict>,
    now: i64,
    half_life: f64,
    weight: f32,
    normalize: &str,
) -> PyResult<PyRecommendations> {
    let freshness = Freshness { half_life, weight, normalize: normalization(normalize)? };
    let from = &candidates.inner;
    let mut by_item = vec![None; from.ids.items.len()];
    for (id, time) in times.iter() {
        // Items that cannot be recommended may well have times.
        if let Some(item) = from.ids.items.get(&id_from_py(&id, "times")?) {
            by_item[item as usize] = Some(time.extract()?);
        }
    }
    let top = interrupt::run(py, |_| freshness.adjust(&from.top, &by_item, now))?;
    Ok(answer(&candidates, top))
}

/// Blocks and boosts, and with a `k` keeps quotas and pinned items' places.
#[pyfunction]
#[pyo3(signature = (candidates, items, k, rules))]
pub(crate) fn rerank_rules(
    py: Python<'_>,
    candidates: PyRef<'_, PyRecommendations>,
    items: Option<PyRef<'_, PyItems>>,
    k: Option<i64>,
    rules: &Bound<'_, PyDict>,
) -> PyResult<PyRecommendations> {
    let rules: Rules = settings("rules", rules)?;
    let k = k.map(|k| count("k", k)).transpose()?;
    let (from, table) = (&candidates.inner, items.as_ref().map(|items| items.inner.as_ref()));
    let top = interrupt::run(py, |_| {
        let ids = &from.ids.items;
        let tags = table.and_then(|table| Some((table.tags_for(ids)?, table.tag_names())));
        let bound = rules.bind(ids, tags.as_ref().map(|(tags, names)| (tags, *names)))?;
        let adjusted = bound.adjust(&from.top)?;
        k.map_or(Ok(adjusted.clone()), |k| bound.select(&adjusted, k))
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
