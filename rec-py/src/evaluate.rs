//! Measuring models and ready-made lists.

use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::data::{Csr, IdMap, Interactions, Items};
use rec_core::metrics::{
    Candidates, EvaluateOptions, ItemSimilarity, ListOptions, Metric, Missing, PairedOptions,
    PairedTest, Popularity, RankedLists, Report, Run, Sampler, Seen, TagCosine, TagJaccard, Ties,
    UserIds, VectorCosine, evaluate, evaluate_lists, evaluate_run, paired_test,
};
use rec_core::rank::Recommend;
use rec_core::{Error, Result};

use crate::dataset::PyDataset;
use crate::errors::{OrRaise, internal, parameter};
use crate::ids::ids_from_py;
use crate::interrupt;
use crate::model::{PyModel, positive};
use crate::params::to_py;
use crate::recommend::PyRecommendations;

/// What an evaluation found.
#[pyclass(module = "rec._native", name = "Report", frozen)]
pub(crate) struct PyReport {
    inner: Report,
}

#[pymethods]
impl PyReport {
    /// Everything but the values of single users.
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let summary = serde_json::to_value(self.inner.summary());
        to_py(py, &summary.map_err(|e| internal(py, &e.to_string()))?)
    }

    /// Each user's value of a metric: `[users]`.
    fn per_user<'py>(&self, py: Python<'py>, metric: &str) -> PyResult<Bound<'py, PyAny>> {
        let figure = self.inner.require(metric).or_raise()?;
        Ok(PyArray1::from_slice(py, &figure.values).into_any())
    }

    /// The users of those values.
    #[getter]
    fn users<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.inner.users {
            UserIds::Int(ids) => Ok(PyArray1::from_slice(py, ids).into_any()),
            UserIds::Text(ids) => {
                let map: Vec<_> = ids.iter().map(|id| id.as_str().into()).collect();
                crate::ids::ids_to_py(py, &map)
            }
        }
    }

    fn __str__(&self) -> String {
        self.inner.to_string()
    }
}

/// What a paired test of two models found.
#[pyclass(module = "rec", name = "PairedTest", frozen)]
pub(crate) struct PyPairedTest {
    inner: PairedTest,
}

#[pymethods]
impl PyPairedTest {
    /// The compared metric.
    #[getter]
    fn metric(&self) -> &str {
        &self.inner.name
    }

    /// Mean of the first model minus mean of the second.
    #[getter]
    fn difference(&self) -> f64 {
        self.inner.difference
    }

    /// Bootstrap interval of the difference.
    #[getter]
    fn interval(&self) -> Option<(f64, f64)> {
        self.inner.interval
    }

    /// Two-sided p-value of the sign-flip permutation test.
    #[getter]
    fn p_value(&self) -> f64 {
        self.inner.p_value
    }

    /// Users compared.
    #[getter]
    fn users(&self) -> usize {
        self.inner.users
    }

    /// Users for whom the first model is better, and for whom the second is.
    #[getter]
    fn wins(&self) -> (usize, usize) {
        self.inner.wins
    }

    fn __repr__(&self) -> String {
        format!("rec.PairedTest({})", self.inner)
    }
}

/// The keyword arguments that evaluations share.
pub(crate) struct Asked {
    pub(crate) metrics: Vec<Metric>,
    protocol: String,
    bootstrap: usize,
    confidence: f64,
    seed: u64,
    threads: Option<usize>,
    given: Vec<(String, Py<PyAny>)>,
}

impl Asked {
    pub(crate) fn of(metrics: Vec<String>, options: &Bound<'_, PyDict>) -> PyResult<Self> {
        let mut asked = Self {
            metrics: Metric::parse_all(&metrics).or_raise()?,
            protocol: String::new(),
            bootstrap: 1000,
            confidence: 0.95,
            seed: 0,
            threads: None,
            given: Vec::new(),
        };
        for (name, value) in options {
            let name: String = name.extract()?;
            match name.as_str() {
                "protocol" => asked.protocol = value.extract()?,
                "bootstrap" => asked.bootstrap = value.extract()?,
                "confidence" => asked.confidence = value.extract()?,
                "seed" => asked.seed = value.extract()?,
                "num_threads" => asked.threads = value.extract()?,
                _ => asked.given.push((name, value.unbind())),
            }
        }
        Ok(asked)
    }

