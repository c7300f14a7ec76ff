//! Texts that belong together.

use std::collections::HashMap;

use rec_core::rng::mix;
use rec_core::text::Tokenizer;

use super::{Corpus, TrainingData};
use crate::{Error, Result};

/// Pairs of texts whose vectors should be near one another, each with hard negatives if there are
/// any: texts that look alike and do not belong together.
#[derive(Clone, Debug)]
pub struct Pairs {
    corpus: Corpus,
    /// Anchor and positive, as texts of the corpus.
    pairs: Vec<[u32; 2]>,
    /// The negatives of every pair, `hard` each.
    negatives: Vec<u32>,
    hard: usize,
}

/// The texts of one pair, by their place in the corpus.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row<'a> {
    pub(super) anchor: u32,
    pub(super) positive: u32,
    pub(super) negatives: &'a [u32],
}

impl Pairs {
    /// `anchors[i]` with `positives[i]`, each cut to `max_len` tokens.
    ///
    /// # Errors
    /// Lists of different lengths, and as [`Corpus::encode`].
    pub fn encode<T: AsRef<str>>(
        tokenizer: &Tokenizer,
        anchors: &[T],
        positives: &[T],
        max_len: Option<usize>,
    ) -> Result<Self> {
        Self::with_negatives(tokenizer, anchors, positives, &[], max_len)
    }

    /// As [`Pairs::encode`], with as many hard negatives for every pair: those of pair `i` are the
    /// `i`-th run of `negatives`.
    ///
    /// # Errors
    /// As [`Pairs::encode`], and negatives that are no multiple of the pairs.
    pub fn with_negatives<T: AsRef<str>>(
        tokenizer: &Tokenizer,
        anchors: &[T],
        positives: &[T],
        negatives: &[T],
        max_len: Option<usize>,
    ) -> Result<Self> {
        let mut texts = Distinct::default();
        let [anchors, positives, negatives] = [anchors, positives, negatives]
            .map(|list| list.iter().map(|text| texts.place(text.as_ref())).collect::<Vec<u32>>());
        if anchors.len() != positives.len() {
            return Err(Error::shape("positives", anchors.len(), positives.len()));
        }
        let corpus = Corpus::encode(tokenizer, &texts.list, max_len)?;
        let pairs = anchors.into_iter().zip(positives).map(|(a, p)| [a, p]).collect();
        Self::of_corpus(corpus, pairs, negatives)
    }

    /// Pairs of texts of a corpus, by place, and the same number of hard negatives for each.
    /// Behaviour gives such pairs: items that the same users took up
    /// ([`rec_core::sampling::CoConsumed`]), so that vectors of content learn from behaviour.
    ///
    /// # Errors
    /// No pair, places outside the corpus, negatives that are no multiple of the pairs.
    pub fn of_corpus(corpus: Corpus, pairs: Vec<[u32; 2]>, negatives: Vec<u32>) -> Result<Self> {
        if pairs.is_empty() {
            return Err(Error::empty("the pairs", "pass texts that belong together"));
        }
        if !negatives.len().is_multiple_of(pairs.len()) {
            let expected = format!("a multiple of the {} pairs", pairs.len());
            return Err(Error::shape("negatives", expected, negatives.len()));
        }
        let mut places = pairs.iter().flatten().chain(&negatives);
        if let Some(place) = places.find(|&&place| place as usize >= corpus.len()) {
            let why = format!("the corpus has {} texts, counted from 0", corpus.len());
            return Err(Error::parameter("place of a text", place, why));
        }
        let hard = negatives.len() / pairs.len();
        Ok(Self { corpus, pairs, negatives, hard })
    }

    /// Pairs.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is no pair: never.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    pub(super) fn row(&self, row: usize) -> Row<'_> {
        let [anchor, positive] = self.pairs[row];
        Row { anchor, positive, negatives: &self.negatives[row * self.hard..][..self.hard] }
    }

    pub(super) fn ids(&self, place: u32) -> &[u32] {
        self.corpus.text(place as usize).ids
    }

    fn lengths(&self, row: usize) -> impl Iterator<Item = usize> {
        let Row { anchor, positive, negatives } = self.row(row);
        [anchor, positive].into_iter().chain(negatives.iter().copied()).map(|at| self.ids(at).len())
    }
}

impl TrainingData for Pairs {
    fn len(&self) -> usize {
        self.pairs.len()
    }

    fn tokens(&self, row: usize) -> usize {
        self.lengths(row).sum()
    }

    fn longest(&self, row: usize) -> usize {
        self.lengths(row).max().unwrap_or(0)
    }

    fn vocab_size(&self) -> usize {
        self.corpus.vocab_size()
    }

    fn fingerprint(&self) -> String {
        let places = self.pairs.iter().flatten().chain(&self.negatives);
        let hash = places.fold(self.hard as u64, |h, &x| mix(h ^ u64::from(x)));
        format!("{}{hash:016x}", self.corpus.fingerprint())
    }
}

/// Each text once.
#[derive(Default)]
struct Distinct<'a> {
    list: Vec<&'a str>,
    places: HashMap<&'a str, u32>,
}

impl<'a> Distinct<'a> {
    fn place(&mut self, text: &'a str) -> u32 {
        let next = self.list.len() as u32;
        let place = *self.places.entry(text).or_insert(next);
        if place == next {
            self.list.push(text);
        }
        place
    }
}
