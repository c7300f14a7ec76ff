//! Token ids to text, as they come.

use rec_core::text::{DecodeStream, Tokenizer};

use super::stop::StopTexts;
use crate::Result;

/// Makes text of token ids that come one at a time.
pub trait TextStream {
    /// Takes the next id; gives the text that is now certain, which may be none: a character can
    /// span several tokens.
    ///
    /// # Errors
    /// An id that is not known.
    fn step(&mut self, id: u32) -> Result<Option<String>>;

    /// Ends the text; gives what is left.
    ///
    /// # Errors
    /// Where the decoder refuses what is left.
    fn finish(self: Box<Self>) -> Result<Option<String>>;
}

/// What can decode token ids: a tokenizer.
pub trait TextDecoder {
    /// A stream for one text.
    fn stream(&self) -> Box<dyn TextStream + '_>;
}

impl TextDecoder for Tokenizer {
    /// Special tokens have no text.
    fn stream(&self) -> Box<dyn TextStream + '_> {
        Box::new(Decoding { tokenizer: self, stream: self.decode_stream(true) })
    }
}

struct Decoding<'a> {
    tokenizer: &'a Tokenizer,
    stream: DecodeStream,
}

impl TextStream for Decoding<'_> {
    /// An id that the tokenizer does not know has no text: models round their vocabulary up.
    fn step(&mut self, id: u32) -> Result<Option<String>> {
        match self.tokenizer.id_to_token(id) {
            Some(_) => self.stream.step(id),
            None => Ok(None),
        }
    }

    fn finish(self: Box<Self>) -> Result<Option<String>> {
        self.stream.finish()
    }
}

/// The text of one prompt's continuation: decoded, and cut at a stop text.
pub(super) struct TextSoFar<'a> {
    /// None once the text has ended.
    stream: Option<Box<dyn TextStream + 'a>>,
    stops: StopTexts,
    text: String,
}

impl<'a> TextSoFar<'a> {
    pub(super) fn new(decoder: &'a dyn TextDecoder, stops: &[String]) -> Self {
        Self { stream: Some(decoder.stream()), stops: StopTexts::new(stops), text: String::new() }
    }

    /// Takes the next id; gives the new text, and whether it ended at a stop text.
    pub(super) fn step(&mut self, id: u32) -> Result<(String, bool)> {
        let piece = match &mut self.stream {
            Some(stream) => stream.step(id)?.unwrap_or_default(),
            None => String::new(),
        };
        Ok(self.pass(&piece))
    }

    /// Ends the text; gives the new text. What is left may yet hold a stop text.
    pub(super) fn finish(&mut self) -> Result<(String, bool)> {
        let piece = match self.stream.take() {
            Some(stream) => stream.finish()?.unwrap_or_default(),
            None => String::new(),
        };
        let (mut text, stopped) = self.pass(&piece);
        if !stopped {
            let rest = self.stops.finish();
            self.text.push_str(&rest);
            text.push_str(&rest);
        }
        Ok((text, stopped))
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    fn pass(&mut self, piece: &str) -> (String, bool) {
        let passed = self.stops.push(piece);
        self.text.push_str(&passed.text);
        (passed.text, passed.stopped)
    }
}
