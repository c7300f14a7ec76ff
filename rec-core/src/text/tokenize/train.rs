//! Tokenizers learned from the user's texts.

use std::path::Path;
use std::sync::Arc;

use hf::models::bpe::BPE;
use hf::models::unigram::Unigram;
use hf::models::wordpiece::WordPiece;
use hf::normalizers::{BertNormalizer, Lowercase, NFKC, Nmt, Replace, Sequence};
use hf::pre_tokenizers::PreTokenizerWrapper;
use hf::pre_tokenizers::byte_level::ByteLevel;
use hf::pre_tokenizers::metaspace::Metaspace;
use hf::pre_tokenizers::punctuation::Punctuation;
use tokenizers as hf;
use tokenizers::{AddedToken, NormalizerWrapper};

use super::count::WordCounts;
use super::special::{SpecialRole, SpecialTokens, look_up};
use super::{Tokenizer, bert, byte_bpe, refused, train_merges, train_unigram};
use crate::text::stream::{TextFile, for_each_text};
use crate::{Error, Result};

/// Texts counted at a time when they come one by one.
const BLOCK: usize = 4096;

/// Kinds of tokenizers that can be trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenizerModel {
    /// BERT's: words at spaces and punctuation, every Chinese character by itself, longest piece
    /// first (Schuster and Nakajima 2012). Learned by merging, as the `tokenizers` library does.
    WordPiece,
    /// GPT-2's byte-level byte-pair encoding (Sennrich et al. 2016, Radford et al. 2019).
    Bpe,
    /// The unigram language model of sentencepiece (Kudo 2018).
    Unigram,
}

/// Tells where words end: byte positions in the text, ascending.
pub type WordEnds = dyn Fn(&str) -> Vec<usize> + Send + Sync;

/// How to train.
#[derive(Clone)]
pub struct TrainOptions {
    /// The kind of tokenizer.
    pub model: TokenizerModel,
    /// Entries of the vocabulary, special tokens counted.
    pub vocab_size: usize,
    /// How often two pieces have to stand together to be merged; not used by Unigram.
    pub min_frequency: u64,
    /// The special tokens by role; they get the first ids, in this order.
    pub special_tokens: Vec<(SpecialRole, String)>,
    /// Further tokens that are never split.
    pub extra_special_tokens: Vec<String>,
    /// Lower-case the texts (WordPiece strips accents then, as BERT does).
    pub lowercase: bool,
    /// Keep only so many different characters, the most frequent ones; all by default. WordPiece
    /// has two entries for a character that both begins and continues words.
    pub limit_alphabet: Option<usize>,
    /// Words that pieces must not cross in training, for scripts written without spaces; the
    /// finished tokenizer does not need it. Not for Unigram, whose seeds are what several different
    /// characters follow: it would miss pieces that always end a word.
    pub word_ends: Option<Arc<WordEnds>>,
    /// What the model is made for, in tokens.
    pub model_max_length: Option<usize>,
}

impl TrainOptions {
    /// The usual options of a kind: 30,000 entries, merges seen twice, the special tokens of BERT,
    /// GPT-2 or ALBERT.
    pub fn new(model: TokenizerModel) -> Self {
        use SpecialRole::{Bos, Cls, Eos, Mask, Pad, Sep, Unk};
        let special: &[(SpecialRole, &str)] = match model {
            TokenizerModel::WordPiece => {
                &[(Pad, "[PAD]"), (Unk, "[UNK]"), (Cls, "[CLS]"), (Sep, "[SEP]"), (Mask, "[MASK]")]
            }
            TokenizerModel::Bpe => {
                &[(Pad, "<|endoftext|>"), (Bos, "<|endoftext|>"), (Eos, "<|endoftext|>")]
            }
            TokenizerModel::Unigram => {
                &[(Pad, "<pad>"), (Unk, "<unk>"), (Cls, "[CLS]"), (Sep, "[SEP]"), (Mask, "[MASK]")]
            }
        };
        Self {
            model,
            vocab_size: 30_000,
            min_frequency: 2,
            special_tokens: special.iter().map(|&(r, t)| (r, t.to_owned())).collect(),
            extra_special_tokens: Vec::new(),
            lowercase: model == TokenizerModel::WordPiece,
            limit_alphabet: None,
            word_ends: None,
            model_max_length: None,
        }
    }

