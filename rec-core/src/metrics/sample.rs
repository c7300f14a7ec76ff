//! Candidates of sampled metrics.

use rand::RngExt as _;

use super::{Candidates, Sampler};
use crate::rng::{Rng, stream};

/// Draws competitors without replacement, a stream a user.
pub(crate) struct CandidateSampler {
    n: usize,
    seed: u64,
    n_items: usize,
    /// Running sums of the weights, for draws by popularity.
    cumulative: Option<Vec<u64>>,
}

impl CandidateSampler {
    /// `None` for full ranking. `users_of_item`: how many training users had each item.
    pub(crate) fn new(candidates: Candidates, users_of_item: &[u32]) -> Option<Self> {
        let Candidates::Sampled { n, sampler, seed } = candidates else { return None };
        let cumulative = (sampler == Sampler::Popularity).then(|| {
            let mut sum = 0;
            let add = |&count: &u32| {
                sum += u64::from(count);
                sum
            };
            users_of_item.iter().map(add).collect()
        });
        Some(Self { n, seed, n_items: users_of_item.len(), cumulative })
    }

    /// The relevant items and up to `n` others that are neither relevant nor seen, ascending. Both
    /// inputs ascend.
    pub(crate) fn draw(&self, user: u32, relevant: &[u32], seen: &[u32]) -> Vec<u32> {
        let mut rng = stream(self.seed, "metrics-candidates", u64::from(user));
        let barred =
            |item: u32| relevant.binary_search(&item).is_ok() || seen.binary_search(&item).is_ok();
        let mut drawn = hashbrown::HashSet::with_capacity(2 * self.n);
        // Refused draws leave the distribution of the next as it is; past the limit the rest is
        // drawn from what remains, one by one.
        let limit = 20 * self.n + 100;
        let mut tries = 0;
        while drawn.len() < self.n && tries < limit {
            tries += 1;
            match self.propose(&mut rng) {
                Some(item) if !barred(item) => drop(drawn.insert(item)),
                Some(_) => {}
                None => break,
            }
        }
        if drawn.len() < self.n {
            let rest: Vec<u32> = (0..self.n_items as u32)
                .filter(|&item| !barred(item) && !drawn.contains(&item))
                .collect();
            let missing = self.n - drawn.len();
            drawn.extend(self.keyed(&rest, missing, &mut rng));
        }
        let mut items: Vec<u32> = drawn.into_iter().chain(relevant.iter().copied()).collect();
        items.sort_unstable();
        items
    }

    fn propose(&self, rng: &mut Rng) -> Option<u32> {
        match &self.cumulative {
            None => (self.n_items > 0).then(|| rng.random_range(0..self.n_items as u32)),
            Some(sums) => {
                let total = sums.last().copied().filter(|&total| total > 0)?;
                let at = rng.random_range(0..total);
                Some(sums.partition_point(|&sum| sum <= at) as u32)
            }
        }
    }

    fn weight(&self, item: u32) -> f64 {
        let Some(sums) = &self.cumulative else { return 1.0 };
        let item = item as usize;
        (sums[item] - if item == 0 { 0 } else { sums[item - 1] }) as f64
    }

    /// Successive weighted draws at once, by exponential keys (Efraimidis and Spirakis 2006);
    /// items of weight 0 come last, in random order.
    fn keyed(&self, items: &[u32], n: usize, rng: &mut Rng) -> Vec<u32> {
        let mut keyed: Vec<(bool, f64, u32)> = items
            .iter()
            .map(|&item| {
                let weight = self.weight(item);
                let exponential = -(1.0 - rng.random::<f64>()).ln();
                let key = if weight > 0.0 { exponential / weight } else { exponential };
                (weight == 0.0, key, item)
            })
            .collect();
        keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        keyed.into_iter().take(n).map(|(_, _, item)| item).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(n: usize, sampler: Sampler, counts: &[u32]) -> CandidateSampler {
        let candidates = Candidates::Sampled { n, sampler, seed: 5 };
        CandidateSampler::new(candidates, counts).unwrap()
    }

    #[test]
    fn draws_neither_relevant_nor_seen_and_all_there_are() {
        for how in [Sampler::Uniform, Sampler::Popularity] {
            let s = sampler(4, how, &[1, 5, 0, 7, 9, 2, 1, 1]);
            for user in 0..50 {
                let got = s.draw(user, &[1, 3], &[0]);
                assert!(got.windows(2).all(|w| w[0] < w[1]));
                assert_eq!(got.len(), 6, "{got:?}");
                assert!(!got.contains(&0) && got.contains(&1) && got.contains(&3));
                assert_eq!(got, s.draw(user, &[1, 3], &[0]));
            }
            assert_eq!(sampler(99, how, &[1, 0, 3]).draw(0, &[1], &[]), [0, 1, 2]);
        }
        assert!(CandidateSampler::new(Candidates::Full, &[1]).is_none());
    }

    #[test]
    fn frequencies_follow_the_weights() {
        let counts = [1, 2, 3, 4];
        let s = sampler(1, Sampler::Popularity, &counts);
        let mut seen = [0f64; 4];
        let n = 20_000;
        for user in 0..n {
            s.draw(user, &[], &[]).iter().for_each(|&i| seen[i as usize] += 1.0);
        }
        for (item, count) in seen.iter().enumerate() {
            let p = f64::from(counts[item]) / 10.0;
            let sigma = (f64::from(n) * p * (1.0 - p)).sqrt();
            assert!((count - p * f64::from(n)).abs() < 4.0 * sigma, "{seen:?}");
        }
        // The keyed draw alone has the same law.
        let mut first = [0f64; 4];
        let mut rng = stream(1, "test", 0);
        for _ in 0..n {
            first[s.keyed(&[0, 1, 2, 3], 1, &mut rng)[0] as usize] += 1.0;
        }
        for (item, count) in first.iter().enumerate() {
            let p = f64::from(counts[item]) / 10.0;
            let sigma = (f64::from(n) * p * (1.0 - p)).sqrt();
            assert!((count - p * f64::from(n)).abs() < 4.0 * sigma, "{first:?}");
        }
    }
}
