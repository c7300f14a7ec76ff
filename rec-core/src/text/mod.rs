//! Text: vocabularies, tokenizers of language models, keywords.

pub mod keywords;
mod lines;
pub mod tokenize;
pub mod vocab;

pub use keywords::{
    Diversify, Embed, Keyword, KeywordExtractor, KeywordMethod, KeywordOptions, KeywordUnit,
};
pub use tokenize::{
    DecodeStream, EncodeInput, EncodeOptions, Encoding, OffsetUnit, PackedBatch, SpecialRole,
    SpecialToken, SpecialTokens, Tokenizer, TokenizerModel, TokenizerTrainer, TrainOptions,
    Truncation, TruncationSide, TruncationStrategy, WordEnds,
};
pub use vocab::{Vocab, VocabBuilder};
