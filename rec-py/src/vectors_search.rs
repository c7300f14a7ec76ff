//! An approximate index of a table, and vectors of sentences.

use std::sync::Arc;

use numpy::PyArray1;
use pyo3::prelude::*;
use rec_core::Result;
use rec_models::vectors::{IndexOptions, Sif, VectorIndex};

use crate::errors::OrRaise;
use crate::ids::reshaped;
use crate::interrupt;
use crate::vectors::{Given, Held, PyVectors, pairs, terms};

/// An approximate index of a table's vectors.
#[pyclass(module = "rec._native", name = "VectorIndex", frozen)]
pub(crate) struct PyVectorIndex {
    index: VectorIndex,
    table: Arc<Held>,
}

#[pymethods]
impl PyVectorIndex {
    #[staticmethod]
    fn build(
        py: Python<'_>,
        vectors: &PyVectors,
        ef_construction: usize,
        ef_search: usize,
        seed: u64,
        threads: Option<usize>,
    ) -> PyResult<Self> {
        let options = IndexOptions { ef_construction, ef_search, seed, threads };
        let table = vectors.0.clone();
        let index = py.detach(|| VectorIndex::build(table.vectors(), &options)).or_raise()?;
        Ok(Self { index, table })
    }

    fn most_similar(
        &self,
        py: Python<'_>,
        positive: Vec<Given>,
        negative: Vec<Given>,
        k: usize,
    ) -> PyResult<Vec<(String, f32)>> {
        let (positive, negative) = (terms(&positive), terms(&negative));
        let table = self.table.vectors();
        let found = py.detach(|| self.index.most_similar(table, &positive, &negative, k));
        found.map(pairs).or_raise()
    }

    fn recall(&self, py: Python<'_>, k: usize, queries: usize, seed: u64) -> PyResult<f64> {
        py.detach(|| self.index.recall(self.table.vectors(), k, queries, seed)).or_raise()
    }
}

/// Vectors of sentences by smooth inverse frequency.
#[pyclass(module = "rec._native", name = "Sif", frozen)]
pub(crate) struct PySif {
    sif: Sif,
    table: Arc<Held>,
}

#[pymethods]
impl PySif {
    #[staticmethod]
    fn fit(
        py: Python<'_>,
        vectors: &PyVectors,
        sentences: Vec<Vec<String>>,
        a: f64,
    ) -> PyResult<Self> {
        let table = vectors.0.clone();
        let sif = interrupt::run(py, |_| Sif::fit(table.vectors(), &sentences, a))?;
        Ok(Self { sif, table })
    }

    fn transform<'py>(
        &self,
        py: Python<'py>,
        sentences: Vec<Vec<String>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let work = || -> Result<Vec<f32>> { self.sif.transform(self.table.vectors(), &sentences) };
        let values = py.detach(work).or_raise()?;
        let flat = PyArray1::from_vec(py, values).into_any();
        reshaped(flat, sentences.len(), self.table.vectors().dim())
    }

    #[getter]
    fn common<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        PyArray1::from_slice(py, self.sif.common())
    }
}
