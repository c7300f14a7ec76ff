//! Training that goes epoch by epoch: progress, cancellation, validation with early stopping, and
//! checkpoints, in one place for every trainer.

mod checkpoint;
mod epochs;
mod progress;
mod schedule;
mod snapshot;
mod stopping;
#[cfg(test)]
mod tests;

pub use checkpoint::data_fingerprint;
pub use epochs::{Epochs, Plan, run};
pub use progress::Bars;
pub use schedule::Schedule;
pub use snapshot::Snapshot;
pub use stopping::{Measurement, Stopping, TrainingLog};
