//! Texts as tokens, ready to train on.

use rayon::prelude::*;
use rec_core::rng::mix;
use rec_core::text::segment::Segment;
use rec_core::text::{EncodeOptions, OffsetUnit, PackedBatch, Tokenizer};

use super::TrainingData;
use crate::Result;

/// Texts as token ids; where whole words are to be masked, the word of every token as well.
#[derive(Clone, Debug)]
pub struct Corpus {
    packed: PackedBatch,
    words: Option<Vec<u32>>,
    vocab_size: usize,
}

/// One text.
#[derive(Clone, Copy, Debug)]
pub struct TextTokens<'a> {
    /// Token ids, special ones included.
    pub ids: &'a [u32],
    /// The word each token belongs to: equal numbers side by side are one word.
    pub words: Option<&'a [u32]>,
}

impl Corpus {
    /// Texts cut to `max_len` tokens, special ones included.
    ///
    /// # Errors
    /// As [`Tokenizer::encode_packed`].
    pub fn encode<T: AsRef<str> + Sync>(
        tokenizer: &Tokenizer,
        texts: &[T],
        max_len: Option<usize>,
    ) -> Result<Self> {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let packed = tokenizer.encode_packed(&texts, &options(max_len))?;
        Ok(Self { packed, words: None, vocab_size: tokenizer.vocab_size() })
    }

    /// As [`Corpus::encode`], the token `end` behind every text that has tokens, and within its
    /// `max_len`: so that a decoder learns where texts end.
    ///
    /// # Errors
    /// As [`Corpus::encode`].
    pub fn with_end<T: AsRef<str> + Sync>(
        tokenizer: &Tokenizer,
        texts: &[T],
        max_len: Option<usize>,
        end: u32,
    ) -> Result<Self> {
        let bare = Self::encode(tokenizer, texts, max_len.map(|most| most.saturating_sub(1)))?;
        let mut packed = PackedBatch { ids: Vec::new(), type_ids: Vec::new(), offsets: vec![0] };
        for text in 0..bare.len() {
            let ids = bare.text(text).ids;
            packed.ids.extend(ids);
            if ids.last().is_some_and(|&last| last != end) {
                packed.ids.push(end);
            }
            packed.offsets.push(packed.ids.len() as u32);
        }
        Ok(Self { packed, ..bare })
    }

    /// As [`Corpus::encode`], with the words that `segmenter` finds: of Chinese, which tokenizers
    /// take character by character, those of jieba. Tokens outside all words are words of their
    /// own.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn with_words<T: AsRef<str> + Sync>(
        tokenizer: &Tokenizer,
        texts: &[T],
        max_len: Option<usize>,
        segmenter: &dyn Segment,
    ) -> Result<Self> {
        let options = EncodeOptions { offsets: OffsetUnit::Bytes, ..options(max_len) };
        let encode = |text: &T| {
            let encoding = tokenizer.encode(text.as_ref(), &options)?;
            let words = words(text.as_ref(), &encoding.offsets, segmenter);
            Ok((encoding.ids, words))
        };
        let rows: Vec<(Vec<u32>, Vec<u32>)> =
            texts.par_iter().map(encode).collect::<Result<_>>()?;
        let mut packed = PackedBatch { ids: Vec::new(), type_ids: Vec::new(), offsets: vec![0] };
        let mut all = Vec::new();
        for (ids, words) in rows {
            packed.ids.extend(ids);
            packed.offsets.push(packed.ids.len() as u32);
            all.extend(words);
        }
        Ok(Self { packed, words: Some(all), vocab_size: tokenizer.vocab_size() })
    }

    /// Texts.
    pub fn len(&self) -> usize {
        self.packed.len()
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tokens of the tokenizer that encoded it.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// Some texts.
    pub(super) fn texts(&self, rows: &[usize]) -> Vec<TextTokens<'_>> {
        rows.iter().map(|&row| self.text(row)).collect()
    }

    /// Text `i`.
    pub fn text(&self, i: usize) -> TextTokens<'_> {
        let range = self.packed.offsets[i] as usize..self.packed.offsets[i + 1] as usize;
        TextTokens {
            ids: &self.packed.ids[range.clone()],
            words: self.words.as_ref().map(|words| &words[range]),
        }
    }
}

impl TrainingData for Corpus {
    fn len(&self) -> usize {
        self.packed.len()
    }

    fn tokens(&self, row: usize) -> usize {
        self.text(row).ids.len()
    }

    fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    fn fingerprint(&self) -> String {
        let words = self.words.iter().flatten();
        let numbers = self.packed.ids.iter().chain(&self.packed.offsets).chain(words);
        let hash = numbers.fold(self.vocab_size as u64, |h, &x| mix(h ^ u64::from(x)));
        format!("{hash:016x}")
    }
}

fn options(max_len: Option<usize>) -> EncodeOptions {
    max_len.map_or_else(EncodeOptions::default, EncodeOptions::truncated)
}

/// The number of the word in which each token begins; what lies in none gets a number of its own.
fn words(text: &str, offsets: &[(usize, usize)], segmenter: &dyn Segment) -> Vec<u32> {
    let mut ends = Vec::new();
    segmenter.segment(text, &mut |word| ends.push((word.start, word.end())));
    let mut lone = ends.len() as u32;
    let mut at = 0;
    let word = |&(start, end): &(usize, usize)| {
        while ends.get(at).is_some_and(|&(_, stop)| stop <= start) {
            at += 1;
        }
        let inside = start < end && ends.get(at).is_some_and(|&(begin, _)| begin <= start);
        if inside {
            return at as u32;
        }
        lone += 1;
        lone
    };
    offsets.iter().map(word).collect()
}
