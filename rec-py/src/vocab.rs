//! `rec.Vocab`: words, dense ids and counts.

use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::{PyIndexError, PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::PyString;
use rec_core::text::{Vocab, VocabBuilder};

use crate::errors::OrRaise;
use crate::texts::text_from_py;

/// Sequences counted between two looks for Ctrl-C.
const BLOCK: usize = 4096;

/// The map between words and dense ids, with counts.
#[pyclass(module = "rec", name = "Vocab", frozen, eq)]
#[derive(PartialEq)]
pub(crate) struct PyVocab {
    inner: Vocab,
}

#[pymethods]
impl PyVocab {
    #[staticmethod]
    #[pyo3(signature = (sequences, *, min_count=1, max_size=None, special=Vec::new(), prune_at=None))]
    fn build(
        sequences: &Bound<'_, PyAny>,
        min_count: u64,
        max_size: Option<usize>,
        special: Vec<String>,
        prune_at: Option<usize>,
    ) -> PyResult<Self> {
        let py = sequences.py();
        let mut builder = VocabBuilder::new()
            .min_count(min_count)
            .max_size(max_size)
            .special(special)
            .prune_at(prune_at);
        for (n, sequence) in sequences.try_iter()?.enumerate() {
            let sequence = sequence?;
            if sequence.is_instance_of::<PyString>() {
                let why = "sequences: each is a list of words; segment texts first";
                return Err(PyTypeError::new_err(why));
            }
            for word in sequence.try_iter()? {
                builder.add(&text_from_py(&word?)?);
            }
            if n % BLOCK == 0 {
                py.check_signals()?;
            }
        }
        Ok(Self { inner: py.detach(|| builder.build()).or_raise()? })
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Ok(Self { inner: py.detach(|| Vocab::load(path)).or_raise()? })
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.inner.save(path)).or_raise()
    }

    /// The words in order of their ids.
    #[getter]
    fn words(&self) -> Vec<String> {
        self.inner.iter().map(|(word, _)| word.to_owned()).collect()
    }

    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<u64>> {
        self.inner.counts().to_vec().into_pyarray(py)
    }

    #[getter]
    fn n_special(&self) -> usize {
        self.inner.n_special()
    }

    #[getter]
    fn total_count(&self) -> u64 {
        self.inner.total_count()
    }

    #[getter]
    fn max_undercount(&self) -> u64 {
        self.inner.max_undercount()
    }

    fn get(&self, word: &str) -> Option<u32> {
        self.inner.get(word)
    }

    fn word(&self, id: u32) -> PyResult<&str> {
        let past = || PyIndexError::new_err(format!("id {id}: there are {}", self.inner.len()));
        self.inner.word(id).ok_or_else(past)
    }

    fn count(&self, word: &str) -> u64 {
        self.inner.get(word).map_or(0, |id| self.inner.count(id))
    }

    /// The ids of a sequence's known words.
    fn encode<'py>(&self, sequence: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyArray1<u32>>> {
        let mut ids = Vec::new();
        for word in sequence.try_iter()? {
            ids.extend(self.inner.get(&text_from_py(&word?)?));
        }
        Ok(ids.into_pyarray(sequence.py()))
    }

    fn __getitem__(&self, word: &str) -> PyResult<u32> {
        self.inner.get(word).ok_or_else(|| PyKeyError::new_err(word.to_owned()))
    }

    fn __contains__(&self, word: &str) -> bool {
        self.inner.get(word).is_some()
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    fn __repr__(&self) -> String {
        format!("rec.Vocab(len={}, total_count={})", self.inner.len(), self.inner.total_count())
    }
}
