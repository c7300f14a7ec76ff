//! `rec.text.KeywordExtractor`.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use numpy::{PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::prelude::*;
use rec_core::text::stopwords::StopWordLists;
use rec_core::text::{
    Diversify, Embed, Keyword, KeywordExtractor, KeywordMethod, KeywordOptions, KeywordUnit,
    Segmenter, StopWords,
};
use rec_core::{Error, Result, parallel};

use crate::errors::{OrRaise, parameter};
use crate::interrupt;
use crate::text::PySegmenter;
use crate::texts::{Texts, text_from_py};

/// Extracts keywords.
#[pyclass(module = "rec.text", name = "KeywordExtractor", frozen)]
pub(crate) struct PyKeywordExtractor {
    inner: KeywordExtractor,
}

type Scored = Vec<(String, f64)>;

fn scored(keywords: Vec<Keyword>) -> Scored {
    keywords.into_iter().map(|keyword| (keyword.text, keyword.score)).collect()
}

#[pymethods]
impl PyKeywordExtractor {
    #[new]
    #[pyo3(signature = (method="textrank", *, unit="terms", pos=None, stop_words=None, segmenter=None, min_chars=2, max_words=4, nested=0.5, prefer_length=true, window=5, damping=0.85))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        method: &str,
        unit: &str,
        pos: Option<Vec<String>>,
        stop_words: Option<&Bound<'_, PyAny>>,
        segmenter: Option<PyRef<'_, PySegmenter>>,
        min_chars: usize,
        max_words: usize,
        nested: f64,
        prefer_length: bool,
        window: usize,
        damping: f64,
    ) -> PyResult<Self> {
        let mut options = KeywordOptions {
            method: match method {
                "textrank" => KeywordMethod::TextRank,
                "tfidf" => KeywordMethod::TfIdf,
                _ => return Err(parameter("method", method, "choose textrank or tfidf")),
            },
            unit: match unit {
                "words" => KeywordUnit::Words,
                "phrases" => KeywordUnit::Phrases,
                "terms" => KeywordUnit::Terms,
                _ => return Err(parameter("unit", unit, "choose words, phrases or terms")),
            },
            min_chars,
            max_words,
            nested,
            prefer_length,
            window,
            damping,
            ..KeywordOptions::default()
        };
        if let Some(pos) = pos {
            options.pos = Arc::new(pos.into_iter().collect());
        }
        if let Some(words) = stop_words {
            let add = words.try_iter()?.map(|w| w?.extract()).collect::<PyResult<Vec<String>>>()?;
            let lists = StopWordLists { add, ..StopWordLists::default() };
            options.stop_words = Arc::new(StopWords::new(lists).or_raise()?);
        }
        let segmenter = segmenter.map(|segmenter| segmenter.copy());
        let inner = py.detach(|| {
            let segmenter = segmenter.unwrap_or_else(Segmenter::chinese);
            KeywordExtractor::with_segmenter(options, segmenter)
        });
        Ok(Self { inner: inner.or_raise()? })
    }

    /// An extractor with the document frequencies of a corpus.
    #[pyo3(signature = (texts, *, num_threads=None))]
    fn fitted(&self, texts: &Bound<'_, PyAny>, num_threads: Option<usize>) -> PyResult<Self> {
        let py = texts.py();
        let texts = Texts::from_py(texts)?;
        let inner = interrupt::run(py, |_| {
            parallel::install(num_threads, || self.inner.clone().fit(&texts.as_strs()))
        })?;
        Ok(Self { inner })
    }

    #[getter]
    fn is_fitted(&self) -> bool {
        self.inner.is_fitted()
    }

    fn extract(&self, text: &Bound<'_, PyAny>, k: usize) -> PyResult<Scored> {
        let py = text.py();
        let text = text_from_py(text)?;
        let text: &str = &text;
        py.detach(|| self.inner.extract(text, k)).or_raise().map(scored)
    }

    fn extract_batch(
        &self,
        texts: &Bound<'_, PyAny>,
        k: usize,
        num_threads: Option<usize>,
    ) -> PyResult<Vec<Scored>> {
        let py = texts.py();
        let texts = Texts::from_py(texts)?;
        let found = interrupt::run(py, |_| {
            parallel::install(num_threads, || self.inner.extract_batch(&texts.as_strs(), k))
        })?;
        Ok(found.into_iter().map(scored).collect())
    }

    /// The best candidates by meaning; `encode` makes a list of texts an array of vectors.
    fn extract_with(
        &self,
        text: &Bound<'_, PyAny>,
        k: usize,
        encode: Bound<'_, PyAny>,
        diversity: f32,
        candidates: usize,
    ) -> PyResult<Scored> {
        let text = text_from_py(text)?;
        let encoder = PyEncoder { encode, dim: Cell::new(0), raised: RefCell::new(None) };
        let how = Diversify { diversity, candidates };
        let found = self.inner.extract_with(&text, k, &encoder, how);
        match encoder.raised.take() {
            Some(raised) => Err(raised),
            None => found.or_raise().map(scored),
        }
    }
}

/// A Python function that makes texts vectors.
struct PyEncoder<'py> {
    encode: Bound<'py, PyAny>,
    /// Known once it has been called.
    dim: Cell<usize>,
    raised: RefCell<Option<PyErr>>,
}

impl PyEncoder<'_> {
    fn call(&self, texts: &[&str]) -> PyResult<Vec<f32>> {
        let py = self.encode.py();
        let vectors = self.encode.call1((texts.to_vec(),))?;
        let numpy = py.import("numpy")?;
        let array = numpy.call_method1("ascontiguousarray", (vectors, "float32"))?;
        let array = array.cast::<PyArrayDyn<f32>>().map_err(PyErr::from)?;
        match array.shape() {
            [rows, dim] if *rows == texts.len() => self.dim.set(*dim),
            shape => {
                let expected = format!("[{}, dim]", texts.len());
                let error = Error::shape("the encoder's vectors", expected, format!("{shape:?}"));
                return Err(error).or_raise();
            }
        }
        Ok(array.to_vec()?)
    }
}

impl Embed for PyEncoder<'_> {
    fn dim(&self) -> usize {
        self.dim.get()
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<f32>> {
        self.call(texts).map_err(|raised| {
            let error = Error::data("the encoder", raised.to_string());
            *self.raised.borrow_mut() = Some(raised);
            error
        })
    }
}
