//! Tables of word vectors, and the models that train them.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyArray1, PyReadonlyArray2};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use rec_core::Result;
use rec_models::fit::FitContext;
use rec_models::vectors::{
    CorpusBuilder, Duplicates, Import, Neighbour, Term, VectorFormat, Vectors, Word2Vec,
    Word2VecModel,
};

use crate::errors::{OrRaise, data, parameter};
use crate::ids::reshaped;
use crate::interrupt;
use crate::params::{configure, params_from_py, to_py};
use crate::progress::reporter;
use crate::texts::text_from_py;

/// Sentences read between two looks for Ctrl-C.
const BLOCK: usize = 4096;

/// A table of vectors, alone or of a model.
enum Held {
    Alone(Vectors),
    Model(Arc<Word2VecModel>),
}

/// Words and their vectors.
#[pyclass(module = "rec._native", name = "Vectors", frozen)]
pub(crate) struct PyVectors(Held);

impl PyVectors {
    fn table(&self) -> &Vectors {
        match &self.0 {
            Held::Alone(vectors) => vectors,
            Held::Model(model) => model.vectors(),
        }
    }
}

/// A word or a vector.
#[derive(FromPyObject)]
enum Given {
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

fn terms(given: &[Given]) -> Vec<Term<'_>> {
    given.iter().map(Given::term).collect()
}

fn pairs(found: Vec<Neighbour>) -> Vec<(String, f32)> {
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
        Ok(Self(Held::Alone(match counts {
            Some(counts) => vectors.with_counts(counts).or_raise()?,
            None => vectors,
        })))
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Ok(Self(Held::Alone(py.detach(|| Vectors::load(path)).or_raise()?)))
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
        Ok(Self(Held::Alone(py.detach(|| Vectors::import(path, format, &options)).or_raise()?)))
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

/// A trained word2vec model.
#[pyclass(module = "rec._native", name = "WordModel", frozen)]
pub(crate) struct PyWordModel(Arc<Word2VecModel>);

#[pymethods]
impl PyWordModel {
    /// Checks parameters by name and type.
    #[staticmethod]
    fn check(params: &Bound<'_, PyDict>) -> PyResult<()> {
        configure::<Word2Vec>(&params_from_py(params)?).map(drop).or_raise()
    }

    /// Trains, from the start or on from a model, on sentences or on a file of them.
    #[staticmethod]
    #[pyo3(signature = (params, sentences, *, min_count, prune_at, max_words, seed, onto, progress))]
    #[allow(clippy::too_many_arguments)]
    fn train(
        py: Python<'_>,
        params: &Bound<'_, PyDict>,
        sentences: &Bound<'_, PyAny>,
        min_count: u64,
        prune_at: Option<usize>,
        max_words: Option<usize>,
        seed: u64,
        onto: Option<PyRef<'_, PyWordModel>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let config: Word2Vec = configure(&params_from_py(params)?).or_raise()?;
        let mut builder =
            CorpusBuilder::new().min_count(min_count).prune_at(prune_at).max_words(max_words);
        let file = corpus_file(sentences)?;
        if file.is_none() {
            read(&mut builder, sentences)?;
        }
        let (onto, progress) = (onto.map(|model| model.0.clone()), reporter(progress));
        let model = interrupt::run(py, move |cancel| -> Result<Word2VecModel> {
            if let Some(path) = &file {
                builder.add_file(path)?;
            }
            let corpus = builder.build()?;
            let ctx =
                FitContext { seed, progress, cancel: cancel.clone(), ..FitContext::default() };
            match onto {
                Some(model) => config.fit_on(&model, &corpus, &ctx),
                None => config.fit(&corpus, &ctx),
            }
        })?;
        Ok(Self(Arc::new(model)))
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Ok(Self(Arc::new(py.detach(|| Word2VecModel::load(path)).or_raise()?)))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.save(path)).or_raise()
    }

    #[getter]
    fn vectors(&self) -> PyVectors {
        PyVectors(Held::Model(self.0.clone()))
    }

    /// The parameters it was trained with.
    #[getter]
    fn config<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let config = serde_json::to_value(self.0.config());
        to_py(py, &config.map_err(|e| data("parameters", e.to_string()))?)
    }
}

/// The path, where the sentences are a file (`pathlib.Path` and the like; a string is refused, for
/// it may as well be a sentence).
fn corpus_file(sentences: &Bound<'_, PyAny>) -> PyResult<Option<PathBuf>> {
    if sentences.is_instance_of::<PyString>() {
        let why = "sentences: a list of lists of words is needed, or corpus_file=path";
        return Err(PyTypeError::new_err(why));
    }
    match sentences.hasattr("__fspath__")? {
        true => sentences.extract().map(Some),
        false => Ok(None),
    }
}

fn read(builder: &mut CorpusBuilder, sentences: &Bound<'_, PyAny>) -> PyResult<()> {
    let mut words = Vec::new();
    for (n, sentence) in sentences.try_iter()?.enumerate() {
        let sentence = sentence?;
        if sentence.is_instance_of::<PyString>() {
            let why = format!("sentences: sentence {n} is a string, a list of words is needed");
            return Err(PyTypeError::new_err(why));
        }
        words.clear();
        for word in sentence.try_iter()? {
            words.push(text_from_py(&word?)?);
        }
        builder.add(words.iter().map(|word| -> &str { word })).or_raise()?;
        if n % BLOCK == 0 {
            sentences.py().check_signals()?;
        }
    }
    Ok(())
}
