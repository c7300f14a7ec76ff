//! The segmenter that people ask for by language and mode.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::dictionary::Dictionary;
use super::{Segment, Token, UserWord, full, mixed, precise, read_user_words, search};
use crate::{Error, Result};

/// How the words of a text are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// Chinese, by jieba. Every character lands in a token, spaces and punctuation too.
    #[default]
    Zh,
    /// Unicode word boundaries (UAX #29), without spaces and punctuation: for languages that write
    /// spaces between words.
    #[serde(alias = "en")]
    Unicode,
    /// Jieba where there are ideographs, Unicode words elsewhere, without spaces and punctuation.
    Mixed,
}

impl Language {
    /// The language by name: `zh`, `unicode` (or `en`), `mixed`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for another name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "zh" => Ok(Self::Zh),
            "unicode" | "en" => Ok(Self::Unicode),
            "mixed" => Ok(Self::Mixed),
            _ => Err(Error::parameter(
                "language",
                format!("{name:?}"),
                "choose \"zh\", \"mixed\", or \"unicode\" for languages with spaces between words",
            )),
        }
    }
}

/// What jieba looks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The most probable words, side by side (`jieba.cut`).
    #[default]
    Precise,
    /// Those, and the shorter words inside them (`jieba.cut_for_search`).
    Search,
    /// All words of the dictionary that the text holds (`jieba.cut` with `cut_all`).
    Full,
}

impl Mode {
    /// The mode by name.
    ///
    /// # Errors
    /// [`Error::Parameter`] for another name.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "precise" => Ok(Self::Precise),
            "search" => Ok(Self::Search),
            "full" => Ok(Self::Full),
            _ => {
                let why = "choose \"precise\", \"search\" or \"full\"";
                Err(Error::parameter("mode", format!("{name:?}"), why))
            }
        }
    }
}

/// All that a [`Segmenter`] is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Segmentation {
    /// How words are found.
    pub language: Language,
    /// What jieba looks for.
    pub mode: Mode,
    /// Whether a hidden Markov model joins characters into words that the dictionary lacks.
    pub hmm: bool,
    /// The parts of speech to keep, by jieba's tags (`n`, `v`, `nr` …); empty keeps all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pos: Vec<String>,
    /// Words added to the dictionary, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<UserWord>,
}

impl Default for Segmentation {
    fn default() -> Self {
        Self {
            language: Language::Zh,
            mode: Mode::Precise,
            hmm: true,
            pos: Vec::new(),
            words: Vec::new(),
        }
    }
}

/// Finds words.
///
/// ```
/// use rec_core::text::{Segment, Segmenter};
///
/// let mut zh = Segmenter::chinese();
/// assert_eq!(zh.cut("我来到北京清华大学"), ["我", "来到", "北京", "清华大学"]);
/// zh.add_word("来到北京", None, None)?;
/// assert_eq!(zh.cut("我来到北京清华大学"), ["我", "来到北京", "清华大学"]);
/// # Ok::<(), rec_core::Error>(())
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Segmentation", into = "Segmentation")]
pub struct Segmenter {
    config: Segmentation,
    /// What jieba reads; absent where only Unicode word boundaries count.
    dictionary: Option<Dictionary>,
}

impl Segmenter {
    /// A segmenter by its configuration.
    ///
    /// # Errors
    /// [`Error::Parameter`] for parts of speech or modes that go with jieba's precise mode only, and
    /// for words that jieba cannot find.
    pub fn new(config: Segmentation) -> Result<Self> {
        let precise = config.language == Language::Zh && config.mode == Mode::Precise;
        if !config.pos.is_empty() && !precise {
            let why = "parts of speech come with language zh in the precise mode";
            return Err(Error::parameter("pos", config.pos.join(", "), why));
        }
        if config.mode != Mode::Precise && config.language != Language::Zh {
            let why = "modes other than precise come with language zh";
            return Err(Error::parameter("mode", format!("{:?}", config.mode), why));
        }
        let mut segmenter =
            Self { config: Segmentation { words: Vec::new(), ..config }, dictionary: None };
        if segmenter.config.language != Language::Unicode {
            segmenter.dictionary = Some(Dictionary::shared());
        }
        config.words.into_iter().try_for_each(|word| segmenter.add(word))?;
        Ok(segmenter)
    }

    /// Chinese by jieba's precise mode, with the HMM.
    pub fn chinese() -> Self {
        Self { config: Segmentation::default(), dictionary: Some(Dictionary::shared()) }
    }

