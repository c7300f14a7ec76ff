//! Texts to vectors.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_models::language::{
    Encode, EncoderOptions, Lesson, LongTexts, PoolingMode, Prompt, TextEncoder, Vectors,
    merge_adapter, train_encoder,
};

use crate::errors::{OrRaise, parameter};
use crate::ids::reshaped;
use crate::interrupt;
use crate::progress::reporter;
use crate::texts::{Texts, text_from_py};
use crate::training::{History, Run, history};

/// A transformer with its tokenizer and pooling.
#[pyclass(module = "rec", name = "TextEncoder", frozen)]
pub(crate) struct PyTextEncoder {
    pub(crate) inner: Arc<TextEncoder>,
}

/// One call's settings, as keyword arguments.
struct Wish {
    prompt: Option<String>,
    prompt_name: Option<String>,
    normalize: Option<bool>,
    batch_tokens: usize,
    memory_limit: Option<u64>,
    num_threads: Option<usize>,
    progress: Option<Py<PyAny>>,
}

impl Wish {
    fn encode(self) -> PyResult<Encode> {
        let prompt = match (self.prompt, self.prompt_name) {
            (Some(_), Some(name)) => {
                return Err(parameter("prompt_name", name, "give prompt or prompt_name, not both"));
            }
            (Some(text), None) => Prompt::Text(text),
            (None, Some(name)) => Prompt::Named(name),
            (None, None) => Prompt::Default,
        };
        Ok(Encode {
            prompt,
            normalize: self.normalize,
            batch_tokens: self.batch_tokens,
            memory_limit: self.memory_limit,
            threads: self.num_threads,
            progress: reporter(self.progress),
            ..Encode::default()
        })
    }
}

#[pymethods]
impl PyTextEncoder {
    /// Trains on texts (and, for pairs, what belongs to each) and writes the encoder to `to`.
    #[pyo3(signature = (lists, to, *, lesson, temperature, flag, settings, surroundings, progress))]
    #[allow(clippy::too_many_arguments)]
    fn train(
        &self,
        py: Python<'_>,
        lists: Vec<Bound<'_, PyAny>>,
        to: PathBuf,
        lesson: &str,
        temperature: f64,
        flag: bool,
        settings: &Bound<'_, PyDict>,
        surroundings: &Bound<'_, PyDict>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<History> {
        let run = Run::from_py(settings, surroundings, progress)?;
        let lists = lists.iter().map(Texts::from_py).collect::<PyResult<Vec<_>>>()?;
        let lists: Vec<Vec<&str>> = lists.iter().map(Texts::as_strs).collect();
        let list = |i: usize| lists.get(i).map_or(&[][..], Vec::as_slice);
        let lesson = match lesson {
            "masked" => Lesson::Masked { texts: list(0), validation: list(1), whole_words: flag },
            "electra" => {
                Lesson::Replaced { texts: list(0), validation: list(1), whole_words: flag }
            }
            "simcse" => Lesson::SimCse { texts: list(0), validation: list(1), temperature },
            "pairs" => Lesson::Pairs {
                anchors: list(0),
                positives: list(1),
                negatives: list(2),
                temperature,
                symmetric: flag,
            },
            other => return Err(parameter("objective", other, "choose mlm, electra or simcse")),
        };
        let from = self.inner.trainable_folder().or_raise()?;
        let learnt = interrupt::run(py, |cancel| {
            train_encoder(from, &to, lesson, &run.how, &run.context(cancel))
        })?;
        Ok(history(learnt))
    }

    /// Writes the files it was loaded from to another folder, an adapter merged.
    fn save(&self, py: Python<'_>, folder: PathBuf) -> PyResult<()> {
        interrupt::run(py, |_| self.inner.save(&folder))
    }

    /// Writes the encoder of the folder `base` to `to`, with the adapter in `adapter` merged.
    #[staticmethod]
    fn merge(py: Python<'_>, base: PathBuf, adapter: PathBuf, to: PathBuf) -> PyResult<()> {
        interrupt::run(py, |_| merge_adapter(&base, &adapter, &to))
    }

    #[staticmethod]
    #[pyo3(signature = (folder, *, device, dtype, pooling, max_len, long_texts, overlap, cache, adapter))]
    #[allow(clippy::too_many_arguments)]
    fn from_pretrained(
        py: Python<'_>,
        folder: PathBuf,
        device: &str,
        dtype: &str,
        pooling: Option<&str>,
        max_len: Option<usize>,
        long_texts: &str,
        overlap: usize,
        cache: Option<PathBuf>,
        adapter: Option<PathBuf>,
    ) -> PyResult<Self> {
        let long_texts = match long_texts {
            "truncate" => LongTexts::Truncate,
            "chunk" => LongTexts::Chunk { overlap },
            other => return Err(parameter("long_texts", other, "choose truncate or chunk")),
        };
        let options = EncoderOptions {
            device: device.parse().or_raise()?,
            dtype: rec_models::device::parse_dtype(dtype).or_raise()?,
            pooling: pooling.map(str::parse::<PoolingMode>).transpose().or_raise()?,
            max_len,
            long_texts,
            adapter,
        };
        let inner = interrupt::run(py, |_| {
            let encoder = TextEncoder::from_pretrained(&folder, &options)?;
            match &cache {
                Some(cache) => encoder.with_cache(cache),
                None => Ok(encoder),
            }
        })?;
        Ok(Self { inner: Arc::new(inner) })
    }

