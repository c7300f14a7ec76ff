//! `rec.GruLanguageModel`.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::{Error, Result, parallel};
use rec_models::FitContext;
use rec_models::tags::{GruLanguageModel, NgramOptions, TextGru};

use crate::dataset::path_of;
use crate::errors::OrRaise;
use crate::interrupt;
use crate::params::{Params, configure, params_from_py, to_py};
use crate::progress::reporter;
use crate::texts::Texts;

/// What recurrent units learned of a language.
#[pyclass(module = "rec._native", name = "FittedGruLanguage", frozen)]
pub(crate) struct PyGruLanguage {
    inner: GruLanguageModel,
}

fn units(params: &Params) -> Result<TextGru> {
    configure::<TextGru>(params)
}

#[pymethods]
impl PyGruLanguage {
    /// Checks the parameters' names and types.
    #[staticmethod]
    fn check(params: &Bound<'_, PyDict>) -> PyResult<()> {
        units(&params_from_py(params)?).map(drop).or_raise()
    }

    #[staticmethod]
    #[pyo3(signature = (texts, params, *, seed, num_threads, progress))]
    fn learn(
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        params: &Bound<'_, PyDict>,
        seed: u64,
        num_threads: Option<usize>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let units = units(&params_from_py(params)?).or_raise()?;
        let texts = Texts::from_py(texts)?;
        let progress = reporter(progress);
        let inner = interrupt::run(py, |cancel| {
            let ctx = FitContext {
                seed,
                threads: num_threads,
                progress,
                cancel: cancel.clone(),
                ..FitContext::default()
            };
            units.learn_language(&NgramOptions::default(), &texts.as_strs(), &ctx)
        })?;
        Ok(Self { inner })
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<Self> {
        let path: PathBuf = path_of(path)?;
        let inner = interrupt::run(py, |_| GruLanguageModel::load(&path))?;
        Ok(Self { inner })
    }

    fn save(&self, py: Python<'_>, path: &Bound<'_, PyAny>) -> PyResult<()> {
        let path = path_of(path)?;
        interrupt::run(py, |_| self.inner.save(&path))
    }

    fn perplexity(
        &self,
        py: Python<'_>,
        texts: &Bound<'_, PyAny>,
        num_threads: Option<usize>,
    ) -> PyResult<f64> {
        let texts = Texts::from_py(texts)?;
        interrupt::run(py, |_| {
            parallel::install(num_threads, || self.inner.perplexity(&texts.as_strs()))
        })
    }

    /// The parameters by name.
    #[getter]
    fn config<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let units = serde_json::to_value(self.inner.units())
            .map_err(|e| Error::data("parameters of a language model", e.to_string()))
            .or_raise()?;
        to_py(py, &units)
    }

    /// The mean loss of the last pass, in nats a token.
    #[getter]
    fn loss(&self) -> f64 {
        self.inner.loss()
    }

    /// Tokens that have an embedding of their own.
    #[getter]
    fn n_tokens(&self) -> usize {
        self.inner.n_tokens()
    }
}
