//! A fitted model of any kind, as Python holds it.

use std::sync::Arc;

use numpy::PyArray1;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use rec_core::data::Id;
use rec_core::rank::explain::Explainer;
use rec_core::rank::{Explain, Fused, OnUnknown, Query, Recommend, Users, recommend};
use rec_core::{Error, Result, parallel};
use rec_models::fit::Model;

use crate::dataset::{PyDataset, path_of};
use crate::errors::{OrRaise, internal, parameter};
use crate::ids::{history_from_py, id_from_py, id_lists_from_py, ids_from_py, map_to_py, reshaped};
use crate::interrupt;
use crate::items::PyItems;
use crate::params::to_py;
use crate::recommend::{PyExplanation, PyRecommendations};

/// A fitted model.
#[pyclass(module = "rec._native", name = "FittedModel", frozen)]
pub(crate) struct PyModel {
    pub(crate) inner: Arc<dyn Recommend>,
    /// The same, where it is one model that can be saved; a fusion of several is not.
    pub(crate) model: Option<Arc<dyn Model>>,
    /// What was fused, where it is a fusion.
    pub(crate) members: Option<Members>,
}

/// The models of a fusion, for explanations.
pub(crate) struct Members {
    pub(crate) fused: Arc<Fused>,
    pub(crate) names: Vec<String>,
    pub(crate) models: Vec<Option<Arc<dyn Model>>>,
}

impl From<Arc<dyn Model>> for PyModel {
    fn from(model: Arc<dyn Model>) -> Self {
        Self { inner: model.clone(), model: Some(model), members: None }
    }
}

/// What to do with unknown ids.
enum Unknown<'py> {
    Raise,
    Skip,
    Ask(PyRef<'py, PyModel>),
}

impl<'py> Unknown<'py> {
    fn of(policy: &Bound<'py, PyAny>) -> PyResult<Self> {
        if let Ok(model) = policy.cast::<PyModel>() {
            return Ok(Self::Ask(model.borrow()));
        }
        let text = policy.cast::<PyString>().map_err(|_| {
            PyTypeError::new_err("on_unknown: pass \"raise\", \"skip\" or a fitted model")
        })?;
        match text.to_cow()?.as_ref() {
            "raise" => Ok(Self::Raise),
            "skip" => Ok(Self::Skip),
            other => Err(parameter("on_unknown", other, "choose raise, skip or a fitted model")),
        }
    }

    fn policy(&self) -> OnUnknown<'_> {
        match self {
            Self::Raise => OnUnknown::Error,
            Self::Skip => OnUnknown::Skip,
            Self::Ask(model) => OnUnknown::Fallback(model.inner.as_ref()),
        }
    }
}

/// The parts of a query that do not say whom it is for.
struct Filters {
    k: usize,
    filter_seen: bool,
    allow: Option<Vec<Id>>,
    block: Vec<Id>,
    candidates: Option<Vec<Vec<Id>>>,
}

impl Filters {
    fn new(
        k: usize,
        filter_seen: bool,
        items: Option<&Bound<'_, PyAny>>,
        exclude: Option<&Bound<'_, PyAny>>,
        candidates: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        Ok(Self {
            k,
            filter_seen,
            allow: items.map(|i| ids_from_py(i, "items")).transpose()?,
            block: exclude.map(|i| ids_from_py(i, "exclude")).transpose()?.unwrap_or_default(),
            candidates: candidates.map(|c| id_lists_from_py(c, "candidates")).transpose()?,
        })
    }

    fn query<'a>(&'a self, users: Users<'a>, on_unknown: OnUnknown<'a>) -> Query<'a> {
        let mut query = Query::new(users, self.k);
        query.filter_seen = self.filter_seen;
        query.allow = self.allow.as_deref();
        query.block = &self.block;
        query.candidates = self.candidates.as_deref();
        query.on_unknown = on_unknown;
        query
    }
}

/// A count that Python may give as any integer; negative ones are refused by name.
pub(crate) fn count(name: &str, value: i64) -> PyResult<usize> {
    usize::try_from(value).map_err(|_| parameter(name, value, "it is not negative"))
}

