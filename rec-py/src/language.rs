//! Language models: training, generation, likelihoods.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::{Error, Result, parallel};
use rec_models::Device;
use rec_models::fit::Cancel;
use rec_models::language::generate::{Finish, Piece};
use rec_models::language::{
    Backbone, EncoderModel, GenerateOptions, LoadReport, NewModel, TextGenerator, copy_model,
    is_causal, is_detector, train_language_model,
};
use tempfile::TempDir;

use crate::errors::{OrRaise, parameter};
use crate::interrupt;
use crate::params::{configure, params_from_py};
use crate::texts::Texts;
use crate::tokenizer::PyTokenizer;
use crate::training::{self, History, history};

/// How often a waiting iterator looks for signals.
const POLL: Duration = Duration::from_millis(50);

/// A continuation: its text, its token ids, and why it ended.
type Continuation = (String, Vec<u32>, &'static str);
/// A token as it comes: of which prompt, its id, the text now certain, why it is the last.
type Token = (usize, u32, String, Option<&'static str>);

/// A language model with its tokenizer.
#[pyclass(module = "rec", name = "LanguageModel", frozen)]
pub(crate) struct PyLanguageModel {
    folder: Folder,
    kind: Kind,
}

/// What the model predicts.
enum Kind {
    /// The next token.
    Causal(Arc<TextGenerator>),
    /// Tokens behind a mask, or which tokens were replaced: it is read anew where it is trained or
    /// encodes.
    Encoder { detector: bool, vocab_size: usize, max_len: Option<usize>, report: LoadReport },
}

/// Where a model's files lie.
enum Folder {
    Given(PathBuf),
    /// Of a model that was made here, as long as it lives.
    Kept(TempDir),
}

impl Folder {
    /// One that is gone with the model; the model's own folder lies in it.
    fn new() -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("rec-language-model-").tempdir();
        dir.map(Self::Kept).map_err(Error::io(std::env::temp_dir()))
    }

    fn path(&self) -> PathBuf {
        match self {
            Self::Given(path) => path.clone(),
            Self::Kept(dir) => dir.path().join("model"),
        }
    }
}

#[pymethods]
impl PyLanguageModel {
    #[staticmethod]
    #[pyo3(signature = (folder, *, device, dtype))]
    fn from_pretrained(
        py: Python<'_>,
        folder: PathBuf,
        device: &str,
        dtype: &str,
    ) -> PyResult<Self> {
        let device = device.parse().or_raise()?;
        interrupt::run(py, |_| Self::open(Folder::Given(folder), device, dtype))
    }

    /// A new model of the sizes' family, with the tokenizer's vocabulary.
    #[staticmethod]
    #[pyo3(signature = (sizes, tokenizer, *, seed, device, dtype))]
    fn from_config(
        py: Python<'_>,
        sizes: &Bound<'_, PyDict>,
        tokenizer: &PyTokenizer,
        seed: u64,
        device: &str,
        dtype: &str,
    ) -> PyResult<Self> {
        let new: NewModel = configure(&params_from_py(sizes)?).or_raise()?;
        let device = device.parse().or_raise()?;
        let tokenizer = &tokenizer.inner;
        interrupt::run(py, |_| {
            let folder = Folder::new()?;
            new.write(tokenizer, &folder.path(), seed)?;
            Self::open(folder, device, dtype)
        })
    }

    /// The model after training on texts, and how that went.
    #[pyo3(signature = (texts, validation, *, whole_words, settings, surroundings, progress))]
    #[allow(clippy::too_many_arguments)]
    fn fit(
        &self,
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        validation: Option<&Bound<'_, PyAny>>,
        whole_words: bool,
        settings: &Bound<'_, PyDict>,
        surroundings: &Bound<'_, PyDict>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<(Self, History)> {
        let run = training::Run::from_py(settings, surroundings, progress)?;
        let texts = Texts::from_py(texts)?;
        let validation = validation.map(Texts::from_py).transpose()?;
        let (texts, validation) =
            (texts.as_strs(), validation.as_ref().map(Texts::as_strs).unwrap_or_default());
        let from = self.folder.path();
        let (model, learnt) = interrupt::run(py, |cancel| {
            let folder = Folder::new()?;
            let lists = (texts.as_slice(), validation.as_slice());
            let ctx = run.context(cancel);
            let learnt =
                train_language_model(&from, &folder.path(), lists, whole_words, &run.how, &ctx)?;
            Ok((Self::open(folder, run.device, &run.dtype)?, learnt))
        })?;
        Ok((model, history(learnt)))
    }

    /// Writes the model's folder.
    fn save(&self, py: Python<'_>, to: PathBuf) -> PyResult<()> {
        interrupt::run(py, |_| copy_model(&self.folder.path(), &to))
    }

    /// Where the model's files lie.
    #[getter]
    fn folder(&self) -> PathBuf {
        self.folder.path()
    }

    /// What it is trained to predict.
    #[getter]
    fn objective(&self) -> &'static str {
        match &self.kind {
            Kind::Causal(_) => "causal",
            Kind::Encoder { detector: false, .. } => "masked",
            Kind::Encoder { detector: true, .. } => "electra",
        }
    }

    /// The continuation of every prompt. Options not named are the checkpoint's.
    #[pyo3(signature = (prompts, *, options, num_threads))]
    fn generate(
        &self,
        py: Python<'_>,
        prompts: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
        num_threads: Option<usize>,
    ) -> PyResult<Vec<Continuation>> {
        let generator = self.generator("generate").or_raise()?;
        let options = with(generator, options)?;
        let prompts = Texts::from_py(prompts)?;
        let prompts = prompts.as_strs();
        let generated = interrupt::run(py, |cancel| {
            parallel::install(num_threads, || {
                generator.generate(&prompts, &options, cancel, |_| Ok(()))
            })
        })?;
        let parts = |g: rec_models::language::Generated| {
            (g.text.unwrap_or_default(), g.ids, finish_name(g.finish))
        };
        Ok(generated.into_iter().map(parts).collect())
    }

    /// An iterator over the tokens of all continuations, as they come.
    #[pyo3(signature = (prompts, *, options, num_threads))]
    fn stream(
        &self,
        prompts: &Bound<'_, PyAny>,
        options: &Bound<'_, PyDict>,
        num_threads: Option<usize>,
    ) -> PyResult<PyTokenStream> {
        let generator = self.generator("stream").or_raise()?;
        let options = with(generator, options)?;
        let prompts = Texts::from_py(prompts)?;
        let prompts: Vec<String> = prompts.as_strs().into_iter().map(str::to_owned).collect();
        // Bad input is refused here and not at the first token.
        generator.stream(&prompts, &options).or_raise()?;
        let cancel = Cancel::default();
        let (sender, pieces) = sync_channel(1);
        let run = Run { model: generator.clone(), prompts, options, cancel: cancel.clone() };
        std::thread::spawn(move || run.send(num_threads, &sender));
        Ok(PyTokenStream { pieces: Mutex::new(pieces), cancel })
    }

    /// Log-probability and number of predicted tokens of each text.
    #[pyo3(signature = (texts, *, batch_tokens, num_threads))]
    #[allow(clippy::type_complexity)]
    fn log_likelihoods<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyAny>,
        batch_tokens: usize,
        num_threads: Option<usize>,
    ) -> PyResult<(Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<u64>>)> {
        let generator = self.generator("log_likelihoods").or_raise()?;
        let texts = Texts::from_py(texts)?;
        let texts = texts.as_strs();
        let found = interrupt::run(py, |cancel| {
            parallel::install(num_threads, || generator.likelihoods(&texts, batch_tokens, cancel))
        })?;
        let logs = found.iter().map(|l| l.log_probability);
        let tokens = found.iter().map(|l| l.tokens as u64);
        Ok((PyArray1::from_iter(py, logs), PyArray1::from_iter(py, tokens)))
    }

    /// What the checkpoint suggests for generation, by name.
    #[getter]
    fn options<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let o = self.generator("options").or_raise()?.options();
        let dict = PyDict::new(py);
        dict.set_item("max_new_tokens", o.max_new_tokens)?;
        dict.set_item("do_sample", o.do_sample)?;
        dict.set_item("temperature", o.temperature)?;
        dict.set_item("top_k", o.top_k)?;
        dict.set_item("top_p", o.top_p)?;
        dict.set_item("repetition_penalty", o.repetition_penalty)?;
        dict.set_item("stop_ids", o.stop_ids.clone())?;
        Ok(dict)
    }

    /// Rows of the token table.
    #[getter]
    fn vocab_size(&self) -> usize {
        match &self.kind {
            Kind::Causal(generator) => generator.model().vocab_size(),
            Kind::Encoder { vocab_size, .. } => *vocab_size,
        }
    }

    /// Tokens of prompt and continuation together, at most; None where nothing bounds them.
    #[getter]
    fn max_len(&self) -> Option<usize> {
        match &self.kind {
            Kind::Causal(generator) => generator.model().max_len(),
            Kind::Encoder { max_len, .. } => *max_len,
        }
    }

    /// Weights that the model lacks and does without, and weights that it did not take.
    #[getter]
    fn report(&self) -> (Vec<String>, Vec<String>) {
        let report = match &self.kind {
            Kind::Causal(generator) => generator.report(),
            Kind::Encoder { report, .. } => report,
        };
        (report.missing.clone(), report.unexpected.clone())
    }
}

