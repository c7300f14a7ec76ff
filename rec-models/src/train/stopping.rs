//! Validation while training, and when to stop.

use serde::{Deserialize, Serialize};

use super::Snapshot;
use crate::fit::Validation;
use crate::{Error, Result};

/// A figure on held-out data, after an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Epochs done, from 1.
    pub epoch: usize,
    /// The figure; higher is better.
    pub figure: f64,
}

/// How training went; model folders keep it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TrainingLog {
    /// Seed of every random stream.
    pub seed: u64,
    /// Epochs whose result the model is.
    pub epochs: usize,
    /// Name of the figure measured while training, if one was.
    pub metric: Option<String>,
    /// The measurements, in order.
    pub measurements: Vec<Measurement>,
}

/// Bookkeeping of measurements: the best so far, and how long ago it was.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stopping {
    /// The measurements so far.
    pub(super) measurements: Vec<Measurement>,
    /// The state that measured best.
    pub(super) best: Option<(Measurement, Snapshot)>,
}

impl Stopping {
    /// Whether a measurement is due after epoch `done` of `total`.
    pub fn due(validation: &Validation<'_>, done: usize, total: usize) -> bool {
        done.is_multiple_of(validation.every) || done == total
    }

    /// Records a measurement; `state` is asked for only when it is kept. The earliest of equal
    /// figures is the best.
    ///
    /// # Errors
    /// [`Error::Data`] for a figure that is NaN.
    pub fn record(
        &mut self,
        validation: &Validation<'_>,
        measurement: Measurement,
        state: impl FnOnce() -> Snapshot,
    ) -> Result<()> {
        if measurement.figure.is_nan() {
            return Err(Error::data(
                format!("{} after epoch {}", validation.metric, measurement.epoch),
                "the figure is NaN; is the validation part empty?",
            ));
        }
        self.measurements.push(measurement);
        let better = self.best.as_ref().is_none_or(|(b, _)| measurement.figure > b.figure);
        if better && validation.patience.is_some() {
            self.best = Some((measurement, state()));
        }
        Ok(())
    }

    /// Whether patience has run out.
    pub fn exhausted(&self, validation: &Validation<'_>) -> bool {
        let (Some(patience), Some((best, _))) = (validation.patience, &self.best) else {
            return false;
        };
        self.measurements.iter().filter(|m| m.epoch > best.epoch).count() >= patience.max(1)
    }
}

/// Checks what the caller asked of validation.
///
/// # Errors
/// [`Error::Parameter`] for measuring after every 0 epochs or a patience of 0.
pub(super) fn check(validation: &Validation<'_>) -> Result<()> {
    if validation.every == 0 {
        return Err(Error::parameter("validation.every", 0, "measure after every 1 epoch or more"));
    }
    if validation.patience == Some(0) {
        let why = "stop after at least 1 measurement without a better one, or leave it out";
        return Err(Error::parameter("validation.patience", 0, why));
    }
    Ok(())
}
