//! `rec.Tokenizer`: the token ids of language models.

use std::path::PathBuf;

use numpy::{IntoPyArray, PyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::parallel;
use rec_core::text::{
    EncodeInput, EncodeOptions, Encoding, OffsetUnit, SpecialRole, Tokenizer, TrainOptions,
    Truncation, TruncationSide, TruncationStrategy,
};

use crate::errors::{OrRaise, parameter};
use crate::text::PySegmenter;
use crate::texts::{Texts, text_from_py};
use crate::tokenizer_train as train;

/// Turns texts into the token ids of a language model, and back.
#[pyclass(module = "rec", name = "Tokenizer", frozen)]
pub(crate) struct PyTokenizer {
    pub(crate) inner: Tokenizer,
}

impl From<Tokenizer> for PyTokenizer {
    fn from(inner: Tokenizer) -> Self {
        Self { inner }
    }
}

/// The options behind `encode`'s keyword arguments.
fn options(
    special_tokens: bool,
    max_length: Option<usize>,
    (side_name, strategy_name): (&str, &str),
    offsets: &str,
) -> PyResult<EncodeOptions> {
    let (side, strategy) = (side(side_name)?, strategy(strategy_name)?);
    let truncation = max_length.map(|max_length| Truncation { max_length, side, strategy });
    let offsets = match offsets {
        "chars" => OffsetUnit::Chars,
        "bytes" => OffsetUnit::Bytes,
        _ => return Err(parameter("offsets", offsets, "choose chars or bytes")),
    };
    Ok(EncodeOptions { special_tokens, truncation, offsets })
}

fn side(name: &str) -> PyResult<TruncationSide> {
    match name {
        "right" => Ok(TruncationSide::Right),
        "left" => Ok(TruncationSide::Left),
        _ => Err(parameter("truncation_side", name, "choose right or left")),
    }
}

fn strategy(name: &str) -> PyResult<TruncationStrategy> {
    match name {
        "longest_first" => Ok(TruncationStrategy::LongestFirst),
        "only_first" => Ok(TruncationStrategy::OnlyFirst),
        "only_second" => Ok(TruncationStrategy::OnlySecond),
        _ => {
            let why = "choose longest_first, only_first or only_second";
            Err(parameter("truncation_strategy", name, why))
        }
    }
}

/// Texts, each perhaps with a second one.
struct Inputs {
    texts: Texts,
    pairs: Option<Texts>,
}

impl Inputs {
    fn from_py(texts: &Bound<'_, PyAny>, pairs: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let texts = Texts::from_py(texts)?;
        let pairs = pairs.map(Texts::from_py).transpose()?;
        if let Some(pairs) = &pairs
            && pairs.len() != texts.len()
        {
            let got = rec_core::Error::shape("pairs", texts.len(), pairs.len());
            return Err(got).or_raise();
        }
        Ok(Self { texts, pairs })
    }

    fn get(&self) -> Vec<EncodeInput<'_>> {
        let texts = self.texts.as_strs();
        let pairs = self.pairs.as_ref().map(Texts::as_strs);
        let pair = |i: usize| pairs.as_ref().map(|pairs| pairs[i]);
        let input = |(i, text)| EncodeInput { text, pair: pair(i) };
        texts.into_iter().enumerate().map(input).collect()
    }
}

#[pymethods]
impl PyTokenizer {
    #[staticmethod]
    fn from_file(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        py.detach(|| Tokenizer::from_file(path)).or_raise().map(Self::from)
    }

    #[staticmethod]
    fn from_pretrained(py: Python<'_>, folder: PathBuf) -> PyResult<Self> {
        py.detach(|| Tokenizer::from_folder(folder)).or_raise().map(Self::from)
    }

