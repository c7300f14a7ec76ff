//! `rec.Recommendations`: ranked items for users, under the caller's ids.

use std::path::PathBuf;

use numpy::PyArray1;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use rec_core::data::Id;
use rec_core::data::read::write_recommendations;
use rec_core::rank::Recommendations;

use crate::ids::{dense_to_py, id_to_py, ids_to_py, reshaped};
use crate::items::PyItems;
use crate::table::{Column, Table};

/// Ranked items for each of the asked users (or items, or histories), best first.
#[pyclass(module = "rec", name = "Recommendations", frozen)]
pub(crate) struct PyRecommendations {
    pub(crate) inner: Recommendations,
    /// What the rows are for, and what they hold: the columns of the frame.
    pub(crate) names: (&'static str, &'static str),
}

#[pymethods]
impl PyRecommendations {
    /// Whom each row is for: `[n]`.
    #[getter]
    fn users<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        ids_to_py(py, &self.inner.queries)
    }

    /// The items: `[n, k]`. Past the end of a row that filters left shorter: -1, or `None` where
    /// ids are strings.
    #[getter]
    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (n, k) = (self.inner.len(), self.inner.top.k());
        let cells = (0..n).flat_map(|row| {
            let (items, _) = self.inner.top.row(row);
            (0..k).map(move |at| items.get(at).copied())
        });
        reshaped(dense_to_py(py, &self.inner.ids.items, cells)?, n, k)
    }

    /// The scores: `[n, k]`, NaN past the end of a row.
    #[getter]
    fn scores<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (n, k) = (self.inner.len(), self.inner.top.k());
        let mut cells = vec![f32::NAN; n * k];
        for row in 0..n {
            let (_, scores) = self.inner.top.row(row);
            cells[row * k..][..scores.len()].copy_from_slice(scores);
        }
        reshaped(PyArray1::from_vec(py, cells).into_any(), n, k)
    }

    /// How many items each row has: `[n]`.
    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        let counts = (0..self.inner.len()).map(|row| self.inner.top.row(row).0.len() as i64);
        PyArray1::from_vec(py, counts.collect()).into_any()
    }

    /// Unknown users that were left out.
    #[getter]
    fn skipped<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        ids_to_py(py, &self.inner.skipped)
    }

    #[getter]
    fn k(&self) -> usize {
        self.inner.top.k()
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    /// One row as a list of `(item, score)`.
    fn __getitem__(&self, py: Python<'_>, row: isize) -> PyResult<Vec<(Py<PyAny>, f32)>> {
        let n = self.inner.len();
        let at = if row < 0 { row + n as isize } else { row };
        if !(0..n as isize).contains(&at) {
            return Err(PyIndexError::new_err(format!("row {row} of {n}")));
        }
        Ok(self.inner.row(at as usize).map(|(id, s)| (id_to_py(py, id), s)).collect())
    }

    /// One line an item: user, item, score, rank (from 1). `library` is `"pandas"`, `"polars"` or
    /// `"arrow"`; without it pandas where installed, else an Arrow table.
    #[pyo3(signature = (library=None))]
    fn to_frame<'py>(&self, py: Python<'py>, library: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
        let (mut queries, mut items, mut scores, mut ranks) = (vec![], vec![], vec![], vec![]);
        for row in 0..self.inner.len() {
            let (row_items, row_scores) = self.inner.top.row(row);
            queries.extend(std::iter::repeat_n(self.inner.queries[row].clone(), row_items.len()));
            items.extend_from_slice(row_items);
            scores.extend_from_slice(row_scores);
            ranks.extend(1..=row_items.len() as i64);
        }
        Table(vec![
            (self.names.0, Column::Ids(queries)),
            (self.names.1, Column::Dense(&self.inner.ids.items, items)),
            ("score", Column::Float(scores)),
            ("rank", Column::Int(ranks)),
        ])
        .to_frame(py, library)
    }

    /// Writes user, rank, item, score and, where an item table is given, title as CSV, whole or not
    /// at all.
    #[pyo3(signature = (path, *, items=None))]
    fn write_csv(
        &self,
        py: Python<'_>,
        path: PathBuf,
        items: Option<PyRef<'_, PyItems>>,
    ) -> PyResult<()> {
        let items = items.as_ref().map(|items| items.inner.as_ref());
        crate::interrupt::run(py, |_| write_recommendations(&path, &self.inner, items))
    }

    fn __repr__(&self) -> String {
        format!(
            "rec.Recommendations({} {}s, k={}, {} skipped)",
            self.inner.len(),
            self.names.0,
            self.inner.top.k(),
            self.inner.skipped.len()
        )
    }
}

/// Why an item was recommended: what each past item added to its score.
#[pyclass(module = "rec", name = "Explanation", frozen)]
pub(crate) struct PyExplanation {
    pub(crate) score: f32,
    pub(crate) contributions: Vec<(Id, f32)>,
    pub(crate) exact: bool,
}

#[pymethods]
impl PyExplanation {
    /// The model's score of the item for the user.
    #[getter]
    fn score(&self) -> f32 {
        self.score
    }

    /// Past items and their parts of the score, largest first.
    #[getter]
    fn contributions(&self, py: Python<'_>) -> Vec<(Py<PyAny>, f32)> {
        self.contributions.iter().map(|(id, part)| (id_to_py(py, id.as_ref()), *part)).collect()
    }

    /// Whether the parts add up to the score (else they are leave-one-out differences).
    #[getter]
    fn exact(&self) -> bool {
        self.exact
    }

    fn __repr__(&self) -> String {
        let shown: Vec<String> = self
            .contributions
            .iter()
            .take(5)
            .map(|(id, part)| format!("{id}: {part:+.4}"))
            .collect();
        let more = if self.contributions.len() > shown.len() { ", …" } else { "" };
        format!("rec.Explanation(score={:.4}, {}{more})", self.score, shown.join(", "))
    }
}
