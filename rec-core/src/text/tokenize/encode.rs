//! Texts to ids.

use rayon::prelude::*;
use tokenizers as hf;

use super::{Cutting, Tokenizer, Truncation, refused};
use crate::{Error, Result};

/// Texts handed to a thread at a time.
const BLOCK: usize = 64;

/// One text, or a pair of texts.
#[derive(Clone, Copy, Debug)]
pub struct EncodeInput<'a> {
    /// The text.
    pub text: &'a str,
    /// The second text of a pair.
    pub pair: Option<&'a str>,
}

impl<'a> From<&'a str> for EncodeInput<'a> {
    fn from(text: &'a str) -> Self {
        Self { text, pair: None }
    }
}

impl<'a> From<&'a String> for EncodeInput<'a> {
    fn from(text: &'a String) -> Self {
        Self { text, pair: None }
    }
}

impl<'a> From<(&'a str, &'a str)> for EncodeInput<'a> {
    fn from((text, pair): (&'a str, &'a str)) -> Self {
        Self { text, pair: Some(pair) }
    }
}

impl<'a> From<EncodeInput<'a>> for hf::EncodeInput<'a> {
    fn from(input: EncodeInput<'a>) -> Self {
        match input.pair {
            None => hf::EncodeInput::Single(input.text.into()),
            Some(pair) => hf::EncodeInput::Dual(input.text.into(), pair.into()),
        }
    }
}

/// What offsets count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OffsetUnit {
    /// Characters (Unicode scalar values), as Python counts.
    #[default]
    Chars,
    /// Bytes of UTF-8, as Rust counts.
    Bytes,
}

/// How to encode.
#[derive(Clone, Copy, Debug)]
pub struct EncodeOptions {
    /// Put the special tokens (`[CLS]`, `[SEP]`) around and between the texts.
    pub special_tokens: bool,
    /// Cut inputs that are too long; by default none is cut.
    pub truncation: Option<Truncation>,
    /// What offsets count.
    pub offsets: OffsetUnit,
}

impl Default for EncodeOptions {
    fn default() -> Self {
        Self { special_tokens: true, truncation: None, offsets: OffsetUnit::Chars }
    }
}

impl EncodeOptions {
    /// As by default, cut to `max_length` tokens on the right.
    pub fn truncated(max_length: usize) -> Self {
        Self { truncation: Some(Truncation::to(max_length)), ..Self::default() }
    }
}

/// The tokens of one input; all lists have one entry a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoding {
    /// Ids in the vocabulary.
    pub ids: Vec<u32>,
    /// 0 for the first text and what frames it, 1 for the second.
    pub type_ids: Vec<u32>,
    /// The tokens as the vocabulary spells them.
    pub tokens: Vec<String>,
    /// Start and end in the text the token comes from; `(0, 0)` for special tokens.
    pub offsets: Vec<(usize, usize)>,
    /// Which tokens were added around the text.
    pub special: Vec<bool>,
    /// The text a token comes from: 0 or 1, and none for special tokens.
    pub sequences: Vec<Option<u32>>,
    /// The word of that text a token belongs to, as the tokenizer parts words.
    pub words: Vec<Option<u32>>,
}

impl Encoding {
    fn from_hf(mut e: hf::Encoding) -> Self {
        e.take_overflowing();
        Self {
            ids: e.get_ids().to_vec(),
            type_ids: e.get_type_ids().to_vec(),
            tokens: e.get_tokens().to_vec(),
            offsets: e.get_offsets().to_vec(),
            special: e.get_special_tokens_mask().iter().map(|&m| m != 0).collect(),
            sequences: e.get_sequence_ids().iter().map(|s| s.map(|s| s as u32)).collect(),
            words: e.get_word_ids().to_vec(),
        }
    }

    /// Tokens.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there is no token.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// The ids of many inputs in one array, without padding: what encoders take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedBatch {
    /// Ids of all inputs, one after the other.
    pub ids: Vec<u32>,
    /// Type ids, like `ids`; empty where all of them are 0.
    pub type_ids: Vec<u32>,
    /// Input `i` has the ids `offsets[i]..offsets[i + 1]`; one entry more than inputs.
    pub offsets: Vec<u32>,
}

impl PackedBatch {
    /// Inputs.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Whether there is no input.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The ids of input `i`; none past the end.
    pub fn row(&self, i: usize) -> &[u32] {
        match (self.offsets.get(i), self.offsets.get(i + 1)) {
            (Some(&start), Some(&end)) => &self.ids[start as usize..end as usize],
            _ => &[],
        }
    }
}

