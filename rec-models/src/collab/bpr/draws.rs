//! Triples of a user, an item they had and one they did not.

use rand::Rng as _;
use rec_core::data::Csr;
use rec_core::rng::Rng;
use rec_core::sampling::NegativeSampler;

use super::BprNegatives;
use super::shared::prefetch;
use crate::Result;

/// Most triples drawn at once; a `u8` numbers them.
pub(super) const BATCH: usize = 128;
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

    /// Replaces `batch` by `n ≤ BATCH` triples; an interaction whose user had every item that can be
    /// drawn gives none. The negatives are distributed as by `self.other.draw`.
    ///
    /// Works on the batch in rounds of short loops that first ask for the memory they will look at,
    /// so that the processor waits for many look-ups at once instead of one after the other.
    pub(super) fn draw(&self, n: usize, seen: &Csr, rng: &mut Rng, batch: &mut Vec<[u32; 3]>) {
        batch.clear();
        let mut places = [0usize; BATCH];
        for place in &mut places[..n] {
            *place = below(rng, self.events.len());
            prefetch(&self.events[*place]);
        }
        batch.extend(places[..n].iter().map(|&at| [self.events[at][0], self.events[at][1], NONE]));
        let mut open: [u8; BATCH] = std::array::from_fn(|at| at as u8);
        let mut left = n;
        for _ in 0..TRIES {
            left = self.attempt(seen, rng, batch, &mut open, left);
            if left == 0 {
                return;
            }
        }
        for &at in &open[..left] {
            let triple = &mut batch[at as usize];
            triple[2] = self.other.draw(rng, seen.row(triple[0] as usize)).unwrap_or(NONE);
        }
        batch.retain(|triple| triple[2] != NONE);
    }

    /// Draws any item for the first `left` triples of `open`; leaves there those whose user had it,
    /// and returns how many they are.
    fn attempt(
        &self,
        seen: &Csr,
        rng: &mut Rng,
        batch: &mut [[u32; 3]],
        open: &mut [u8; BATCH],
        left: usize,
    ) -> usize {
        let mut bits = [0usize; BATCH];
        for (&at, bit) in open[..left].iter().zip(&mut bits) {
            let triple = &mut batch[at as usize];
            triple[2] = self.any.draw(rng, &[]).unwrap_or(NONE);
            *bit = self.filter.bit(triple[0], triple[2]);
            prefetch(&self.filter.words[*bit / 64]);
        }
        let mut doubts = 0;
        for k in 0..left {
            let at = open[k];
            open[doubts] = at;
            doubts += usize::from(self.filter.holds(bits[k]));
        }
        let mut refused = 0;
        for k in 0..doubts {
            let at = open[k];
            let [user, _, item] = batch[at as usize];
            open[refused] = at;
            refused += usize::from(seen.row(user as usize).binary_search(&item).is_ok());
        }
        refused
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

    /// The bit that stands for an item in a user's set.
    #[inline]
    fn bit(&self, user: u32, item: u32) -> usize {
        let (start, shift) = self.rows[user as usize];
        start as usize * 64 + (hash(item) >> shift) as usize
    }

    #[inline]
    fn holds(&self, bit: usize) -> bool {
        self.words[bit / 64] >> (bit % 64) & 1 == 1
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
                assert!(!had || filter.holds(filter.bit(user as u32, item)));
                wrong += usize::from(!had && filter.holds(filter.bit(user as u32, item)));
            }
        }
        assert!(wrong < 10_000, "{wrong} of about 96,000 false alarms");
    }
}
