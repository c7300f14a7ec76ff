//! Sentences as word ids: in memory, or in a file of their own where they are more than that.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use memmap2::Mmap;
use rec_core::data::{IdMap, IdRef};
use rec_core::text::Vocab;
use rec_core::text::stream::{TextFile, for_each_text};

use crate::{Error, Result};

/// Stands after each sentence.
pub(crate) const END: u32 = u32::MAX;

/// Words that a worker takes at a time, at least.
const CHUNK: usize = 10_000;

/// Sentences to learn vectors from, as ids of a vocabulary, rare words left out.
pub struct Corpus {
    vocab: Vocab,
    sentences: Sentences,
}

/// Sentences of ids, each followed by [`END`].
pub(crate) struct Sentences {
    ids: Ids,
    /// Where chunks of whole sentences begin, and the end: `[chunks + 1]`.
    chunks: Vec<usize>,
    words: u64,
}

enum Ids {
    Memory(Vec<u32>),
    Mapped(Mmap),
}

impl std::fmt::Debug for Corpus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let spilled = matches!(self.sentences.ids, Ids::Mapped(_));
        f.debug_struct("Corpus")
            .field("vocab", &self.vocab)
            .field("words", &self.words())
            .field("spilled", &spilled)
            .finish_non_exhaustive()
    }
}

impl Corpus {
    /// The vocabulary: words by count downward.
    pub fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    /// Occurrences of words of the vocabulary.
    pub fn words(&self) -> u64 {
        self.sentences.words
    }

    pub(crate) fn sentences(&self) -> &Sentences {
        &self.sentences
    }
}

impl Sentences {
    /// Sentences of ids at hand, each followed by [`END`].
    pub(crate) fn new(mut ids: Vec<u32>) -> Self {
        let mut collect = Collector::default();
        collect.compact(&mut ids, None);
        let chunks = collect.finish();
        Self { words: collect.words, ids: Ids::Memory(ids), chunks }
    }

    /// Chunks of whole sentences.
    pub(crate) fn chunks(&self) -> usize {
        self.chunks.len() - 1
    }

    pub(crate) fn chunk(&self, chunk: usize) -> &[u32] {
        &self.ids()[self.chunks[chunk]..self.chunks[chunk + 1]]
    }

    fn ids(&self) -> &[u32] {
        match &self.ids {
            Ids::Memory(ids) => ids,
            Ids::Mapped(map) => as_ids(map),
        }
    }

    /// The share of all words that comes before a chunk.
    pub(crate) fn share_before(&self, chunk: usize) -> f64 {
        self.chunks[chunk] as f64 / self.ids().len().max(1) as f64
    }
}

/// A file's whole ids.
fn as_ids(map: &Mmap) -> &[u32] {
    // SAFETY: every bit pattern is a `u32`; what is not aligned or whole stays outside the middle.
    let (head, ids, _) = unsafe { map.align_to::<u32>() };
    debug_assert!(head.is_empty(), "maps begin on a page");
    ids
}