/// A count of at least 1.
pub(crate) fn positive(name: &str, value: i64) -> PyResult<usize> {
    match count(name, value)? {
        0 => Err(parameter(name, value, "it is at least 1")),
        value => Ok(value),
    }
}

#[pymethods]
impl PyModel {
    /// The kind that the model folder's manifest names.
    #[getter]
    fn kind(&self) -> &'static str {
        self.model.as_ref().map_or("fusion", |m| m.kind())
    }

    /// The estimator's parameters, as a model folder holds them.
    #[getter]
    fn config<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let writer = self.one("config")?.writer().or_raise()?;
        to_py(py, &writer.manifest().config)
    }

    /// How training went, as a model folder holds it; `None` where it keeps nothing.
    #[getter]
    fn training<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let writer = self.one("training")?.writer().or_raise()?;
        to_py(py, &writer.manifest().training)
    }

    #[getter]
    fn n_users(&self) -> usize {
        self.inner.n_users()
    }

    #[getter]
    fn n_items(&self) -> usize {
        self.inner.n_items()
    }

    #[getter]
    fn user_ids<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        map_to_py(py, &self.inner.ids().users)
    }

    #[getter]
    fn item_ids<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        map_to_py(py, &self.inner.ids().items)
    }

    /// User and item factors, `[n, dim]` each, where the model has them.
    #[getter]
    fn factors<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
        let Some(factors) = self.inner.factors() else {
            return Ok(None);
        };
        let table = |values: &[f32]| {
            let rows = values.len().checked_div(factors.dim).unwrap_or(0);
            reshaped(PyArray1::from_slice(py, values).into_any(), rows, factors.dim)
        };
        Ok(Some((table(factors.users)?, table(factors.items)?)))
    }

    #[pyo3(signature = (users, *, k, filter_seen, items, exclude, candidates, on_unknown, num_threads))]
    #[allow(clippy::too_many_arguments)]
    fn recommend(
        &self,
        py: Python<'_>,
        users: Option<&Bound<'_, PyAny>>,
        k: i64,
        filter_seen: bool,
        items: Option<&Bound<'_, PyAny>>,
        exclude: Option<&Bound<'_, PyAny>>,
        candidates: Option<&Bound<'_, PyAny>>,
        on_unknown: &Bound<'_, PyAny>,
        num_threads: Option<usize>,
    ) -> PyResult<PyRecommendations> {
        let filters = Filters::new(count("k", k)?, filter_seen, items, exclude, candidates)?;
        let users = users.map(|u| ids_from_py(u, "users")).transpose()?;
        let unknown = Unknown::of(on_unknown)?;
        let users = users.as_deref().map_or(Users::All, Users::Ids);
        self.answer(py, &filters.query(users, unknown.policy()), "user", num_threads)
    }

    #[pyo3(signature = (histories, *, k, filter_seen, items, exclude, candidates, on_unknown, num_threads))]
    #[allow(clippy::too_many_arguments)]
    fn recommend_histories(
        &self,
        py: Python<'_>,
        histories: &Bound<'_, PyAny>,
        k: i64,
        filter_seen: bool,
        items: Option<&Bound<'_, PyAny>>,
        exclude: Option<&Bound<'_, PyAny>>,
        candidates: Option<&Bound<'_, PyAny>>,
        on_unknown: &Bound<'_, PyAny>,
        num_threads: Option<usize>,
    ) -> PyResult<PyRecommendations> {
        let filters = Filters::new(count("k", k)?, filter_seen, items, exclude, candidates)?;
        let histories =
            histories.try_iter()?.map(|h| history_from_py(&h?)).collect::<PyResult<Vec<_>>>()?;
        let unknown = Unknown::of(on_unknown)?;
        let users = Users::Histories(&histories);
        self.answer(py, &filters.query(users, unknown.policy()), "history", num_threads)
    }

    #[pyo3(signature = (items, *, k, num_threads))]
    fn similar_items(
        &self,
        py: Python<'_>,
        items: &Bound<'_, PyAny>,
        k: i64,
        num_threads: Option<usize>,
    ) -> PyResult<PyRecommendations> {
        let (items, k) = (ids_from_py(items, "items")?, count("k", k)?);
        let model = self.one("similar_items")?;
        let similar = model.as_similar().ok_or_else(|| self.has_no("similar_items"));
        let similar = similar.or_raise()?;
        let work = |_: &_| parallel::install(num_threads, || similar.similar_items(&items, k));
        let inner = interrupt::run(py, work)?;
        Ok(PyRecommendations { inner, names: ("item", "similar_item") })
    }

    /// Why items have their scores: for a user, or for a history.
    #[pyo3(signature = (item, *, user, history, items, keywords, train))]
    #[allow(clippy::too_many_arguments)]
    fn explain(
        &self,
        py: Python<'_>,
        item: &Bound<'_, PyAny>,
        user: Option<&Bound<'_, PyAny>>,
        history: Option<&Bound<'_, PyAny>>,
        items: Option<PyRef<'_, PyItems>>,
        keywords: Option<PyRef<'_, PyItems>>,
        train: Option<PyRef<'_, PyDataset>>,
    ) -> PyResult<PyExplanation> {
        let item = [id_from_py(item, "item")?];
        let user = user.map(|user| id_from_py(user, "user")).transpose()?;
        let history = history.map(history_from_py).transpose()?;
        let train = train.as_ref().map(|train| &train.inner);
        let own_items = train.and_then(|train| train.items.as_deref());
        let items = items.as_ref().map(|items| items.inner.as_ref()).or(own_items);
        let keywords = keywords.as_ref().map(|items| items.inner.as_ref());
        let found = interrupt::run(py, |_| {
            let mut explainer = self.explainer()?;
            if let Some(items) = items {
                explainer = explainer.with_items(items);
            }
            if let Some(keywords) = keywords {
                explainer = explainer.with_keywords(keywords);
            }
            if let Some(train) = train {
                explainer = explainer.with_log(&train.interactions);
            }
            match (&user, &history) {
                (Some(user), _) => explainer.explain(user, &item),
                (None, history) => {
                    explainer.explain_history(history.as_deref().unwrap_or_default(), &item)
                }
            }
        })?;
        let inner = found.into_iter().next();
        inner
            .map(|inner| PyExplanation { inner })
            .ok_or_else(|| internal(py, "an item without an explanation"))
    }

    /// Writes the model folder.
    fn save(&self, py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<()> {
        let path = path_of(path)?;
        let model = self.one("save")?;
        interrupt::run(py, |_| model.writer()?.save(&path))
    }

    fn __repr__(&self) -> String {
        let (users, items) = (self.inner.n_users(), self.inner.n_items());
        format!("FittedModel({:?}, {users} users, {items} items)", self.kind())
    }
}

