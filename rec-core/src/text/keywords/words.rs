//! Parting a text into words with their parts of speech.

use crate::text::segment::{Language, Segment, Segmenter, Token};

/// A segmenter for keywords: one of language `zh` tags parts of speech, and leaves texts without
/// Chinese characters to Unicode word boundaries.
pub(super) struct TaggedWords {
    segmenter: Segmenter,
    other: Segmenter,
}

impl TaggedWords {
    pub(super) fn new(segmenter: Segmenter) -> Self {
        Self { segmenter, other: Segmenter::unicode() }
    }
}

impl Segment for TaggedWords {
    fn segment<'t>(&'t self, text: &'t str, emit: &mut dyn FnMut(Token<'t>)) {
        if self.segmenter.config().language != Language::Zh {
            return self.segmenter.segment(text, emit);
        }
        if !text.chars().any(is_han) {
            return self.other.segment(text, emit);
        }
        let wanted = &self.segmenter.config().pos;
        for token in self.segmenter.tag(text).unwrap_or_default() {
            if wanted.is_empty() || token.tag.is_some_and(|tag| wanted.iter().any(|p| p == tag)) {
                emit(token);
            }
        }
    }
}

/// Whether a character is a Chinese one (of the blocks that words are made of).
pub(super) fn is_han(c: char) -> bool {
    matches!(u32::from(c), 0x3400..=0x4DBF | 0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0x20000..=0x323AF)
}
