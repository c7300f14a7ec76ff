//! N-grams of one text, as 64-bit hashes with their counts.

use rayon::prelude::*;
use rec_core::rng::mix;
use rec_core::text::clean::NormalForm;
use rec_core::text::segment::{Language, Segmentation};
use rec_core::text::{Filter, Pipeline, Segmenter};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What counts as a feature.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct NgramOptions {
    /// From text to words. By default: HTML, control characters and zero-width signs go, NFKC, lower
    /// case; jieba's words for Chinese, Unicode words for the rest, punctuation included.
    pub pipeline: Pipeline,
    /// Word n-grams up to this length; 0 for none.
    pub words: usize,
    /// Shortest and longest n-gram of characters that holds an ideograph; `(0, 0)` for none.
    pub ideographs: (usize, usize),
    /// Shortest and longest n-gram of other characters, a word's own, its borders being spaces;
    /// `(0, 0)` for none.
    pub letters: (usize, usize),
    /// N-grams in fewer texts than this are dropped.
    pub min_df: usize,
}

impl Default for NgramOptions {
    fn default() -> Self {
        Self { pipeline: plain(), words: 2, ideographs: (1, 3), letters: (2, 5), min_df: 1 }
    }
}

fn plain() -> Pipeline {
    let filters = [
        Filter::Html {},
        Filter::ControlCharacters {},
        Filter::ZeroWidth {},
        Filter::Normalize { form: NormalForm::Nfkc },
        Filter::Lowercase {},
        Filter::Whitespace { lines: false },
    ];
    let segmentation = Segmentation { language: Language::Mixed, ..Segmentation::default() };
    let chain = filters.into_iter().try_fold(Pipeline::default(), Pipeline::then);
    // Each part passes its own check, as a test makes sure.
    chain.and_then(|chain| chain.then(Segmenter::new(segmentation)?)).unwrap_or_default()
}

impl NgramOptions {
    pub(crate) fn check(&self) -> Result<()> {
        if !self.pipeline.segments() {
            let why = "it ends in text; add a segmenter, which finds the words";
            return Err(Error::parameter("pipeline", "without segmenter", why));
        }
        for (name, (min, max)) in [("ideographs", self.ideographs), ("letters", self.letters)] {
            if min > max || max > 8 || (min == 0 && max > 0) {
                let why = "choose lengths 1 ≤ shortest ≤ longest ≤ 8, or (0, 0) for none";
                return Err(Error::parameter(name, format!("({min}, {max})"), why));
            }
        }
        if self.words > 5 {
            return Err(Error::parameter("words", self.words, "choose 0 to 5; 1 or 2 are usual"));
        }
        if self.words + self.ideographs.1 + self.letters.1 == 0 {
            return Err(Error::parameter(
                "words",
                0,
                "without n-grams of characters, choose 1 or 2",
            ));
        }
        Ok(())
    }

    /// The n-grams of each text, in the order of the texts.
    ///
    /// # Errors
    /// As for [`Pipeline::tokens`].
    pub fn bags<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Vec<Bag>> {
        texts.par_iter().map(|text| self.bag(text.as_ref())).collect()
    }

    /// The words of each text alone, in their order.
    ///
    /// # Errors
    /// As for [`Pipeline::tokens`].
    pub(crate) fn sequences<S: AsRef<str> + Sync>(&self, texts: &[S]) -> Result<Vec<Bag>> {
        let sequences = |text: &S| Ok(Bag { blocks: [vec![], vec![]], ..self.bag(text.as_ref())? });
        texts.par_iter().map(sequences).collect()
    }

    /// The n-grams of one text.
    ///
    /// # Errors
    /// As for [`Pipeline::tokens`].
    pub fn bag(&self, text: &str) -> Result<Bag> {
        let tokens = self.pipeline.tokens(text)?;
        let words: Vec<u64> = tokens.iter().filter(|t| !t.trim().is_empty()).map(of_word).collect();
        let mut word_grams = Vec::with_capacity(words.len() * self.words);
        for from in 0..words.len() {
            let mut hash = WORDS;
            for &word in words[from..].iter().take(self.words) {
                hash = mix(hash ^ word);
                word_grams.push(hash);
            }
        }
        let mut char_grams = Vec::with_capacity(tokens.text().len());
        let mut padded = Vec::new();
        for part in tokens.text().split_whitespace() {
            padded.clear();
            padded.push(' ');
            padded.extend(part.chars());
            padded.push(' ');
            self.chars(&padded, &mut char_grams);
        }
        let symbols = tokens.iter().flat_map(symbols).collect();
        let blocks = [counted(word_grams), counted(char_grams)];
        Ok(Bag { blocks, sequences: [symbols, words] })
    }

    fn chars(&self, padded: &[char], out: &mut Vec<u64>) {
        let longest = self.ideographs.1.max(self.letters.1);
        for from in 0..padded.len() {
            let (mut hash, mut wide) = (CHARS, false);
            for (at, &c) in padded[from..].iter().enumerate().take(longest) {
                hash = mix(hash ^ u64::from(u32::from(c)));
                wide |= is_ideograph(c);
                let (min, max) = if wide { self.ideographs } else { self.letters };
                if (min..=max).contains(&(at + 1)) && (at > 0 || c != ' ') {
                    out.push(hash);
                }
                if wide && at + 1 >= self.ideographs.1 {
                    break;
                }
            }
        }
    }
}

/// The n-grams of one text: of words, and of characters; each once, ascending, with its count. And
/// its words in their order, once each ideograph a word of its own, once as they were parted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bag {
    pub(super) blocks: [Vec<(u64, u32)>; 2],
    sequences: [Vec<u64>; 2],
}

impl Bag {
    /// The hashes of the text's words in their order, each ideograph a word of its own.
    pub(crate) fn symbols(&self) -> &[u64] {
        &self.sequences[0]
    }

    /// The hashes of the text's words in their order, as the pipeline parts them.
    pub(crate) fn words(&self) -> &[u64] {
        &self.sequences[1]
    }
}

/// Starting values that keep the two kinds of n-gram apart.
const WORDS: u64 = 0x776f_7264;
const CHARS: u64 = 0x6368_6172;

fn of_word(word: &str) -> u64 {
    word.bytes().fold(word.len() as u64, |hash, byte| mix(hash ^ u64::from(byte)))
}

/// A word, or each of its characters where it holds an ideograph.
fn symbols(word: &str) -> impl Iterator<Item = u64> {
    let wide = word.chars().any(is_ideograph);
    let each = word.chars().filter(move |_| wide).map(|c| mix(CHARS ^ u64::from(u32::from(c))));
    let whole = (!wide && !word.trim().is_empty()).then(|| mix(WORDS ^ of_word(word)));
    each.chain(whole)
}

fn counted(mut grams: Vec<u64>) -> Vec<(u64, u32)> {
    grams.sort_unstable();
    grams.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u32)).collect()
}

/// Scripts without spaces between words: Chinese characters and kana.
fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