    #[pyo3(signature = (texts, *, prompt, prompt_name, normalize, batch_tokens, memory_limit, num_threads, progress))]
    #[allow(clippy::too_many_arguments)]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyAny>,
        prompt: Option<String>,
        prompt_name: Option<String>,
        normalize: Option<bool>,
        batch_tokens: usize,
        memory_limit: Option<u64>,
        num_threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let wish = Wish {
            prompt,
            prompt_name,
            normalize,
            batch_tokens,
            memory_limit,
            num_threads,
            progress,
        };
        let options = wish.encode()?;
        let texts = Texts::from_py(texts)?;
        let vectors = interrupt::run(py, |cancel| {
            let options = Encode { cancel: cancel.clone(), ..options };
            match &texts {
                Texts::Strings(texts) => self.inner.encode(texts, &options),
                Texts::Owned(texts) => self.inner.encode(texts, &options),
            }
        })?;
        to_numpy(py, vectors)
    }

    /// Writes the vectors of texts, one by one from an iterator, to a NumPy file.
    #[pyo3(signature = (texts, path, *, prompt, prompt_name, normalize, batch_tokens, memory_limit, num_threads, progress))]
    #[allow(clippy::too_many_arguments)]
    fn encode_to_file(
        &self,
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        path: PathBuf,
        prompt: Option<String>,
        prompt_name: Option<String>,
        normalize: Option<bool>,
        batch_tokens: usize,
        memory_limit: Option<u64>,
        num_threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<usize> {
        let wish = Wish {
            prompt,
            prompt_name,
            normalize,
            batch_tokens,
            memory_limit,
            num_threads,
            progress,
        };
        let options = wish.encode()?;
        let iterator = texts.try_iter()?.unbind();
        let mut raised = None;
        let written = interrupt::run(py, |cancel| {
            let options = Encode { cancel: cancel.clone(), ..options };
            let next = || next_text(&iterator, &mut raised);
            self.inner.encode_to_file(std::iter::from_fn(next), &path, &options)
        });
        match raised {
            Some(error) => Err(error),
            None => Ok(written?.len()),
        }
    }

    #[pyo3(signature = (query, texts, *, batch_tokens, num_threads))]
    fn rank(
        &self,
        py: Python<'_>,
        query: &Bound<'_, PyAny>,
        texts: &Bound<'_, PyAny>,
        batch_tokens: usize,
        num_threads: Option<usize>,
    ) -> PyResult<Vec<(usize, f32)>> {
        let query = text_from_py(query)?;
        let texts = Texts::from_py(texts)?;
        interrupt::run(py, |cancel| {
            let options = Encode {
                batch_tokens,
                threads: num_threads,
                cancel: cancel.clone(),
                ..Encode::default()
            };
            match &texts {
                Texts::Strings(texts) => self.inner.rank(&query, texts, &options),
                Texts::Owned(texts) => self.inner.rank(&query, texts, &options),
            }
        })
    }

    /// The folder it was loaded from.
    #[getter]
    fn folder(&self) -> PathBuf {
        self.inner.folder().to_path_buf()
    }

    /// Columns of the vectors.
    #[getter]
    fn dim(&self) -> usize {
        self.inner.dim()
    }

    /// Tokens of a text that the model sees at once, special ones included.
    #[getter]
    fn max_len(&self) -> usize {
        self.inner.max_len()
    }

    /// Names of the pooling modes.
    #[getter]
    fn pooling(&self) -> Vec<String> {
        self.inner.pooling().iter().map(ToString::to_string).collect()
    }

    /// Whether the model's own steps give vectors of length 1.
    #[getter]
    fn normalizes(&self) -> bool {
        self.inner.normalizes()
    }

    /// The prompts the folder names, by name.
    #[getter]
    fn prompts(&self) -> std::collections::BTreeMap<String, String> {
        self.inner.prompts().clone()
    }

    /// Weights that the model lacks and does without, and weights that it did not take.
    #[getter]
    fn report(&self) -> (Vec<String>, Vec<String>) {
        let report = self.inner.report();
        (report.missing.clone(), report.unexpected.clone())
    }
}

/// The next text of a Python iterator; an exception it raises is kept for the caller.
fn next_text(
    iterator: &Py<pyo3::types::PyIterator>,
    raised: &mut Option<PyErr>,
) -> Option<rec_core::Result<String>> {
    Python::attach(|py| {
        let text = iterator.bind(py).clone().next()?;
        match text.and_then(|text| text_from_py(&text).map(|text| text.to_string())) {
            Ok(text) => Some(Ok(text)),
            Err(error) => {
                let why = error.to_string();
                *raised = Some(error);
                Some(Err(rec_core::Error::data("texts", why)))
            }
        }
    })
}

fn to_numpy(py: Python<'_>, vectors: Vectors) -> PyResult<Bound<'_, PyAny>> {
    let (rows, dim) = (vectors.len(), vectors.dim());
    reshaped(PyArray1::from_vec(py, vectors.into_vec()).into_any(), rows, dim)
}
