//! Pairs of items that the same users took up.

use rand::RngExt as _;
use rayon::prelude::*;

use super::Subsampling;
use crate::data::Interactions;
use crate::rng;
use crate::{Error, Result};

/// Draws pairs of items from users' histories: what content should be near if behaviour is to be
/// believed.
///
/// Events of frequent items are left out at random ([`Subsampling`]): else every pair would hold a
/// best-seller. Of the events kept, every one is paired with one drawn from the `window` that follow
/// it.
#[derive(Clone, Debug, PartialEq)]
pub struct CoConsumed {
    /// How many kept events later the other item may come.
    pub window: usize,
    /// The share of all events above which an item's are left out; 0 keeps every event.
    pub subsample: f64,
    /// Times every history is gone through.
    pub rounds: usize,
}

impl Default for CoConsumed {
    fn default() -> Self {
        Self { window: 5, subsample: 1e-3, rounds: 1 }
    }
}

impl CoConsumed {
    /// Pairs of different items, user by user; the same for the same seed at any number of threads.
    ///
    /// # Errors
    /// A parameter outside its domain, and histories in which no user took up two items.
    pub fn pairs(&self, events: &Interactions, seed: u64) -> Result<Vec<[u32; 2]>> {
        let counts = [("window", self.window), ("rounds", self.rounds)];
        if let Some((name, _)) = counts.iter().find(|(_, value)| *value == 0) {
            return Err(Error::parameter(*name, 0, "choose 1 or more"));
        }
        let counts: Vec<u64> = events.item_counts().into_iter().map(u64::from).collect();
        let keep = Subsampling::new(&counts, self.subsample)?;
        let draws = (0..self.rounds as u64 * events.n_users() as u64).into_par_iter();
        let pairs: Vec<[u32; 2]> =
            draws.flat_map_iter(|draw| self.of_user(events, &keep, seed, draw)).collect();
        match pairs.is_empty() {
            true => Err(Error::empty(
                "pairs of items",
                "no user took up two different items that were kept; raise subsample, or 0 keeps all",
            )),
            false => Ok(pairs),
        }
    }

    fn of_user(
        &self,
        events: &Interactions,
        keep: &Subsampling,
        seed: u64,
        draw: u64,
    ) -> impl Iterator<Item = [u32; 2]> {
        let mut rng = rng::stream(seed, "co-consumed", draw);
        let history = events.sequence((draw % events.n_users() as u64) as u32);
        let kept: Vec<u32> =
            history.iter().copied().filter(|&item| keep.keeps(item, &mut rng)).collect();
        let pair = |i: usize| {
            let most = self.window.min(kept.len() - 1 - i);
            let other = (most > 0).then(|| kept[i + rng.random_range(1..=most)])?;
            (other != kept[i]).then(|| [kept[i], other])
        };
        (0..kept.len()).filter_map(pair).collect::<Vec<_>>().into_iter()
    }
}

#[cfg(test)]
mod tests;