    /// The same with another size of the vocabulary.
    pub fn vocab_size(mut self, vocab_size: usize) -> Self {
        self.vocab_size = vocab_size;
        self
    }

    pub(super) fn token(&self, role: SpecialRole) -> Option<&str> {
        self.special_tokens.iter().find(|(r, _)| *r == role).map(|(_, token)| token.as_str())
    }

    /// All special tokens, each once, in order of their ids.
    pub(super) fn special(&self) -> Vec<AddedToken> {
        let mut names: Vec<&String> = Vec::new();
        let roles = self.special_tokens.iter().map(|(_, token)| token);
        for name in roles.chain(&self.extra_special_tokens) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names.into_iter().map(|name| AddedToken::from(name.as_str(), true)).collect()
    }

    fn check(&self) -> Result<()> {
        let special = self.special();
        if special.iter().any(|token| token.content.is_empty()) {
            return Err(Error::parameter("special_tokens", "\"\"", "a token needs a text"));
        }
        if self.vocab_size <= special.len() {
            let why = format!("{} special tokens alone fill it; choose more", special.len());
            return Err(Error::parameter("vocab_size", self.vocab_size, why));
        }
        if self.vocab_size > i32::MAX as usize {
            return Err(Error::parameter("vocab_size", self.vocab_size, "at most 2,147,483,647"));
        }
        if self.limit_alphabet == Some(0) {
            return Err(Error::parameter("limit_alphabet", 0, "keep at least one character"));
        }
        if self.model == TokenizerModel::Unigram && self.word_ends.is_some() {
            let why =
                "Unigram finds no piece that always ends a word; choose BPE, or give no words";
            return Err(Error::parameter("word_ends", "given", why));
        }
        let needs_unk = self.model != TokenizerModel::Bpe;
        if needs_unk && self.token(SpecialRole::Unk).is_none() {
            let why = "WordPiece and Unigram need an unk_token for what they cannot spell";
            return Err(Error::parameter("special_tokens", "no unk_token", why));
        }
        Ok(())
    }
}

/// Learns a tokenizer from texts that are fed block by block; what is kept is a count for each
/// different word. The result depends on the texts and the options alone, not on the number of
/// threads or the blocks.
pub struct TokenizerTrainer {
    options: TrainOptions,
    base: hf::Tokenizer,
    counts: WordCounts,
}

impl TokenizerTrainer {
    /// A trainer that has seen nothing.
    ///
    /// # Errors
    /// [`Error::Parameter`] for options outside their domain.
    pub fn new(options: TrainOptions) -> Result<Self> {
        options.check()?;
        let base = base(&options)?;
        Ok(Self { options, base, counts: WordCounts::default() })
    }

    /// Counts the words of some texts, in parallel.
    ///
    /// # Errors
    /// [`Error::Data`] where a text cannot be parted into words.
    pub fn feed<T: AsRef<str> + Sync>(&mut self, texts: &[T]) -> Result<()> {
        self.counts.add(&self.base, self.options.word_ends.as_deref(), texts)
    }

    /// Counts the words of all texts that an iterator gives.
    ///
    /// # Errors
    /// As [`TokenizerTrainer::feed`].
    pub fn feed_all<T: AsRef<str> + Sync>(
        &mut self,
        texts: impl IntoIterator<Item = T>,
    ) -> Result<()> {
        let mut block = Vec::with_capacity(BLOCK);
        for text in texts {
            block.push(text);
            if block.len() == BLOCK {
                self.feed(&block)?;
                block.clear();
            }
        }
        self.feed(&block)
    }

    /// Counts the words of a file, each line a text; gzip is undone.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Format`] with the line that is not UTF-8.
    pub fn feed_file(&mut self, path: impl AsRef<Path>) -> Result<()> {
        for_each_text(path.as_ref(), &TextFile::lines(), &mut |texts| self.feed(texts))
    }

    /// Texts counted so far.
    pub fn n_texts(&self) -> u64 {
        self.counts.texts
    }

