//! Segmentation: where words begin and end.
//!
//! Chinese is segmented by jieba (crate `jieba-rs`), with the tokens that Python's jieba 0.42.1
//! yields; other scripts at Unicode word boundaries (UAX #29).

mod dictionary;
mod full;
mod mixed;
mod precise;
mod search;
mod segmenter;
mod user;

pub(crate) use dictionary::jieba;
pub use segmenter::{Language, Mode, Segmentation, Segmenter};
pub use user::{UserWord, read_user_words};

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'t> {
    /// The piece.
    pub text: &'t str,
    /// Its first byte in the whole text.
    pub start: usize,
    /// Its part of speech, where the segmenter tells.
    pub tag: Option<&'t str>,
}

impl<'t> Token<'t> {
    fn new(text: &'t str, start: usize) -> Self {
        Self { text, start, tag: None }
    }

    /// The byte behind its last.
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// Something that finds the words of a text. Implement it to bring a segmenter of your own into a
/// [`Pipeline`](crate::text::Pipeline).
///
/// ```
/// use rec_core::text::segment::{Segment, Token};
///
/// struct Lines;
///
/// impl Segment for Lines {
///     fn segment<'t>(&'t self, text: &'t str, emit: &mut dyn FnMut(Token<'t>)) {
///         let mut start = 0;
///         for line in text.split_inclusive('\n') {
///             emit(Token { text: line.trim_end(), start, tag: None });
///             start += line.len();
///         }
///     }
/// }
/// assert_eq!(Lines.cut("一行\n二行"), ["一行", "二行"]);
/// ```
pub trait Segment: Send + Sync {
    /// Hands out the tokens of a text, in order of their appearance. They may overlap, and need
    /// not cover the text.
    fn segment<'t>(&'t self, text: &'t str, emit: &mut dyn FnMut(Token<'t>));

    /// The tokens of a text.
    fn cut<'t>(&'t self, text: &'t str) -> Vec<&'t str> {
        let mut tokens = Vec::with_capacity(text.len() / 4);
        self.segment(text, &mut |token| tokens.push(token.text));
        tokens
    }
}

#[cfg(test)]
mod tests;
