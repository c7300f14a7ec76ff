//! Triples of a user, an item they had and one they did not.

use rand::Rng as _;
use rec_core::data::Csr;
use rec_core::rng::Rng;
use rec_core::sampling::NegativeSampler;

use super::BprNegatives;
use crate::Result;

/// Draws refused by the user's positives before the exact, slower way.
const TRIES: usize = 32;
/// Bits of a user's filter for each item they had.
const BITS: usize = 16;

/// What triples are drawn from.
pub(super) struct Triples {
    /// User and item of each interaction.
    events: Vec<[u32; 2]>,
    /// Draws any item.
    any: NegativeSampler,
    /// Draws an item the user did not have.
    other: NegativeSampler,
    filter: Filter,
}

impl Triples {
    pub(super) fn new(seen: &Csr, negatives: BprNegatives) -> Result<Self> {
        let other = negatives.sampler(seen)?;
        let row = |u: usize| seen.row(u).iter().map(move |&i| [u as u32, i]);
        Ok(Self {
            events: (0..seen.n_rows()).flat_map(row).collect(),
            any: other.clone().allow_positives(true),
            other,
            filter: Filter::new(seen),
        })
    }

    /// Replaces `batch` by up to `n` triples; an interaction whose user had every item that can be
    /// drawn gives none. The negatives are distributed as by `self.other.draw`.
    ///
    /// Works on the batch in rounds of short loops without unpredictable branches, so that the
    /// processor waits for many look-ups at once instead of one after the other.
    pub(super) fn draw(&self, n: usize, seen: &Csr, rng: &mut Rng, batch: &mut Vec<[u32; 3]>) {
        batch.clear();
        for _ in 0..n {
            let [user, had] = self.events[below(rng, self.events.len())];
            batch.push([user, had, NONE]);
        }
        let mut open: Vec<u32> = (0..n as u32).collect();
        let mut doubtful = vec![0u32; n];
        for _ in 0..TRIES {
            let mut doubts = 0;
            for &at in &open {
                let item = self.any.draw(rng, &[]).unwrap_or(NONE);
                batch[at as usize][2] = item;
                doubtful[doubts] = at;
                doubts += usize::from(self.filter.may_hold(batch[at as usize][0], item));
            }
            let mut refused = 0;
            for &at in &doubtful[..doubts] {
                let [user, _, item] = batch[at as usize];
                open[refused] = at;
                refused += usize::from(seen.row(user as usize).binary_search(&item).is_ok());
            }
            open.truncate(refused);
            if open.is_empty() {
                return;
            }
        }
        for at in open {
            let triple = &mut batch[at as usize];
            triple[2] = self.other.draw(rng, seen.row(triple[0] as usize)).unwrap_or(NONE);
        }
        batch.retain(|triple| triple[2] != NONE);
    }
}

/// No item: catalogues are smaller.
const NONE: u32 = u32::MAX;

/// A number below `n`, each equally likely to within `n / 2⁶⁴`.
#[inline]
fn below(rng: &mut Rng, n: usize) -> usize {
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}

/// For each user a set of hashed items that answers "surely not" in one look-up (Bloom 1970, with
/// one hash).
struct Filter {
    words: Vec<u64>,
    /// Where each user's words start, and the bits of a hash that number theirs.
    rows: Vec<(u32, u32)>,
}

impl Filter {
    fn new(seen: &Csr) -> Self {
        let (mut words, mut rows) = (Vec::new(), Vec::with_capacity(seen.n_rows()));
        for user in 0..seen.n_rows() {
            let items = seen.row(user);
            let bits = (BITS * items.len()).next_power_of_two().max(64);
            let start = words.len();
            words.resize(start + bits / 64, 0u64);
            rows.push((start as u32, 32 - bits.ilog2()));
            for &item in items {
                let bit = hash(item) >> (32 - bits.ilog2());
                words[start + bit as usize / 64] |= 1 << (bit % 64);
            }
        }
        Self { words, rows }
    }

    #[inline]
    fn may_hold(&self, user: u32, item: u32) -> bool {
        let (start, shift) = self.rows[user as usize];
        let bit = hash(item) >> shift;
        self.words[start as usize + bit as usize / 64] >> (bit % 64) & 1 == 1
    }
}

/// Multiplicative hashing (Knuth, TAOCP 6.4): the high bits are well mixed.
#[inline]
fn hash(item: u32) -> u32 {
    item.wrapping_mul(0x9E37_79B1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rec_core::rng::stream;

    #[test]
    fn triples_are_uniform_over_interactions_and_other_items() {
        let seen = Csr::from_rows(
            [vec![(0, 1.0), (2, 1.0)], vec![(1, 1.0)], vec![], (0..4).map(|i| (i, 1.0)).collect()],
            4,
        );
        let triples = Triples::new(&seen, BprNegatives::Uniform).unwrap();
        let (mut rng, mut batch) = (stream(1, "test", 0), Vec::new());
        let mut counts = std::collections::BTreeMap::new();
        for _ in 0..700 {
            triples.draw(100, &seen, &mut rng, &mut batch);
            batch.iter().for_each(|t| *counts.entry(*t).or_insert(0u32) += 1);
        }
        // Each of 7 interactions is drawn 10,000 times; user 3 had everything.
        let expected = [
            ([0, 0, 1], 5_000.0),
            ([0, 0, 3], 5_000.0),
            ([0, 2, 1], 5_000.0),
            ([0, 2, 3], 5_000.0),
            ([1, 1, 0], 10_000.0 / 3.0),
            ([1, 1, 2], 10_000.0 / 3.0),
            ([1, 1, 3], 10_000.0 / 3.0),
        ];
        assert_eq!(counts.len(), expected.len(), "{counts:?}");
        for (triple, n) in expected {
            let got = f64::from(counts[&triple]);
            assert!((got - n).abs() < 5.0 * n.sqrt(), "{triple:?}: {got}, expected {n}");
        }
    }

    #[test]
    fn the_filter_never_denies_an_item_the_user_had() {
        let rows = (0..50u32).map(|u| (0..u * 3).map(|i| (i * 7 + u, 1.0)).collect());
        let seen = Csr::from_rows(rows, 2_000);
        let filter = Filter::new(&seen);
        let mut wrong = 0;
        for user in 0..50 {
            for item in 0..2_000 {
                let had = seen.contains(user, item);
                assert!(!had || filter.may_hold(user as u32, item));
                wrong += usize::from(!had && filter.may_hold(user as u32, item));
            }
        }
        assert!(wrong < 10_000, "{wrong} of about 96,000 false alarms");
    }
}
