//! Which rows each step sees.

use rand::seq::SliceRandom;
use rec_core::rng;

use super::LanguageTraining;
use super::TrainingData;

/// The order of rows of every epoch, and how many steps each takes.
pub(super) struct Plan<'a, D> {
    settings: &'a LanguageTraining,
    data: &'a D,
    usable: Vec<usize>,
    seed: u64,
    /// Steps done before each epoch; one entry more than epochs.
    starts: Vec<usize>,
}

impl<'a, D: TrainingData> Plan<'a, D> {
    pub(super) fn new(
        settings: &'a LanguageTraining,
        data: &'a D,
        usable: Vec<usize>,
        seed: u64,
    ) -> Self {
        let mut plan = Self { settings, data, usable, seed, starts: vec![0] };
        let mut total = 0;
        for epoch in 0..settings.epochs {
            let order = plan.order(epoch);
            let passes = plan.passes(&order).len();
            total += passes.div_ceil(settings.accumulation);
            plan.starts.push(total);
        }
        plan
    }

    pub(super) fn steps(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }

    /// The epoch of step `step` (from 0), and which of the epoch's steps it is.
    pub(super) fn place(&self, step: usize) -> (usize, usize) {
        let epoch = self.starts.partition_point(|&start| start <= step) - 1;
        (epoch, step - self.starts[epoch])
    }

    /// Whether an epoch ends with `done` steps.
    pub(super) fn ends_epoch(&self, done: usize) -> bool {
        done > 0 && self.starts.binary_search(&done).is_ok()
    }

    /// The steps of an epoch: of each, the passes, and of each pass the rows.
    pub(super) fn epoch(&self, epoch: usize) -> Vec<Vec<Vec<usize>>> {
        let order = self.order(epoch);
        let passes = self.passes(&order);
        let step = |passes: &[&[usize]]| passes.iter().map(|rows| rows.to_vec()).collect();
        passes.chunks(self.settings.accumulation).map(step).collect()
    }

    fn passes<'o>(&self, order: &'o [usize]) -> Vec<&'o [usize]> {
        self.settings.passes(order, self.data)
    }

    fn order(&self, epoch: usize) -> Vec<usize> {
        let mut order = self.usable.clone();
        order.shuffle(&mut rng::stream(self.seed, "order of texts", epoch as u64));
        order
    }
}
