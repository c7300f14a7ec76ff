//! Scores of single words, and of terms of several words.

use std::borrow::Cow;

use hashbrown::HashMap;

use super::document::{Candidate, Document, lower};
use super::idf::jieba_idf;
use super::options::KeywordMethod;
use super::words::is_han;
use super::{KeywordExtractor, Scored, textrank};

/// The preference for a length: a Chinese character counts 1, a word of another script 2. Chosen
/// on the development part of CSL, whose keywords have four characters in the mean.
const LENGTHS: [f64; 9] = [0.6, 0.6, 0.6, 0.8, 1.0, 1.0, 1.0, 0.9, 0.7];

impl KeywordExtractor {
    /// The published methods: `tf · idf`, or the rank, of each word.
    pub(super) fn scored_words(&self, document: &Document<'_>) -> Vec<Scored> {
        let candidates = document.candidates(1);
        let ranks = self.ranks(document);
        let score = |key: &str, candidate: &Candidate| match &ranks {
            Some(ranks) => ranks.get(key).copied().unwrap_or(0.0),
            None => candidate.count as f64 * self.idf(key),
        };
        candidates.iter().map(|(key, c)| scored(document, c, score(key, c))).collect()
    }

    pub(super) fn scored_terms(&self, document: &Document<'_>) -> Vec<Scored> {
        let candidates = document.candidates(self.options.max_words);
        let longer = longer(document, &candidates);
        let ranks = self.ranks(document);
        let mut idfs: HashMap<&str, f64> = HashMap::new();
        let mut word_weight = |at: usize| {
            let word = document.words.get(at).map_or("", |w| &*w.key);
            match &ranks {
                Some(ranks) => ranks.get(word).copied().unwrap_or(1.0 - self.options.damping),
                None => *idfs.entry(word).or_insert_with(|| self.idf(word)),
            }
        };
        let mut terms = Vec::with_capacity(candidates.len());
        for (key, candidate) in &candidates {
            let within = longer.get(key).copied().unwrap_or(0) as f64;
            let count = candidate.count as f64 - self.options.nested * within;
            let weight = match (&self.idf, self.options.method) {
                (Some(idf), KeywordMethod::TfIdf) => idf.of(key),
                _ => {
                    let words = candidate.first..candidate.first + candidate.len;
                    words.map(&mut word_weight).sum::<f64>() / candidate.len as f64
                }
            };
            let length = if self.options.prefer_length { length(key) } else { 1.0 };
            terms.push(scored(document, candidate, count * weight * length));
        }
        terms
    }

    fn ranks<'d>(&self, document: &'d Document<'_>) -> Option<HashMap<&'d str, f64>> {
        match self.options.method {
            KeywordMethod::TextRank => Some(textrank::ranks(document, &self.options)),
            KeywordMethod::TfIdf => None,
        }
    }

    fn idf(&self, word: &str) -> f64 {
        match &self.idf {
            Some(idf) => idf.of(word),
            None => jieba_idf(word),
        }
    }
}

fn scored(document: &Document<'_>, candidate: &Candidate, score: f64) -> Scored {
    let text = document.slice(candidate.first, candidate.len).to_owned();
    Scored { text, score, first: candidate.first }
}

/// The count of the most frequent candidate that contains each candidate.
fn longer<'a>(
    document: &Document<'a>,
    candidates: &HashMap<Cow<'a, str>, Candidate>,
) -> HashMap<Cow<'a, str>, usize> {
    let mut longer: HashMap<Cow<'a, str>, usize> = HashMap::new();
    for candidate in candidates.values().filter(|c| c.len > 1) {
        for len in 1..candidate.len {
            for start in 0..=candidate.len - len {
                let part = lower(document.slice(candidate.first + start, len));
                let most = longer.entry(part).or_default();
                *most = (*most).max(candidate.count);
            }
        }
    }
    longer
}

fn length(term: &str) -> f64 {
    let han = term.chars().filter(|&c| is_han(c)).count();
    let words = term.split(is_han).flat_map(str::split_whitespace).count();
    LENGTHS[(han + 2 * words).min(LENGTHS.len() - 1)]
}
