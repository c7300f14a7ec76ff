//! How often words stand near one another.

mod counter;
mod merge;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use rec_core::parallel;
use rec_core::text::Vocab;

use super::Corpus;
use super::spill::{Plain, Stored};
use crate::fit::FitContext;
use crate::{Error, Result};
use counter::{Counter, Limits};
use merge::{Run, merged};

/// What counts as near, and what the counting may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counting {
    /// Words looked at each way.
    pub window: usize,
    /// Whether the words after a word count as those before it do; else only those before.
    pub symmetric: bool,
    /// Bytes, about, of counts held in memory; past them, sorted runs go to temporary files.
    pub memory_limit: usize,
}

impl Default for Counting {
    fn default() -> Self {
        Self { window: 10, symmetric: true, memory_limit: 2 << 30 }
    }
}

/// Weighted counts of pairs of words: each time that they stand `d` words apart, within the window
/// and a sentence, adds `1 / d` (Pennington, Socher and Manning, "GloVe: global vectors for word
/// representation", EMNLP 2014, section 4.2). The counts are exact sums of fractions to 32 binary
/// digits, and so the same in memory and on disk, at any number of threads.
pub struct Cooccurrences {
    vocab: Vocab,
    records: Stored<Record>,
    symmetric: bool,
}

/// The count of a pair of words; of symmetric counts, the half with `word ≤ context`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub(super) struct Record {
    pub(super) word: u32,
    pub(super) context: u32,
    pub(super) count: f32,
}

// SAFETY: three 32-bit numbers leave no padding, and any bits are numbers.
unsafe impl Plain for Record {}

/// The widest window: far past what helps, and within the fractions.
const MOST_WINDOW: usize = 1 << 16;

impl Cooccurrences {
    /// Counts the pairs of a corpus, with the context's threads.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a window of 0 or past 65,536, [`Error::Empty`] where no two words
    /// stand together, [`Error::Io`] where the disk refuses a temporary file, [`Error::Cancelled`]
    /// when told to stop.
    pub fn count(corpus: &Corpus, counting: &Counting, ctx: &FitContext<'_>) -> Result<Self> {
        if !(1..=MOST_WINDOW).contains(&counting.window) {
            let why = format!("choose 1 to {MOST_WINDOW}");
            return Err(Error::parameter("window", counting.window, why));
        }
        let records = parallel::install(ctx.cpu_threads("Cooccurrences")?, || {
            merged(runs(corpus, counting, ctx)?)
        })?;
        if records.is_empty() {
            let why =
                "no sentence has two words of the vocabulary; give sentences, not single words";
            return Err(Error::empty("the co-occurrences", why));
        }
        Ok(Self { vocab: corpus.vocab().clone(), records, symmetric: counting.symmetric })
    }

    /// The words.
    pub fn vocab(&self) -> &Vocab {
        &self.vocab
    }

    /// Pairs with a count: of symmetric counts, a pair and its mirror image are one.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none; never true of counts that were made.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether a pair and its mirror image have one count.
    pub fn symmetric(&self) -> bool {
        self.symmetric
    }

    /// `(word, context, count)` in order of the words; of symmetric counts those with
    /// `word ≤ context`.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32, f32)> + '_ {
        self.records.iter().map(|r| (r.word, r.context, r.count))
    }

    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }
}

impl std::fmt::Debug for Cooccurrences {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cooccurrences")
            .field("vocab", &self.vocab)
            .field("len", &self.len())
            .field("spilled", &self.records.is_mapped())
            .finish_non_exhaustive()
    }
}

/// Each thread counts the chunks that it takes.
fn runs(corpus: &Corpus, counting: &Counting, ctx: &FitContext<'_>) -> Result<Vec<Run>> {
    let (sentences, next) = (corpus.sentences(), AtomicUsize::new(0));
    let workers = rayon::current_num_threads().min(sentences.chunks()).max(1);
    let limits = Limits::new(corpus.vocab().len(), counting.memory_limit / workers);
    let work = |_| {
        let mut counter = Counter::new(counting, limits);
        loop {
            let chunk = next.fetch_add(1, Ordering::Relaxed);
            if chunk >= sentences.chunks() {
                return counter.finish();
            }
            ctx.cancel.check("counting of co-occurrences")?;
            counter.count(sentences.chunk(chunk))?;
        }
    };
    let runs: Result<Vec<Vec<Run>>> =
        (0..workers).into_par_iter().with_max_len(1).map(work).collect();
    Ok(runs?.into_iter().flatten().collect())
}
