//! Parting a text into words with their parts of speech.

use std::sync::{Arc, LazyLock};

use jieba_rs::Jieba;
use unicode_segmentation::UnicodeSegmentation;

/// A word of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaggedWord<'a> {
    /// The word, a slice of the text.
    pub text: &'a str,
    /// Its part of speech in jieba's tags; empty where nothing is known.
    pub tag: &'a str,
}

/// Parts texts into words. The words, punctuation and white space included, make up the text.
pub trait TagWords: Send + Sync {
    /// The words in order.
    fn words<'a>(&'a self, text: &'a str) -> Vec<TaggedWord<'a>>;
}

struct ByScript;

/// jieba with the dictionary that comes with it.
pub(super) fn jieba() -> &'static Jieba {
    static JIEBA: LazyLock<Jieba> = LazyLock::new(Jieba::new);
    &JIEBA
}

/// jieba where a text has Chinese characters, Unicode word boundaries where it has none.
pub fn default_words() -> Arc<dyn TagWords> {
    Arc::new(ByScript)
}

impl TagWords for ByScript {
    fn words<'a>(&'a self, text: &'a str) -> Vec<TaggedWord<'a>> {
        if text.chars().any(is_han) {
            let tag = |t: jieba_rs::Tag<'a>| TaggedWord { text: t.word, tag: t.tag };
            return jieba().tag(text, true).into_iter().map(tag).collect();
        }
        let word = |text: &'a str| {
            let tag = if text.chars().any(char::is_alphabetic) { "" } else { "x" };
            TaggedWord { text, tag }
        };
        text.split_word_bounds().map(word).collect()
    }
}

/// Whether a character is a Chinese one (of the blocks that words are made of).
pub(super) fn is_han(c: char) -> bool {
    matches!(u32::from(c), 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x323AF)
}
