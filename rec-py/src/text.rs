//! Text: segmenters and pipelines.

use std::path::PathBuf;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use hashbrown::HashMap;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};
use rec_core::text::pipeline::Processed;
use rec_core::text::segment::{Language, Mode, Segment, Segmentation, Segmenter};
use rec_core::text::stopwords::stop_words;
use rec_core::text::stream::{Field, TextFile};
use rec_core::text::{Cleaner, Pipeline};
use rec_core::{Error, parallel};

use crate::errors::{OrRaise, parameter};
use crate::interrupt;
use crate::params::{configure, params_from_py, to_py};
use crate::read::Name;
use crate::texts::{Texts, text_from_py};

/// Finds the words of a text.
#[pyclass(module = "rec.text", name = "Segmenter", frozen)]
pub(crate) struct PySegmenter {
    inner: RwLock<Segmenter>,
}

impl PySegmenter {
    /// A copy, which words added later do not reach.
    pub(crate) fn copy(&self) -> Segmenter {
        self.read().clone()
    }

    fn read(&self) -> RwLockReadGuard<'_, Segmenter> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the segmenter with the GIL released, so that threads that read it can finish.
    fn change<T: Send>(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut Segmenter) -> rec_core::Result<T> + Send,
    ) -> PyResult<T> {
        let changed = || change(&mut self.inner.write().unwrap_or_else(PoisonError::into_inner));
        py.detach(changed).or_raise()
    }
}

#[pymethods]
impl PySegmenter {
    #[new]
    #[pyo3(signature = (language="zh", *, mode="precise", hmm=true, pos=None))]
    fn new(
        py: Python<'_>,
        language: &str,
        mode: &str,
        hmm: bool,
        pos: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let config = Segmentation {
            language: Language::parse(language).or_raise()?,
            mode: Mode::parse(mode).or_raise()?,
            hmm,
            pos: pos.unwrap_or_default(),
            ..Segmentation::default()
        };
        // The first one reads the dictionary.
        let inner = py.detach(|| Segmenter::new(config)).or_raise()?;
        Ok(Self { inner: RwLock::new(inner) })
    }

    #[staticmethod]
    fn from_json(py: Python<'_>, json: &str) -> PyResult<Self> {
        let refused = |e: serde_json::Error| Error::data("segmenter JSON", e.to_string());
        let inner = py.detach(|| serde_json::from_str(json).map_err(refused)).or_raise()?;
        Ok(Self { inner: RwLock::new(inner) })
    }

    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(self.read().config())
            .map_err(|e| Error::data("segmenter", e.to_string()))
            .or_raise()
    }

    /// The tokens of a text.
    fn cut<'py>(&self, text: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        let py = text.py();
        let text = text_from_py(text)?;
        let text: &str = &text;
        let spans = py.detach(|| {
            let mut spans = Vec::new();
            self.read().segment(text, &mut |token| spans.push((token.start, token.end())));
            spans
        });
        PyList::new(py, spans.into_iter().map(|(from, to)| &text[from..to]))
    }

    /// The tokens of each text.
    #[pyo3(signature = (texts, *, num_threads=None))]
    fn cut_batch<'py>(
        &self,
        texts: &Bound<'py, PyAny>,
        num_threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = texts.py();
        let texts = Texts::from_py(texts)?;
        let pipeline = py.detach(|| Pipeline::default().then(self.read().clone())).or_raise()?;
        to_lists(py, batch(py, &pipeline, &texts, num_threads)?)
    }

    /// The tokens with their first character and end in the text.
    fn tokenize(&self, text: &Bound<'_, PyAny>) -> PyResult<Vec<(String, usize, usize)>> {
        let py = text.py();
        let text = text_from_py(text)?;
        let text: &str = &text;
        Ok(py.detach(|| {
            let mut characters = Characters { text, byte: 0, character: 0 };
            let mut tokens = Vec::new();
            self.read().segment(text, &mut |token| {
                let (from, to) = (characters.at(token.start), characters.at(token.end()));
                tokens.push((token.text.to_owned(), from, to));
            });
            tokens
        }))
    }

    /// The tokens with their parts of speech.
    fn tag(&self, text: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
        let py = text.py();
        let text = text_from_py(text)?;
        let text: &str = &text;
        py.detach(|| {
            let segmenter = self.read();
            let tokens = segmenter.tag(text)?.into_iter();
            Ok(tokens.map(|t| (t.text.to_owned(), t.tag.unwrap_or("x").to_owned())).collect())
        })
        .or_raise()
    }

    #[pyo3(signature = (word, freq=None, tag=None))]
    fn add_word(
        &self,
        py: Python<'_>,
        word: &str,
        freq: Option<usize>,
        tag: Option<&str>,
    ) -> PyResult<()> {
        self.change(py, |segmenter| segmenter.add_word(word, freq, tag))
    }

    fn remove_word(&self, py: Python<'_>, word: &str) -> PyResult<()> {
        self.change(py, |segmenter| segmenter.remove_word(word))
    }

    fn load_words(&self, py: Python<'_>, path: PathBuf) -> PyResult<usize> {
        self.change(py, |segmenter| segmenter.load_words(&path))
    }

    fn __repr__(&self) -> String {
        let segmenter = self.read();
        let config = segmenter.config();
        format!(
            "rec.text.Segmenter({:?}, mode={:?}, hmm={}, {} words added)",
            format!("{:?}", config.language).to_lowercase(),
            format!("{:?}", config.mode).to_lowercase(),
            if config.hmm { "True" } else { "False" },
            config.words.len()
        )
    }
}