impl PyModel {
    /// The model, where it is one and no fusion.
    fn one(&self, what: &str) -> PyResult<&Arc<dyn Model>> {
        self.model.as_ref().ok_or_else(|| self.has_no(what)).or_raise()
    }

    fn explainer(&self) -> Result<Explainer<'_>> {
        if let Some(Members { fused, names, models }) = &self.members {
            let own = models.iter().map(|model| model.as_ref()?.as_explain());
            let named: Vec<(&str, Option<&dyn Explain>)> =
                names.iter().map(String::as_str).zip(own).collect();
            return Explainer::of_fusion(fused, &named);
        }
        if let Some(pipeline) = self.model.as_ref().and_then(|model| model.as_pipeline()) {
            return pipeline.explainer();
        }
        let own = self.model.as_ref().and_then(|model| model.as_explain());
        Ok(Explainer::of_model(self.inner.as_ref(), self.kind(), own))
    }

    fn has_no(&self, what: &str) -> Error {
        Error::unsupported(what, self.kind(), "use ItemKNN, EASE, SLIM or ALS")
    }

    fn answer(
        &self,
        py: Python<'_>,
        query: &Query<'_>,
        what: &'static str,
        threads: Option<usize>,
    ) -> PyResult<PyRecommendations> {
        let model: &dyn Recommend = self.inner.as_ref();
        let inner = interrupt::run(py, |_| parallel::install(threads, || recommend(model, query)))?;
        Ok(PyRecommendations { inner, names: (what, "item") })
    }
}
