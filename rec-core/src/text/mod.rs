//! Text on its way to tokens: cleaning ([`mod@clean`]), segmentation ([`segment`]), stop words
//! ([`stopwords`]), chains of them ([`pipeline`]) and files larger than memory ([`stream`]); the
//! ids of language models ([`tokenize`]), vocabularies ([`vocab`]) and keywords ([`keywords`]).

pub mod clean;
pub mod keywords;
pub mod pipeline;
pub mod segment;
pub mod stopwords;
pub mod stream;
pub mod tokenize;
pub mod vocab;

pub use clean::{Cleaner, Filter, clean};
pub use keywords::{
    Diversify, Embed, Keyword, KeywordExtractor, KeywordMethod, KeywordOptions, KeywordUnit,
};
pub use pipeline::{Pipeline, Step, TokenFilter, Tokens};
pub use segment::{Segment, Segmenter};
pub use stopwords::StopWords;
pub use tokenize::{
    DecodeStream, EncodeInput, EncodeOptions, Encoding, OffsetUnit, PackedBatch, SpecialRole,
    SpecialToken, SpecialTokens, Tokenizer, TokenizerModel, TokenizerTrainer, TrainOptions,
    Truncation, TruncationSide, TruncationStrategy, WordEnds,
};
pub use vocab::{Vocab, VocabBuilder};