impl PyLanguageModel {
    fn open(folder: Folder, device: Device, dtype: &str) -> Result<Self> {
        let path = folder.path();
        let dtype = rec_models::device::parse_dtype(dtype)?;
        if is_causal(&path)? {
            let generator = TextGenerator::from_pretrained(&path, device, dtype)?;
            return Ok(Self { folder, kind: Kind::Causal(Arc::new(generator)) });
        }
        let (model, report) = EncoderModel::load(&path, &device.tensor()?, dtype)?;
        let (vocab_size, max_len) = (model.vocab_size(), model.max_len());
        let detector = is_detector(&path)?;
        Ok(Self { folder, kind: Kind::Encoder { detector, vocab_size, max_len, report } })
    }

    /// The decoder.
    fn generator(&self, what: &str) -> Result<&Arc<TextGenerator>> {
        match &self.kind {
            Kind::Causal(generator) => Ok(generator),
            Kind::Encoder { .. } => {
                let why = "it reads texts both ways; take a gpt2, llama or qwen3";
                Err(Error::unsupported(what, "an encoder", why))
            }
        }
    }
}

/// The checkpoint's options, with those that the caller named in their place.
fn with(generator: &TextGenerator, named: &Bound<'_, PyDict>) -> PyResult<GenerateOptions> {
    let mut options = generator.options().clone();
    for (name, value) in named {
        match name.extract::<&str>()? {
            "max_new_tokens" => options.max_new_tokens = value.extract()?,
            "do_sample" => options.do_sample = value.extract()?,
            "temperature" => options.temperature = value.extract()?,
            "top_k" => options.top_k = Some(value.extract::<usize>()?).filter(|&k| k > 0),
            "top_p" => options.top_p = Some(value.extract()?),
            "repetition_penalty" => options.repetition_penalty = value.extract()?,
            "stop_ids" => options.stop_ids = value.extract()?,
            "stop_strings" => options.stop_strings = value.extract()?,
            "seed" => options.seed = value.extract()?,
            other => return Err(parameter(other, value, "is no option of generation")),
        }
    }
    Ok(options)
}

