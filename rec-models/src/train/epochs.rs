//! The loop over epochs that every trainer shares.

use rec_core::parallel;
use serde::Serialize;

use super::checkpoint::Store;
use super::stopping::{self, Measurement, Stopping, TrainingLog};
use super::{Snapshot, data_fingerprint};
use crate::Result;
use crate::fit::{Cancel, FitContext, Model, Progress};

/// A training run as its trainer sees it: parameters that an epoch improves.
///
/// An epoch draws its random numbers from streams named by the epoch (`rng::stream(seed, "…",
/// epoch)`), so that a run resumed from a [`Snapshot`] goes on exactly as the unbroken one.
pub trait Epochs: Send {
    /// What training gives.
    type Model: Model;

    /// Runs epoch `epoch` (from 0) over the data and returns the figures of the moment
    /// (`loss 0.31`). Long epochs look at `cancel` now and then.
    ///
    /// # Errors
    /// [`crate::Error::Cancelled`] when told to stop, [`crate::Error::Data`] where training
    /// diverged.
    fn epoch(&mut self, epoch: usize, cancel: &Cancel) -> Result<String>;

    /// All that later epochs depend on.
    fn snapshot(&self) -> Snapshot;

    /// Goes back to a snapshot of the same run.
    ///
    /// # Errors
    /// [`crate::Error::Shape`] for a snapshot of other parameters.
    fn restore(&mut self, snapshot: Snapshot) -> Result<()>;

    /// The model as training stands.
    ///
    /// # Errors
    /// Where no model can be made of the parameters.
    fn model(&self, log: TrainingLog) -> Result<Self::Model>;
}

/// What the loop has to know of an estimator.
pub struct Plan<'a, C> {
    /// The model kind (`als`); names the task in progress reports and checkpoints.
    pub kind: &'a str,
    /// The estimator; a checkpoint is resumed only under the same parameters.
    pub config: &'a C,
    /// Epochs to run.
    pub epochs: usize,
}

/// Trains: `start` makes the state before the first epoch, in the caller's thread pool as all the
/// rest. Resumes from the checkpoint in `ctx.checkpoints` if there is one of the same parameters,
/// seed, ids and data.
///
/// # Errors
/// Whatever the trainer, the validation or the disk returns; [`crate::Error::IdMismatch`] or
/// [`crate::Error::Parameter`] for a checkpoint of another run.
pub fn run<C, S>(
    plan: &Plan<'_, C>,
    data: &rec_core::data::Interactions,
    ctx: &mut FitContext<'_>,
    start: impl FnOnce() -> Result<S> + Send,
) -> Result<S::Model>
where
    C: Serialize + Sync,
    S: Epochs,
    S::Model: Send,
{
    if let Some(validation) = &ctx.validation {
        stopping::check(validation)?;
    }
    ctx.cancel.check(plan.kind)?;
    parallel::install(ctx.threads, || train(plan, data, ctx, start))
}

fn train<C: Serialize, S: Epochs>(
    plan: &Plan<'_, C>,
    data: &rec_core::data::Interactions,
    ctx: &FitContext<'_>,
    start: impl FnOnce() -> Result<S>,
) -> Result<S::Model> {
    let store = match &ctx.checkpoints {
        Some(to) => Some(Store::open(to, plan, ctx.seed, data.ids(), data_fingerprint(data))?),
        None => None,
    };
    let mut state = start()?;
    let (mut done, mut stopping) = match store.as_ref().map(Store::resume).transpose()?.flatten() {
        Some(saved) => {
            state.restore(saved.last)?;
            (saved.done, saved.stopping)
        }
        None => (0, Stopping::default()),
    };
    let task = Task::begin(ctx.progress.as_ref(), plan, done);
    while done < plan.epochs && !finished(ctx, &stopping) {
        ctx.cancel.check(&stopped_at(plan, done))?;
        let mut note = state.epoch(done, &ctx.cancel)?;
        done += 1;
        if let Some(figure) = measure(ctx, &state, &mut stopping, done, plan.epochs)? {
            note = format!("{note} {figure}").trim().to_owned();
        }
        task.progress.step(done as u64, &note);
        tracing::debug!(model = plan.kind, epoch = done, "{note}");
        if let Some(store) = &store
            && (store.due(done) || done == plan.epochs || finished(ctx, &stopping))
        {
            store.save(done, &state.snapshot(), &stopping)?;
        }
    }
    finish(ctx, state, stopping, done)
}

fn stopped_at<C>(plan: &Plan<'_, C>, done: usize) -> String {
    format!("training of {} after {done} of {} epochs", plan.kind, plan.epochs)
}

fn finished(ctx: &FitContext<'_>, stopping: &Stopping) -> bool {
    ctx.validation.as_ref().is_some_and(|v| stopping.exhausted(v))
}

/// Measures the model where that is due, and says what came out.
fn measure<S: Epochs>(
    ctx: &FitContext<'_>,
    state: &S,
    stopping: &mut Stopping,
    done: usize,
    total: usize,
) -> Result<Option<String>> {
    let Some(validation) = ctx.validation.as_ref().filter(|v| Stopping::due(v, done, total)) else {
        return Ok(None);
    };
    let model = state.model(TrainingLog::default())?;
    let figure = (validation.measure)(&model)?;
    stopping.record(validation, Measurement { epoch: done, figure }, || state.snapshot())?;
    Ok(Some(format!("{} {figure:.4}", validation.metric)))
}

/// The model of the best measurement where early stopping was asked for, the last one otherwise.
fn finish<S: Epochs>(
    ctx: &FitContext<'_>,
    mut state: S,
    stopping: Stopping,
    done: usize,
) -> Result<S::Model> {
    let mut log = TrainingLog {
        seed: ctx.seed,
        epochs: done,
        metric: ctx.validation.as_ref().map(|v| v.metric.clone()),
        measurements: stopping.measurements,
    };
    if let Some((best, snapshot)) = stopping.best
        && best.epoch != done
    {
        state.restore(snapshot)?;
        log.epochs = best.epoch;
    }
    state.model(log)
}

/// Ends the task it began, whichever way training is left.
struct Task<'a> {
    progress: &'a dyn Progress,
}

impl<'a> Task<'a> {
    fn begin<C>(progress: &'a dyn Progress, plan: &Plan<'_, C>, done: usize) -> Self {
        progress.begin(plan.kind, plan.epochs as u64);
        if done > 0 {
            progress.step(done as u64, "resumed");
        }
        Self { progress }
    }
}

impl Drop for Task<'_> {
    fn drop(&mut self) {
        self.progress.end();
    }
}
