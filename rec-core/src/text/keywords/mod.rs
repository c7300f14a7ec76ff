//! Keywords of a text: TF-IDF, TextRank, and an order by meaning once an encoder is there.

mod collapse;
mod document;
mod idf;
mod options;
mod rerank;
mod terms;
mod textrank;
mod words;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_rerank;

use std::sync::Arc;

use rayon::prelude::*;

use crate::text::segment::{Segment, Segmenter};
use crate::{Error, Result};
use document::Document;
use idf::Idf;

pub use options::{KeywordMethod, KeywordOptions, KeywordUnit};
pub use rerank::{Diversify, Embed};

/// A keyword with its score; scores compare within one text only.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyword {
    /// As the text spells it where it first occurs.
    pub text: String,
    /// Higher is better.
    pub score: f64,
}

/// Extracts keywords.
///
/// [`KeywordOptions`] says how: the plain published methods, or candidates and scores of our own.
/// TF-IDF takes the inverse document frequencies of the corpus it is fitted on; without one, those
/// that come with jieba, which were counted on Chinese text of many kinds.
#[derive(Clone)]
pub struct KeywordExtractor {
    options: KeywordOptions,
    words: Arc<dyn Segment>,
    idf: Option<Arc<Idf>>,
}

impl std::fmt::Debug for KeywordExtractor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeywordExtractor")
            .field("options", &self.options)
            .field("fitted", &self.is_fitted())
            .finish()
    }
}

impl KeywordExtractor {
    /// An extractor that parts words with jieba where there is Chinese, at Unicode word boundaries
    /// elsewhere.
    ///
    /// # Errors
    /// [`Error::Parameter`] for options outside their domain.
    pub fn new(options: KeywordOptions) -> Result<Self> {
        Self::with_segmenter(options, Segmenter::chinese())
    }

    /// The same with a segmenter, for one with words of the caller's own: one of language `zh` also
    /// tells parts of speech, and is not asked for texts without Chinese characters.
    ///
    /// # Errors
    /// [`Error::Parameter`] for options outside their domain.
    pub fn with_segmenter(options: KeywordOptions, segmenter: Segmenter) -> Result<Self> {
        Self::with_words(options, Arc::new(words::TaggedWords::new(segmenter)))
    }

    /// The same with another way to part words. Its tokens should not overlap; those with a tag
    /// have to be of the options' parts of speech, those without pass.
    ///
    /// # Errors
    /// [`Error::Parameter`] for options outside their domain.
    pub fn with_words(options: KeywordOptions, words: Arc<dyn Segment>) -> Result<Self> {
        options.check()?;
        Ok(Self { options, words, idf: None })
    }

    /// Counts in how many texts each candidate occurs, for TF-IDF. An earlier count is replaced.
    ///
    /// # Errors
    /// [`Error::Empty`] where there is no text or no candidate in them.
    pub fn fit<T: AsRef<str> + Sync>(mut self, texts: &[T]) -> Result<Self> {
        let idf = Idf::fit(texts, |text| {
            let document = self.document(text);
            document.candidates(self.options.longest()).into_keys()
        });
        if idf.is_empty() {
            let why = format!(
                "{} texts were read and no keyword candidate was in them; an iterator can be read \
                 once only, pass a list, or make it anew",
                texts.len()
            );
            return Err(Error::empty("the corpus", why));
        }
        self.idf = Some(Arc::new(idf));
        Ok(self)
    }

    /// Whether a corpus was counted.
    pub fn is_fitted(&self) -> bool {
        self.idf.is_some()
    }

    /// The options.
    pub fn options(&self) -> &KeywordOptions {
        &self.options
    }

    /// The best `k` keywords, best first, each once; fewer where the text has fewer. Ties go to the
    /// keyword that comes first in the text.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a `k` of 0.
    pub fn extract(&self, text: &str, k: usize) -> Result<Vec<Keyword>> {
        if k == 0 {
            return Err(Error::parameter("k", 0, "ask for at least 1 keyword"));
        }
        let document = self.document(text);
        let scored = match self.options.unit {
            KeywordUnit::Words => self.scored_words(&document),
            KeywordUnit::Phrases => collapse::phrases(&document, &self.scored_words(&document)),
            KeywordUnit::Terms => self.scored_terms(&document),
        };
        Ok(best(scored, k))
    }

    /// The keywords of many texts, in parallel.
    ///
    /// # Errors
    /// As [`KeywordExtractor::extract`].
    pub fn extract_batch<T: AsRef<str> + Sync>(
        &self,
        texts: &[T],
        k: usize,
    ) -> Result<Vec<Vec<Keyword>>> {
        texts.par_iter().with_min_len(8).map(|text| self.extract(text.as_ref(), k)).collect()
    }

    fn document<'a>(&'a self, text: &'a str) -> Document<'a> {
        Document::new(text, &*self.words, &self.options)
    }
}

/// A candidate of a text with its score.
#[derive(Clone, Debug)]
struct Scored {
    text: String,
    score: f64,
    /// The word at which it first occurs.
    first: usize,
}

fn best(mut scored: Vec<Scored>, k: usize) -> Vec<Keyword> {
    scored.retain(|c| c.score > 0.0);
    scored.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then(a.first.cmp(&b.first)).then_with(|| a.text.cmp(&b.text))
    });
    scored.truncate(k);
    scored.into_iter().map(|c| Keyword { text: c.text, score: c.score }).collect()
}
