//! Negatives from a fixed distribution over the catalogue.

use super::alias::{AliasTable, Cumulative};
use super::draw::below;
use crate::rng::Rng;
use crate::{Error, Result};

/// Draws rejected before the exact, slower way is taken.
const TRIES: usize = 32;

/// Draws items a user did not have, uniformly or by popularity. A draw allocates nothing, is O(1)
/// but for a binary search among the user's positives, and always ends.
#[derive(Clone, Debug)]
pub struct NegativeSampler {
    n_items: u32,
    weighted: Option<(AliasTable, Cumulative)>,
    allow_positives: bool,
}

impl NegativeSampler {
    /// Every item equally likely.
    ///
    /// # Errors
    /// [`Error::Empty`] without items, [`Error::Parameter`] for more than 2³² - 1.
    pub fn uniform(n_items: usize) -> Result<Self> {
        Ok(Self { n_items: check_items(n_items)?, weighted: None, allow_positives: false })
    }

    /// Items in proportion to `counts[i]^alpha` (word2vec's 0.75 is a usual choice; 0 is uniform).
    /// An item without events is never drawn unless `alpha` is 0.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an `alpha` that is negative or not finite, [`Error::Empty`] if no
    /// item has an event.
    pub fn popularity(counts: &[u32], alpha: f64) -> Result<Self> {
        if !(alpha.is_finite() && alpha >= 0.0) {
            return Err(Error::parameter("alpha", alpha, "choose a number ≥ 0, such as 0.75"));
        }
        if alpha == 0.0 {
            return Self::uniform(counts.len());
        }
        // Scaled by the largest count, so that no power overflows.
        let most = f64::from(counts.iter().copied().max().unwrap_or(0).max(1));
        let weights: Vec<f64> = counts.iter().map(|&c| (f64::from(c) / most).powf(alpha)).collect();
        Self::weighted(&weights)
    }

    /// Items in proportion to weights of the caller's choosing.
    ///
    /// # Errors
    /// [`Error::Data`] for a weight that is negative or not finite, [`Error::Empty`] if none is
    /// positive.
    pub fn weighted(weights: &[f64]) -> Result<Self> {
        Ok(Self {
            n_items: check_items(weights.len())?,
            weighted: Some((AliasTable::new(weights)?, Cumulative::new(weights))),
            allow_positives: false,
        })
    }

    /// Whether a user's positives may be drawn too (off by default).
    pub fn allow_positives(mut self, allow: bool) -> Self {
        self.allow_positives = allow;
        self
    }

    /// Items in the catalogue.
    pub fn n_items(&self) -> usize {
        self.n_items as usize
    }

    /// Draws an item that is not among the positives, given ascending and without repetition (a
    /// row of [`Csr`](crate::data::Csr)); `None` if the user has all items that can be drawn. The
    /// distribution is exactly that of the sampler restricted to the other items.
    #[inline]
    pub fn draw(&self, rng: &mut Rng, positives: &[u32]) -> Option<u32> {
        let positives = if self.allow_positives { &[] } else { positives };
        match &self.weighted {
            None => uniform_except(rng, self.n_items, positives),
            Some((table, sums)) => weighted_except(rng, table, sums, positives),
        }
    }

    /// The relative chance of an item, where the sampler is not uniform.
    pub(super) fn sums(&self) -> Option<&Cumulative> {
        self.weighted.as_ref().map(|(_, sums)| sums)
    }

    pub(super) fn keeps_positives(&self) -> bool {
        self.allow_positives
    }
}

fn check_items(n: usize) -> Result<u32> {
    match u32::try_from(n) {
        Ok(0) => Err(Error::empty("the catalogue", "negatives are drawn from its items")),
        Ok(n) => Ok(n),
        Err(_) => Err(Error::parameter("n_items", n, "at most 4294967295 items are supported")),
    }
}

/// One random rank among the others, then the item of that rank: no rejection at all.
#[inline]
fn uniform_except(rng: &mut Rng, n_items: u32, positives: &[u32]) -> Option<u32> {
    let others = n_items.checked_sub(positives.len() as u32).filter(|&n| n > 0)?;
    Some(nth_other(below(rng, others), positives))
}