    /// Unicode word boundaries.
    pub fn unicode() -> Self {
        let config = Segmentation { language: Language::Unicode, ..Segmentation::default() };
        Self { config, dictionary: None }
    }

    /// What this segmenter is made from.
    pub fn config(&self) -> &Segmentation {
        &self.config
    }

    /// Adds a word to the dictionary of this segmenter; see [`UserWord`] for the defaults.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a word that jieba can never find, and for a segmenter without a
    /// dictionary.
    pub fn add_word(&mut self, word: &str, freq: Option<usize>, tag: Option<&str>) -> Result<()> {
        self.add(UserWord { word: word.to_owned(), freq, tag: tag.map(str::to_owned) })
    }

    /// Removes a word from the dictionary of this segmenter.
    ///
    /// # Errors
    /// As for [`Segmenter::add_word`].
    pub fn remove_word(&mut self, word: &str) -> Result<()> {
        self.add_word(word, Some(0), None)
    }

    /// Adds the words of a dictionary file in jieba's format; returns how many. All or none are
    /// added.
    ///
    /// # Errors
    /// Those of [`read_user_words`] and of [`Segmenter::add_word`].
    pub fn load_words(&mut self, path: impl AsRef<Path>) -> Result<usize> {
        let words = read_user_words(path)?;
        let n = words.len();
        let mut extended = self.clone();
        words.into_iter().try_for_each(|word| extended.add(word))?;
        *self = extended;
        Ok(n)
    }

    fn add(&mut self, word: UserWord) -> Result<()> {
        let Some(dictionary) = &mut self.dictionary else {
            let why = "Unicode word boundaries need no dictionary; words go with zh or mixed";
            return Err(Error::parameter("word", format!("{:?}", word.word), why));
        };
        dictionary.add(&word)?;
        self.config.words.push(word);
        Ok(())
    }

    /// The tokens with their parts of speech, by jieba's tags.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for languages other than `zh`.
    pub fn tag<'t>(&'t self, text: &'t str) -> Result<Vec<Token<'t>>> {
        match &self.dictionary {
            Some(dictionary) if self.config.language == Language::Zh => {
                let mut tokens = Vec::with_capacity(text.len() / 4);
                precise::cut(dictionary, text, self.config.hmm, true, |t| tokens.push(t));
                Ok(tokens)
            }
            _ => Err(Error::unsupported(
                "part-of-speech tagging",
                "this segmenter",
                "make one of language zh",
            )),
        }
    }

    fn chinese_words<'t>(
        &'t self,
        dictionary: &'t Dictionary,
        text: &'t str,
        emit: &mut dyn FnMut(Token<'t>),
    ) {
        let (hmm, pos) = (self.config.hmm, &self.config.pos);
        match self.config.mode {
            Mode::Precise if pos.is_empty() => precise::cut(dictionary, text, hmm, false, emit),
            Mode::Precise => precise::cut(dictionary, text, hmm, true, |token| {
                if token.tag.is_some_and(|tag| pos.iter().any(|p| p == tag)) {
                    emit(token);
                }
            }),
            Mode::Search => {
                let (mut bounds, mut emit) = (Vec::new(), emit);
                precise::cut(dictionary, text, hmm, false, |token| {
                    search::expand(dictionary, token, &mut bounds, &mut emit);
                });
            }
            Mode::Full => full::cut(dictionary, text, &mut { emit }),
        }
    }
}

impl Segment for Segmenter {
    fn segment<'t>(&'t self, text: &'t str, mut emit: &mut dyn FnMut(Token<'t>)) {
        match (&self.dictionary, self.config.language) {
            (Some(dictionary), Language::Zh) => self.chinese_words(dictionary, text, emit),
            (Some(dictionary), Language::Mixed) => {
                mixed::cut(dictionary, text, self.config.hmm, emit);
            }
            _ => mixed::words(text, &mut emit),
        }
    }
}

impl std::fmt::Debug for Segmenter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Segmenter").field(&self.config).finish()
    }
}

impl TryFrom<Segmentation> for Segmenter {
    type Error = Error;

    fn try_from(config: Segmentation) -> Result<Self> {
        Self::new(config)
    }
}

impl From<Segmenter> for Segmentation {
    fn from(segmenter: Segmenter) -> Self {
        segmenter.config
    }
}
