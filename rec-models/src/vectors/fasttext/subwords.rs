//! Character n-grams, by their hash.

use std::collections::HashMap;

use super::FastText;
use crate::vectors::parts::Parts;
use crate::{Error, Result};

/// The n-grams of a vocabulary and their vectors.
#[derive(Clone, Debug)]
pub(super) struct Subwords {
    min_n: usize,
    max_n: usize,
    bucket: u32,
    /// The row of each hash that was seen.
    rows: HashMap<u32, u32>,
    /// `[len, dim]`.
    values: Vec<f32>,
}

impl Subwords {
    fn new(config: &FastText) -> Self {
        let FastText { min_n, max_n, bucket, .. } = *config;
        Self { min_n, max_n, bucket, rows: HashMap::new(), values: Vec::new() }
    }

    /// The n-grams of words, and the rows of a table of words and n-grams that make each word.
    pub(super) fn of<'a>(
        config: &FastText,
        words: impl ExactSizeIterator<Item = &'a str>,
    ) -> Result<(Self, Parts)> {
        let n_words = words.len() as u64;
        let (mut subwords, mut parts) = (Self::new(config), Parts::new());
        let mut own = Vec::new();
        for (id, word) in words.enumerate() {
            own.clear();
            own.push(id as u32);
            for hash in subwords.hashes(word) {
                let next = subwords.rows.len() as u32;
                own.push(n_words as u32 + *subwords.rows.entry(hash).or_insert(next));
            }
            parts.push(own.iter().copied());
        }
        if n_words + subwords.rows.len() as u64 > u64::from(u32::MAX) {
            let why = "more than 2^32 words and n-grams; raise min_count or lower bucket";
            return Err(Error::data("the vocabulary of fastText", why));
        }
        Ok((subwords, parts))
    }

    /// Those of a saved model: hashes in the order of their rows.
    pub(super) fn saved(
        config: &FastText,
        hashes: &[u32],
        values: Vec<f32>,
        dim: usize,
    ) -> Result<Self> {
        if values.len() != hashes.len() * dim {
            let expected = hashes.len() * dim;
            return Err(Error::shape("values of the n-grams", expected, values.len()));
        }
        let mut subwords = Self { values, ..Self::new(config) };
        subwords.rows = hashes.iter().zip(0..).map(|(&hash, row)| (hash, row)).collect();
        if subwords.rows.len() != hashes.len() {
            return Err(Error::data("the n-grams of fastText", "one stands there twice"));
        }
        Ok(subwords)
    }

    /// N-grams with a row.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn take_vectors(&mut self, values: &[f32], dim: usize) {
        self.values = values[..self.len() * dim].to_vec();
    }

    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// The hashes in the order of their rows.
    pub(super) fn in_order(&self) -> Vec<u32> {
        let mut hashes = vec![0; self.len()];
        self.rows.iter().for_each(|(&hash, &row)| hashes[row as usize] = hash);
        hashes
    }

    /// The mean of the vectors of a word's n-grams that have one, if any has.
    pub(super) fn mean(&self, word: &str, dim: usize) -> Option<Vec<f32>> {
        let mut sum = vec![0f32; dim];
        let mut n = 0;
        for row in self.hashes(word).filter_map(|hash| self.rows.get(&hash)) {
            let vector = &self.values[*row as usize * dim..][..dim];
            sum.iter_mut().zip(vector).for_each(|(s, v)| *s += v);
            n += 1;
        }
        (n > 0).then(|| sum.into_iter().map(|s| s / n as f32).collect())
    }

    fn hashes(&self, word: &str) -> impl Iterator<Item = u32> + use<> {
        let bucket = self.bucket;
        ngrams(word, self.min_n, self.max_n).into_iter().map(move |hash| hash % bucket)
    }
}

/// The hashes of the n-grams of a word between `<` and `>`, but for those marks alone.
fn ngrams(word: &str, min_n: usize, max_n: usize) -> Vec<u32> {
    let word = format!("<{word}>");
    let ends: Vec<usize> = word.char_indices().map(|(at, _)| at).chain([word.len()]).collect();
    let (n_chars, bytes) = (ends.len() - 1, word.as_bytes());
    let mut hashes = Vec::new();
    for from in 0..n_chars {
        for to in from + min_n..=(from + max_n).min(n_chars) {
            let is_mark = to == from + 1 && (from == 0 || to == n_chars);
            if !is_mark {
                hashes.push(fnv_1a(&bytes[ends[from]..ends[to]]));
            }
        }
    }
    hashes
}

/// FNV-1a of 32 bits as the authors' program computes it: bytes are signed, and so extended with
/// ones where they are above 127.
fn fnv_1a(bytes: &[u8]) -> u32 {
    let step = |hash: u32, &byte: &u8| {
        (hash ^ i32::from(byte.cast_signed()).cast_unsigned()).wrapping_mul(16_777_619)
    };
    bytes.iter().fold(2_166_136_261, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `gensim.models.fasttext_inner` gives them.
    #[test]
    fn ngrams_and_hashes_are_those_of_fasttext() {
        let of = |word| ngrams(word, 3, 6);
        assert_eq!(
            of("été"),
            [1975908133, 1026059617, 2778999949, 200187927, 4054196363, 1251291535]
        );
        assert_eq!(of("手机"), [2336458089, 2454382581, 2339110647]);
        assert_eq!(of("a"), [2359087600]);
        let short: Vec<u32> = ["<w", "w", "wh", "h", "he", "e", "er", "r", "re", "e", "e>"]
            .iter()
            .map(|gram| fnv_1a(gram.as_bytes()))
            .collect();
        assert_eq!(ngrams("where", 1, 2), short);
        assert!(ngrams("where", 3, 2).is_empty());
        assert!(ngrams("", 3, 6).is_empty());
    }
}
