//! Text: vocabularies, tokenizers of language models, keywords.

// mod keywords;
mod tokenize;
// mod vocab;

// pub use keywords::*;
pub use tokenize::{
    DecodeStream, EncodeInput, EncodeOptions, Encoding, OffsetUnit, PackedBatch, SpecialRole,
    SpecialToken, SpecialTokens, Tokenizer, TokenizerModel, TokenizerTrainer, TrainOptions,
    Truncation, TruncationSide, TruncationStrategy, WordEnds,
};
// pub use vocab::{Vocab, VocabBuilder};
