//! The n-grams of a corpus, each with a column.

use rayon::prelude::*;

/// N-grams by hash, ascending; the place of one is its column. Hashes are spread evenly, so a table
/// of their leading bits leads to the right place within a step or two.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Vocabulary {
    hashes: Vec<u64>,
    starts: Vec<u32>,
    shift: u32,
}

impl Vocabulary {
    /// Of ascending hashes.
    pub(crate) fn new(hashes: Vec<u64>) -> Self {
        let bits = hashes.len().max(2).ilog2();
        let shift = 64 - bits;
        let mut starts = vec![0u32; (1 << bits) + 1];
        for hash in &hashes {
            starts[(hash >> shift) as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Self { hashes, starts, shift }
    }

    /// The n-grams that occur in at least `min_df` of the bags, with the number of bags they are in.
    pub(super) fn count<'a>(
        bags: impl Iterator<Item = &'a [(u64, u32)]>,
        min_df: usize,
    ) -> (Self, Vec<u32>) {
        let mut all: Vec<u64> = bags.flatten().map(|&(hash, _)| hash).collect();
        all.par_sort_unstable();
        let kept = all.chunk_by(|a, b| a == b).filter(|same| same.len() >= min_df);
        let (hashes, counts) = kept.map(|same| (same[0], same.len() as u32)).unzip();
        (Self::new(hashes), counts)
    }

    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }

    pub(crate) fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    /// The columns of the first tokens of a text, up to `most`; of all others that after the last.
    pub(crate) fn columns(&self, tokens: &[u64], most: usize) -> Vec<u32> {
        let other = self.len() as u32;
        let column = |&token: &u64| self.column(token).unwrap_or(other);
        tokens.iter().take(most).map(column).collect()
    }

    pub(crate) fn column(&self, hash: u64) -> Option<u32> {
        let bucket = (hash >> self.shift) as usize;
        let (from, to) = (self.starts[bucket], self.starts[bucket + 1]);
        let near = &self.hashes[from as usize..to as usize];
        near.iter().position(|&h| h == hash).map(|at| from + at as u32)
    }
}