    #[staticmethod]
    #[pyo3(signature = (texts=None, *, files=Vec::new(), model="wordpiece", vocab_size=30_000, min_frequency=2, special_tokens=None, extra_special_tokens=Vec::new(), lowercase=None, limit_alphabet=None, segmenter=None, model_max_length=None, num_threads=None, progress=None))]
    #[allow(clippy::too_many_arguments)]
    fn train(
        py: Python<'_>,
        texts: Option<&Bound<'_, PyAny>>,
        files: Vec<PathBuf>,
        model: &str,
        vocab_size: usize,
        min_frequency: u64,
        special_tokens: Option<&Bound<'_, PyDict>>,
        extra_special_tokens: Vec<String>,
        lowercase: Option<bool>,
        limit_alphabet: Option<usize>,
        segmenter: Option<PyRef<'_, PySegmenter>>,
        model_max_length: Option<usize>,
        num_threads: Option<usize>,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let mut options = TrainOptions {
            vocab_size,
            min_frequency,
            extra_special_tokens,
            limit_alphabet,
            model_max_length,
            word_ends: segmenter.map(|segmenter| train::word_ends(segmenter.copy())),
            ..TrainOptions::new(train::model(model)?)
        };
        options.lowercase = lowercase.unwrap_or(options.lowercase);
        if let Some(special) = special_tokens {
            options.special_tokens = train::roles(special)?;
        }
        let progress = match progress {
            Some(wish) => {
                py.import("rec._progress")?.call_method1("reporter", (wish,))?.extract()?
            }
            None => None,
        };
        let training = train::Training { files, options, num_threads, progress };
        train::train(py, texts, training).map(Self::from)
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.inner.save(path)).or_raise()
    }

    fn save_pretrained(&self, py: Python<'_>, folder: PathBuf) -> PyResult<()> {
        py.detach(|| self.inner.save_folder(folder)).or_raise()
    }

    fn to_json(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| self.inner.to_json()).or_raise()
    }

    #[pyo3(signature = (text, pair=None, *, add_special_tokens=true, max_length=None, truncation_side="right", truncation_strategy="longest_first", offsets="chars"))]
    #[allow(clippy::too_many_arguments)]
    fn encode(
        &self,
        text: &Bound<'_, PyAny>,
        pair: Option<&Bound<'_, PyAny>>,
        add_special_tokens: bool,
        max_length: Option<usize>,
        truncation_side: &str,
        truncation_strategy: &str,
        offsets: &str,
    ) -> PyResult<PyEncoding> {
        let cut = (truncation_side, truncation_strategy);
        let options = options(add_special_tokens, max_length, cut, offsets)?;
        let py = text.py();
        let text = text_from_py(text)?;
        let pair = pair.map(text_from_py).transpose()?;
        let (text, pair): (&str, Option<&str>) = (&text, pair.as_deref());
        let input = EncodeInput { text, pair };
        let inner = py.detach(|| self.inner.encode(input, &options)).or_raise()?;
        Ok(PyEncoding { inner })
    }

    #[pyo3(signature = (texts, pairs=None, *, add_special_tokens=true, max_length=None, truncation_side="right", truncation_strategy="longest_first", offsets="chars", num_threads=None))]
    #[allow(clippy::too_many_arguments)]
    fn encode_batch(
        &self,
        texts: &Bound<'_, PyAny>,
        pairs: Option<&Bound<'_, PyAny>>,
        add_special_tokens: bool,
        max_length: Option<usize>,
        truncation_side: &str,
        truncation_strategy: &str,
        offsets: &str,
        num_threads: Option<usize>,
    ) -> PyResult<Vec<PyEncoding>> {
        let cut = (truncation_side, truncation_strategy);
        let options = options(add_special_tokens, max_length, cut, offsets)?;
        let py = texts.py();
        let inputs = Inputs::from_py(texts, pairs)?;
        let encodings = py
            .detach(|| {
                let inputs = inputs.get();
                parallel::install(num_threads, || self.inner.encode_batch(&inputs, &options))
            })
            .or_raise()?;
        Ok(encodings.into_iter().map(|inner| PyEncoding { inner }).collect())
    }

    /// Ids, type ids (or none) and row starts.
    #[pyo3(signature = (texts, pairs=None, *, add_special_tokens=true, max_length=None, truncation_side="right", truncation_strategy="longest_first", num_threads=None))]
    #[allow(clippy::too_many_arguments, clippy::type_complexity)]
    fn encode_packed<'py>(
        &self,
        texts: &Bound<'py, PyAny>,
        pairs: Option<&Bound<'py, PyAny>>,
        add_special_tokens: bool,
        max_length: Option<usize>,
        truncation_side: &str,
        truncation_strategy: &str,
        num_threads: Option<usize>,
    ) -> PyResult<(
        Bound<'py, PyArray1<u32>>,
        Option<Bound<'py, PyArray1<u32>>>,
        Bound<'py, PyArray1<u32>>,
    )> {
        let cut = (truncation_side, truncation_strategy);
        let options = options(add_special_tokens, max_length, cut, "chars")?;
        let py = texts.py();
        let inputs = Inputs::from_py(texts, pairs)?;
        let packed = py
            .detach(|| {
                let inputs = inputs.get();
                parallel::install(num_threads, || self.inner.encode_packed(&inputs, &options))
            })
            .or_raise()?;
        let types = (!packed.type_ids.is_empty()).then(|| packed.type_ids.into_pyarray(py));
        Ok((packed.ids.into_pyarray(py), types, packed.offsets.into_pyarray(py)))
    }

    #[pyo3(signature = (ids, *, skip_special_tokens=true))]
    fn decode(&self, ids: &Bound<'_, PyAny>, skip_special_tokens: bool) -> PyResult<String> {
        let py = ids.py();
        let ids = ids_from_py(ids)?;
        py.detach(|| self.inner.decode(&ids, skip_special_tokens)).or_raise()
    }

    #[pyo3(signature = (rows, *, skip_special_tokens=true))]
    fn decode_batch(
        &self,
        rows: &Bound<'_, PyAny>,
        skip_special_tokens: bool,
    ) -> PyResult<Vec<String>> {
        let py = rows.py();
        let rows = rows.try_iter()?.map(|row| ids_from_py(&row?)).collect::<PyResult<Vec<_>>>()?;
        py.detach(|| self.inner.decode_batch(&rows, skip_special_tokens)).or_raise()
    }

    #[pyo3(signature = (*, skip_special_tokens=true))]
    fn decode_stream(&self, skip_special_tokens: bool) -> PyDecodeStream {
        PyDecodeStream { inner: Some(self.inner.decode_stream(skip_special_tokens)) }
    }

    fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    fn id_to_token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    fn get_vocab<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let vocab = PyDict::new(py);
        for (token, id) in self.inner.vocab() {
            vocab.set_item(token, id)?;
        }
        Ok(vocab)
    }

    #[pyo3(signature = (pair=false))]
    fn num_special_tokens_to_add(&self, pair: bool) -> usize {
        self.inner.added_tokens(pair)
    }

    #[getter]
    fn vocab_size(&self) -> usize {
        self.inner.vocab_size()
    }

    #[getter]
    fn model(&self) -> &'static str {
        self.inner.model()
    }

    #[getter]
    fn model_max_length(&self) -> Option<usize> {
        self.inner.model_max_length()
    }

    /// Role to token, as `tokenizer_config.json` names the roles.
    #[getter]
    fn special_tokens<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let roles = PyDict::new(py);
        for role in SpecialRole::ALL {
            if let Some(token) = self.inner.special_tokens().get(role) {
                roles.set_item(role.key(), &token.token)?;
            }
        }
        Ok(roles)
    }

    #[getter]
    fn pad_token_id(&self) -> Option<u32> {
        self.inner.special_tokens().pad.as_ref().map(|t| t.id)
    }

    #[getter]
    fn unk_token_id(&self) -> Option<u32> {
        self.inner.special_tokens().unk.as_ref().map(|t| t.id)
    }

    #[getter]
    fn cls_token_id(&self) -> Option<u32> {
        self.inner.special_tokens().cls.as_ref().map(|t| t.id)
    }

    #[getter]
    fn sep_token_id(&self) -> Option<u32> {
        self.inner.special_tokens().sep.as_ref().map(|t| t.id)
    }

    #[getter]
    fn mask_token_id(&self) -> Option<u32> {
        self.inner.special_tokens().mask.as_ref().map(|t| t.id)
    }

    #[getter]
    fn bos_token_id(&self) -> Option<u32> {
        self.inner.special_tokens().bos.as_ref().map(|t| t.id)
    }

    #[getter]
    fn eos_token_id(&self) -> Option<u32> {
        self.inner.special_tokens().eos.as_ref().map(|t| t.id)
    }

    fn __len__(&self) -> usize {
        self.inner.vocab_size()
    }

    fn __repr__(&self) -> String {
        format!("rec.Tokenizer({}, vocab_size={})", self.inner.model(), self.inner.vocab_size())
    }
}

