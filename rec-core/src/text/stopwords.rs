//! Words that are left out: lists by language (crate `stop-words`, the stopwords-iso collection) and
//! the caller's own.

use std::path::Path;

use hashbrown::HashSet;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// All that a set of [`StopWords`] is made from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StopWordLists {
    /// Languages by ISO 639-1 code, such as `zh` and `en`.
    pub languages: Vec<String>,
    /// More words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub add: Vec<String>,
    /// Words that are none after all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

/// A set of words to leave out. ASCII capitals match too: `The` is `the`.
///
/// ```
/// use rec_core::text::StopWords;
///
/// let mut words = StopWords::of(&["zh", "en"])?;
/// assert!(words.contains("的") && words.contains("The") && !words.contains("手机"));
/// words.remove("不");
/// words.add("亲");
/// assert!(words.contains("亲") && !words.contains("不"));
/// # Ok::<(), rec_core::Error>(())
/// ```
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "StopWordLists", into = "StopWordLists")]
pub struct StopWords {
    lists: StopWordLists,
    words: HashSet<Box<str>>,
}

/// The list of a language.
///
/// # Errors
/// [`Error::Parameter`] naming the languages there are.
pub fn stop_words(language: &str) -> Result<&'static [&'static str]> {
    stop_words::lookup(language).ok_or_else(|| {
        let known = stop_words::available_languages().join(", ");
        Error::parameter(
            "language",
            format!("{language:?}"),
            format!("there are lists for {known}"),
        )
    })
}

impl StopWords {
    /// The lists of these languages.
    ///
    /// # Errors
    /// Those of [`stop_words()`].
    pub fn of(languages: &[&str]) -> Result<Self> {
        let languages = languages.iter().map(|&l| l.to_owned()).collect();
        Self::new(StopWordLists { languages, ..StopWordLists::default() })
    }

    /// A set from lists.
    ///
    /// # Errors
    /// Those of [`stop_words()`].
    pub fn new(lists: StopWordLists) -> Result<Self> {
        let mut words = HashSet::new();
        for language in &lists.languages {
            words.extend(stop_words(language)?.iter().map(|&word| Box::from(word)));
        }
        words.extend(lists.add.iter().map(|word| Box::from(word.as_str())));
        for word in &lists.remove {
            words.remove(word.as_str());
        }
        Ok(Self { lists, words })
    }

    /// What this set is made from.
    pub fn lists(&self) -> &StopWordLists {
        &self.lists
    }

    /// Adds a word.
    pub fn add(&mut self, word: impl Into<String>) {
        let word = word.into();
        self.lists.remove.retain(|w| *w != word);
        if self.words.insert(word.as_str().into()) {
            self.lists.add.push(word);
        }
    }

    /// Takes a word out.
    pub fn remove(&mut self, word: &str) {
        self.lists.add.retain(|w| w != word);
        if self.words.remove(word) {
            self.lists.remove.push(word.to_owned());
        }
    }

    /// Adds the words of a file, one a line; returns how many lines held one.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Format`] with the line for invalid UTF-8.
    pub fn add_file(&mut self, path: impl AsRef<Path>) -> Result<usize> {
        let mut words = Vec::new();
        super::stream::for_each_line(path.as_ref(), &mut |_, line| {
            words.extend(Some(line.trim()).filter(|w| !w.is_empty()).map(str::to_owned));
            Ok(())
        })?;
        let n = words.len();
        words.into_iter().for_each(|word| self.add(word));
        Ok(n)
    }

    /// Whether a word is in the set, as it is or with its ASCII letters in lower case.
    #[inline]
    pub fn contains(&self, word: &str) -> bool {
        self.words.contains(word)
            || (word.bytes().any(|b| b.is_ascii_uppercase())
                && self.words.contains(word.to_ascii_lowercase().as_str()))
    }

    /// The number of words.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The words, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.words.iter().map(|word| &**word)
    }
}

impl TryFrom<StopWordLists> for StopWords {
    type Error = Error;

    fn try_from(lists: StopWordLists) -> Result<Self> {
        Self::new(lists)
    }
}

impl From<StopWords> for StopWordLists {
    fn from(words: StopWords) -> Self {
        words.lists
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_by_language() {
        let words = StopWords::of(&["zh"]).unwrap();
        assert_eq!(words.len(), stop_words("zh").unwrap().len());
        let error = StopWords::of(&["klingon"]).unwrap_err().to_string();
        assert!(error.contains("zh") && error.contains("klingon"), "{error}");
    }

    #[test]
    fn own_words_survive_a_copy() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stop.txt");
        std::fs::write(&path, "\u{feff}亲\r\n\n宝贝\n").unwrap();
        let mut words = StopWords::of(&["zh"]).unwrap();
        assert_eq!(words.add_file(&path).unwrap(), 2);
        words.remove("的");
        words.remove("宝贝");
        let copy: StopWords =
            serde_json::from_str(&serde_json::to_string(&words).unwrap()).unwrap();
        assert_eq!(copy.words, words.words);
        assert!(copy.contains("亲") && !copy.contains("的") && !copy.contains("宝贝"));
        words.add("的");
        assert!(words.contains("的") && words.lists().remove == ["宝贝"]);
    }
}
