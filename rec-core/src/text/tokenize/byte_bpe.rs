//! Byte-level BPE from a `vocab.json` and a `merges.txt`: GPT-2, RoBERTa, Qwen2.

use std::path::Path;

use hf::models::bpe::BPE;
use hf::normalizers::NFC;
use hf::pre_tokenizers::PreTokenizerWrapper;
use hf::pre_tokenizers::byte_level::ByteLevel;
use hf::pre_tokenizers::sequence::Sequence;
use hf::pre_tokenizers::split::{Split, SplitPattern};
use hf::processors::roberta::RobertaProcessing;
use tokenizers as hf;

use super::bert::template;
use super::config::{ModelConfig, TokenizerConfig, read_json};
use super::folder::{Parts, kind};
use super::special::{SpecialRole, SpecialTokens};
use super::{SpecialToken, merges, refused};
use crate::{Error, Result};

const VOCAB: &str = "vocab.json";
const MERGES: &str = "merges.txt";

/// How Qwen2 parts words: as GPT-4 does, but every digit by itself.
const QWEN2_WORDS: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Gpt2,
    Roberta,
    Qwen2,
}

impl Family {
    fn of(config: &TokenizerConfig, model: &ModelConfig) -> Result<Self> {
        let Some(kind) = kind(config, model) else { return Ok(Family::Gpt2) };
        match kind.as_str() {
            "GPT2Tokenizer" | "gpt2" => Ok(Family::Gpt2),
            "RobertaTokenizer"
            | "roberta"
            | "BartTokenizer"
            | "bart"
            | "LongformerTokenizer"
            | "longformer" => Ok(Family::Roberta),
            "Qwen2Tokenizer" | "qwen2" | "qwen3" => Ok(Family::Qwen2),
            _ => Err(Error::unsupported(
                format!("the tokenizer {kind}"),
                "this build",
                format!(
                    "{VOCAB} with {MERGES} is read for GPT2Tokenizer, RobertaTokenizer and \
                     Qwen2Tokenizer; others need a tokenizer.json"
                ),
            )),
        }
    }

    fn defaults(self) -> &'static [(SpecialRole, &'static str)] {
        use SpecialRole::{Bos, Cls, Eos, Mask, Pad, Sep, Unk};
        match self {
            Family::Gpt2 => {
                &[(Unk, "<|endoftext|>"), (Bos, "<|endoftext|>"), (Eos, "<|endoftext|>")]
            }
            Family::Qwen2 => {
                &[(Unk, "<|endoftext|>"), (Eos, "<|endoftext|>"), (Pad, "<|endoftext|>")]
            }
            Family::Roberta => &[
                (Bos, "<s>"),
                (Eos, "</s>"),
                (Cls, "<s>"),
                (Sep, "</s>"),
                (Unk, "<unk>"),
                (Pad, "<pad>"),
                (Mask, "<mask>"),
            ],
        }
    }
}

pub(super) fn read(
    folder: &Path,
    mut config: TokenizerConfig,
    model: &ModelConfig,
) -> Result<Parts> {
    let family = Family::of(&config, model)?;
    for &(role, token) in family.defaults() {
        config.set_default(role, token);
    }
    let mut tokenizer = hf::Tokenizer::new(read_model(folder)?);
    let add_prefix_space = config.add_prefix_space.unwrap_or(false);
    if family == Family::Qwen2 {
        tokenizer.with_normalizer(Some(NFC)).map_err(refused("the vocabulary"))?;
        tokenizer.with_pre_tokenizer(Some(qwen2_words(add_prefix_space)?));
    } else {
        tokenizer.with_pre_tokenizer(Some(ByteLevel::new(add_prefix_space, true, true)));
    }
    tokenizer.with_decoder(Some(ByteLevel::default()));
    let frame = if family == Family::Roberta { roberta_frame } else { decoder_frame };
    Ok(Parts { tokenizer, config, vocabulary: VOCAB, frame })
}

fn qwen2_words(add_prefix_space: bool) -> Result<Sequence> {
    let words = SplitPattern::Regex(QWEN2_WORDS.into());
    let isolated = hf::SplitDelimiterBehavior::Isolated;
    let split = Split::new(words, isolated, false).map_err(refused("the word pattern"))?;
    let bytes = ByteLevel::new(add_prefix_space, true, false);
    Ok(Sequence::new(vec![
        PreTokenizerWrapper::Split(split),
        PreTokenizerWrapper::ByteLevel(bytes),
    ]))
}

fn read_model(folder: &Path) -> Result<BPE> {
    let path = folder.join(VOCAB);
    let vocab: ahash::AHashMap<String, u32> = read_json(&path)?.unwrap_or_default();
    if vocab.is_empty() {
        return Err(Error::format(&path, None, "no token in it"));
    }
    let path = folder.join(MERGES);
    let merges = merges::read(&path, &vocab)?;
    BPE::builder()
        .vocab_and_merges(vocab, merges)
        .continuing_subword_prefix(String::new())
        .end_of_word_suffix(String::new())
        .build()
        .map_err(|e| Error::format(path, None, e.to_string()))
}

fn roberta_frame(
    special: &SpecialTokens,
    config: &TokenizerConfig,
) -> Result<Option<hf::PostProcessorWrapper>> {
    let (Some(cls), Some(sep)) = (&special.cls, &special.sep) else { return Ok(None) };
    let trim = config.trim_offsets.unwrap_or(true);
    let space = config.add_prefix_space.unwrap_or(false);
    Ok(Some(roberta(cls, sep, trim, space).into()))
}

/// `<s> A </s>`, and `<s> A </s></s> B </s>`, all of type 0.
pub(super) fn roberta(
    cls: &SpecialToken,
    sep: &SpecialToken,
    trim_offsets: bool,
    add_prefix_space: bool,
) -> RobertaProcessing {
    RobertaProcessing::new((sep.token.clone(), sep.id), (cls.token.clone(), cls.id))
        .trim_offsets(trim_offsets)
        .add_prefix_space(add_prefix_space)
}

/// The begin and end tokens of a decoder, where its configuration asks for them.
fn decoder_frame(
    special: &SpecialTokens,
    config: &TokenizerConfig,
) -> Result<Option<hf::PostProcessorWrapper>> {
    let bos = special.bos.as_ref().filter(|_| config.add_bos_token == Some(true));
    let eos = special.eos.as_ref().filter(|_| config.add_eos_token == Some(true));
    if bos.is_none() && eos.is_none() {
        return Ok(None);
    }
    let part = |text: &str, kind: u32| -> Vec<String> {
        let begin = bos.map(|t| format!("{}:{kind}", t.token));
        let end = eos.map(|t| format!("{}:{kind}", t.token));
        begin.into_iter().chain([format!("{text}:{kind}")]).chain(end).collect()
    };
    let (first, second) = (part("$A", 0), part("$B", 1));
    let first: Vec<&str> = first.iter().map(String::as_str).collect();
    let second: Vec<&str> = second.iter().map(String::as_str).collect();
    let tokens: Vec<&SpecialToken> = bos.into_iter().chain(eos).collect();
    Ok(Some(template(&first, &second, &tokens)?.into()))
}
