//! Windows as rows of tensors.

use rec_core::rng::Rng;
use rec_core::sampling::AliasTable;

use super::Architecture;
use super::walk::GROUP;

/// Rows for one step. A row adds up `sources` input vectors, each with its weight, to a hidden
/// vector, which predicts `1 + negatives` outputs, the first of them rightly.
pub(super) struct Batch {
    architecture: Architecture,
    negatives: usize,
    /// Input vectors a row; lists are filled up with row 0 at weight 0.
    pub(super) sources: usize,
    /// `[rows, sources]`: what is added up, by which weights, and how much of the hidden vector's
    /// step each takes.
    pub(super) inputs: Vec<u32>,
    pub(super) weights: Vec<f32>,
    pub(super) shares: Vec<f32>,
    /// `[rows, 1 + negatives]`, with their learning rates.
    pub(super) targets: Vec<u32>,
    pub(super) rates: Vec<f32>,
}

impl Batch {
    pub(super) fn new(architecture: Architecture, negatives: usize, window: usize) -> Self {
        let sources = match architecture {
            Architecture::SkipGram => 1,
            Architecture::Cbow | Architecture::CbowSum => 2 * window,
        };
        let (inputs, weights, shares) = (Vec::new(), Vec::new(), Vec::new());
        let (targets, rates) = (Vec::new(), Vec::new());
        Self { architecture, negatives, sources, inputs, weights, shares, targets, rates }
    }

    /// Outputs a row.
    pub(super) fn outputs(&self) -> usize {
        1 + self.negatives
    }

    pub(super) fn rows(&self) -> usize {
        self.targets.len() / self.outputs()
    }

    pub(super) fn clear(&mut self) {
        self.inputs.clear();
        self.weights.clear();
        self.shares.clear();
        self.targets.clear();
        self.rates.clear();
    }

    /// The rows of a word and its context: with skip-gram one for each word of it, with negatives of
    /// its own.
    pub(super) fn push(
        &mut self,
        (word, context): (u32, &[u32]),
        rate: f32,
        noise: &AliasTable,
        rng: &mut Rng,
    ) {
        match self.architecture {
            Architecture::SkipGram => {
                for source in context {
                    self.push_row(word, std::slice::from_ref(source), rate, noise, rng);
                }
            }
            Architecture::Cbow | Architecture::CbowSum => {
                self.push_row(word, context, rate, noise, rng);
            }
        }
    }

    fn push_row(
        &mut self,
        word: u32,
        sources: &[u32],
        rate: f32,
        noise: &AliasTable,
        rng: &mut Rng,
    ) {
        let part = 1.0 / sources.len() as f32;
        let (weight, share) = match self.architecture {
            Architecture::SkipGram => (1.0, 1.0),
            Architecture::Cbow => (part, 1.0),
            Architecture::CbowSum => (1.0, part),
        };
        let end = self.inputs.len() + self.sources;
        self.inputs.extend_from_slice(sources);
        self.weights.resize(self.inputs.len(), weight);
        self.shares.resize(self.inputs.len(), share);
        self.inputs.resize(end, 0);
        self.weights.resize(end, 0.0);
        self.shares.resize(end, 0.0);
        self.targets.push(word);
        self.rates.push(rate);
        for _ in 0..self.negatives {
            let negative = noise.draw(rng);
            self.targets.push(negative);
            self.rates.push(if negative == word { 0.0 } else { rate });
        }
    }

    /// Shortens the steps of vectors that stand in the batch more than [`GROUP`] times, to so many
    /// times their mean step: all are from the values before the batch, and their sum would go too
    /// far. Gives the factor of each of `inputs` and of each of `targets`.
    pub(super) fn limits(&self, words: usize) -> [Vec<f32>; 2] {
        let limit = |ids: &[u32], weights: &[f32]| {
            let mut times = vec![0u32; words];
            for (&id, &weight) in ids.iter().zip(weights) {
                times[id as usize] += u32::from(weight > 0.0);
            }
            let limit = |&id: &u32| (GROUP as f32 / times[id as usize].max(1) as f32).min(1.0);
            ids.iter().map(limit).collect()
        };
        [limit(&self.inputs, &self.weights), limit(&self.targets, &self.rates)]
    }
}
