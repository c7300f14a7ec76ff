//! One thread's counts.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::Counting;
use super::merge::{Entry, Run, merge};
use crate::Result;
use crate::vectors::corpus::END;
use crate::vectors::spill::Spill;

/// Most frequent words whose counts with one another lie in a square: they make up most pairs, and
/// spare looking them up.
const MOST_SQUARE: usize = 2048;

/// Bytes of a looked-up count, with the room that a hash table keeps free.
const PER_PAIR: usize = 40;

/// Files open at a time; more are merged into one.
const MOST_RUNS: usize = 64;

/// What a thread may hold.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Words in the square.
    square: usize,
    /// Pairs looked up.
    pairs: usize,
}

impl Limits {
    /// A quarter of the bytes for the square, the rest for all other pairs.
    pub(super) fn new(words: usize, bytes: usize) -> Self {
        let square = (bytes / 4 / size_of::<u64>()).isqrt().min(MOST_SQUARE).min(words);
        Self { square, pairs: (bytes / 4 * 3 / PER_PAIR).max(1) }
    }
}

pub(super) struct Counter {
    limits: Limits,
    symmetric: bool,
    /// `1 / d` in units of 2⁻³²: `[window]`.
    shares: Vec<u64>,
    /// `[square, square]`.
    square: Vec<u64>,
    pairs: HashMap<u64, u64, BuildHasherDefault<PairHasher>>,
    runs: Vec<Run>,
}

impl Counter {
    pub(super) fn new(counting: &Counting, limits: Limits) -> Self {
        Self {
            limits,
            symmetric: counting.symmetric,
            shares: (1..=counting.window as u64).map(|d| (1 << 32) / d).collect(),
            square: vec![0; limits.square * limits.square],
            pairs: HashMap::default(),
            runs: Vec::new(),
        }
    }

    /// Counts the pairs of whole sentences.
    pub(super) fn count(&mut self, ids: &[u32]) -> Result<()> {
        for sentence in ids.split(|&id| id == END) {
            for (at, &word) in sentence.iter().enumerate() {
                for back in 0..self.shares.len().min(at) {
                    self.add(word, sentence[at - back - 1], self.shares[back]);
                }
            }
            if self.pairs.len() >= self.limits.pairs {
                self.spill()?;
            }
        }
        Ok(())
    }

    fn add(&mut self, word: u32, before: u32, share: u64) {
        let (word, before, share) = match self.symmetric {
            false => (word, before, share),
            // Each of the two is in the other's window.
            true if word == before => (word, word, 2 * share),
            true => (word.min(before), word.max(before), share),
        };
        let n = self.limits.square;
        if (word.max(before) as usize) < n {
            self.square[word as usize * n + before as usize] += share;
        } else {
            *self.pairs.entry(u64::from(word) << 32 | u64::from(before)).or_insert(0) += share;
        }
    }

    fn spill(&mut self) -> Result<()> {
        let mut file = Spill::new()?;
        file.push(&self.sorted())?;
        if self.runs.len() == MOST_RUNS {
            let runs = std::mem::take(&mut self.runs);
            let mut one = Spill::new()?;
            merge(runs, |entry| one.push(&[entry]))?;
            self.runs.push(Run::File(one.read()?));
        }
        self.runs.push(Run::File(file.read()?));
        Ok(())
    }

    fn sorted(&mut self) -> Vec<Entry> {
        let mut entries: Vec<Entry> =
            self.pairs.drain().map(|(pair, sum)| Entry { pair, sum }).collect();
        entries.sort_unstable_by_key(|entry| entry.pair);
        entries
    }

    /// All counts, as sorted runs.
    pub(super) fn finish(mut self) -> Result<Vec<Run>> {
        let rest = self.sorted();
        let n = self.limits.square.max(1);
        let of_square = |(at, &sum): (usize, &u64)| Entry {
            pair: ((at / n) as u64) << 32 | (at % n) as u64,
            sum,
        };
        let square = self.square.iter().enumerate().filter(|(_, sum)| **sum > 0).map(of_square);
        let square: Vec<Entry> = square.collect();
        for entries in [rest, square] {
            self.runs.push(Run::Memory(entries.into_iter()));
        }
        Ok(self.runs)
    }
}

/// Spreads pairs of small numbers over all bits.
#[derive(Default)]
pub(super) struct PairHasher(u64);

impl Hasher for PairHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(self.0 ^ u64::from(byte)));
    }

    fn write_u64(&mut self, pair: u64) {
        self.0 = rec_core::rng::mix(pair);
    }
}