/// The item of this rank (from 0) among those that are not positives.
#[inline]
pub(super) fn nth_other(rank: u32, positives: &[u32]) -> u32 {
    // Before positives[j] lie positives[j] - j other items, a number that never falls with j.
    // Measured: branches that the processor may guess beat conditional moves, 29 to 48 ns a draw.
    let (mut low, mut high) = (0, positives.len());
    while low < high {
        let mid = (low + high) / 2;
        if positives[mid] - mid as u32 <= rank {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    rank + low as u32
}

#[inline]
fn weighted_except(
    rng: &mut Rng,
    table: &AliasTable,
    sums: &Cumulative,
    positives: &[u32],
) -> Option<u32> {
    for _ in 0..TRIES {
        let item = table.draw(rng);
        if positives.binary_search(&item).is_err() {
            return Some(item);
        }
    }
    sums.draw_except(rng, positives)
}

#[cfg(test)]
mod tests {
    use super::super::draw::tests::assert_fits;
    use super::*;
    use crate::rng::stream;
    use proptest::prelude::*;

    fn counts(sampler: &NegativeSampler, positives: &[u32], draws: usize) -> Vec<u32> {
        let mut rng = stream(3, "test", 0);
        let mut counts = vec![0; sampler.n_items()];
        for _ in 0..draws {
            counts[sampler.draw(&mut rng, positives).unwrap() as usize] += 1;
        }
        counts
    }

    #[test]
    fn uniform_draws_are_uniform_over_the_other_items() {
        let sampler = NegativeSampler::uniform(8).unwrap();
        let others = [0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0];
        assert_fits(&counts(&sampler, &[0, 3, 4, 7], 40_000), &others);
        assert_fits(&counts(&sampler.allow_positives(true), &[0, 3, 4, 7], 40_000), &[1.0; 8]);
    }

    #[test]
    fn ranks_enumerate_the_other_items() {
        for positives in [&[][..], &[0], &[9], &[0, 1, 2], &[1, 4, 5, 8], &[0, 3, 4, 5, 6, 7, 9]] {
            let others: Vec<u32> = (0..10).filter(|i| !positives.contains(i)).collect();
            let ranked: Vec<u32> =
                (0..others.len() as u32).map(|rank| nth_other(rank, positives)).collect();
            assert_eq!(ranked, others);
        }
    }

    #[test]
    fn popular_items_are_drawn_by_their_power() {
        let popularity = [16, 0, 1, 81, 256];
        let sampler = NegativeSampler::popularity(&popularity, 0.75).unwrap();
        assert_fits(&counts(&sampler, &[], 50_000), &[8.0, 0.0, 1.0, 27.0, 64.0]);
        assert_fits(&counts(&sampler, &[2, 4], 50_000), &[8.0, 0.0, 0.0, 27.0, 0.0]);
    }

    #[test]
    fn a_user_with_nearly_everything_gets_exact_draws() {
        // The two items left weigh 3 in a million: rejection alone would hardly ever end.
        let mut weights = vec![1_000.0; 1_000];
        weights[10] = 1.0;
        weights[20] = 2.0;
        let positives: Vec<u32> = (0..1_000).filter(|&i| i != 10 && i != 20).collect();
        let sampler = NegativeSampler::weighted(&weights).unwrap();
        let drawn = counts(&sampler, &positives, 9_000);
        assert_fits(&[drawn[10], drawn[20]], &[1.0, 2.0]);
    }

    #[test]
    fn a_user_with_everything_gets_none() {
        let all = [0, 1, 2];
        let mut rng = stream(1, "test", 0);
        assert_eq!(NegativeSampler::uniform(3).unwrap().draw(&mut rng, &all), None);
        let popular = NegativeSampler::popularity(&[5, 1, 0], 1.0).unwrap();
        assert_eq!(popular.draw(&mut rng, &[0, 1]), None);
        assert!(popular.allow_positives(true).draw(&mut rng, &all).is_some());
    }

    proptest! {
        #[test]
        fn never_a_positive(
            n in 1u32..60,
            positives in proptest::collection::btree_set(0u32..60, 0..60),
            alpha in 0.0f64..2.0,
            seed in 0u64..1_000,
        ) {
            let positives: Vec<u32> = positives.into_iter().filter(|&p| p < n).collect();
            let popularity: Vec<u32> = (0..n).map(|i| i % 5).collect();
            let mut rng = stream(seed, "test", 0);
            let mut samplers = vec![NegativeSampler::uniform(n as usize).unwrap()];
            samplers.extend(NegativeSampler::popularity(&popularity, alpha));
            for sampler in samplers {
                for _ in 0..50 {
                    match sampler.draw(&mut rng, &positives) {
                        Some(item) => {
                            prop_assert!(item < n);
                            prop_assert!(!positives.contains(&item));
                        }
                        None => prop_assert!((0..n).all(|i| positives.contains(&i)
                            || (sampler.sums().is_some() && popularity[i as usize] == 0))),
                    }
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_sampled_is_refused() {
        assert!(matches!(NegativeSampler::uniform(0), Err(Error::Empty { .. })));
        assert!(matches!(NegativeSampler::popularity(&[], 1.0), Err(Error::Empty { .. })));
        assert!(matches!(NegativeSampler::popularity(&[0, 0], 1.0), Err(Error::Empty { .. })));
        for alpha in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(
                NegativeSampler::popularity(&[1], alpha),
                Err(Error::Parameter { .. })
            ));
        }
    }
}
