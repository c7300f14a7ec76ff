//! `rec.Leaderboard`: recommenders side by side.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::data::Id;
use rec_core::metrics::{
    Cell, EvaluateOptions, Leaderboard, LeaderboardOptions, Versus, leaderboard as run,
};
use rec_core::rank::Recommend;

use crate::dataset::PyDataset;
use crate::errors::{OrRaise, internal};
use crate::evaluate::{Asked, alike, filtered};
use crate::interrupt;
use crate::model::{PyModel, positive};
use crate::params::to_py;
use crate::table::{Column, Table};

/// Recommenders measured on one test part, best first by the first metric.
#[pyclass(module = "rec", name = "Leaderboard", frozen)]
pub(crate) struct PyLeaderboard {
    inner: Leaderboard,
}

impl From<Leaderboard> for PyLeaderboard {
    fn from(inner: Leaderboard) -> Self {
        Self { inner }
    }
}

#[pymethods]
impl PyLeaderboard {
    /// The recommenders, best first.
    #[getter]
    fn names(&self) -> Vec<&str> {
        self.inner.entries.iter().map(|entry| &entry.name[..]).collect()
    }

    /// All of it, in dictionaries and lists.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let value = serde_json::to_value(&self.inner);
        to_py(py, &value.map_err(|e| internal(py, &e.to_string()))?)
    }

    /// The same as JSON.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        serde_json::to_string(&self.inner).map_err(|e| internal(py, &e.to_string()))
    }

    /// One line a recommender, segment (`"all"` first) and metric: the mean with its interval, the
    /// users it is over, and the paired test against the baseline, NaN where there is none.
    #[pyo3(signature = (library=None))]
    fn to_frame<'py>(&self, py: Python<'py>, library: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
        let lines: Vec<(&str, &Cell)> = self
            .inner
            .entries
            .iter()
            .flat_map(|entry| entry.cells.iter().map(|cell| (&entry.name[..], cell)))
            .collect();
        let text = |of: &dyn Fn(&(&str, &Cell)) -> String| {
            Column::Ids(lines.iter().map(|line| Id::from(of(line))).collect())
        };
        let number = |of: &dyn Fn(&Cell) -> Option<f64>| {
            Column::Double(lines.iter().map(|(_, cell)| of(cell).unwrap_or(f64::NAN)).collect())
        };
        let versus = |of: &dyn Fn(Versus) -> Option<f64>| number(&|cell| of(cell.versus?));
        let segment =
            |line: &(&str, &Cell)| line.1.segment.clone().unwrap_or_else(|| "all".to_owned());
        Table(vec![
            ("recommender", text(&|line| line.0.to_owned())),
            ("segment", text(&segment)),
            ("metric", text(&|line| line.1.metric.clone())),
            ("mean", number(&|cell| cell.mean)),
            ("low", number(&|cell| Some(cell.interval?.0))),
            ("high", number(&|cell| Some(cell.interval?.1))),
            ("users", Column::Int(lines.iter().map(|(_, cell)| cell.users as i64).collect())),
            ("difference", versus(&|versus| Some(versus.difference))),
            ("difference_low", versus(&|versus| Some(versus.interval?.0))),
            ("difference_high", versus(&|versus| Some(versus.interval?.1))),
            ("p_value", versus(&|versus| Some(versus.p_value))),
            ("p_adjusted", versus(&|versus| Some(versus.p_adjusted))),
        ])
        .to_frame(py, library)
    }

    /// A page of tables and plots that needs nothing beside it: no network, no script.
    fn to_html(&self) -> String {
        self.inner.to_html()
    }

    /// Writes the page, whole or not at all.
    fn write_html(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        interrupt::run(py, |_| self.inner.write_html(&path))
    }

    /// The tables, in a notebook.
    fn _repr_html_(&self) -> String {
        self.inner.to_html_tables()
    }

    fn __repr__(&self) -> String {
        self.inner.to_string()
    }
}

/// Measures models side by side on test events.
#[pyfunction]
#[allow(clippy::too_many_arguments)]
pub(crate) fn leaderboard(
    py: Python<'_>,
    models: Vec<PyRef<'_, PyModel>>,
    names: Vec<String>,
    test: PyRef<'_, PyDataset>,
    train: Option<PyRef<'_, PyDataset>>,
    filter_seen: bool,
    also_seen: Vec<PyRef<'_, PyDataset>>,
    metrics: Vec<String>,
    similarity: &str,
    levels: Vec<(String, usize)>,
    baseline: Option<&str>,
    permutations: i64,
    options: &Bound<'_, PyDict>,
) -> PyResult<PyLeaderboard> {
    let asked = Asked::of(metrics, options)?;
    let train = train.as_ref().map(|train| &train.inner.interactions);
    let also = also_seen.iter().map(|data| &data.inner.interactions).collect();
    let evaluation = filtered(asked.options(py)?, train, filter_seen, also);
    let permutations = positive("permutations", permutations)?;
    let versus = LeaderboardOptions { baseline, levels, train, permutations };
    let models: Vec<&dyn Recommend> = models.iter().map(|model| model.inner.as_ref()).collect();
    let first = models.first().map(|model| &model.ids().items);
    let alike = first.map(|items| alike(&asked.metrics, &test, similarity, items));
    let alike = alike.transpose().or_raise()?.flatten();
    let named: Vec<(&str, &dyn Recommend)> =
        names.iter().map(String::as_str).zip(models.iter().copied()).collect();
    let events = &test.inner.interactions;
    let inner = interrupt::run(py, |_| match &alike {
        None => run(&named, events, &evaluation, &versus),
        Some(alike) => alike.with(|s| {
            let evaluation = EvaluateOptions { similarity: Some(s), ..evaluation.clone() };
            run(&named, events, &evaluation, &versus)
        }),
    })?;
    Ok(PyLeaderboard { inner })
}