/// Ids from a list or an array of integers.
fn ids_from_py(ids: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    if let Ok(ids) = ids.extract::<Vec<u32>>() {
        return Ok(ids);
    }
    let listed = if ids.hasattr("tolist")? { ids.call_method0("tolist")? } else { ids.clone() };
    listed.extract::<Vec<u32>>().map_err(|_| {
        PyTypeError::new_err("ids: a list or array of token ids, integers from 0, is needed")
    })
}

/// The tokens of one input.
#[pyclass(module = "rec", name = "Encoding", frozen)]
pub(crate) struct PyEncoding {
    inner: Encoding,
}

#[pymethods]
impl PyEncoding {
    #[getter]
    fn ids(&self) -> Vec<u32> {
        self.inner.ids.clone()
    }

    #[getter]
    fn type_ids(&self) -> Vec<u32> {
        self.inner.type_ids.clone()
    }

    #[getter]
    fn tokens(&self) -> Vec<String> {
        self.inner.tokens.clone()
    }

    #[getter]
    fn offsets(&self) -> Vec<(usize, usize)> {
        self.inner.offsets.clone()
    }

    #[getter]
    fn special_tokens_mask(&self) -> Vec<u32> {
        self.inner.special.iter().map(|&s| u32::from(s)).collect()
    }

    #[getter]
    fn sequence_ids(&self) -> Vec<Option<u32>> {
        self.inner.sequences.clone()
    }

    #[getter]
    fn word_ids(&self) -> Vec<Option<u32>> {
        self.inner.words.clone()
    }

    fn __len__(&self) -> usize {
        self.inner.len()
    }

    fn __repr__(&self) -> String {
        format!("rec.Encoding({:?})", self.inner.tokens)
    }
}

/// Text from ids that come one at a time.
#[pyclass(module = "rec", name = "DecodeStream")]
pub(crate) struct PyDecodeStream {
    inner: Option<rec_core::text::DecodeStream>,
}

#[pymethods]
impl PyDecodeStream {
    fn step(&mut self, id: u32) -> PyResult<Option<String>> {
        match &mut self.inner {
            Some(stream) => stream.step(id).or_raise(),
            None => Err(crate::errors::data("stream", "it has ended; make another one")),
        }
    }

    fn finish(&mut self) -> PyResult<Option<String>> {
        match self.inner.take() {
            Some(stream) => stream.finish().or_raise(),
            None => Ok(None),
        }
    }
}
