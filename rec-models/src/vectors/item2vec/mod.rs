//! item2vec: word2vec on what people did.

mod model;
mod sequences;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use rec_core::data::Dataset;
use serde::{Deserialize, Serialize};

pub use model::Item2VecModel;

use super::{Architecture, Word2Vec};
use crate::collab::checks;
use crate::fit::{Fit, FitContext};
use crate::train::{self, Plan};
use crate::{Error, Result};

const KIND: &str = "item2vec";

/// Item vectors by skip-gram with negative sampling, each user's events being a sentence (Barkan and
/// Koenigstein, "Item2vec: neural item embedding for collaborative filtering", MLSP 2016): items
/// that stand in one window come near one another. A user is the mean of the items they had.
///
/// What a window is: with `window: None` the whole sentence, as in the paper, where the cost of a
/// sentence is the square of its length; else so many events each way. With `max_gap` a user's
/// events become one sentence a session, cut wherever two events are more than so many seconds
/// apart; sessions with names of their own are best given as users.
///
/// With `tags` each item is followed by the tags it has, as tokens of the same sentence (in the
/// manner of Vasile, Smirnova and Conneau, "Meta-Prod2Vec", RecSys 2016): items of one brand or
/// genre come nearer, and an item without events gets the mean of its tags' vectors.
///
/// With one worker the result depends on the seed alone; more workers update the same vectors
/// without locks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Item2Vec {
    /// Length of a vector.
    pub vector_size: usize,
    /// Events looked at each way; `None` for the whole sentence.
    pub window: Option<usize>,
    /// Whether the window is drawn anew for each event, uniformly from 1 to `window`; without one it
    /// is not looked at.
    pub shrink_windows: bool,
    /// Whether each epoch reads the events of a sentence in another order. A window of `n` then holds
    /// `2 n` of all events of the sentence at random: what a window of them all learns, at a cost that
    /// grows with `n` and not with the sentence. The paper's other way to treat histories as sets.
    pub shuffle: bool,
    /// Seconds between two events that part two sentences; `None` for one sentence a user.
    pub max_gap: Option<f64>,
    /// What predicts what: each event of the window an event ([`Architecture::SkipGram`]), as in the
    /// paper, or their mean ([`Architecture::Cbow`]), as a user is scored.
    pub architecture: Architecture,
    /// Whether items' tags stand in the sentences.
    pub tags: bool,
    /// Negatives a window.
    pub negative: usize,
    /// Negatives are drawn in proportion to `count^ns_exponent`.
    pub ns_exponent: f64,
    /// Relative frequency above which items are sub-sampled; 0 for none.
    pub sample: f64,
    /// Learning rate at the start.
    pub alpha: f64,
    /// Learning rate at the end.
    pub min_alpha: f64,
    /// Passes over the events.
    pub epochs: usize,
    /// How an item is scored for a user.
    pub score: ItemScore,
    /// Parallel workers; 1 is deterministic.
    pub workers: usize,
}

/// How an item is scored for a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemScore {
    /// The mean of its cosines with the user's items: `⟨mean_h v_h/‖v_h‖, v_i/‖v_i‖⟩`.
    #[default]
    Cosine,
    /// What training predicts from: `⟨mean_h v_h, o_i⟩`, with `o_i` its vector as a target.
    Output,
}

impl Default for Item2Vec {
    fn default() -> Self {
        Self {
            vector_size: 64,
            window: None,
            shrink_windows: false,
            shuffle: false,
            max_gap: None,
            architecture: Architecture::SkipGram,
            tags: false,
            negative: 5,
            ns_exponent: 0.75,
            sample: 1e-3,
            alpha: 0.025,
            min_alpha: 1e-4,
            epochs: 20,
            score: ItemScore::Cosine,
            workers: 1,
        }
    }
}

impl Item2Vec {
    fn word2vec(&self) -> Word2Vec {
        Word2Vec {
            vector_size: self.vector_size,
            window: self.window.unwrap_or(1 << 31),
            shrink_windows: self.shrink_windows && self.window.is_some(),
            architecture: self.architecture,
            hs: false,
            negative: self.negative,
            ns_exponent: self.ns_exponent,
            sample: self.sample,
            alpha: self.alpha,
            min_alpha: self.min_alpha,
            epochs: self.epochs,
            workers: self.workers,
        }
    }

    fn check(&self) -> Result<()> {
        self.word2vec().check()?;
        match self.max_gap {
            Some(gap) if !(gap.is_finite() && gap > 0.0) => {
                let why = "give seconds above 0, or leave it out for one sentence a user";
                Err(Error::parameter("max_gap", gap, why))
            }
            _ => Ok(()),
        }
    }
}

impl Fit for Item2Vec {
    type Model = Item2VecModel;

    fn reads_items(&self) -> bool {
        self.tags
    }

    fn fit(&self, data: &Dataset, ctx: &mut FitContext<'_>) -> Result<Item2VecModel> {
        self.check()?;
        let log = &data.interactions;
        let matrix = log.matrix();
        checks::weights(KIND, &matrix, log)?;
        ctx.cpu_threads("Item2Vec")?;
        let seen = Arc::new(matrix.binary());
        let text = sequences::read(self, data)?;
        let (seed, ids) = (ctx.seed, log.ids().clone());
        let plan = Plan { kind: KIND, config: self, epochs: self.epochs };
        train::run(&plan, log, ctx, || state::State::new(self.clone(), ids, seen, text, seed))
    }
}
