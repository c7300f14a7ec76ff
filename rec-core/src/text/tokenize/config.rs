//! The small JSON files that lie beside a vocabulary.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokenizers::AddedToken;

use super::special::SpecialRole;
use crate::{Error, Result};

/// Lengths above this say "no limit" (`transformers` writes 10³⁰).
const NO_LIMIT: f64 = 1e9;

/// What is used of `tokenizer_config.json`; `special_tokens_map.json` has a part of the same keys.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TokenizerConfig {
    pub(super) tokenizer_class: Option<String>,
    pub(super) model_max_length: Option<f64>,
    pub(super) do_lower_case: Option<bool>,
    pub(super) strip_accents: Option<bool>,
    pub(super) tokenize_chinese_chars: Option<bool>,
    pub(super) add_prefix_space: Option<bool>,
    pub(super) trim_offsets: Option<bool>,
    pub(super) add_bos_token: Option<bool>,
    pub(super) add_eos_token: Option<bool>,
    pub(super) added_tokens_decoder: BTreeMap<u32, Added>,
    pub(super) additional_special_tokens: Option<Vec<Named>>,
    pad_token: Option<Named>,
    unk_token: Option<Named>,
    cls_token: Option<Named>,
    sep_token: Option<Named>,
    mask_token: Option<Named>,
    bos_token: Option<Named>,
    eos_token: Option<Named>,
}

/// A token as the files spell it: its text, or an object with its matching rules.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Named {
    Text(String),
    Token(Added),
}

/// A token with its matching rules.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Added {
    content: String,
    #[serde(default)]
    lstrip: bool,
    #[serde(default)]
    rstrip: bool,
    #[serde(default)]
    single_word: bool,
    normalized: Option<bool>,
    special: Option<bool>,
}

impl Added {
    fn plain(content: String) -> Self {
        Self {
            content,
            lstrip: false,
            rstrip: false,
            single_word: false,
            normalized: None,
            special: None,
        }
    }

    pub(super) fn token(&self, special: bool) -> AddedToken {
        let special = self.special.unwrap_or(special);
        AddedToken::from(self.content.as_str(), special)
            .lstrip(self.lstrip)
            .rstrip(self.rstrip)
            .single_word(self.single_word)
            .normalized(self.normalized.unwrap_or(!special))
    }
}

impl Named {
    pub(super) fn text(&self) -> &str {
        match self {
            Named::Text(text) => text,
            Named::Token(added) => &added.content,
        }
    }

    pub(super) fn token(&self) -> AddedToken {
        match self {
            Named::Text(text) => AddedToken::from(text.as_str(), true),
            Named::Token(added) => added.token(true),
        }
    }
}

impl TokenizerConfig {
    pub(super) fn role(&self, role: SpecialRole) -> Option<&Named> {
        match role {
            SpecialRole::Pad => self.pad_token.as_ref(),
            SpecialRole::Unk => self.unk_token.as_ref(),
            SpecialRole::Cls => self.cls_token.as_ref(),
            SpecialRole::Sep => self.sep_token.as_ref(),
            SpecialRole::Mask => self.mask_token.as_ref(),
            SpecialRole::Bos => self.bos_token.as_ref(),
            SpecialRole::Eos => self.eos_token.as_ref(),
        }
    }

    fn role_mut(&mut self, role: SpecialRole) -> &mut Option<Named> {
        match role {
            SpecialRole::Pad => &mut self.pad_token,
            SpecialRole::Unk => &mut self.unk_token,
            SpecialRole::Cls => &mut self.cls_token,
            SpecialRole::Sep => &mut self.sep_token,
            SpecialRole::Mask => &mut self.mask_token,
            SpecialRole::Bos => &mut self.bos_token,
            SpecialRole::Eos => &mut self.eos_token,
        }
    }

    pub(super) fn set_default(&mut self, role: SpecialRole, text: &str) {
        self.role_mut(role).get_or_insert_with(|| Named::Text(text.to_owned()));
    }

    pub(super) fn max_length(&self) -> Option<usize> {
        self.model_max_length.filter(|&n| (1.0..NO_LIMIT).contains(&n)).map(|n| n as usize)
    }
}

/// What is used of a model's `config.json`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ModelConfig {
    pub(super) model_type: Option<String>,
}

/// The configuration in a folder: `tokenizer_config.json`, completed by `special_tokens_map.json`
/// and `added_tokens.json`.
pub(super) fn read_configs(folder: &Path) -> Result<(TokenizerConfig, ModelConfig)> {
    let mut config: TokenizerConfig =
        read_json(&folder.join("tokenizer_config.json"))?.unwrap_or_default();
    let mut map: TokenizerConfig =
        read_json(&folder.join("special_tokens_map.json"))?.unwrap_or_default();
    for role in SpecialRole::ALL {
        if config.role(role).is_none() {
            *config.role_mut(role) = map.role_mut(role).take();
        }
    }
    if config.additional_special_tokens.is_none() {
        config.additional_special_tokens = map.additional_special_tokens;
    }
    // The older way to list them.
    let listed: BTreeMap<String, u32> =
        read_json(&folder.join("added_tokens.json"))?.unwrap_or_default();
    for (content, id) in listed {
        config.added_tokens_decoder.entry(id).or_insert_with(|| Added::plain(content));
    }
    let model = read_json(&folder.join("config.json"))?.unwrap_or_default();
    Ok((config, model))
}

/// A JSON file, if it is there.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    if !path.exists() {
        return Ok(None);
    }
    let text = read_text(path)?;
    serde_json::from_str(&text).map(Some).map_err(|e| bad_json(path, &e))
}

/// The error of a JSON file that cannot be read.
pub(super) fn bad_json(path: &Path, error: &serde_json::Error) -> Error {
    let line = u64::try_from(error.line()).ok().filter(|&line| line > 0);
    let why = if error.is_eof() {
        format!("the file ends early ({error}); it was cut short, copy it again")
    } else {
        format!("not the JSON expected here: {error}")
    };
    Error::format(path, line, why)
}

/// A text file, which has to be UTF-8.
pub(super) fn read_text(path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(Error::io(path))?;
    String::from_utf8(bytes).map_err(|e| {
        let valid = e.utf8_error().valid_up_to();
        let line = 1 + memchr::memchr_iter(b'\n', &e.as_bytes()[..valid]).count() as u64;
        Error::format(path, Some(line), "not UTF-8; save it as UTF-8")
    })
}
