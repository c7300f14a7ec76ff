//! The items that a sampled metric ranks a user's test items against.

use std::collections::BTreeSet;

use super::NegativeSampler;
use super::alias::Cumulative;
use super::draw::below;
use super::negatives::nth_other;
use crate::rng::{Rng, stream};
use crate::{Error, Result};

/// Draws a fixed number of negatives a user, without replacement. A user's draw depends on the seed
/// and the user alone: any order, any number of threads gives the same. Sampled metrics are
/// inconsistent with the full ranking (Krichene and Rendle, KDD 2020); a report must name them so.
#[derive(Clone, Debug)]
pub struct CandidateSampler {
    sampler: NegativeSampler,
    n: usize,
    seed: u64,
}

impl CandidateSampler {
    /// `n` items a user from the sampler's distribution.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` of 0.
    pub fn new(sampler: NegativeSampler, n: usize, seed: u64) -> Result<Self> {
        if n == 0 {
            return Err(Error::parameter("n", 0, "sample at least 1 negative a user"));
        }
        Ok(Self { sampler, n, seed })
    }

    /// Distinct items for this user, ascending: none of the positives (ascending; give training
    /// and test items alike), and fewer than `n` only where no other item can be drawn. Each draw
    /// is from the sampler's distribution over what is left.
    pub fn draw(&self, user: u32, positives: &[u32]) -> Vec<u32> {
        let positives = if self.sampler.keeps_positives() { &[] } else { positives };
        let mut rng = stream(self.seed, "candidates", u64::from(user));
        match self.sampler.sums() {
            None => self.uniform(&mut rng, positives),
            Some(sums) => self.weighted(&mut rng, sums, positives),
        }
    }

    /// Floyd's algorithm (Bentley and Floyd, CACM 30(9), 1987) over the ranks of the other items.
    fn uniform(&self, rng: &mut Rng, positives: &[u32]) -> Vec<u32> {
        let others = self.sampler.n_items().saturating_sub(positives.len());
        let mut ranks = BTreeSet::new();
        for last in others.saturating_sub(self.n)..others {
            let rank = below(rng, last as u32 + 1);
            if !ranks.insert(rank) {
                ranks.insert(last as u32);
            }
        }
        ranks.into_iter().map(|rank| nth_other(rank, positives)).collect()
    }

    /// Draws that were drawn before are drawn again, a bounded number of times; then exactly from
    /// what is left.
    fn weighted(&self, rng: &mut Rng, sums: &Cumulative, positives: &[u32]) -> Vec<u32> {
        let mut drawn = BTreeSet::new();
        let mut tries = 4 * self.n;
        while drawn.len() < self.n && tries > 0 {
            let Some(item) = self.sampler.draw(rng, positives) else { break };
            drawn.insert(item);
            tries -= 1;
        }
        if drawn.len() < self.n {
            let mut taken: BTreeSet<u32> = positives.iter().copied().collect();
            taken.extend(&drawn);
            let mut excluded: Vec<u32> = taken.into_iter().collect();
            while drawn.len() < self.n
                && let Some(item) = sums.draw_except(rng, &excluded)
            {
                drawn.insert(item);
                excluded.insert(excluded.partition_point(|&e| e < item), item);
            }
        }
        drawn.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::draw::tests::assert_fits;
    use super::*;
    use proptest::prelude::*;

    fn sampler(n: usize, weights: &[f64]) -> CandidateSampler {
        let base = if weights.is_empty() {
            NegativeSampler::uniform(6)
        } else {
            NegativeSampler::weighted(weights)
        };
        CandidateSampler::new(base.unwrap(), n, 7).unwrap()
    }

    #[test]
    fn every_pair_of_others_is_equally_likely() {
        let mut counts = [0; 6];
        for user in 0..30_000 {
            let drawn = sampler(2, &[]).draw(user, &[1, 5]);
            let pair = [[0, 2], [0, 3], [0, 4], [2, 3], [2, 4], [3, 4]];
            counts[pair.iter().position(|p| p[..] == drawn).unwrap()] += 1;
        }
        assert_fits(&counts, &[1.0; 6]);
    }

    #[test]
    fn weighted_pairs_have_the_chance_of_successive_draws() {
        // P({a, b}) = wa/W · wb/(W - wa) + wb/W · wa/(W - wb) with weights 1, 2, 5.
        let w = [1.0, 2.0, 5.0];
        let chance = |a: f64, b: f64| a / 8.0 * b / (8.0 - a) + b / 8.0 * a / (8.0 - b);
        let mut counts = [0; 3];
        for user in 0..30_000 {
            let drawn = sampler(2, &w).draw(user, &[]);
            let pair = [[0, 1], [0, 2], [1, 2]];
            counts[pair.iter().position(|p| p[..] == drawn).unwrap()] += 1;
        }
        assert_fits(&counts, &[chance(1.0, 2.0), chance(1.0, 5.0), chance(2.0, 5.0)]);
    }

    proptest! {
        #[test]
        fn distinct_others_as_many_as_there_are(
            positives in proptest::collection::btree_set(0u32..40, 0..40),
            n in 1usize..45,
            user in 0u32..100,
        ) {
            let positives: Vec<u32> = positives.into_iter().collect();
            let weights: Vec<f64> = (0..40).map(|i| f64::from(i % 3) * 10f64.powi(i % 7)).collect();
            for (base, possible) in [
                (NegativeSampler::uniform(40), Box::new(|_| true) as Box<dyn Fn(u32) -> bool>),
                (NegativeSampler::weighted(&weights), Box::new(|i| i % 3 > 0)),
            ] {
                let sampler = CandidateSampler::new(base.unwrap(), n, 1).unwrap();
                let drawn = sampler.draw(user, &positives);
                let left = (0..40).filter(|i| possible(*i) && !positives.contains(i)).count();
                prop_assert_eq!(drawn.len(), n.min(left));
                prop_assert!(drawn.windows(2).all(|w| w[0] < w[1]));
                prop_assert!(drawn.iter().all(|i| possible(*i) && !positives.contains(i)));
                prop_assert_eq!(drawn, sampler.draw(user, &positives));
            }
        }
    }
}
