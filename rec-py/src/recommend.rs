//! `rec.Recommendations`: ranked items for users, under the caller's ids.

use std::path::PathBuf;

use numpy::PyArray1;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use rec_core::data::read::write_recommendations;
use rec_core::rank::Recommendations;
use rec_core::rank::explain::{Domain, Language, PastItem, Reasons};

use crate::errors::{OrRaise, internal};
use crate::ids::{dense_to_py, id_to_py, ids_to_py, reshaped};
use crate::items::PyItems;
use crate::params::to_py;
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

/// Why an item has its score for a user.
#[pyclass(module = "rec", name = "Explanation", frozen)]
pub(crate) struct PyExplanation {
    pub(crate) inner: Reasons,
}

#[pymethods]
impl PyExplanation {
    /// The score of the item for the user: the sum of the recommenders' parts.
    #[getter]
    fn score(&self) -> f32 {
        self.inner.score
    }

    /// Past items and their parts of the score, largest first.
    #[getter]
    fn contributions(&self, py: Python<'_>) -> Vec<(Py<PyAny>, f32)> {
        let past = self.inner.past.iter();
        past.map(|past| (id_to_py(py, past.item.id.as_ref()), past.part)).collect()
    }

    /// What of the score no past item accounts for.
    #[getter]
    fn rest(&self) -> f32 {
        self.inner.rest
    }

    /// Whether the past items' parts are what each adds to the score (else they are estimates, or
    /// what the score loses without them).
    #[getter]
    fn exact(&self) -> bool {
        self.inner.exact
    }

    /// Each recommender's share of the score, largest first.
    #[getter]
    fn shares(&self) -> Vec<(&str, f32)> {
        self.inner.recommenders.iter().map(|share| (&share.name[..], share.share)).collect()
    }

    /// Tags of the item that the user is interested in, with the interest's share.
    #[getter]
    fn tags(&self) -> Vec<(&str, f32)> {
        self.inner.tags.iter().map(|found| (&found.label[..], found.share)).collect()
    }

    /// The same of keywords.
    #[getter]
    fn keywords(&self) -> Vec<(&str, f32)> {
        self.inner.keywords.iter().map(|found| (&found.label[..], found.share)).collect()
    }

    /// All of it, in dictionaries and lists.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        // By way of the text, so that numbers are those of the JSON.
        let value = serde_json::from_str(&self.to_json(py)?);
        to_py(py, &value.map_err(|e| internal(py, &e.to_string()))?)
    }

    /// The same as JSON.
    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        serde_json::to_string(&self.inner).map_err(|e| internal(py, &e.to_string()))
    }

    /// A sentence in English (`en`) or Chinese (`zh`), in the words of a `shop`, of `news`, `music`,
    /// `video` or of anything (`general`).
    #[pyo3(signature = (language="en", *, domain="general"))]
    fn sentence(&self, language: &str, domain: &str) -> PyResult<String> {
        let (language, domain) = (language.parse().or_raise()?, domain.parse().or_raise()?);
        Ok(self.inner.to_sentence(language, domain))
    }

    fn __str__(&self) -> String {
        self.inner.to_sentence(Language::En, Domain::General)
    }

    fn __repr__(&self) -> String {
        let why = &self.inner;
        let percent = |(name, share): (&str, f32)| format!("{name} {:.0} %", 100.0 * share);
        let past = |past: &PastItem| format!("{}: {:+.4}", past.item.id, past.part);
        let rows = [
            ("past", first(why.past.iter().map(past))),
            ("shares", first(self.shares().into_iter().map(percent))),
            ("tags", first(self.tags().into_iter().map(percent))),
            ("keywords", first(self.keywords().into_iter().map(percent))),
        ];
        let mut text = format!("rec.Explanation(item={}, score={:.4})", why.item.id, why.score);
        for (name, row) in rows.iter().filter(|(_, row)| !row.is_empty()) {
            text += &format!("\n  {name:9} {row}");
        }
        text
    }
}

/// The first five, and a mark where there are more.
fn first(all: impl Iterator<Item = String>) -> String {
    let mut all: Vec<String> = all.collect();
    if all.len() > 5 {
        all.truncate(5);
        all.push("…".to_owned());
    }
    all.join(", ")
}
