//! Cutting inputs to a length, when asked to.

use std::sync::{Arc, PoisonError};

use tokenizers as hf;
use tokenizers::{TruncationDirection, TruncationParams};

use super::{Cutting, EncodeInput, Tokenizer, refused};
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
    ) -> Result<Cutting> {
        let Some(wanted) = truncation else {
            return Ok(Cutting { truncation, tokenizer: self.inner.clone(), bare: None });
        };
        self.check_room(wanted, pairs, special)?;
        let mut last = self.truncating.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = pairs || wanted.side == TruncationSide::Left;
        let fits = |c: &&Cutting| c.truncation == truncation && (c.bare.is_some() || !whole);
        if let Some(cutting) = last.as_ref().filter(fits) {
            return Ok(cutting.clone());
        }
        let mut tokenizer = (*self.inner).clone();
        tokenizer.with_truncation(Some(wanted.params())).map_err(refused("the truncation"))?;
        let bare = whole.then(|| {
            let mut bare = (*self.inner).clone();
            bare.with_post_processor(None::<hf::PostProcessorWrapper>);
            Arc::new(bare)
        });
        let cutting = Cutting { truncation, tokenizer: Arc::new(tokenizer), bare };
        *last = Some(cutting.clone());
        Ok(cutting)
    }

    fn check_room(&self, truncation: Truncation, pairs: bool, special: bool) -> Result<()> {
        let added = if special { self.added_tokens(pairs) } else { 0 };
        // The library reserves room for the special tokens of a single text in any case.
        let least = added.max(self.added_tokens(false)) + 1;
        if truncation.max_length >= least {
            return Ok(());
        }
        let why = format!(
            "room for {} special tokens and at least one of the text is needed: choose {least} or \
             more",
            least - 1
        );
        Err(Error::parameter("max_length", truncation.max_length, why))
    }
}

impl Cutting {
    /// Encodes an input that may have to be cut. The library stops parting a text at `max_length`
    /// tokens, and no longer knows then which text of a pair is the longer one, nor which word it is
    /// at from the left; so here texts are parted whole, and cut and framed then.
    pub(super) fn whole(
        &self,
        bare: &hf::Tokenizer,
        input: EncodeInput<'_>,
        bytes: bool,
        special: bool,
    ) -> hf::Result<hf::Encoding> {
        let encode = |text: &str| match bytes {
            true => bare.encode(text, false),
            false => bare.encode_char_offsets(text, false),
        };
        let first = encode(input.text)?;
        let mut second = input.pair.map(encode).transpose()?;
        if let Some(second) = &mut second {
            second.set_type_ids(vec![1; second.len()]);
        }
        self.tokenizer.post_process(first, second, special)
    }
}
