//! Jieba's dictionary and the words its users add.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use jieba_rs::Jieba;

use super::UserWord;
use crate::{Error, Result};

/// The dictionary that all segmenters share until they add words.
static DEFAULT: LazyLock<Arc<Jieba>> = LazyLock::new(|| {
    let mut jieba = Jieba::new();
    // The one entry of jieba 0.42.1 that jieba-rs 0.11 lacks.
    jieba.add_word("B超", Some(3), Some("n"));
    Arc::new(jieba)
});

/// jieba with the dictionary that all share.
pub(crate) fn jieba() -> &'static Jieba {
    &DEFAULT
}

/// The longest word of the default dictionary, in characters.
const LONGEST: usize = 16;

/// A dictionary of words with their frequencies and parts of speech.
#[derive(Clone)]
pub(super) struct Dictionary {
    pub(super) jieba: Arc<Jieba>,
    /// Words of frequency 0: jieba-rs keeps them, and they are none.
    removed: HashSet<Box<str>>,
    longest: usize,
}

impl Dictionary {
    pub(super) fn shared() -> Self {
        Self { jieba: DEFAULT.clone(), removed: HashSet::new(), longest: LONGEST }
    }

    /// Characters of the longest word.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Whether this is a word of the dictionary.
    #[inline]
    pub(super) fn knows(&self, word: &str) -> bool {
        self.jieba.has_word(word) && (self.removed.is_empty() || !self.removed.contains(word))
    }

    /// Adds a word or changes one; a frequency of 0 removes it.
    pub(super) fn add(&mut self, word: &UserWord) -> Result<()> {
        check(&word.word)?;
        let jieba = Arc::make_mut(&mut self.jieba);
        jieba.add_word(&word.word, word.freq, word.tag.as_deref());
        if word.freq == Some(0) {
            self.removed.insert(word.word.as_str().into());
        } else {
            self.removed.remove(word.word.as_str());
            self.longest = self.longest.max(word.word.chars().count());
        }
        Ok(())
    }
}

/// Whether jieba keeps this character inside a word: `[\u4E00-\u9FD5a-zA-Z0-9+#&._%-]`.
#[inline]
pub(super) fn joins(c: char) -> bool {
    is_han(c) || c.is_ascii_alphanumeric() || matches!(c, '+' | '#' | '&' | '.' | '_' | '%' | '-')
}

/// The ideographs that jieba knows.
#[inline]
pub(super) fn is_han(c: char) -> bool {
    matches!(c, '\u{4e00}'..='\u{9fd5}')
}

fn check(word: &str) -> Result<()> {
    let refused = |why: String| Err(Error::parameter("word", format!("{word:?}"), why));
    match word.chars().find(|&c| !joins(c)) {
        _ if word.is_empty() => refused("give at least one character".into()),
        Some(c) => refused(format!(
            "jieba never finds a word with {c:?} in it; it takes ideographs, ASCII letters, digits \
             and + # & . _ % -"
        )),
        None => Ok(()),
    }
}
