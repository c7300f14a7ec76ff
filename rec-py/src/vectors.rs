//! Tables of word vectors.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyArray1, PyReadonlyArray2};
use pyo3::exceptions::PyKeyError;
use pyo3::prelude::*;
use rec_models::vectors::{
    AnalogyOptions, Duplicates, Import, Neighbour, Term, VectorFormat, Vectors,
};

use crate::errors::{OrRaise, parameter};
use crate::ids::reshaped;
use crate::interrupt;
use crate::vectors_models::Trained;

/// A table of vectors, alone or of a model.
pub(crate) enum Held {
    Alone(Vectors),
    Model(Arc<Trained>),
}

/// Words and their vectors.
#[pyclass(module = "rec._native", name = "Vectors", frozen)]
pub(crate) struct PyVectors(pub(crate) Arc<Held>);

impl Held {
    pub(crate) fn vectors(&self) -> &Vectors {
        match self {
            Self::Alone(vectors) => vectors,
            Self::Model(model) => model.vectors(),
        }
    }
}

impl PyVectors {
    fn alone(vectors: Vectors) -> Self {
        Self(Arc::new(Held::Alone(vectors)))
    }

    fn table(&self) -> &Vectors {
        self.0.vectors()
    }
}

/// Questions answered rightly or wrongly.
type Questions = Vec<[String; 4]>;

/// A word or a vector.
#[derive(FromPyObject)]
pub(crate) enum Given {
    #[pyo3(transparent)]
    Word(String),
    #[pyo3(transparent)]
    Vector(Vec<f32>),
}

impl Given {
    fn term(&self) -> Term<'_> {
        match self {
            Self::Word(word) => Term::Word(word),
            Self::Vector(vector) => Term::Vector(vector),
        }
    }
}

pub(crate) fn terms(given: &[Given]) -> Vec<Term<'_>> {
    given.iter().map(Given::term).collect()
}

pub(crate) fn pairs(found: Vec<Neighbour>) -> Vec<(String, f32)> {
    found.into_iter().map(|n| (n.word, n.score)).collect()
}

fn format_from(name: &str) -> PyResult<VectorFormat> {
    match name {
        "word2vec" => Ok(VectorFormat::Word2VecText),
        "word2vec-binary" => Ok(VectorFormat::Word2VecBinary),
        "glove" => Ok(VectorFormat::GloveText),
        other => Err(parameter("format", other, "choose word2vec, word2vec-binary or glove")),
    }
}

#[pymethods]
impl PyVectors {
    #[staticmethod]
    fn from_arrays(
        words: Vec<String>,
        values: PyReadonlyArray2<'_, f32>,
        counts: Option<Vec<u64>>,
    ) -> PyResult<Self> {
        let array = values.as_array();
        let vectors =
            Vectors::new(words, array.ncols(), array.iter().copied().collect()).or_raise()?;
        Ok(Self::alone(match counts {
            Some(counts) => vectors.with_counts(counts).or_raise()?,
            None => vectors,
        }))
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf, in_place: bool) -> PyResult<Self> {
        let load = || if in_place { Vectors::open(path) } else { Vectors::load(path) };
        py.detach(load).map(Self::alone).or_raise()
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.table().save(path)).or_raise()
    }

    /// Reads a file of another program.
    #[staticmethod]
    fn import_file(
        py: Python<'_>,
        path: PathBuf,
        format: &str,
        limit: Option<usize>,
        keep_first: bool,
    ) -> PyResult<Self> {
        let format = format_from(format)?;
        let duplicates = if keep_first { Duplicates::KeepFirst } else { Duplicates::Refuse };
        let options = Import { limit, duplicates };
        py.detach(|| Vectors::import(path, format, &options)).map(Self::alone).or_raise()
    }

    /// Writes a file for another program.
    fn export_file(&self, py: Python<'_>, path: PathBuf, format: &str) -> PyResult<()> {
        let format = format_from(format)?;
        py.detach(|| self.table().export(path, format)).or_raise()
    }

    #[getter]
    fn dim(&self) -> usize {
        self.table().dim()
    }

    #[getter]
    fn words(&self) -> Vec<&str> {
        self.table().words().collect()
    }

    /// All vectors: a copy, `[words, dim]`.
    #[getter]
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let table = self.table();
        let flat = PyArray1::from_slice(py, table.values()).into_any();
        reshaped(flat, table.len(), table.dim())
    }

    #[getter]
    fn counts<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyArray1<u64>>> {
        self.table().counts().map(|counts| PyArray1::from_slice(py, counts))
    }

    fn index(&self, word: &str) -> Option<u32> {
        self.table().index(word)
    }

    fn get<'py>(&self, py: Python<'py>, word: &str) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let vector = self.table().get(word).ok_or_else(|| {
            let why = format!("{word:?} has no vector, unlike {} others", self.table().len());
            PyKeyError::new_err(why)
        })?;
        Ok(PyArray1::from_slice(py, vector))
    }

    fn most_similar(
        &self,
        py: Python<'_>,
        positive: Vec<Given>,
        negative: Vec<Given>,
        k: usize,
    ) -> PyResult<Vec<(String, f32)>> {
        let found =
            py.detach(|| self.table().most_similar(&terms(&positive), &terms(&negative), k));
        found.map(pairs).or_raise()
    }

    fn most_similar_cosmul(
        &self,
        py: Python<'_>,
        positive: Vec<String>,
        negative: Vec<String>,
        k: usize,
    ) -> PyResult<Vec<(String, f32)>> {
        let [positive, negative] = [&positive, &negative]
            .map(|words| words.iter().map(String::as_str).collect::<Vec<_>>());
        let found = py.detach(|| self.table().most_similar_cosmul(&positive, &negative, k));
        found.map(pairs).or_raise()
    }

    /// The share answered rightly, and by section its name and its questions.
    #[allow(clippy::type_complexity)]
    fn analogies(
        &self,
        py: Python<'_>,
        path: PathBuf,
        restrict_vocab: usize,
        case_insensitive: bool,
    ) -> PyResult<(f64, Vec<(String, Questions, Questions)>)> {
        let options = AnalogyOptions { restrict_vocab, case_insensitive };
        let found = interrupt::run(py, |_| self.table().evaluate_analogies(path, &options))?;
        let accuracy = found.accuracy();
        let sections = found.sections.into_iter().map(|s| (s.name, s.correct, s.incorrect));
        Ok((accuracy, sections.collect()))
    }

    fn similarity(&self, a: &str, b: &str) -> PyResult<f32> {
        self.table().similarity(a, b).or_raise()
    }

    fn doesnt_match(&self, words: Vec<String>) -> PyResult<String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        self.table().doesnt_match(&words).map(str::to_owned).or_raise()
    }

    fn __contains__(&self, word: &str) -> bool {
        self.table().index(word).is_some()
    }

    fn __len__(&self) -> usize {
        self.table().len()
    }
}
