//! What training runs share: settings, surroundings, and how they went.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_models::Device;
use rec_models::fit::{Cancel, Checkpoints, FitContext, Progress};
use rec_models::language::{EncoderTraining, LanguageTraining, Learnt};

use crate::errors::OrRaise;
use crate::params::{configure, params_from_py};
use crate::progress::reporter;

/// What went on while a model was trained: losses by epoch, and step and loss of each measurement.
pub(crate) type History = (Vec<f64>, Vec<(usize, f64)>);

/// Where and how a run goes on, beside its settings.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Surroundings {
    max_len: Option<usize>,
    dtype: String,
    device: String,
    seed: u64,
    num_threads: Option<usize>,
    checkpoints: Option<(PathBuf, usize)>,
    metrics: Option<PathBuf>,
}

/// A run to be started.
pub(crate) struct Run {
    pub(crate) how: EncoderTraining,
    pub(crate) device: Device,
    pub(crate) dtype: String,
    seed: u64,
    threads: Option<usize>,
    checkpoints: Option<Checkpoints>,
    progress: Arc<dyn Progress>,
}

impl Run {
    pub(crate) fn from_py(
        settings: &Bound<'_, PyDict>,
        surroundings: &Bound<'_, PyDict>,
        progress: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let around: Surroundings = surroundings.extract()?;
        let mut training: LanguageTraining = configure(&params_from_py(settings)?).or_raise()?;
        training.metrics = around.metrics;
        let dtype = rec_models::device::parse_dtype(&around.dtype).or_raise()?;
        Ok(Self {
            how: EncoderTraining { training, max_len: around.max_len, dtype },
            device: around.device.parse().or_raise()?,
            dtype: around.dtype,
            seed: around.seed,
            threads: around.num_threads,
            checkpoints: around.checkpoints.map(|(dir, every)| Checkpoints { dir, every }),
            progress: reporter(progress),
        })
    }

    pub(crate) fn context(&self, cancel: &Cancel) -> FitContext<'static> {
        FitContext {
            device: self.device,
            seed: self.seed,
            threads: self.threads,
            progress: self.progress.clone(),
            checkpoints: self.checkpoints.clone(),
            cancel: cancel.clone(),
            ..FitContext::default()
        }
    }
}

pub(crate) fn history(learnt: Learnt) -> History {
    let validation = learnt.validation.iter().map(|e| (e.step, e.loss)).collect();
    (learnt.losses, validation)
}
