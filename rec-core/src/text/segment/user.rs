//! User dictionaries: one word a line, then perhaps its frequency, then perhaps its part of speech.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// A word that a user adds to the dictionary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserWord {
    /// The word.
    pub word: String,
    /// Its frequency beside those of the dictionary (60 million in all); `None` chooses one high
    /// enough for the word to be found whole, 0 removes the word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freq: Option<usize>,
    /// Its part of speech, such as `n` or `nr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

impl UserWord {
    /// A word by itself.
    pub fn new(word: impl Into<String>) -> Self {
        Self { word: word.into(), freq: None, tag: None }
    }

    /// Reads `word`, `word freq`, `word tag` or `word freq tag`.
    fn parse(line: &str) -> Option<Self> {
        let mut word = line.trim();
        let mut field = |test: fn(&u8) -> bool| {
            let (rest, last) = word.rsplit_once(' ')?;
            let fits = !last.is_empty() && last.as_bytes().iter().all(test);
            fits.then(|| {
                word = rest;
                last
            })
        };
        let tag = field(u8::is_ascii_lowercase).map(str::to_owned);
        let freq = match field(u8::is_ascii_digit) {
            Some(digits) => Some(digits.parse().ok()?),
            None => None,
        };
        Some(Self { word: word.trim().to_owned(), freq, tag })
    }
}

/// The words of a user dictionary in jieba's format, UTF-8, one a line.
///
/// # Errors
/// [`Error::Io`], and [`Error::Format`] with the line for invalid UTF-8 or a frequency past 64 bits.
pub fn read_user_words(path: impl AsRef<Path>) -> Result<Vec<UserWord>> {
    let path = path.as_ref();
    let mut words = Vec::new();
    crate::text::stream::for_each_line(path, &mut |line, text| {
        if !text.trim().is_empty() {
            let refused = || Error::format(path, Some(line), "a frequency past 64 bits");
            words.push(UserWord::parse(text).ok_or_else(refused)?);
        }
        Ok(())
    })?;
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_up_to_three_fields() {
        let word = |line: &str| UserWord::parse(line).map(|w| (w.word, w.freq, w.tag));
        let some = |w: &str, f, t: Option<&str>| Some((w.to_owned(), f, t.map(str::to_owned)));
        assert_eq!(word("云计算 5 n"), some("云计算", Some(5), Some("n")));
        assert_eq!(word("云计算 5"), some("云计算", Some(5), None));
        assert_eq!(word("云计算 n"), some("云计算", None, Some("n")));
        assert_eq!(word(" 云计算\r"), some("云计算", None, None));
        assert_eq!(word("云计算 99999999999999999999"), None);
    }
}
