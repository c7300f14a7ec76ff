//! A text as words, and the candidates in it.

use std::borrow::Cow;

use hashbrown::HashMap;

use super::options::KeywordOptions;
use crate::text::segment::Segment;

/// A word that counts for distances; white space and hyphens within a name are left out.
#[derive(Clone, Debug)]
pub(super) struct Word<'a> {
    /// In lower case.
    pub(super) key: Cow<'a, str>,
    start: usize,
    end: usize,
    /// Of an allowed part of speech and no stop word.
    allowed: bool,
    /// Allowed, and long enough to be a keyword by itself.
    pub(super) content: bool,
    /// Continues the word before it: nothing, or one space or hyphen in Latin script, between them.
    joined: bool,
}

pub(super) struct Document<'a> {
    text: &'a str,
    pub(super) words: Vec<Word<'a>>,
    min_chars: usize,
}

/// A candidate's occurrences in a text.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) count: usize,
    /// The first occurrence: its first word, and words in it.
    pub(super) first: usize,
    pub(super) len: usize,
}

impl<'a> Document<'a> {
    pub(super) fn new(text: &'a str, words: &'a dyn Segment, options: &KeywordOptions) -> Self {
        let mut document = Self { text, words: Vec::new(), min_chars: options.min_chars };
        words.segment(text, &mut |token| {
            if token.text.trim().is_empty() || token.text == "-" {
                return;
            }
            let before = document.words.last();
            let joined = before.is_some_and(|word| joined(text, word.end, token.start));
            let key = lower(token.text);
            let wanted = token.tag.is_none_or(|tag| options.pos.contains(tag));
            let allowed = wanted && is_word(&key) && !options.stop_words.contains(&key);
            let content = allowed && key.chars().nth(options.min_chars.saturating_sub(1)).is_some();
            let (start, end) = (token.start, token.end());
            document.words.push(Word { key, start, end, allowed, content, joined });
        });
        document
    }

    /// The text of some words, as it stands there.
    pub(super) fn slice(&self, first: usize, len: usize) -> &'a str {
        match (self.words.get(first), self.words.get(first + len - 1)) {
            (Some(a), Some(b)) => self.text.get(a.start..b.end).unwrap_or_default(),
            _ => "",
        }
    }

    /// Whether a word can stand beside the one before it in a candidate.
    pub(super) fn continues(&self, at: usize) -> bool {
        self.words.get(at).is_some_and(|w| w.joined)
    }

    /// All runs of up to `longest` allowed words, by their text in lower case.
    pub(super) fn candidates(&self, longest: usize) -> HashMap<Cow<'a, str>, Candidate> {
        let mut found: HashMap<Cow<'a, str>, Candidate> = HashMap::new();
        for first in 0..self.words.len() {
            for len in 1..=self.run(first, longest) {
                if len == 1 && !self.words[first].content {
                    continue;
                }
                let key = lower(self.slice(first, len));
                if key.chars().nth(self.min_chars.saturating_sub(1)).is_none() {
                    continue;
                }
                let new = Candidate { count: 0, first, len };
                found.entry(key).or_insert(new).count += 1;
            }
        }
        found
    }

    /// Allowed words in a row from `first` on, `longest` at most.
    fn run(&self, first: usize, longest: usize) -> usize {
        let words = self.words.iter().skip(first).take(longest);
        words.enumerate().take_while(|(i, w)| w.allowed && (*i == 0 || w.joined)).count()
    }
}

/// Whether what lies between two words leaves them one name.
fn joined(text: &str, end: usize, start: usize) -> bool {
    let latin =
        |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !super::words::is_han(c));
    match text.get(end..start) {
        Some("") => true,
        Some(" " | "-") => {
            latin(text[..end].chars().next_back()) && latin(text[start..].chars().next())
        }
        _ => false,
    }
}

/// Whether there is a letter in it.
fn is_word(text: &str) -> bool {
    text.chars().any(char::is_alphabetic)
}

pub(super) fn lower(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_uppercase) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}
