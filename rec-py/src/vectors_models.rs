//! Models that train word vectors.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::PyArray1;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use rec_core::store::Manifest;
use rec_core::{Error, Result};
use rec_models::fit::FitContext;
use rec_models::vectors::{
    ContextReconstruction, Corpus, CorpusBuilder, FastText, FastTextModel, Glove, GloveModel,
    ReconstructionModel, Vectors, Word2Vec, Word2VecModel,
};
use serde_json::Value;

use crate::errors::{OrRaise, data};
use crate::interrupt;
use crate::params::{Params, configure, params_from_py, to_py};
use crate::progress::reporter;
use crate::texts::text_from_py;
use crate::vectors::{Held, PyVectors};

/// Sentences read between two looks for Ctrl-C.
const BLOCK: usize = 4096;

/// A trained model of words.
pub(crate) enum Trained {
    Word2Vec(Word2VecModel),
    FastText(FastTextModel),
    Glove(GloveModel),
    Reconstruction(ReconstructionModel),
}

impl Trained {
    pub(crate) fn vectors(&self) -> &Vectors {
        match self {
            Self::Word2Vec(model) => model.vectors(),
            Self::FastText(model) => model.vectors(),
            Self::Glove(model) => model.vectors(),
            Self::Reconstruction(model) => model.vectors(),
        }
    }

    fn load(path: PathBuf) -> Result<Self> {
        match Manifest::read(&path)?.kind.as_str() {
            "fasttext" => FastTextModel::load(path).map(Self::FastText),
            "glove" => GloveModel::load(path).map(Self::Glove),
            "reconstruction" => ReconstructionModel::load(path).map(Self::Reconstruction),
            // Which names the kind that it needs.
            _ => Word2VecModel::load(path).map(Self::Word2Vec),
        }
    }

    fn save(&self, path: PathBuf) -> Result<()> {
        match self {
            Self::Word2Vec(model) => model.save(path),
            Self::FastText(model) => model.save(path),
            Self::Glove(model) => model.save(path),
            Self::Reconstruction(model) => model.save(path),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Word2Vec(_) => "word2vec",
            Self::FastText(_) => "fasttext",
            Self::Glove(_) => "glove",
            Self::Reconstruction(_) => "reconstruction",
        }
    }

    /// The parameters by name; fastText's are word2vec's and its own.
    fn config(&self) -> serde_json::Result<Value> {
        match self {
            Self::Word2Vec(model) => serde_json::to_value(model.config()),
            Self::Glove(model) => serde_json::to_value(model.config()),
            Self::Reconstruction(model) => serde_json::to_value(model.config()),
            Self::FastText(model) => {
                let mut all = serde_json::to_value(model.config())?;
                if let Some(all) = all.as_object_mut()
                    && let Some(Value::Object(word2vec)) = all.remove("word2vec")
                {
                    all.extend(word2vec);
                }
                Ok(all)
            }
        }
    }
}

/// What trains one.
enum Estimator {
    Word2Vec(Word2Vec),
    FastText(FastText),
    Glove(Glove),
    Reconstruction(ContextReconstruction),
}

impl Estimator {
    fn new(kind: &str, mut params: Params) -> Result<Self> {
        match kind {
            "word2vec" => configure(&params).map(Self::Word2Vec),
            "glove" => configure(&params).map(Self::Glove),
            "reconstruction" => configure(&params).map(Self::Reconstruction),
            "fasttext" => {
                let own = ["min_n", "max_n", "bucket"];
                let own = own.iter().filter_map(|name| params.remove_entry(*name)).collect();
                let word2vec = configure(&params)?;
                Ok(Self::FastText(FastText { word2vec, ..configure(&own)? }))
            }
            other => Err(Error::parameter(
                "kind",
                other,
                "choose word2vec, fasttext, glove or reconstruction",
            )),
        }
    }