    fn list_options<'a>(&self, similarity: Option<&'a dyn ItemSimilarity>) -> ListOptions<'a> {
        ListOptions {
            similarity,
            protocol: self.protocol.clone(),
            bootstrap: self.bootstrap,
            confidence: self.confidence,
            seed: self.seed,
            threads: self.threads,
            ..ListOptions::new(self.metrics.clone())
        }
    }

    /// The options of the evaluation of a model.
    pub(crate) fn options<'a>(&self, py: Python<'_>) -> PyResult<EvaluateOptions<'a>> {
        let mut options = EvaluateOptions {
            metrics: self.metrics.clone(),
            protocol: self.protocol.clone(),
            bootstrap: self.bootstrap,
            confidence: self.confidence,
            seed: self.seed,
            threads: self.threads,
            ..EvaluateOptions::default()
        };
        let (mut candidates, mut sampler) = (None, Sampler::Uniform);
        for (name, value) in &self.given {
            let value = value.bind(py);
            match name.as_str() {
                "ties" => options.ties = ties(&value.extract::<String>()?)?,
                "min_weight" => options.min_weight = value.extract()?,
                "unknown_users" => options.unknown_users = missing(name, value)?,
                "unknown_items" => options.unknown_items = missing(name, value)?,
                "seen_items" => options.seen_items = missing(name, value)?,
                "candidates" => {
                    candidates = value.extract::<Option<i64>>()?;
                }
                "sampler" => sampler = self::sampler(&value.extract::<String>()?)?,
                other => {
                    return Err(parameter(other, value.repr()?, "rec.evaluate has no such option"));
                }
            }
        }
        if let Some(n) = candidates {
            let n = positive("candidates", n)?;
            options.candidates = Candidates::Sampled { n, sampler, seed: self.seed };
        }
        Ok(options)
    }
}

fn ties(name: &str) -> PyResult<Ties> {
    match name {
        "pessimistic" => Ok(Ties::Pessimistic),
        "by_id" => Ok(Ties::ById),
        _ => Err(parameter("ties", name, "choose pessimistic or by_id")),
    }
}

fn sampler(name: &str) -> PyResult<Sampler> {
    match name {
        "uniform" => Ok(Sampler::Uniform),
        "popularity" => Ok(Sampler::Popularity),
        _ => Err(parameter("sampler", name, "choose uniform or popularity")),
    }
}

fn missing(option: &str, value: &Bound<'_, PyAny>) -> PyResult<Missing> {
    match value.extract::<String>()?.as_str() {
        "miss" => Ok(Missing::Miss),
        "leave_out" => Ok(Missing::LeaveOut),
        other => Err(parameter(option, other, "choose miss or leave_out")),
    }
}

/// How alike items are: by tags (Jaccard or cosine), or by a table of vectors.
pub(crate) enum Alike {
    Jaccard(Csr),
    Cosine(Csr),
    Vectors(VectorCosine),
}

impl Alike {
    /// By the name `jaccard`, `cosine` (both of tags) or a vector field's, in a model's item order.
    fn of(items: &Items, by: &str, ids: &IdMap) -> Result<Self> {
        if let Some(field) = items.vectors().iter().find(|f| f.name == by) {
            let mut values = vec![0.0; ids.len() * field.dim];
            for (to, row) in values.chunks_exact_mut(field.dim).zip(items.rows_of(ids)) {
                if let Some(row) = row {
                    to.copy_from_slice(&field.values[row as usize * field.dim..][..field.dim]);
                }
            }
            return Ok(Self::Vectors(VectorCosine::new(field.dim, &values)?));
        }
        let tags = |make: fn(Csr) -> Self| match items.tags_for(ids) {
            Some(tags) => Ok(make(tags)),
            None => Err(Error::data("items", "they have no tags to be alike by")),
        };
        match by {
            "jaccard" => tags(Self::Jaccard),
            "cosine" => tags(Self::Cosine),
            _ => Err(Error::parameter(
                "similarity",
                by,
                "choose jaccard or cosine (of tags), or name a vector field of the items",
            )),
        }
    }