impl Tokenizer {
    /// Encodes a text or a pair of texts.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a `max_length` that leaves no room, [`Error::Data`] where the model
    /// has no token for a character and none for unknown ones.
    pub fn encode<'a>(
        &self,
        input: impl Into<EncodeInput<'a>>,
        options: &EncodeOptions,
    ) -> Result<Encoding> {
        let input = input.into();
        let cutting =
            self.cutting(options.truncation, input.pair.is_some(), options.special_tokens)?;
        encode_one(&cutting, input, options)
    }

    /// Encodes many inputs in parallel.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_batch<'a, I>(
        &self,
        inputs: &[I],
        options: &EncodeOptions,
    ) -> Result<Vec<Encoding>>
    where
        I: Into<EncodeInput<'a>> + Copy + Sync,
    {
        let cutting = self.cutting(options.truncation, any_pair(inputs), options.special_tokens)?;
        inputs
            .par_iter()
            .with_min_len(BLOCK)
            .map(|&input| encode_one(&cutting, input.into(), options))
            .collect()
    }

    /// Encodes many inputs in parallel into one array of ids; offsets into the text are not made.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`], and [`Error::TooLarge`] past 2³² tokens.
    pub fn encode_packed<'a, I>(&self, inputs: &[I], options: &EncodeOptions) -> Result<PackedBatch>
    where
        I: Into<EncodeInput<'a>> + Copy + Sync,
    {
        let pairs = any_pair(inputs);
        let cutting = self.cutting(options.truncation, pairs, options.special_tokens)?;
        let blocks = inputs
            .par_chunks(BLOCK)
            .map(|block| pack_block(&cutting, block, options.special_tokens, pairs))
            .collect::<Result<Vec<_>>>()?;
        join(blocks, inputs.len())
    }
}

fn any_pair<'a, I: Into<EncodeInput<'a>> + Copy>(inputs: &[I]) -> bool {
    inputs.iter().any(|&input| input.into().pair.is_some())
}

fn encode_one(
    cutting: &Cutting,
    input: EncodeInput<'_>,
    options: &EncodeOptions,
) -> Result<Encoding> {
    let (tokenizer, special) = (&cutting.tokenizer, options.special_tokens);
    let bytes = options.offsets == OffsetUnit::Bytes;
    let encoded = match &cutting.bare {
        Some(bare) => cutting.whole(bare, input, bytes, special),
        None if bytes => tokenizer.encode(input, special),
        None => tokenizer.encode_char_offsets(input, special),
    };
    encoded.map(Encoding::from_hf).map_err(refused("the text"))
}

#[derive(Default)]
struct Block {
    ids: Vec<u32>,
    type_ids: Vec<u32>,
    lengths: Vec<usize>,
}

fn pack_block<'a, I: Into<EncodeInput<'a>> + Copy>(
    cutting: &Cutting,
    inputs: &[I],
    special: bool,
    pairs: bool,
) -> Result<Block> {
    let mut block = Block::default();
    for &input in inputs {
        let input: EncodeInput<'_> = input.into();
        // The fast way leaves out the type ids of a pair, with the offsets.
        let encoded = match (input.pair, &cutting.bare) {
            (None, _) => cutting.tokenizer.encode_fast(input, special),
            (Some(_), None) => cutting.tokenizer.encode(input, special),
            (Some(_), Some(bare)) => cutting.whole(bare, input, true, special),
        };
        let encoded = encoded.map_err(refused("the text"))?;
        block.ids.extend_from_slice(encoded.get_ids());
        block.lengths.push(encoded.len());
        if pairs {
            block.type_ids.extend_from_slice(encoded.get_type_ids());
        }
    }
    Ok(block)
}

fn join(blocks: Vec<Block>, inputs: usize) -> Result<PackedBatch> {
    let total: usize = blocks.iter().map(|b| b.ids.len()).sum();
    if u32::try_from(total).is_err() {
        return Err(Error::TooLarge {
            what: format!("a packed batch of {total} tokens"),
            needs: 4 * total as u64,
            limit: 4 * u64::from(u32::MAX),
            why: "encode fewer texts at a time".into(),
        });
    }
    let mut packed = PackedBatch {
        ids: Vec::with_capacity(total),
        type_ids: Vec::new(),
        offsets: Vec::with_capacity(inputs + 1),
    };
    packed.offsets.push(0);
    let mut end = 0;
    for block in blocks {
        packed.ids.extend_from_slice(&block.ids);
        packed.type_ids.extend_from_slice(&block.type_ids);
        for length in block.lengths {
            end += length as u32;
            packed.offsets.push(end);
        }
    }
    Ok(packed)
}
