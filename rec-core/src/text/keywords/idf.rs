//! Inverse document frequencies: counted on a corpus, or jieba's.

use std::borrow::Cow;
use std::hash::Hash;
use std::sync::LazyLock;

use hashbrown::HashMap;
use jieba_rs::{KeywordExtract, KeywordExtractConfig, TfIdf};
use rayon::prelude::*;

/// Texts handed to a thread at a time.
const BLOCK: usize = 64;

pub(super) struct Idf {
    /// In how many texts a candidate occurs; those of a single text are left out.
    frequencies: HashMap<String, u32>,
    texts: usize,
    candidates: bool,
}

impl Idf {
    /// Counts the candidates of texts.
    pub(super) fn fit<'t, T, I>(texts: &'t [T], candidates: impl Fn(&'t str) -> I + Sync) -> Self
    where
        T: AsRef<str> + Sync,
        I: Iterator<Item = Cow<'t, str>>,
    {
        let blocks: Vec<HashMap<Cow<'t, str>, u32>> = texts
            .par_chunks(BLOCK)
            .map(|block| {
                let mut counts = HashMap::new();
                for text in block {
                    candidates(text.as_ref()).for_each(|c| add(&mut counts, c, 1));
                }
                counts
            })
            .collect();
        let mut counts = HashMap::new();
        for (candidate, n) in blocks.into_iter().flatten() {
            add(&mut counts, candidate, n);
        }
        let candidates = !counts.is_empty();
        counts.retain(|_, n| *n > 1);
        let frequencies = counts.into_iter().map(|(c, n)| (c.into_owned(), n)).collect();
        Self { frequencies, texts: texts.len(), candidates }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.candidates
    }

    /// `ln((1 + N) / (1 + df)) + 1`; what no more than one text has counts as of one.
    pub(super) fn of(&self, candidate: &str) -> f64 {
        let frequency = self.frequencies.get(candidate).copied().unwrap_or(1);
        ((1.0 + self.texts as f64) / (1.0 + f64::from(frequency))).ln() + 1.0
    }
}

fn add<K: Eq + Hash>(counts: &mut HashMap<K, u32>, key: K, n: u32) {
    *counts.entry(key).or_default() += n;
}

/// jieba's table, to be asked for single words.
static JIEBA_IDF: LazyLock<TfIdf> = LazyLock::new(|| {
    let mut table = TfIdf::default();
    *table.config_mut() = KeywordExtractConfig::builder()
        .set_stop_words(Default::default())
        .min_keyword_length(0)
        .use_hmm(true)
        .build();
    table
});

/// What jieba gives to words that are not in its table.
static JIEBA_MEDIAN: LazyLock<f64> = LazyLock::new(|| ask("\u{E000}").unwrap_or(1.0));

/// The inverse document frequency of a word in the table that comes with jieba; the table's median
/// for words that are not in it.
pub(super) fn jieba_idf(word: &str) -> f64 {
    ask(word).unwrap_or(*JIEBA_MEDIAN)
}

/// The table has no other way in than extraction: of a text that is one word, the score is that
/// word's entry.
fn ask(word: &str) -> Option<f64> {
    match JIEBA_IDF.extract_keywords(crate::text::segment::jieba(), word, 2, Vec::new()).as_slice()
    {
        [only] if only.keyword == word => Some(only.weight),
        _ => None,
    }
}
