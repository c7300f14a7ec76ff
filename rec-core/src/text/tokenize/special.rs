//! Special tokens by the role they play.

use tokenizers as hf;

/// A token with its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpecialToken {
    /// As the vocabulary spells it.
    pub token: String,
    /// Its id.
    pub id: u32,
}

/// The special tokens of a tokenizer; those it lacks are `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SpecialTokens {
    /// Fills up shorter inputs of a batch.
    pub pad: Option<SpecialToken>,
    /// Stands for what the vocabulary cannot spell.
    pub unk: Option<SpecialToken>,
    /// Begins an input of an encoder.
    pub cls: Option<SpecialToken>,
    /// Ends a text of an encoder's input.
    pub sep: Option<SpecialToken>,
    /// Hides a token in masked language modelling.
    pub mask: Option<SpecialToken>,
    /// Begins a text of a decoder.
    pub bos: Option<SpecialToken>,
    /// Ends a text of a decoder.
    pub eos: Option<SpecialToken>,
}

/// What a special token is for, in the names of `tokenizer_config.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialRole {
    /// `pad_token`
    Pad,
    /// `unk_token`
    Unk,
    /// `cls_token`
    Cls,
    /// `sep_token`
    Sep,
    /// `mask_token`
    Mask,
    /// `bos_token`
    Bos,
    /// `eos_token`
    Eos,
}

impl SpecialRole {
    /// All of them.
    pub const ALL: [SpecialRole; 7] = [
        SpecialRole::Pad,
        SpecialRole::Unk,
        SpecialRole::Cls,
        SpecialRole::Sep,
        SpecialRole::Mask,
        SpecialRole::Bos,
        SpecialRole::Eos,
    ];

    /// The key of `tokenizer_config.json`.
    pub fn key(self) -> &'static str {
        match self {
            SpecialRole::Pad => "pad_token",
            SpecialRole::Unk => "unk_token",
            SpecialRole::Cls => "cls_token",
            SpecialRole::Sep => "sep_token",
            SpecialRole::Mask => "mask_token",
            SpecialRole::Bos => "bos_token",
            SpecialRole::Eos => "eos_token",
        }
    }

    /// The spellings in use, for files that do not tell.
    fn usual(self) -> &'static [&'static str] {
        match self {
            SpecialRole::Pad => &["[PAD]", "<pad>"],
            SpecialRole::Unk => &["[UNK]", "<unk>"],
            SpecialRole::Cls => &["[CLS]"],
            SpecialRole::Sep => &["[SEP]"],
            SpecialRole::Mask => &["[MASK]", "<mask>"],
            SpecialRole::Bos => &["<s>", "<|endoftext|>", "<|begin_of_text|>"],
            SpecialRole::Eos => &["</s>", "<|endoftext|>", "<|end_of_text|>", "<|im_end|>"],
        }
    }
}

impl SpecialTokens {
    /// The token in a role.
    pub fn get(&self, role: SpecialRole) -> Option<&SpecialToken> {
        match role {
            SpecialRole::Pad => self.pad.as_ref(),
            SpecialRole::Unk => self.unk.as_ref(),
            SpecialRole::Cls => self.cls.as_ref(),
            SpecialRole::Sep => self.sep.as_ref(),
            SpecialRole::Mask => self.mask.as_ref(),
            SpecialRole::Bos => self.bos.as_ref(),
            SpecialRole::Eos => self.eos.as_ref(),
        }
    }

    pub(super) fn set(&mut self, role: SpecialRole, token: SpecialToken) {
        let slot = match role {
            SpecialRole::Pad => &mut self.pad,
            SpecialRole::Unk => &mut self.unk,
            SpecialRole::Cls => &mut self.cls,
            SpecialRole::Sep => &mut self.sep,
            SpecialRole::Mask => &mut self.mask,
            SpecialRole::Bos => &mut self.bos,
            SpecialRole::Eos => &mut self.eos,
        };
        *slot = Some(token);
    }

    /// The ids of all of them, each once, in ascending order.
    pub fn ids(&self) -> Vec<u32> {
        let mut ids: Vec<u32> =
            SpecialRole::ALL.iter().filter_map(|&r| self.get(r)).map(|t| t.id).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// The tokens that go by a usual name among the special tokens of a `tokenizer.json`.
    pub(super) fn usual(tokenizer: &hf::Tokenizer) -> Self {
        let added = tokenizer.get_added_vocabulary();
        let mut found = Self::default();
        for role in SpecialRole::ALL {
            let name = role.usual().iter().find(|name| added.is_special_token(name));
            if let Some(token) = name.and_then(|name| look_up(tokenizer, name)) {
                found.set(role, token);
            }
        }
        // An encoder of RoBERTa's kind has `<s>` and `</s>` in both roles.
        if let (Some(_), None) = (&found.mask, &found.cls) {
            found.cls = found.bos.clone().filter(|t| t.token == "<s>");
            found.sep = found.eos.clone().filter(|t| t.token == "</s>");
        }
        found
    }
}

/// A token of the vocabulary with its id.
pub(super) fn look_up(tokenizer: &hf::Tokenizer, token: &str) -> Option<SpecialToken> {
    tokenizer.token_to_id(token).map(|id| SpecialToken { token: token.to_owned(), id })
}
