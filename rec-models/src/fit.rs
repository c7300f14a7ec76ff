//! The contract between an estimator and whoever trains it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rec_core::data::Dataset;
use rec_core::rank::{Explain, Recommend, Similar};
use rec_core::store::ModelWriter;

use crate::{Device, Error, Result};

/// A fitted model: it recommends, and can be saved.
pub trait Model: Recommend {
    /// The kind that the model folder's manifest names (`als`).
    fn kind(&self) -> &'static str;

    /// The model's parts, ready to save.
    ///
    /// # Errors
    /// Where the model cannot be written.
    fn writer(&self) -> Result<ModelWriter>;

    /// The model as one that knows similar items, if it does.
    fn as_similar(&self) -> Option<&dyn Similar> {
        None
    }

    /// The model as one that explains its scores, if it does.
    fn as_explain(&self) -> Option<&dyn Explain> {
        None
    }

    /// The model as a pipeline, if it is one.
    fn as_pipeline(&self) -> Option<&crate::hybrid::PipelineModel> {
        None
    }
}

/// An estimator: its fields are the parameters, checked when fitting starts.
pub trait Fit {
    /// What fitting gives.
    type Model: Model;

    /// Trains on the data.
    ///
    /// # Errors
    /// [`Error::Parameter`] for parameters outside their domain, [`Error::Data`] or
    /// [`Error::Empty`] for data the model cannot take, [`Error::Cancelled`] when told to stop.
    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<Self::Model>;

    /// Whether it looks at the items' texts, tags or vectors; what does not need not be trained again
    /// when they change.
    fn reads_items(&self) -> bool {
        true
    }
}

/// An estimator whose model's type is not known until run time; every [`Fit`] is one.
pub trait Estimator {
    /// Trains on the data.
    ///
    /// # Errors
    /// As [`Fit::fit`].
    fn fit_model(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<Box<dyn Model>>;

    /// As [`Fit::reads_items`].
    fn reads_items(&self) -> bool;
}

impl<E: Fit> Estimator for E
where
    E::Model: 'static,
{
    fn fit_model(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<Box<dyn Model>> {
        Ok(Box::new(self.fit(data, ctx)?))
    }

    fn reads_items(&self) -> bool {
        Fit::reads_items(self)
    }
}

/// What surrounds a training run.
pub struct FitContext<'a> {
    /// Where to train.
    pub device: Device,
    /// Seed of every random stream.
    pub seed: u64,
    /// Threads for all that is parallel; `None` for all cores.
    pub threads: Option<usize>,
    /// Who is told how far it is.
    pub progress: Arc<dyn Progress>,
    /// Validation while training, and early stopping.
    pub validation: Option<Validation<'a>>,
    /// Where and how often to save a state to resume from.
    pub checkpoints: Option<Checkpoints>,
    /// Stops training from another thread.
    pub cancel: Cancel,
}

impl Default for FitContext<'_> {
    fn default() -> Self {
        Self {
            device: Device::default(),
            seed: 0,
            threads: None,
            progress: Arc::new(Silent),
            validation: None,
            checkpoints: None,
            cancel: Cancel::default(),
        }
    }
}

impl FitContext<'_> {
    /// The threads of a trainer that runs on CPU threads alone.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where another device was asked for.
    pub fn cpu_threads(&self, trainer: &str) -> Result<Option<usize>> {
        if self.device == Device::Cpu {
            return Ok(self.threads);
        }
        let what = format!("device {}", self.device);
        Err(Error::unsupported(what, trainer, "it trains on CPU threads; leave device at cpu"))
    }
}

/// A figure of a model on held-out data, looked at while training.
pub struct Validation<'a> {
    /// The name of the figure (`ndcg@10`).
    pub metric: String,
    /// Measures it; higher is better.
    pub measure: &'a (dyn Fn(&dyn Recommend) -> Result<f64> + Sync),
    /// After every how many epochs.
    pub every: usize,
    /// Stop after so many measurements without a better one, and return the best model.
    pub patience: Option<usize>,
}

/// Saving of states to resume from.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    /// The folder.
    pub dir: PathBuf,
    /// After every how many epochs; of language models, after every how many steps.
    pub every: usize,
}

/// A flag that stops training; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks for a stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether a stop was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// An error once a stop was asked for.
    ///
    /// # Errors
    /// [`Error::Cancelled`], naming what was going on.
    pub fn check(&self, what: &str) -> Result<()> {
        if self.is_cancelled() { Err(Error::Cancelled(what.into())) } else { Ok(()) }
    }
}

/// Is told how far training is.
pub trait Progress: Send + Sync {
    /// A task of `total` steps begins.
    fn begin(&self, task: &str, total: u64);
    /// `done` steps are done; `note` holds the figures of the moment (`loss 0.31`).
    fn step(&self, done: u64, note: &str);
    /// The task is over.
    fn end(&self);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: u64) {}
    fn step(&self, _: u64, _: &str) {}
    fn end(&self) {}
}