    pub(crate) fn with<T>(&self, run: impl FnOnce(&dyn ItemSimilarity) -> T) -> T {
        match self {
            Self::Jaccard(tags) => run(&TagJaccard(tags)),
            Self::Cosine(tags) => run(&TagCosine(tags)),
            Self::Vectors(vectors) => run(vectors),
        }
    }
}

/// The similarity that diversity asks for, where it is asked for.
pub(crate) fn alike(
    metrics: &[Metric],
    data: &PyDataset,
    by: &str,
    ids: &IdMap,
) -> Result<Option<Alike>> {
    if !metrics.iter().any(|m| matches!(m, Metric::Diversity(_))) {
        return Ok(None);
    }
    data.inner.items.as_deref().map(|items| Alike::of(items, by, ids)).transpose()
}

/// The options with what is filtered from the lists.
pub(crate) fn filtered<'a>(
    options: EvaluateOptions<'a>,
    train: Option<&'a Interactions>,
    filter_seen: bool,
    also_seen: Vec<&'a Interactions>,
) -> EvaluateOptions<'a> {
    let seen = match train {
        _ if !filter_seen => Seen::Nothing,
        Some(train) => Seen::Of(train),
        None => Seen::Model,
    };
    EvaluateOptions { seen, also_seen, ..options }
}

/// Measures a model on test events.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub(crate) fn evaluate_model(
    py: Python<'_>,
    model: PyRef<'_, PyModel>,
    test: PyRef<'_, PyDataset>,
    train: Option<PyRef<'_, PyDataset>>,
    filter_seen: bool,
    also_seen: Vec<PyRef<'_, PyDataset>>,
    metrics: Vec<String>,
    similarity: &str,
    options: &Bound<'_, PyDict>,
) -> PyResult<PyReport> {
    let asked = Asked::of(metrics, options)?;
    let train = train.as_ref().map(|train| &train.inner.interactions);
    let also = also_seen.iter().map(|data| &data.inner.interactions).collect();
    let options = filtered(asked.options(py)?, train, filter_seen, also);
    let model: &dyn Recommend = model.inner.as_ref();
    let items = &model.ids().items;
    let alike = alike(&asked.metrics, &test, similarity, items).or_raise()?;
    let events = &test.inner.interactions;
    let inner = interrupt::run(py, |_| match &alike {
        None => evaluate(model, events, &options),
        Some(alike) => alike.with(|s| {
            evaluate(model, events, &EvaluateOptions { similarity: Some(s), ..options.clone() })
        }),
    })?;
    Ok(PyReport { inner })
}

/// Measures ready-made recommendations on test events.
#[pyfunction]
pub(crate) fn evaluate_answer(
    py: Python<'_>,
    answer: PyRef<'_, PyRecommendations>,
    test: PyRef<'_, PyDataset>,
    metrics: Vec<String>,
    similarity: &str,
    options: &Bound<'_, PyDict>,
) -> PyResult<PyReport> {
    let asked = Asked::of(metrics, options)?;
    if let Some((name, _)) = asked.given.first() {
        return Err(parameter(name, "…", "ready-made recommendations cannot be ranked anew"));
    }
    let events = &test.inner.interactions;
    let answer = &answer.inner;
    let alike = alike(&asked.metrics, &test, similarity, &events.ids().items).or_raise()?;
    let inner = interrupt::run(py, |_| {
        let run = Run::from_recommendations(answer)?;
        match &alike {
            None => evaluate_run(&run, events, &asked.list_options(None)),
            Some(alike) => alike.with(|s| evaluate_run(&run, events, &asked.list_options(Some(s)))),
        }
    })?;
    Ok(PyReport { inner })
}

