//! Networks on the words and characters of a text, in their order: embeddings, a body that makes of a
//! text's some numbers, and a linear layer on these.

mod adam;
mod batch;
mod body;
mod cnn;
mod gradient;
mod gru;
mod language;
mod net;
mod pretrain;
mod recipe;
mod save;
#[cfg(test)]
mod tests;
mod train;

use serde::{Deserialize, Serialize};

pub use cnn::TextCnn;
pub use gru::TextGru;
pub use language::GruLanguageModel;
pub(crate) use net::Network;
pub(crate) use pretrain::Start;
pub(crate) use recipe::{Recipe, Shape};

use crate::tags::features::Bag;

/// What a network reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    /// Characters where the script has ideographs, words elsewhere.
    #[default]
    Characters,
    /// Words as the pipeline parts them.
    Words,
}

impl Tokens {
    pub(super) fn of(self, bag: &Bag) -> &[u64] {
        match self {
            Self::Characters => bag.symbols(),
            Self::Words => bag.words(),
        }
    }
}

/// The mean of the scores of networks: `[texts, n_labels]`.
pub(super) fn scores(networks: &[Network], bags: &[&Bag]) -> Vec<f32> {
    let Some(first) = networks.first() else { return Vec::new() };
    let texts: Vec<&[u64]> = bags.iter().map(|bag| first.tokens.of(bag)).collect();
    let mut sum = first.scores(&texts);
    for network in &networks[1..] {
        sum.iter_mut().zip(network.scores(&texts)).for_each(|(sum, x)| *sum += x);
    }
    let share = (networks.len() as f32).recip();
    sum.iter_mut().for_each(|x| *x *= share);
    sum
}
