//! How keywords are found.

use std::sync::{Arc, LazyLock};

use hashbrown::HashSet;

use crate::text::StopWords;
use crate::{Error, Result};

/// What makes a word important.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeywordMethod {
    /// Frequent in the text and rare in the corpus: `tf · (ln((1 + N) / (1 + df)) + 1)`.
    TfIdf,
    /// Near to words that are important themselves: PageRank over words that occur together
    /// (R. Mihalcea, P. Tarau, "TextRank: Bringing Order into Texts", EMNLP 2004, eq. 2).
    #[default]
    TextRank,
}

/// What a keyword consists of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeywordUnit {
    /// Single words: the published methods, nothing else.
    Words,
    /// As in section 3.1 of the TextRank paper: the best third of the words is kept, and those that
    /// stand side by side in the text are one keyword. The paper does not say how such a keyword is
    /// scored; here it is the mean of its words.
    Phrases,
    /// Our own: every run of up to `max_words` words of the allowed kinds is a candidate, scored
    /// `(tf − nested · tf_longer) · w · l`, where `tf_longer` is the count of the most frequent
    /// candidate that contains it (an idea of the C-value: K. Frantzi et al. 2000), `w` the mean
    /// weight of its words (or the candidate's own inverse document frequency, once fitted) and
    /// `l` a preference for the usual length of keywords, from 0.6 for two Chinese characters to 1
    /// for four to six.
    #[default]
    Terms,
}

/// The options of a [`super::KeywordExtractor`].
#[derive(Clone, Debug)]
pub struct KeywordOptions {
    /// What makes a word important.
    pub method: KeywordMethod,
    /// What a keyword consists of.
    pub unit: KeywordUnit,
    /// Parts of speech (jieba's tags) that a keyword may be made of; words without a tag pass.
    pub pos: Arc<HashSet<String>>,
    /// Words that are in no keyword; by default the Chinese and English lists.
    pub stop_words: Arc<StopWords>,
    /// Characters that a keyword has at least.
    pub min_chars: usize,
    /// Words that a term has at most.
    pub max_words: usize,
    /// `nested` in the score of terms, in `[0, 1]`.
    pub nested: f64,
    /// Whether the score of terms prefers the usual length.
    pub prefer_length: bool,
    /// TextRank: words that stand less than `window` words apart are joined by an edge.
    pub window: usize,
    /// TextRank: `d`, the probability to follow an edge.
    pub damping: f64,
    /// TextRank: ranks are final once none changes by more.
    pub tolerance: f64,
    /// TextRank: rounds at most.
    pub max_rounds: usize,
}

/// Nouns and names, verbs (jieba tags many a noun so), adjectives, set phrases, abbreviations,
/// words in Latin script.
const POS: [&str; 26] = [
    "n", "nr", "ns", "nt", "nz", "nrt", "nrfg", "ng", "vn", "v", "vg", "a", "an", "ag", "b", "l",
    "i", "j", "eng", "g", "t", "s", "f", "k", "vd", "nw",
];

static DEFAULT_POS: LazyLock<Arc<HashSet<String>>> =
    LazyLock::new(|| Arc::new(POS.iter().map(|&tag| tag.to_owned()).collect()));

static DEFAULT_STOP_WORDS: LazyLock<Arc<StopWords>> =
    LazyLock::new(|| Arc::new(StopWords::of(&["zh", "en"]).unwrap_or_default()));

impl Default for KeywordOptions {
    fn default() -> Self {
        Self {
            method: KeywordMethod::default(),
            unit: KeywordUnit::default(),
            pos: DEFAULT_POS.clone(),
            stop_words: DEFAULT_STOP_WORDS.clone(),
            min_chars: 2,
            max_words: 4,
            nested: 0.5,
            prefer_length: true,
            window: 5,
            damping: 0.85,
            tolerance: 1e-4,
            max_rounds: 100,
        }
    }
}

impl KeywordOptions {
    /// The defaults with a method.
    pub fn method(method: KeywordMethod) -> Self {
        Self { method, ..Self::default() }
    }

    /// Words in the longest candidate.
    pub(super) fn longest(&self) -> usize {
        if self.unit == KeywordUnit::Terms { self.max_words } else { 1 }
    }

    pub(super) fn check(&self) -> Result<()> {
        let share = |name: &str, value: f64| {
            if (0.0..=1.0).contains(&value) {
                return Ok(());
            }
            Err(Error::parameter(name, value, "choose a value in [0, 1]"))
        };
        share("nested", self.nested)?;
        share("damping", self.damping)?;
        if self.damping == 1.0 {
            return Err(Error::parameter("damping", 1.0, "choose a value below 1; 0.85 is usual"));
        }
        if self.window < 2 {
            let why = "2 joins neighbours; choose 2 or more";
            return Err(Error::parameter("window", self.window, why));
        }
        if !(1..=16).contains(&self.max_words) {
            return Err(Error::parameter("max_words", self.max_words, "choose 1 to 16"));
        }
        if self.tolerance.is_nan() || self.tolerance <= 0.0 {
            return Err(Error::parameter("tolerance", self.tolerance, "choose a value above 0"));
        }
        Ok(())
    }
}
