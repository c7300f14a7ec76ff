//! Reading a corpus, once.

use std::path::Path;

use rec_core::text::stream::{TextFile, for_each_text};

use super::compact::{Collector, remapped};
use super::words::Words;
use super::{Corpus, END, Sentences};
use crate::Result;
use crate::vectors::spill::{Spill, Stored};

/// Reads sentences once, counting their words and keeping them as provisional ids: an iterator that
/// cannot be read twice will do.
pub struct CorpusBuilder {
    min_count: u64,
    max_words: Option<usize>,
    memory_limit: usize,
    pub(super) words: Words,
    buffer: Vec<u32>,
    spill: Option<Spill<u32>>,
}

impl Default for CorpusBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl CorpusBuilder {
    /// A builder that keeps every word.
    pub fn new() -> Self {
        Self {
            min_count: 1,
            max_words: None,
            memory_limit: 2 << 30,
            words: Words::new(),
            buffer: Vec::new(),
            spill: None,
        }
    }

    /// Leaves out words seen less often.
    pub fn min_count(mut self, min_count: u64) -> Self {
        self.min_count = min_count;
        self
    }

    /// Keeps at most so many words, the most frequent ones.
    pub fn max_words(mut self, max_words: Option<usize>) -> Self {
        self.max_words = max_words;
        self
    }

    /// Holds at most so many distinct words while counting, by word2vec's rule: whenever there are
    /// more, words seen at most `r` times are dropped, `r` being 1 the first time and one more each
    /// time after.
    pub fn prune_at(mut self, prune_at: Option<usize>) -> Self {
        self.words.prune_at(prune_at);
        self
    }

    /// Bytes of ids held in memory; more go to a temporary file.
    pub fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory_limit = bytes;
        self
    }

    /// Reads a sentence.
    ///
    /// # Errors
    /// [`crate::Error::Io`] where the disk refuses the temporary file, [`crate::Error::Data`] past
    /// 2³² words.
    pub fn add<S: AsRef<str>>(&mut self, sentence: impl IntoIterator<Item = S>) -> Result<()> {
        for word in sentence {
            let id = self.words.count(word.as_ref())?;
            self.buffer.push(id);
        }
        self.buffer.push(END);
        if self.buffer.len() * size_of::<u32>() > self.memory_limit {
            self.spill()?;
        }
        Ok(())
    }

    /// Reads a file of one sentence a line, its words parted by white space; gzip is recognised.
    ///
    /// # Errors
    /// As [`for_each_text`] and [`CorpusBuilder::add`].
    pub fn add_file(&mut self, path: impl AsRef<Path>) -> Result<()> {
        for_each_text(path, &TextFile::lines(), &mut |lines| {
            lines.iter().try_for_each(|line| self.add(line.split_whitespace()))
        })
    }

    fn spill(&mut self) -> Result<()> {
        let file = match &mut self.spill {
            Some(file) => file,
            None => self.spill.insert(Spill::new()?),
        };
        file.push(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// The corpus of what was read.
    ///
    /// # Errors
    /// [`crate::Error::Empty`] if no word was read, [`crate::Error::Data`] if fewer than two words
    /// are frequent enough, [`crate::Error::Io`] where the disk refuses.
    pub fn build(mut self) -> Result<Corpus> {
        let (vocab, finals) = self.words.vocabulary(self.min_count, self.max_words)?;
        let mut collect = Collector::default();
        let ids = match self.spill.take() {
            None => {
                collect.compact(&mut self.buffer, Some(&finals));
                Stored::Memory(self.buffer)
            }
            Some(mut spilled) => {
                spilled.push(&self.buffer)?;
                remapped(spilled.read()?, &finals, &mut collect)?
            }
        };
        Ok(Corpus { vocab, sentences: Sentences::of(ids, collect) })
    }
}