/// Counts characters up to a byte, going on from the last place asked for.
struct Characters<'t> {
    text: &'t str,
    byte: usize,
    character: usize,
}

impl Characters<'_> {
    fn at(&mut self, byte: usize) -> usize {
        if byte >= self.byte {
            self.character += self.text[self.byte..byte].chars().count();
        } else {
            self.character -= self.text[byte..self.byte].chars().count();
        }
        self.byte = byte;
        self.character
    }
}

/// A chain of steps; `rec.text.Pipeline` wraps it.
#[pyclass(module = "rec._native", name = "TextPipeline", frozen)]
pub(crate) struct PyTextPipeline {
    inner: Pipeline,
}

#[pymethods]
impl PyTextPipeline {
    #[staticmethod]
    fn from_json(py: Python<'_>, json: &str) -> PyResult<Self> {
        let inner = py.detach(|| Pipeline::from_json(json)).or_raise()?;
        Ok(Self { inner })
    }

    fn to_json(&self) -> PyResult<String> {
        self.inner.to_json().or_raise()
    }

    /// The tokens of a text, or the clean text.
    fn process<'py>(&self, text: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = text.py();
        let text = text_from_py(text)?;
        let text: &str = &text;
        match py.detach(|| self.inner.process(text)).or_raise()? {
            Processed::Text(text) => Ok(PyString::new(py, &text).into_any()),
            Processed::Tokens(tokens) => Ok(PyList::new(py, tokens.iter())?.into_any()),
        }
    }

    /// The tokens of each text, or the clean texts; with `join` strings of tokens.
    #[pyo3(signature = (texts, *, join=None, num_threads=None))]
    fn process_batch<'py>(
        &self,
        texts: &Bound<'py, PyAny>,
        join: Option<&str>,
        num_threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = texts.py();
        let texts = Texts::from_py(texts)?;
        let processed = batch(py, &self.inner, &texts, num_threads)?;
        match join {
            Some(separator) => {
                let joined: Vec<String> =
                    py.detach(|| processed.into_iter().map(|p| p.joined(separator)).collect());
                PyList::new(py, joined)
            }
            None => to_lists(py, processed),
        }
    }

    /// Runs over a file; returns the numbers of rows and tokens.
    #[pyo3(signature = (input, output, *, column=None, sep=",", header=true, lossy=false, num_threads=None))]
    #[allow(clippy::too_many_arguments)]
    fn process_file(
        &self,
        py: Python<'_>,
        input: PathBuf,
        output: PathBuf,
        column: Option<Name>,
        sep: &str,
        header: bool,
        lossy: bool,
        num_threads: Option<usize>,
    ) -> PyResult<(u64, u64)> {
        let column = column.map(|name| match name {
            Name::Position(at) => Field::Index(at),
            Name::Name(name) => Field::Name(name),
        });
        let separator = match sep.as_bytes() {
            &[byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => byte,
            _ => return Err(parameter("sep", sep, "choose one ASCII character")),
        };
        let file = TextFile { column, separator, header, lossy };
        let done = interrupt::run(py, |cancel| {
            parallel::install(num_threads, || {
                self.inner.process_file(&input, &output, &file, |_| {
                    cancel.check("the file was not written")
                })
            })
        })?;
        Ok((done.rows, done.tokens))
    }
}

fn batch(
    py: Python<'_>,
    pipeline: &Pipeline,
    texts: &Texts,
    threads: Option<usize>,
) -> PyResult<Vec<Processed>> {
    interrupt::run(py, |cancel| {
        let check = || cancel.check("the texts were not processed");
        parallel::install(threads, || texts.process(pipeline, check))
    })
}

/// Lists of tokens, or texts. Words repeat: each is made into a Python string once.
fn to_lists<'py>(py: Python<'py>, all: Vec<Processed>) -> PyResult<Bound<'py, PyList>> {
    let mut made: HashMap<&str, Bound<'py, PyString>> = HashMap::new();
    let list = PyList::empty(py);
    for processed in &all {
        match processed {
            Processed::Text(text) => list.append(PyString::new(py, text))?,
            Processed::Tokens(tokens) => {
                let row = tokens.iter().map(|token| {
                    made.entry(token).or_insert_with(|| PyString::new(py, token)).clone()
                });
                list.append(PyList::new(py, row)?)?;
            }
        }
    }
    Ok(list)
}

/// The steps of a cleaner of these options.
#[pyfunction]
pub(crate) fn cleaner_steps<'py>(options: &Bound<'py, PyDict>) -> PyResult<Bound<'py, PyAny>> {
    let cleaner: Cleaner = configure(&params_from_py(options)?).or_raise()?;
    let filters = cleaner.filters().or_raise()?;
    let steps = serde_json::to_value(filters).map_err(|e| Error::data("cleaner", e.to_string()));
    to_py(options.py(), &steps.or_raise()?)
}

/// The stop words of a language.
#[pyfunction(name = "stop_words")]
pub(crate) fn stop_words_py(language: &str) -> PyResult<Vec<&'static str>> {
    Ok(stop_words(language).or_raise()?.to_vec())
}
