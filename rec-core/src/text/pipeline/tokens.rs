//! The tokens of one text, as places in it.

use crate::{Error, Result};

/// A clean text and where its tokens stand: two allocations a text, however many tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    text: String,
    spans: Vec<(u32, u32)>,
}

impl Tokens {
    pub(super) fn new(text: String) -> Result<Self> {
        if u32::try_from(text.len()).is_err() {
            return Err(Error::TooLarge {
                what: "one text".into(),
                needs: text.len() as u64,
                limit: u64::from(u32::MAX),
                why: "part it, at paragraphs for instance".into(),
            });
        }
        // Words have about two ideographs of three bytes.
        let spans = Vec::with_capacity(text.len() / 8);
        Ok(Self { text, spans })
    }

    pub(super) fn parts(&mut self) -> (&str, &mut Vec<(u32, u32)>) {
        (&self.text, &mut self.spans)
    }

    /// The clean text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// First byte and end of each token in the clean text.
    pub fn spans(&self) -> &[(u32, u32)] {
        &self.spans
    }

    /// The tokens, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.spans.iter().map(|&(from, to)| &self.text[from as usize..to as usize])
    }

    /// The number of tokens.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The tokens with `separator` between, those of white space left out.
    pub fn join(&self, separator: &str) -> String {
        let mut out = String::with_capacity(self.text.len() + self.len() * separator.len());
        for token in self.iter().filter(|t| !t.trim().is_empty()) {
            if !out.is_empty() {
                out.push_str(separator);
            }
            out.push_str(token);
        }
        out
    }
}

/// What a pipeline made of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Processed {
    /// The clean text, from a chain without a segmenter.
    Text(String),
    /// The tokens.
    Tokens(Tokens),
}

impl Processed {
    /// The tokens, from a chain with a segmenter.
    pub fn tokens(&self) -> Option<&Tokens> {
        match self {
            Self::Text(_) => None,
            Self::Tokens(tokens) => Some(tokens),
        }
    }

    /// The text, or the tokens with `separator` between.
    pub fn joined(self, separator: &str) -> String {
        match self {
            Self::Text(text) => text,
            Self::Tokens(tokens) => tokens.join(separator),
        }
    }
}