/// Measures ranked lists against relevant items, row by row.
#[pyfunction]
pub(crate) fn evaluate_rows(
    py: Python<'_>,
    lists: Vec<Bound<'_, PyAny>>,
    relevant: Vec<(Bound<'_, PyAny>, Vec<f32>)>,
    metrics: Vec<String>,
    counts: Option<Bound<'_, PyDict>>,
    options: &Bound<'_, PyDict>,
) -> PyResult<PyReport> {
    let asked = Asked::of(metrics, options)?;
    if let Some((name, _)) = asked.given.first() {
        return Err(parameter(name, "…", "evaluate_lists has no such option"));
    }
    let mut items = IdMap::new();
    let mut ranked = RankedLists::default();
    for list in &lists {
        let ids = ids_from_py(list, "lists")?;
        ranked.push(ids.iter().map(|id| items.intern(id)));
    }
    let mut rows = Vec::with_capacity(relevant.len());
    for (ids, weights) in &relevant {
        let ids = ids_from_py(ids, "relevant")?;
        if ids.len() != weights.len() {
            return Err(Error::shape("weights of relevant items", ids.len(), weights.len()))
                .or_raise();
        }
        let row = ids.iter().map(|id| items.intern(id)).zip(weights.iter().copied());
        rows.push(row.collect::<Vec<_>>());
    }
    let mut popularity = None;
    if let Some(counts) = counts {
        popularity = Some(popularity_of(&counts, &mut items)?);
    }
    let relevant = Csr::from_rows(rows, items.len());
    let inner = interrupt::run(py, |_| {
        let mut options = asked.list_options(None);
        options.popularity = popularity.as_ref();
        evaluate_lists(&ranked, &relevant, &options)
    })?;
    Ok(PyReport { inner })
}

/// Popularity from the users who had each item: `{item: users}`, and `{None: all users}`.
fn popularity_of(counts: &Bound<'_, PyDict>, items: &mut IdMap) -> PyResult<Popularity> {
    let mut all = 0;
    let mut by_item = Vec::new();
    for (item, count) in counts {
        let count: u32 = count.extract()?;
        if item.is_none() {
            all = count as usize;
        } else {
            by_item.push((items.intern(&crate::ids::id_from_py(&item, "counts")?), count));
        }
    }
    let mut dense = vec![0; items.len()];
    for (item, count) in by_item {
        dense[item as usize] = count;
    }
    Ok(Popularity::new(&dense, all))
}

/// Compares two reports on one metric.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub(crate) fn compare(
    py: Python<'_>,
    first: PyRef<'_, PyReport>,
    second: PyRef<'_, PyReport>,
    metric: &str,
    permutations: i64,
    bootstrap: usize,
    confidence: f64,
    seed: u64,
) -> PyResult<PyPairedTest> {
    let permutations = positive("permutations", permutations)?;
    let options = PairedOptions { permutations, bootstrap, confidence, seed };
    let (first, second) = (&first.inner, &second.inner);
    let inner = interrupt::run(py, |_| paired_test(first, second, metric, &options))?;
    Ok(PyPairedTest { inner })
}

/// What validation while training measures: one metric on held-out events, what the model was
/// trained on removed.
pub(crate) fn measure<'a>(
    metric: &str,
    test: &'a Interactions,
) -> Result<impl Fn(&dyn Recommend) -> Result<f64> + Sync + use<'a>> {
    let metric: Metric = metric.parse()?;
    let options = EvaluateOptions { metrics: vec![metric], bootstrap: 0, ..Default::default() };
    Ok(move |model: &dyn Recommend| {
        let report = evaluate(model, test, &options)?;
        Ok(report.figures.first().map_or(f64::NAN, |figure| figure.mean))
    })
}