/// Generation on a thread of its own.
struct Run {
    model: Arc<TextGenerator>,
    prompts: Vec<String>,
    options: GenerateOptions,
    cancel: Cancel,
}

impl Run {
    /// Sends every token until it is done, or nobody listens any more.
    fn send(&self, threads: Option<usize>, to: &SyncSender<Result<Piece>>) {
        let outcome = parallel::install(threads, || {
            let generator = self.model.stream(&self.prompts, &self.options)?;
            for piece in generator.cancelled_by(&self.cancel) {
                if to.send(Ok(piece?)).is_err() {
                    break;
                }
            }
            Ok(())
        });
        if let Err(error) = outcome {
            // Fails where nobody listens: then nobody is to be told.
            let _ = to.send(Err(error));
        }
    }
}

/// Tokens as they come; ends with the last continuation.
#[pyclass(module = "rec", name = "TokenStream", frozen)]
pub(crate) struct PyTokenStream {
    pieces: Mutex<Receiver<Result<Piece>>>,
    cancel: Cancel,
}

impl Drop for PyTokenStream {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

#[pymethods]
impl PyTokenStream {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__(&self, py: Python<'_>) -> PyResult<Option<Token>> {
        loop {
            let next = py.detach(|| {
                let pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
                pieces.recv_timeout(POLL)
            });
            match next {
                Ok(piece) => {
                    let piece = piece.or_raise()?;
                    let finish = piece.finish.map(finish_name);
                    return Ok(Some((piece.prompt, piece.id, piece.text, finish)));
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => py.check_signals()?,
            }
        }
    }
}

fn finish_name(finish: Finish) -> &'static str {
    match finish {
        Finish::StopId => "stop_id",
        Finish::StopText => "stop_text",
        Finish::Length => "length",
        Finish::Positions => "positions",
        Finish::Interrupted => "interrupted",
    }
}
