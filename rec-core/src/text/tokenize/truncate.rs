//! Cutting inputs to a length, when asked to.

use std::sync::{Arc, PoisonError};

use tokenizers as hf;
use tokenizers::{TruncationDirection, TruncationParams};

use super::{Tokenizer, refused};
use crate::{Error, Result};

/// The end at which an input is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TruncationSide {
    /// The first tokens stay.
    #[default]
    Right,
    /// The last tokens stay.
    Left,
}

/// Which text of a pair is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TruncationStrategy {
    /// The longer one, then both.
    #[default]
    LongestFirst,
    /// The first.
    OnlyFirst,
    /// The second.
    OnlySecond,
}

/// How to cut inputs that are too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncation {
    /// Tokens that may stay, the special ones counted.
    pub max_length: usize,
    /// Where to cut.
    pub side: TruncationSide,
    /// Which text of a pair to cut.
    pub strategy: TruncationStrategy,
}

impl Truncation {
    /// At most `max_length` tokens, cut on the right, the longer text first.
    pub fn to(max_length: usize) -> Self {
        Self { max_length, side: TruncationSide::Right, strategy: TruncationStrategy::LongestFirst }
    }

    fn params(self) -> TruncationParams {
        TruncationParams {
            max_length: self.max_length,
            stride: 0,
            direction: match self.side {
                TruncationSide::Right => TruncationDirection::Right,
                TruncationSide::Left => TruncationDirection::Left,
            },
            strategy: match self.strategy {
                TruncationStrategy::LongestFirst => hf::TruncationStrategy::LongestFirst,
                TruncationStrategy::OnlyFirst => hf::TruncationStrategy::OnlyFirst,
                TruncationStrategy::OnlySecond => hf::TruncationStrategy::OnlySecond,
            },
        }
    }
}

impl Tokenizer {
    /// The tokenizer that cuts as asked. The library keeps that setting with the vocabulary, so
    /// the last one used is kept beside it.
    pub(super) fn cutting(
        &self,
        truncation: Option<Truncation>,
        pairs: bool,
        special: bool,
    ) -> Result<Arc<hf::Tokenizer>> {
        let Some(truncation) = truncation else {
            return Ok(self.inner.clone());
        };
        let added = if special { self.added_tokens(pairs) } else { 0 };
        // The library reserves room for the special tokens of a single text in any case.
        let least = added.max(self.added_tokens(false)) + 1;
        if truncation.max_length < least {
            let why = format!(
                "room for {} special tokens and at least one of the text is needed: choose {least} \
                 or more",
                least - 1
            );
            return Err(Error::parameter("max_length", truncation.max_length, why));
        }
        let mut last = self.truncating.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((as_asked, tokenizer)) = &*last
            && *as_asked == truncation
        {
            return Ok(tokenizer.clone());
        }
        let mut cutting = (*self.inner).clone();
        cutting.with_truncation(Some(truncation.params())).map_err(refused("the truncation"))?;
        let cutting = Arc::new(cutting);
        *last = Some((truncation, cutting.clone()));
        Ok(cutting)
    }
}