    fn fit(
        &self,
        corpus: &Corpus,
        onto: Option<&Trained>,
        ctx: &FitContext<'_>,
    ) -> Result<Trained> {
        match (self, onto) {
            (Self::Word2Vec(config), Some(Trained::Word2Vec(model))) => {
                config.fit_on(model, corpus, ctx).map(Trained::Word2Vec)
            }
            (Self::Word2Vec(config), None) => config.fit(corpus, ctx).map(Trained::Word2Vec),
            (Self::FastText(config), None) => config.fit(corpus, ctx).map(Trained::FastText),
            (Self::Glove(config), None) => config.fit(corpus, ctx).map(Trained::Glove),
            (Self::Reconstruction(config), None) => {
                config.fit(corpus, ctx).map(Trained::Reconstruction)
            }
            (_, Some(model)) => Err(Error::unsupported(
                "training on from a model",
                model.kind(),
                "train anew on all sentences, or use Word2Vec",
            )),
        }
    }
}

/// A trained model of words.
#[pyclass(module = "rec._native", name = "WordModel", frozen)]
pub(crate) struct PyWordModel(Arc<Trained>);

#[pymethods]
impl PyWordModel {
    /// Checks parameters by name and type.
    #[staticmethod]
    fn check(kind: &str, params: &Bound<'_, PyDict>) -> PyResult<()> {
        Estimator::new(kind, params_from_py(params)?).map(drop).or_raise()
    }

    /// Trains, from the start or on from a model, on sentences or on a file of them.
    #[staticmethod]
    #[pyo3(signature = (
        kind, params, sentences, *, min_count, prune_at, max_words, seed, device, onto, progress
    ))]
    #[allow(clippy::too_many_arguments)]
    fn train(
        py: Python<'_>,
        kind: &str,
        params: &Bound<'_, PyDict>,
        sentences: &Bound<'_, PyAny>,
        min_count: u64,
        prune_at: Option<usize>,
        max_words: Option<usize>,
        seed: u64,
        device: &str,
        onto: Option<PyRef<'_, PyWordModel>>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let estimator = Estimator::new(kind, params_from_py(params)?).or_raise()?;
        let device = device.parse().or_raise()?;
        let mut builder =
            CorpusBuilder::new().min_count(min_count).prune_at(prune_at).max_words(max_words);
        let file = corpus_file(sentences)?;
        if file.is_none() {
            read(&mut builder, sentences)?;
        }
        let (onto, progress) = (onto.map(|model| model.0.clone()), reporter(progress));
        let model = interrupt::run(py, move |cancel| -> Result<Trained> {
            if let Some(path) = &file {
                builder.add_file(path)?;
            }
            let corpus = builder.build()?;
            let cancel = cancel.clone();
            let ctx = FitContext { device, seed, progress, cancel, ..FitContext::default() };
            estimator.fit(&corpus, onto.as_deref(), &ctx)
        })?;
        Ok(Self(Arc::new(model)))
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        Ok(Self(Arc::new(py.detach(|| Trained::load(path)).or_raise()?)))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| self.0.save(path)).or_raise()
    }

    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    #[getter]
    fn vectors(&self) -> PyVectors {
        PyVectors(Arc::new(Held::Model(self.0.clone())))
    }

    /// The vector of a word that was not trained on, where the model makes one.
    fn unseen<'py>(&self, py: Python<'py>, word: &str) -> Option<Bound<'py, PyArray1<f32>>> {
        match &*self.0 {
            Trained::FastText(model) => {
                model.vector(word).ok().map(|vector| PyArray1::from_vec(py, vector))
            }
            _ => None,
        }
    }

    /// The mean loss by epoch, where the trainer measures it.
    #[getter]
    fn losses(&self) -> Option<Vec<f64>> {
        match &*self.0 {
            Trained::Glove(model) => Some(model.losses().to_vec()),
            Trained::Reconstruction(model) => Some(model.losses().to_vec()),
            _ => None,
        }
    }

    /// The parameters it was trained with.
    #[getter]
    fn config<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_py(py, &self.0.config().map_err(|e| data("parameters", e.to_string()))?)
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
