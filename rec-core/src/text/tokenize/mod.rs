//! Tokenizers of language models: a typed front on Hugging Face's `tokenizers`.

mod bert;
mod byte_bpe;
mod config;
mod count;
mod decode;
mod encode;
mod folder;
mod merges;
mod save;
mod special;
mod train;
mod train_merges;
mod train_unigram;
mod truncate;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_folder;
#[cfg(test)]
mod tests_train;

use std::path::Path;
use std::sync::{Arc, Mutex};

use tokenizers as hf;
use tokenizers::{PaddingParams, PostProcessor, TruncationParams};

use crate::{Error, Result};

pub use decode::DecodeStream;
pub use encode::{EncodeInput, EncodeOptions, Encoding, OffsetUnit, PackedBatch};
pub use special::{SpecialRole, SpecialToken, SpecialTokens};
pub use train::{TokenizerModel, TokenizerTrainer, TrainOptions, WordEnds};
pub use truncate::{Truncation, TruncationSide, TruncationStrategy};

/// Turns texts into the token ids of a language model, and back.
///
/// Clones share the vocabulary. No call truncates or pads unless it is asked to: a truncation that
/// a `tokenizer.json` stores is kept for saving, and not applied.
#[derive(Clone)]
pub struct Tokenizer {
    /// With neither truncation nor padding.
    inner: Arc<hf::Tokenizer>,
    special: Arc<SpecialTokens>,
    model_max_length: Option<usize>,
    stored: Arc<Stored>,
    /// The vocabulary once more, set to truncate as the last call asked.
    truncating: Arc<Mutex<Option<Cutting>>>,
}

/// The vocabulary with a truncation set.
#[derive(Clone)]
struct Cutting {
    truncation: Option<Truncation>,
    tokenizer: Arc<hf::Tokenizer>,
    /// For pairs and cuts on the left: with neither truncation nor frame.
    bare: Option<Arc<hf::Tokenizer>>,
}

/// What the file said about lengths; written back when saving.
#[derive(Clone, Default)]
struct Stored {
    truncation: Option<TruncationParams>,
    padding: Option<PaddingParams>,
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer")
            .field("model", &self.model())
            .field("vocab_size", &self.vocab_size())
            .field("special_tokens", &self.special)
            .field("model_max_length", &self.model_max_length)
            .finish()
    }
}

impl Tokenizer {
    /// Reads a `tokenizer.json`. The roles of its special tokens are told by their usual names
    /// (`[CLS]`, `<s>`, …); [`Tokenizer::from_folder`] reads them from the configuration.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Format`] for a file that is missing, cut short or something else.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self> {
        folder::read_file(path.as_ref())
    }

    /// Reads a folder in Hugging Face layout: `tokenizer.json` if there is one; else `vocab.txt`
    /// (BERT WordPiece); else `vocab.json` and `merges.txt` (byte-level BPE of GPT-2, RoBERTa or
    /// Qwen2), set up as `tokenizer_config.json`, `special_tokens_map.json` and `config.json` say.
    ///
    /// # Errors
    /// [`Error::Io`] and [`Error::Format`] for files that are missing or damaged, and
    /// [`Error::Unsupported`] for a kind of tokenizer that this build does not know.
    pub fn from_folder(folder: impl AsRef<Path>) -> Result<Self> {
        folder::read_folder(folder.as_ref())
    }

    fn new(
        mut inner: hf::Tokenizer,
        special: SpecialTokens,
        model_max_length: Option<usize>,
    ) -> Result<Self> {
        let stored = Stored {
            truncation: inner.get_truncation().cloned(),
            padding: inner.get_padding().cloned(),
        };
        inner.with_truncation(None).map_err(refused("the tokenizer"))?;
        inner.with_padding(None);
        Ok(Self {
            inner: Arc::new(inner),
            special: Arc::new(special),
            model_max_length,
            stored: Arc::new(stored),
            truncating: Arc::default(),
        })
    }

    /// The kind of model, as `tokenizer.json` names it: `WordPiece`, `BPE`, `Unigram`, `WordLevel`.
    pub fn model(&self) -> &'static str {
        use tokenizers::ModelWrapper::{BPE, Unigram, WordLevel, WordPiece};
        match self.inner.get_model() {
            BPE(_) => "BPE",
            WordPiece(_) => "WordPiece",
            WordLevel(_) => "WordLevel",
            Unigram(_) => "Unigram",
        }
    }

    /// Entries of the vocabulary, added tokens counted.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The id of a token.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.inner.token_to_id(token)
    }

    /// The token with an id.
    pub fn id_to_token(&self, id: u32) -> Option<String> {
        self.inner.id_to_token(id)
    }

    /// All tokens with their ids, in order of id.
    pub fn vocab(&self) -> Vec<(String, u32)> {
        let mut vocab: Vec<_> = self.inner.get_vocab(true).into_iter().collect();
        vocab.sort_by(|a, b| a.1.cmp(&b.1).then_with(|| a.0.cmp(&b.0)));
        vocab
    }

    /// The special tokens by role.
    pub fn special_tokens(&self) -> &SpecialTokens {
        &self.special
    }

    /// The longest input, in tokens, that the model was made for, if its configuration says so.
    pub fn model_max_length(&self) -> Option<usize> {
        self.model_max_length
    }

    /// Special tokens that one text, or a pair of texts, is given.
    pub fn added_tokens(&self, pair: bool) -> usize {
        self.inner.get_post_processor().map_or(0, |p| p.added_tokens(pair))
    }
}

/// Wraps an error of the underlying library.
fn refused(what: &'static str) -> impl Fn(hf::Error) -> Error {
    move |e| Error::data(what, e.to_string())
}
