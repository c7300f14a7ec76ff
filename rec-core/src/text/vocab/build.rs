//! Counting words in one pass, in bounded memory if need be.

use hashbrown::HashMap;

use super::Vocab;
use crate::data::IdMap;
use crate::{Error, Result};

/// Builds a [`Vocab`] from sequences of words.
///
/// With `prune_at` memory is bounded, by the rule of word2vec's `ReduceVocab`: whenever more
/// distinct words are held, those seen at most `r` times are dropped, `r` being 1 the first time
/// and one more each time after. So a word is lost, or its count falls short, by at most the sum of
/// these `r`, which [`Vocab::max_undercount`] tells. Frequent words are safe; a result with pruning
/// depends on the order of the stream.
#[derive(Clone, Debug)]
pub struct VocabBuilder {
    min_count: u64,
    max_size: Option<usize>,
    special: Vec<String>,
    prune_at: Option<usize>,
    counts: HashMap<Box<str>, u64>,
    tokens: u64,
    floor: u64,
    undercount: u64,
}

impl Default for VocabBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl VocabBuilder {
    /// A builder that keeps every word.
    pub fn new() -> Self {
        Self {
            min_count: 1,
            max_size: None,
            special: Vec::new(),
            prune_at: None,
            counts: HashMap::new(),
            tokens: 0,
            floor: 0,
            undercount: 0,
        }
    }

    /// Leaves out words seen less often.
    pub fn min_count(mut self, min_count: u64) -> Self {
        self.min_count = min_count;
        self
    }

    /// Keeps at most so many entries, the special ones counted.
    pub fn max_size(mut self, max_size: Option<usize>) -> Self {
        self.max_size = max_size;
        self
    }

    /// Entries that come first and stay however rare they are.
    pub fn special<S: Into<String>>(mut self, special: impl IntoIterator<Item = S>) -> Self {
        self.special = special.into_iter().map(Into::into).collect();
        self
    }

    /// Holds at most so many distinct words while counting.
    pub fn prune_at(mut self, prune_at: Option<usize>) -> Self {
        self.prune_at = prune_at;
        self
    }

    /// Distinct words held at the moment.
    pub fn distinct(&self) -> usize {
        self.counts.len()
    }

    /// Counts a word.
    pub fn add(&mut self, word: &str) {
        self.add_count(word, 1);
    }

    /// Counts the words of a sequence.
    pub fn add_sequence<S: AsRef<str>>(&mut self, sequence: impl IntoIterator<Item = S>) {
        for word in sequence {
            self.add(word.as_ref());
        }
    }

    /// Adds what another builder counted; the settings stay this one's.
    pub fn merge(&mut self, other: VocabBuilder) {
        self.undercount += other.undercount;
        // In order of the words: pruning depends on the order in which they come.
        let mut counts: Vec<_> = other.counts.into_iter().collect();
        counts.sort_unstable();
        for (word, count) in counts {
            self.add_count(&word, count);
        }
    }

    fn add_count(&mut self, word: &str, count: u64) {
        self.tokens += count;
        if let Some(n) = self.counts.get_mut(word) {
            *n += count;
            return;
        }
        self.counts.insert(word.into(), count);
        if let Some(limit) = self.prune_at {
            while self.counts.len() > limit.max(1) {
                self.floor += 1;
                self.undercount += self.floor;
                let floor = self.floor;
                self.counts.retain(|_, n| *n > floor);
            }
        }
    }

    /// The vocabulary of what was counted.
    ///
    /// # Errors
    /// [`Error::Empty`] if nothing was counted, [`Error::Data`] if no word is frequent enough,
    /// [`Error::Parameter`] if the special entries are repeated or do not fit.
    pub fn build(self) -> Result<Vocab> {
        if self.tokens == 0 {
            let why = "no word was read; an iterator can be read once only, pass a list, or make \
                       it anew";
            return Err(Error::empty("the corpus", why));
        }
        let special = IdMap::from_strings(self.special.iter().map(String::as_str))
            .map_err(|_| Error::parameter("special", format!("{:?}", self.special), "a repeat"))?;
        let room = match self.max_size {
            None => usize::MAX,
            Some(size) if size > special.len() => size - special.len(),
            Some(size) => {
                let why = format!("{} special entries leave no room; choose more", special.len());
                return Err(Error::parameter("max_size", size, why));
            }
        };
        let mut words: Vec<(&str, u64)> = self
            .counts
            .iter()
            .filter(|(word, n)| **n >= self.min_count && special.get(&***word).is_none())
            .map(|(word, &n)| (&**word, n))
            .collect();
        if words.is_empty() {
            let most = self.counts.values().max().copied().unwrap_or(0);
            let why = format!(
                "no word was seen min_count = {} times, the most frequent one {most} times; lower \
                 it",
                self.min_count
            );
            return Err(Error::data("the corpus", why));
        }
        words.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        words.truncate(room);
        let first = self
            .special
            .iter()
            .map(|word| (word.as_str(), self.counts.get(word.as_str()).copied().unwrap_or(0)));
        let mut vocab = Vocab::from_counts(first.chain(words), special.len())?;
        vocab.max_undercount = self.undercount;
        Ok(vocab)
    }
}
