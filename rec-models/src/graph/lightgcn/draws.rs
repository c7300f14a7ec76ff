//! The batches of an epoch.

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rec_core::data::Csr;
use rec_core::rng::Rng;
use rec_core::sampling::NegativeSampler;

use super::PositiveSampling;
use crate::Result;

/// A user, an item they had, and one they did not; the last is [`NONE`] where no negative is needed.
pub(in crate::graph) type Triple = [u32; 3];

/// No item: catalogues are smaller.
pub(in crate::graph) const NONE: u32 = u32::MAX;

/// Draws triples.
pub(in crate::graph) struct Draws {
    how: PositiveSampling,
    /// User and item of each interaction, user after user.
    events: Vec<[u32; 2]>,
    /// Users who had anything.
    users: Vec<u32>,
    negatives: Option<NegativeSampler>,
}

impl Draws {
    pub(in crate::graph) fn new(
        seen: &Csr,
        how: PositiveSampling,
        negatives: bool,
    ) -> Result<Self> {
        let row = |u: usize| seen.row(u).iter().map(move |&i| [u as u32, i]);
        let n = seen.n_rows();
        Ok(Self {
            how,
            events: (0..n).flat_map(row).collect(),
            users: (0..n as u32).filter(|&u| !seen.row(u as usize).is_empty()).collect(),
            negatives: negatives.then(|| NegativeSampler::uniform(seen.n_cols())).transpose()?,
        })
    }

    /// All triples of an epoch, in order. One whose user had every item is left out where negatives
    /// are needed.
    pub(in crate::graph) fn epoch(&self, seen: &Csr, rng: &mut Rng) -> Vec<Triple> {
        let mut triples: Vec<Triple> = match self.how {
            PositiveSampling::Events => {
                let mut all: Vec<Triple> = self.events.iter().map(|&[u, i]| [u, i, NONE]).collect();
                all.shuffle(rng);
                all
            }
            PositiveSampling::Users => (0..self.events.len())
                .map(|_| {
                    let user = self.users[rng.random_range(0..self.users.len())];
                    let had = seen.row(user as usize);
                    [user, had[rng.random_range(0..had.len())], NONE]
                })
                .collect(),
        };
        if let Some(negatives) = &self.negatives {
            for triple in &mut triples {
                triple[2] = negatives.draw(rng, seen.row(triple[0] as usize)).unwrap_or(NONE);
            }
            triples.retain(|triple| triple[2] != NONE);
        }
        triples
    }
}
