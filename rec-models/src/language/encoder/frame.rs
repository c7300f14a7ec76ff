//! The special tokens around a text, and windows over one that is too long.

#![allow(clippy::single_range_in_vec_init, reason = "a list of one window is meant")]

use std::ops::Range;

use rec_core::text::{EncodeOptions, Tokenizer};

use crate::{Error, Result};

/// The special tokens that a tokenizer puts before and after a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) before: Vec<u32>,
    pub(super) after: Vec<u32>,
}

impl Frame {
    pub(super) fn of(tokenizer: &Tokenizer) -> Result<Self> {
        const PROBE: &str = "a";
        let bare = EncodeOptions { special_tokens: false, ..EncodeOptions::default() };
        let framed = tokenizer.encode(PROBE, &EncodeOptions::default())?.ids;
        let text = tokenizer.encode(PROBE, &bare)?.ids;
        let at = framed.windows(text.len().max(1)).position(|window| window == text);
        match at {
            Some(at) if !text.is_empty() => Ok(Self {
                before: framed[..at].to_vec(),
                after: framed[at + text.len()..].to_vec(),
            }),
            _ => Err(Error::data(
                "the tokenizer",
                "its special tokens do not stand around the text; choose another checkpoint",
            )),
        }
    }

    /// Special tokens of one text.
    pub(super) fn len(&self) -> usize {
        self.before.len() + self.after.len()
    }

    /// Appends the text with its special tokens.
    pub(super) fn put(&self, text: &[u32], ids: &mut Vec<u32>) {
        ids.extend_from_slice(&self.before);
        ids.extend_from_slice(text);
        ids.extend_from_slice(&self.after);
    }
}

/// What happens to a text of more tokens than the model takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LongTexts {
    /// Its first tokens are encoded.
    #[default]
    Truncate,
    /// Windows over all of it are encoded, `overlap` tokens in common from one to the next, and
    /// their vectors averaged, each weighted by its tokens.
    Chunk {
        /// Tokens two neighbouring windows share.
        overlap: usize,
    },
}

impl LongTexts {
    /// The parts of a text of `tokens` tokens, at most `room` each; at least one.
    pub(super) fn windows(self, tokens: usize, room: usize) -> Vec<Range<usize>> {
        match self {
            _ if tokens <= room => vec![0..tokens],
            Self::Truncate => vec![0..room],
            Self::Chunk { overlap } => {
                let step = room - overlap;
                let last = (tokens - room).div_ceil(step);
                (0..=last).map(|i| i * step..(i * step + room).min(tokens)).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_cover_the_text_and_overlap() {
        let chunk = LongTexts::Chunk { overlap: 2 };
        assert_eq!(chunk.windows(5, 5), [0..5]);
        assert_eq!(chunk.windows(6, 5), [0..5, 3..6]);
        assert_eq!(chunk.windows(11, 5), [0..5, 3..8, 6..11]);
        assert_eq!(chunk.windows(0, 5), [0..0]);
        assert_eq!(LongTexts::Truncate.windows(11, 5), [0..5]);
        assert_eq!(LongTexts::Chunk { overlap: 0 }.windows(10, 5), [0..5, 5..10]);
    }
}
