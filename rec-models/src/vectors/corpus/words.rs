//! Counting words in one pass, with bounded memory.

use rec_core::data::{IdMap, IdRef};
use rec_core::text::Vocab;

use super::END;
use crate::{Error, Result};

/// Distinct words and their counts. Words have provisional ids while they are counted.
pub(super) struct Words {
    prune_at: Option<usize>,
    /// Words at hand, numbered from 0; pruning renumbers them.
    words: IdMap,
    counts: Vec<u64>,
    /// The provisional id of each word at hand; a word that was pruned and comes back has another.
    provisional: Vec<u32>,
    next: u32,
    floor: u64,
}

impl Words {
    pub(super) fn new() -> Self {
        Self {
            prune_at: None,
            words: IdMap::strings(),
            counts: Vec::new(),
            provisional: Vec::new(),
            next: 0,
            floor: 0,
        }
    }

    pub(super) fn prune_at(&mut self, words: Option<usize>) {
        self.prune_at = words;
    }

    /// Words at hand.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.counts.len()
    }

    /// Counts an occurrence, and gives the word's provisional id.
    pub(super) fn count(&mut self, word: &str) -> Result<u32> {
        let at = self.words.intern_str(word) as usize;
        if at < self.counts.len() {
            self.counts[at] += 1;
            return Ok(self.provisional[at]);
        }
        let id = self.next;
        if id == END {
            return Err(Error::data("the corpus", "more than 2^32 words; set prune_at lower"));
        }
        self.next += 1;
        self.counts.push(1);
        self.provisional.push(id);
        if self.prune_at.is_some_and(|limit| self.counts.len() > limit.max(1)) {
            self.prune();
        }
        Ok(id)
    }

    fn prune(&mut self) {
        let limit = self.prune_at.unwrap_or(usize::MAX).max(1);
        while self.counts.len() > limit {
            self.floor += 1;
            let mut kept = IdMap::strings();
            let (mut counts, mut provisional) = (Vec::new(), Vec::new());
            for (at, word) in self.words.iter().enumerate() {
                if self.counts[at] > self.floor
                    && let IdRef::Str(word) = word
                {
                    kept.intern_str(word);
                    counts.push(self.counts[at]);
                    provisional.push(self.provisional[at]);
                }
            }
            (self.words, self.counts, self.provisional) = (kept, counts, provisional);
        }
    }

    /// The vocabulary, and the final id of each provisional one ([`END`] where it is left out).
    pub(super) fn vocabulary(
        &self,
        min_count: u64,
        max_words: Option<usize>,
    ) -> Result<(Vocab, Vec<u32>)> {
        if self.next == 0 {
            let why = "no word was read; an iterator that was read before has nothing left, make \
                       it anew";
            return Err(Error::empty("the corpus", why));
        }
        let mut entries: Vec<(&str, u64, u32)> = self
            .words
            .iter()
            .zip(self.counts.iter().zip(&self.provisional))
            .filter_map(|(word, (&count, &id))| match word {
                IdRef::Str(word) if count >= min_count => Some((word, count, id)),
                _ => None,
            })
            .collect();
        entries.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        entries.truncate(max_words.unwrap_or(usize::MAX));
        if entries.len() < 2 {
            let most = self.counts.iter().max().copied().unwrap_or(0);
            let why = format!(
                "{} of its words were seen min_count = {} times, the most frequent one {most} \
                 times, and vectors need two words; lower min_count or read more text",
                entries.len(),
                min_count
            );
            return Err(Error::data("the corpus", why));
        }
        let mut finals = vec![END; self.next as usize];
        for (at, &(_, _, id)) in entries.iter().enumerate() {
            finals[id as usize] = at as u32;
        }
        let vocab = Vocab::from_counts(entries.iter().map(|&(word, n, _)| (word, n)), 0)?;
        Ok((vocab, finals))
    }
}