/// Reads sentences once, counting their words and keeping them as provisional ids: an iterator that
/// cannot be read twice will do.
pub struct CorpusBuilder {
    min_count: u64,
    max_words: Option<usize>,
    prune_at: Option<usize>,
    memory_limit: usize,
    /// Words at hand, numbered from 0; pruning renumbers them.
    words: IdMap,
    counts: Vec<u64>,
    /// The provisional id of each word at hand; a word that was pruned and comes back has another.
    provisional: Vec<u32>,
    next: u32,
    floor: u64,
    buffer: Vec<u32>,
    spill: Option<BufWriter<File>>,
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
            prune_at: None,
            memory_limit: 2 << 30,
            words: IdMap::strings(),
            counts: Vec::new(),
            provisional: Vec::new(),
            next: 0,
            floor: 0,
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
        self.prune_at = prune_at;
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
    /// [`Error::Io`] where the disk refuses the temporary file, [`Error::Data`] past 2³² words.
    pub fn add<S: AsRef<str>>(&mut self, sentence: impl IntoIterator<Item = S>) -> Result<()> {
        for word in sentence {
            let id = self.count(word.as_ref())?;
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

    fn count(&mut self, word: &str) -> Result<u32> {
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

    fn spill(&mut self) -> Result<()> {
        let io = || Error::io(std::env::temp_dir());
        let file = match &mut self.spill {
            Some(file) => file,
            None => {
                let file = tempfile::tempfile().map_err(io())?;
                self.spill.insert(BufWriter::with_capacity(1 << 20, file))
            }
        };
        write_ids(file, &self.buffer).map_err(io())?;
        self.buffer.clear();
        Ok(())
    }

    /// The corpus of what was read.
    ///
    /// # Errors
    /// [`Error::Empty`] if no word was read, [`Error::Data`] if fewer than two words are frequent
    /// enough, [`Error::Io`] where the disk refuses.
    pub fn build(mut self) -> Result<Corpus> {
        let (vocab, finals) = self.vocabulary()?;
        let mut collect = Collector::default();
        let ids = match self.spill.take() {
            None => {
                let mut ids = std::mem::take(&mut self.buffer);
                collect.compact(&mut ids, Some(&finals));
                Ids::Memory(ids)
            }
            Some(spilled) => {
                self.spill = Some(spilled);
                self.spill()?;
                let io = |e| Error::io(std::env::temp_dir())(e);
                let written = self.spill.take().map(BufWriter::into_inner).transpose();
                let file = written.map_err(|e| io(e.into_error()))?;
                Ids::Mapped(file.map_or_else(
                    || Err(Error::empty("the temporary file", "nothing was written")),
                    |file| remapped(file, &finals, &mut collect).map_err(io),
                )?)
            }
        };
        let chunks = collect.finish();
        Ok(Corpus { vocab, sentences: Sentences { words: collect.words, ids, chunks } })
    }

    /// The vocabulary, and the final id of each provisional one ([`END`] where it is left out).
    fn vocabulary(&self) -> Result<(Vocab, Vec<u32>)> {
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
                IdRef::Str(word) if count >= self.min_count => Some((word, count, id)),
                _ => None,
            })
            .collect();
        entries.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        entries.truncate(self.max_words.unwrap_or(usize::MAX));
        if entries.len() < 2 {
            let most = self.counts.iter().max().copied().unwrap_or(0);
            let why = format!(
                "{} of its words were seen min_count = {} times, the most frequent one {most} \
                 times, and vectors need two words; lower min_count or read more text",
                entries.len(),
                self.min_count
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

/// Drops rare words and empty sentences, and notes where chunks begin.
#[derive(Default)]
struct Collector {
    len: usize,
    words: u64,
    sentence: usize,
    chunk: usize,
    chunks: Vec<usize>,
}

impl Collector {
    /// The final id to keep, if any.
    fn take(&mut self, id: u32, finals: Option<&[u32]>) -> Option<u32> {
        if id == END {
            return self.end();
        }
        let id = finals.map_or(id, |finals| finals[id as usize]);
        if id == END {
            return None;
        }
        self.len += 1;
        self.sentence += 1;
        self.words += 1;
        Some(id)
    }

    fn end(&mut self) -> Option<u32> {
        if self.sentence == 0 {
            return None;
        }
        self.chunk += self.sentence;
        self.sentence = 0;
        self.len += 1;
        if self.chunk >= CHUNK {
            self.chunks.push(self.len);
            self.chunk = 0;
        }
        Some(END)
    }

    fn compact(&mut self, ids: &mut Vec<u32>, finals: Option<&[u32]>) {
        let mut to = 0;
        for at in 0..ids.len() {
            if let Some(id) = self.take(ids[at], finals) {
                ids[to] = id;
                to += 1;
            }
        }
        ids.truncate(to);
        ids.shrink_to_fit();
    }

    fn finish(&mut self) -> Vec<usize> {
        let mut chunks = vec![0];
        chunks.append(&mut self.chunks);
        if chunks.last() != Some(&self.len) {
            chunks.push(self.len);
        }
        chunks
    }
}

fn write_ids(to: &mut impl Write, ids: &[u32]) -> std::io::Result<()> {
    ids.iter().try_for_each(|id| to.write_all(&id.to_ne_bytes()))
}

/// A second temporary file, of final ids, mapped; both vanish with their handles.
fn remapped(mut from: File, finals: &[u32], collect: &mut Collector) -> std::io::Result<Mmap> {
    from.seek(SeekFrom::Start(0))?;
    let mut from = BufReader::with_capacity(1 << 20, from);
    let mut to = BufWriter::with_capacity(1 << 20, tempfile::tempfile()?);
    let mut bytes = [0; 4];
    loop {
        match from.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => break,
            Err(e) => return Err(e),
        }
        if let Some(id) = collect.take(u32::from_ne_bytes(bytes), Some(finals)) {
            to.write_all(&id.to_ne_bytes())?;
        }
    }
    let file = to.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    // SAFETY: the file has no name, so that nothing else changes it while it is mapped.
    unsafe { Mmap::map(&file) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(builder: CorpusBuilder) -> Corpus {
        let mut builder = builder;
        for sentence in ["b a c a", "", "a rare b", "c c"] {
            builder.add(sentence.split_whitespace()).unwrap();
        }
        builder.build().unwrap()
    }

    #[test]
    fn words_are_numbered_by_count_and_rare_ones_left_out() {
        let corpus = read(CorpusBuilder::new().min_count(2));
        let words: Vec<_> = corpus.vocab().iter().collect();
        assert_eq!(words, [("a", 3), ("c", 3), ("b", 2)]);
        assert_eq!(corpus.sentences.chunk(0), [2, 0, 1, 0, END, 0, 2, END, 1, 1, END]);
        assert_eq!((corpus.words(), corpus.sentences.chunks()), (8, 1));
    }

    #[test]
    fn a_spilled_corpus_is_the_same() {
        let spilled = read(CorpusBuilder::new().min_count(2).memory_limit(8));
        assert!(matches!(spilled.sentences.ids, Ids::Mapped(_)));
        let whole = read(CorpusBuilder::new().min_count(2));
        assert_eq!(spilled.sentences.ids(), whole.sentences.ids());
        assert_eq!(spilled.vocab(), whole.vocab());
    }

    #[test]
    fn pruning_bounds_the_words_at_hand() {
        let mut builder = CorpusBuilder::new().prune_at(Some(50));
        for n in 0..2000 {
            builder.add(["often".into(), format!("once{n}"), "second".into()]).unwrap();
            assert!(builder.counts.len() <= 50);
        }
        let corpus = builder.build().unwrap();
        assert_eq!(corpus.vocab().get("often"), Some(0));
        assert_eq!(corpus.vocab().count(0), 2000);
    }

    #[test]
    fn chunks_hold_whole_sentences() {
        let mut builder = CorpusBuilder::new();
        let long = vec!["x"; 25_000];
        builder.add(["x", "y"]).unwrap();
        builder.add(&long).unwrap();
        builder.add(["y", "x"]).unwrap();
        let corpus = builder.build().unwrap();
        assert_eq!(corpus.sentences.chunks(), 2);
        assert_eq!(corpus.sentences.chunk(0).len(), 25_004);
        assert_eq!(corpus.sentences.chunk(1), [1, 0, END]);
    }

    #[test]
    fn too_little_text_is_refused() {
        assert!(matches!(CorpusBuilder::new().build(), Err(Error::Empty { .. })));
        let mut one = CorpusBuilder::new().min_count(2);
        one.add(["a", "a", "b"]).unwrap();
        let error = one.build().unwrap_err().to_string();
        assert!(error.contains("lower min_count"), "{error}");
    }
}
