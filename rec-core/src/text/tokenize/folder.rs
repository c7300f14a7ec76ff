//! Which of the files in a folder make the tokenizer.

use std::path::Path;

use tokenizers as hf;
use tokenizers::AddedToken;

use super::config::{ModelConfig, TokenizerConfig, bad_json, read_configs, read_text};
use super::special::{SpecialRole, SpecialTokens, look_up};
use super::{Tokenizer, bert, byte_bpe, refused};
use crate::{Error, Result};

const CONVERT: &str = "a sentencepiece model, which is not read directly; convert it once in \
    Python: transformers.AutoTokenizer.from_pretrained(folder).save_pretrained(folder) writes the \
    tokenizer.json that is";

pub(super) fn read_file(path: &Path) -> Result<Tokenizer> {
    if path.is_dir() {
        let why = "a folder; load it as one (from_folder, in Python from_pretrained)";
        return Err(Error::format(path, None, why));
    }
    let inner = read_tokenizer_json(path)?;
    let special = SpecialTokens::usual(&inner);
    Tokenizer::new(inner, special, None)
}

fn read_tokenizer_json(path: &Path) -> Result<hf::Tokenizer> {
    if path.extension().is_some_and(|e| e == "model") {
        return Err(Error::format(path, None, CONVERT));
    }
    let text = read_text(path)?;
    // Parsed as plain JSON first: the library's own message about a file cut short is no help.
    if let Err(e) = serde_json::from_str::<serde::de::IgnoredAny>(&text) {
        return Err(bad_json(path, &e));
    }
    text.parse::<hf::Tokenizer>()
        .map_err(|e| Error::format(path, None, format!("not a tokenizer.json: {e}")))
}

pub(super) fn read_folder(folder: &Path) -> Result<Tokenizer> {
    let has = |name: &str| folder.join(name).is_file();
    let (config, model) = if folder.is_dir() {
        read_configs(folder)?
    } else {
        let _listing = std::fs::read_dir(folder).map_err(Error::io(folder))?;
        Default::default()
    };
    if has("tokenizer.json") {
        return whole(folder, &config);
    }
    if has("vocab.txt") {
        return assemble(folder, bert::read(folder, config, &model)?);
    }
    if has("vocab.json") && has("merges.txt") {
        return assemble(folder, byte_bpe::read(folder, config, &model)?);
    }
    Err(Error::format(folder, None, nothing_there(folder)?))
}

fn nothing_there(folder: &Path) -> Result<String> {
    for entry in std::fs::read_dir(folder).map_err(Error::io(folder))? {
        let path = entry.map_err(Error::io(folder))?.path();
        if path.extension().is_some_and(|e| e == "model") {
            return Ok(format!("{} is {CONVERT}", path.display()));
        }
    }
    Ok("no tokenizer here: neither tokenizer.json, nor vocab.txt, nor vocab.json with merges.txt"
        .into())
}

/// A `tokenizer.json` with the roles that the configuration names.
fn whole(folder: &Path, config: &TokenizerConfig) -> Result<Tokenizer> {
    let path = folder.join("tokenizer.json");
    let inner = read_tokenizer_json(&path)?;
    let mut special = SpecialTokens::usual(&inner);
    for role in SpecialRole::ALL {
        if let Some(named) = config.role(role) {
            special.set(role, required(&inner, role, named.text(), &path)?);
        }
    }
    Tokenizer::new(inner, special, config.max_length())
}

/// A tokenizer whose parts are known, before its special tokens are.
pub(super) struct Parts {
    pub(super) tokenizer: hf::Tokenizer,
    /// With every role of this kind of tokenizer named.
    pub(super) config: TokenizerConfig,
    /// The file that holds the vocabulary.
    pub(super) vocabulary: &'static str,
    /// How the special tokens frame a text.
    pub(super) frame:
        fn(&SpecialTokens, &TokenizerConfig) -> Result<Option<hf::PostProcessorWrapper>>,
}

/// Adds the special tokens, and what frames a text with them.
fn assemble(folder: &Path, parts: Parts) -> Result<Tokenizer> {
    let Parts { mut tokenizer, config, vocabulary, frame } = parts;
    let path = folder.join(vocabulary);
    add_listed(&mut tokenizer, &config, &path)?;
    let mut special = SpecialTokens::default();
    for role in SpecialRole::ALL {
        let Some(named) = config.role(role) else { continue };
        special.set(role, required(&tokenizer, role, named.text(), &path)?);
        let listed = tokenizer.get_added_vocabulary().is_special_token(named.text());
        if !listed {
            add(&mut tokenizer, named.token())?;
        }
    }
    for named in config.additional_special_tokens.iter().flatten() {
        add(&mut tokenizer, named.token())?;
    }
    tokenizer.with_post_processor(frame(&special, &config)?);
    Tokenizer::new(tokenizer, special, config.max_length())
}

/// The tokens of `added_tokens_decoder`, each of which has to get the id it is listed with.
fn add_listed(tokenizer: &mut hf::Tokenizer, config: &TokenizerConfig, path: &Path) -> Result<()> {
    for (&id, added) in &config.added_tokens_decoder {
        let token = added.token(false);
        let content = token.content.clone();
        add(tokenizer, token)?;
        if tokenizer.token_to_id(&content) != Some(id) {
            let why = format!(
                "tokenizer_config.json gives {content:?} the id {id}, which does not follow from \
                 this vocabulary; the two files belong to different tokenizers"
            );
            return Err(Error::format(path, None, why));
        }
    }
    Ok(())
}

fn add(tokenizer: &mut hf::Tokenizer, token: AddedToken) -> Result<()> {
    let added = if token.special {
        tokenizer.add_special_tokens([token])
    } else {
        tokenizer.add_tokens([token])
    };
    added.map(|_| ()).map_err(refused("the special tokens"))
}

fn required(
    tokenizer: &hf::Tokenizer,
    role: SpecialRole,
    token: &str,
    path: &Path,
) -> Result<super::SpecialToken> {
    look_up(tokenizer, token).ok_or_else(|| {
        let why = format!(
            "the vocabulary lacks the {} {token:?}; name the right one in tokenizer_config.json, \
             or copy the vocabulary that belongs to the model",
            role.key()
        );
        Error::format(path, None, why)
    })
}

/// Which kind of tokenizer a configuration asks for: its class without the suffix `Fast`, or the
/// type of the model.
pub(super) fn kind(config: &TokenizerConfig, model: &ModelConfig) -> Option<String> {
    let general = ["PreTrainedTokenizer", "TokenizersBackend", "AutoTokenizer"];
    let class = config.tokenizer_class.as_deref().map(|c| c.trim_end_matches("Fast"));
    match class.filter(|class| !general.contains(class)) {
        Some(class) => Some(class.to_owned()),
        None => model.model_type.clone(),
    }
}
