//! How often each word occurs in the training texts.

use hashbrown::HashMap;
use rayon::prelude::*;
use tokenizers as hf;
use tokenizers::normalizer::Range;
use tokenizers::{OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer};

use super::refused;
use super::train::WordEnds;
use crate::Result;

/// Texts handed to a thread at a time.
const BLOCK: usize = 64;

#[derive(Default)]
pub(super) struct WordCounts {
    counts: HashMap<String, u64>,
    pub(super) texts: u64,
}

impl WordCounts {
    /// Counts the words of some texts, as the tokenizer parts them.
    pub(super) fn add<T: AsRef<str> + Sync>(
        &mut self,
        tokenizer: &hf::Tokenizer,
        word_ends: Option<&WordEnds>,
        texts: &[T],
    ) -> Result<()> {
        let blocks = texts
            .par_chunks(BLOCK)
            .map(|block| {
                let mut counts = HashMap::new();
                for text in block {
                    count(tokenizer, word_ends, text.as_ref(), &mut counts)?;
                }
                Ok(counts)
            })
            .collect::<Result<Vec<HashMap<String, u64>>>>()?;
        for (word, n) in blocks.into_iter().flatten() {
            *self.counts.entry(word).or_default() += n;
        }
        self.texts += texts.len() as u64;
        Ok(())
    }

    /// The words in order of their text: the trainers number pieces as they meet them.
    pub(super) fn sorted(self) -> Vec<(String, u64)> {
        let mut words: Vec<_> = self.counts.into_iter().collect();
        words.sort_unstable();
        words
    }
}

fn count(
    tokenizer: &hf::Tokenizer,
    word_ends: Option<&WordEnds>,
    text: &str,
    counts: &mut HashMap<String, u64>,
) -> Result<()> {
    let added = tokenizer.get_added_vocabulary();
    let mut parts = added.extract_and_normalize(tokenizer.get_normalizer(), text);
    if let Some(words) = tokenizer.get_pre_tokenizer() {
        words.pre_tokenize(&mut parts).map_err(refused("the text"))?;
    }
    if let Some(word_ends) = word_ends {
        cut(&mut parts, &boundaries(text, word_ends)).map_err(refused("the text"))?;
    }
    for (word, _, _) in parts.get_splits(OffsetReferential::Original, OffsetType::Byte) {
        if word.is_empty() {
            continue;
        }
        match counts.get_mut(word) {
            Some(n) => *n += 1,
            None => {
                counts.insert(word.to_owned(), 1);
            }
        }
    }
    Ok(())
}

/// Where words end, a space belonging to the word that follows it.
fn boundaries(text: &str, word_ends: &WordEnds) -> Vec<usize> {
    let mut ends = word_ends(text);
    ends.retain(|&end| {
        end < text.len()
            && text.is_char_boundary(end)
            && !text[..end].ends_with(char::is_whitespace)
    });
    ends.sort_unstable();
    ends
}

/// Cuts the parts of a text at positions in it.
fn cut(parts: &mut PreTokenizedString, ends: &[usize]) -> hf::Result<()> {
    parts.split(|_, part| {
        let (start, stop) = part.offsets_original();
        let first = ends.partition_point(|&end| end <= start);
        let last = ends.partition_point(|&end| end < stop);
        let inner = ends.get(first..last).unwrap_or_default();
        if inner.is_empty() {
            return Ok(vec![part]);
        }
        let mut from = start;
        let mut pieces = Vec::with_capacity(inner.len() + 1);
        for &end in inner.iter().chain([&stop]) {
            pieces.extend(part.slice(Range::Original(from - start..end - start)));
            from = end;
        }
        Ok(pieces)
    })
}