    /// Learns the vocabulary.
    ///
    /// # Errors
    /// [`Error::Empty`] where no word was fed, [`Error::Parameter`] for a vocabulary too small to
    /// hold the characters of the texts, [`Error::TooLarge`] for more text than can be counted.
    pub fn train(self) -> Result<Tokenizer> {
        let Self { options, mut base, counts } = self;
        let texts = counts.texts;
        let words = counts.sorted();
        if words.is_empty() {
            let why = format!(
                "{texts} texts were read and no word was in them; an iterator can be read once \
                 only, pass a list, or make it anew"
            );
            return Err(Error::empty("the training corpus", why));
        }
        let words = train_merges::limit_alphabet(words, options.limit_alphabet);
        match options.model {
            TokenizerModel::Unigram => base.with_model(train_unigram::train(&words, &options)?),
            TokenizerModel::WordPiece => {
                base.with_model(train_merges::wordpiece(&words, &options)?)
            }
            TokenizerModel::Bpe => base.with_model(train_merges::byte_bpe(&words, &options)?),
        };
        finish(base, &options)
    }
}

impl Tokenizer {
    /// Learns a tokenizer from texts.
    ///
    /// # Errors
    /// As [`TokenizerTrainer::train`].
    pub fn train<T: AsRef<str> + Sync>(
        texts: impl IntoIterator<Item = T>,
        options: TrainOptions,
    ) -> Result<Self> {
        let mut trainer = TokenizerTrainer::new(options)?;
        trainer.feed_all(texts)?;
        trainer.train()
    }
}

/// The tokenizer around the model: how texts are cleaned, parted and put together.
fn base(options: &TrainOptions) -> Result<hf::Tokenizer> {
    match options.model {
        TokenizerModel::WordPiece => {
            let mut tokenizer = hf::Tokenizer::new(WordPiece::default());
            let normalizer = BertNormalizer::new(true, true, None, options.lowercase);
            bert::furnish(&mut tokenizer, normalizer)?;
            Ok(tokenizer)
        }
        TokenizerModel::Bpe => {
            let mut tokenizer = hf::Tokenizer::new(BPE::default());
            if options.lowercase {
                tokenizer.with_normalizer(Some(Lowercase)).map_err(refused("the options"))?;
            }
            tokenizer.with_pre_tokenizer(Some(ByteLevel::new(false, true, true)));
            tokenizer.with_decoder(Some(ByteLevel::default()));
            Ok(tokenizer)
        }
        TokenizerModel::Unigram => unigram_base(options.lowercase),
    }
}

/// As sentencepiece: compatibility forms unified, runs of spaces made one, spaces kept as `▁`.
/// No piece crosses punctuation, which matters where words have no spaces between them.
fn unigram_base(lowercase: bool) -> Result<hf::Tokenizer> {
    let mut tokenizer = hf::Tokenizer::new(Unigram::default());
    let spaces = hf::normalizers::replace::ReplacePattern::Regex(" {2,}".into());
    let spaces = Replace::new(spaces, " ").map_err(refused("the options"))?;
    let mut steps: Vec<NormalizerWrapper> = vec![Nmt.into(), NFKC.into(), spaces.into()];
    if lowercase {
        steps.push(Lowercase.into());
    }
    tokenizer.with_normalizer(Some(Sequence::new(steps))).map_err(refused("the options"))?;
    tokenizer.with_pre_tokenizer(Some(hf::pre_tokenizers::sequence::Sequence::new(vec![
        PreTokenizerWrapper::Metaspace(Metaspace::default()),
        PreTokenizerWrapper::Punctuation(Punctuation::default()),
    ])));
    tokenizer.with_decoder(Some(Metaspace::default()));
    Ok(tokenizer)
}

/// Adds the special tokens and what frames a text with them.
fn finish(mut tokenizer: hf::Tokenizer, options: &TrainOptions) -> Result<Tokenizer> {
    tokenizer.add_special_tokens(options.special()).map_err(refused("the special tokens"))?;
    let mut special = SpecialTokens::default();
    for (role, token) in &options.special_tokens {
        if let Some(token) = look_up(&tokenizer, token) {
            special.set(*role, token);
        }
    }
    if let (Some(cls), Some(sep)) = (&special.cls, &special.sep) {
        if options.model == TokenizerModel::Bpe {
            tokenizer.with_post_processor(Some(byte_bpe::roberta(cls, sep, true, false)));
        } else {
            tokenizer.with_post_processor(Some(bert::cls_sep(cls, sep)?));
        }
    }
    Tokenizer::new(tokenizer, special, options.model_max_length)
}
