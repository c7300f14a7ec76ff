//! BERT's WordPiece from a `vocab.txt`.

use std::path::Path;

use hf::models::wordpiece::WordPiece;
use hf::normalizers::BertNormalizer;
use hf::pre_tokenizers::bert::BertPreTokenizer;
use hf::processors::template::TemplateProcessing;
use tokenizers as hf;

use super::config::{ModelConfig, TokenizerConfig, read_text};
use super::folder::{Parts, kind};
use super::special::{SpecialRole, SpecialTokens};
use super::{SpecialToken, refused};
use crate::{Error, Result};

const FILE: &str = "vocab.txt";
/// Tokenizer classes that read a `vocab.txt` this way, and types of models that use them.
const CLASSES: [&str; 3] = ["BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer"];
const MODELS: [&str; 3] = ["bert", "distilbert", "electra"];
const DEFAULTS: [(SpecialRole, &str); 5] = [
    (SpecialRole::Pad, "[PAD]"),
    (SpecialRole::Unk, "[UNK]"),
    (SpecialRole::Cls, "[CLS]"),
    (SpecialRole::Sep, "[SEP]"),
    (SpecialRole::Mask, "[MASK]"),
];

pub(super) fn read(
    folder: &Path,
    mut config: TokenizerConfig,
    model: &ModelConfig,
) -> Result<Parts> {
    if let Some(kind) = kind(&config, model)
        && !CLASSES.contains(&kind.as_str())
        && !MODELS.contains(&kind.as_str())
    {
        let why = format!("a {FILE} is read for {}", CLASSES.join(", "));
        return Err(Error::unsupported(format!("the tokenizer {kind}"), "this build", why));
    }
    for (role, token) in DEFAULTS {
        config.set_default(role, token);
    }
    let unk = config.role(SpecialRole::Unk).map_or("[UNK]", |named| named.text());
    let model = WordPiece::builder()
        .vocab(read_vocabulary(&folder.join(FILE))?)
        .unk_token(unk.to_owned())
        .build()
        .map_err(refused("the vocabulary"))?;
    let mut tokenizer = hf::Tokenizer::new(model);
    furnish(
        &mut tokenizer,
        BertNormalizer::new(
            true,
            config.tokenize_chinese_chars.unwrap_or(true),
            config.strip_accents,
            config.do_lower_case.unwrap_or(true),
        ),
    )?;
    Ok(Parts { tokenizer, config, vocabulary: FILE, frame })
}

/// One token a line; its id is the number of lines before it.
fn read_vocabulary(path: &Path) -> Result<ahash::AHashMap<String, u32>> {
    let text = read_text(path)?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    if text.is_empty() {
        return Err(Error::format(path, None, "no token in it; one a line is expected"));
    }
    let lines = text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    Ok(lines.zip(0..).map(|(token, id)| (token.to_owned(), id)).collect())
}

/// What surrounds the WordPiece model in BERT: the normaliser, words at spaces and punctuation,
/// pieces put together again.
pub(super) fn furnish(tokenizer: &mut hf::Tokenizer, normalizer: BertNormalizer) -> Result<()> {
    tokenizer.with_normalizer(Some(normalizer)).map_err(refused("the vocabulary"))?;
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    tokenizer.with_decoder(Some(hf::decoders::wordpiece::WordPiece::default()));
    Ok(())
}

fn frame(
    special: &SpecialTokens,
    _config: &TokenizerConfig,
) -> Result<Option<hf::PostProcessorWrapper>> {
    match (&special.cls, &special.sep) {
        (Some(cls), Some(sep)) => cls_sep(cls, sep).map(|p| Some(p.into())),
        _ => Ok(None),
    }
}

/// `[CLS] A [SEP]`, and `[CLS] A [SEP] B [SEP]` with type 1 from `B` on.
pub(super) fn cls_sep(cls: &SpecialToken, sep: &SpecialToken) -> Result<TemplateProcessing> {
    template(
        &[&format!("{}:0", cls.token), "$A:0", &format!("{}:0", sep.token)],
        &["$B:1", &format!("{}:1", sep.token)],
        &[cls, sep],
    )
}

/// A frame of special tokens: `single` for one text, followed by `second` for the second of a pair.
pub(super) fn template(
    single: &[&str],
    second: &[&str],
    tokens: &[&SpecialToken],
) -> Result<TemplateProcessing> {
    let pieces = |parts: &[&str]| parts.iter().map(|&p| p.to_owned()).collect::<Vec<_>>();
    let pair = [single, second].concat();
    let tokens: Vec<(String, u32)> = tokens.iter().map(|t| (t.token.clone(), t.id)).collect();
    let bad = |e: String| Error::data("the special tokens", e);
    TemplateProcessing::builder()
        .try_single(pieces(single))
        .map_err(bad)?
        .try_pair(pieces(&pair))
        .map_err(bad)?
        .special_tokens(tokens)
        .build()
        .map_err(|e| Error::data("the special tokens", e.to_string()))
}
