//! How the learning rate goes over a run.

use serde::{Deserialize, Serialize};

/// The learning rate after its linear rise to the peak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Falls linearly.
    #[default]
    Linear,
    /// Falls along half a cosine (Loshchilov & Hutter 2017, without restarts).
    Cosine,
    /// Stays at the peak.
    Constant,
}

impl Schedule {
    /// The share of the peak rate at step `step` (from 1) of `steps`, of which the first
    /// `warmup` rise. It is above 0 at every step.
    pub fn share(self, step: usize, steps: usize, warmup: f64) -> f64 {
        let (step, steps) = (step as f64, steps as f64);
        if step < warmup {
            return step / warmup;
        }
        // 1 at the end of the rise, and the least above 0 at the last step.
        let left = ((steps - step + 1.0) / (steps - warmup + 1.0)).clamp(0.0, 1.0);
        match self {
            Self::Linear => left,
            Self::Cosine => 0.5 * (1.0 - (std::f64::consts::PI * left).cos()),
            Self::Constant => 1.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shares(schedule: Schedule) -> Vec<f64> {
        (1..=8).map(|step| schedule.share(step, 8, 4.0)).collect()
    }

    #[test]
    fn the_rate_rises_then_falls() {
        assert_eq!(shares(Schedule::Linear), [0.25, 0.5, 0.75, 1.0, 0.8, 0.6, 0.4, 0.2]);
        assert_eq!(shares(Schedule::Constant)[3..], [1.0; 5]);
        let cosine = shares(Schedule::Cosine);
        assert_eq!(cosine[..4], [0.25, 0.5, 0.75, 1.0]);
        // left = 0.4: (1 − cos 72°) / 2
        assert!((cosine[6] - 0.345_491_5).abs() < 1e-6, "{cosine:?}");
    }

    #[test]
    fn a_run_without_a_rise_begins_at_the_peak() {
        assert!(Schedule::Linear.share(1, 3, 0.0) > 0.7);
        assert_eq!(Schedule::Linear.share(1, 1, 1.0), 1.0);
    }
}
