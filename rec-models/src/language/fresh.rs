//! Models from nothing: a family, its sizes and a tokenizer.

use std::path::Path;

use burn::tensor::Device;
use rec_core::text::{SpecialRole, Tokenizer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::config::ConfigFile;
use super::encoder::publish::{check_free, whole};
use super::{
    CausalConfig, CausalModel, ElectraForPreTraining, ElectraPair, EncoderConfig, EncoderModel,
    MaskedLmModel,
};
use crate::{Error, Result};

/// Families whose models read texts both ways: they predict tokens behind a mask, ELECTRA's tell which
/// were replaced.
const ENCODERS: [&str; 5] = ["bert", "roberta", "distilbert", "albert", "electra"];
/// Families whose models predict the next token.
const CAUSAL: [&str; 4] = ["gpt2", "llama", "qwen2", "qwen3"];

fn families() -> impl Iterator<Item = &'static str> {
    ENCODERS.into_iter().chain(CAUSAL)
}

/// The sizes of a model to be trained from scratch, by one name whatever the family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewModel {
    /// `bert`, `roberta`, `distilbert`, `albert`, `electra`, `gpt2`, `llama`, `qwen2` or `qwen3`.
    pub family: String,
    /// Columns of a hidden vector.
    pub hidden_size: usize,
    /// Layers.
    pub n_layers: usize,
    /// Heads of attention; they share the columns out evenly.
    pub n_heads: usize,
    /// Columns within the feed-forward step; `4 · hidden_size` where none are given.
    pub intermediate_size: Option<usize>,
    /// Tokens a text may have.
    pub max_len: usize,
    /// Fields of the family's own `config.json` in place of its defaults.
    pub config: Map<String, Value>,
}

impl Default for NewModel {
    /// A small GPT-2: 4 layers of 256 columns and 4 heads, 256 tokens.
    fn default() -> Self {
        Self {
            family: "gpt2".into(),
            hidden_size: 256,
            n_layers: 4,
            n_heads: 4,
            intermediate_size: None,
            max_len: 256,
            config: Map::new(),
        }
    }
}

impl NewModel {
    /// Draws a model's first values and writes it, with the tokenizer whose vocabulary it has, to
    /// `to`, whole or not at all.
    ///
    /// # Errors
    /// A family that is not known, sizes that no model can have, a field that the family does not
    /// take, a `to` that holds files, and where the disk refuses.
    pub fn write(&self, tokenizer: &Tokenizer, to: &Path, seed: u64) -> Result<()> {
        check_free(to)?;
        let config = ConfigFile::given(self.fields(tokenizer)?);
        let device = Device::flex();
        let publish = |save: &dyn Fn(&Path) -> Result<()>| {
            whole(to, |folder| {
                save(folder)?;
                tokenizer.save_folder(folder)
            })
        };
        if CAUSAL.contains(&self.family.as_str()) {
            let model = CausalModel::init(&CausalConfig::of(&config)?, &device, seed)?;
            return publish(&|folder| model.save(folder));
        }
        match EncoderModel::init(EncoderConfig::of(&config)?, &device, seed)? {
            EncoderModel::Electra(electra) => {
                let discriminator = ElectraForPreTraining::with_new_head(electra, seed);
                let pair = ElectraPair::with_new_generator(discriminator, seed)?;
                publish(&|folder| pair.save(folder))
            }
            encoder => {
                let model = MaskedLmModel::with_new_head(encoder, seed);
                publish(&|folder| model.save(folder))
            }
        }
    }

    /// The fields of `config.json`.
    fn fields(&self, tokenizer: &Tokenizer) -> Result<Map<String, Value>> {
        let counts = [
            ("hidden_size", self.hidden_size),
            ("n_layers", self.n_layers),
            ("n_heads", self.n_heads),
            ("max_len", self.max_len),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, count)| *count == 0) {
            return Err(Error::parameter(*name, 0, "choose 1 or more"));
        }
        let special = tokenizer.special_tokens();
        let id = |role| special.get(role).map(|token| token.id);
        let mut fields = self.sizes(id(SpecialRole::Pad))?;
        fields.insert("model_type".into(), json!(self.family));
        fields.insert("vocab_size".into(), json!(tokenizer.vocab_size()));
        for (name, role) in [
            ("pad_token_id", SpecialRole::Pad),
            ("bos_token_id", SpecialRole::Bos),
            ("eos_token_id", SpecialRole::Eos),
        ] {
            fields.insert(name.into(), json!(id(role)));
        }
        fields.extend(self.config.clone());
        Ok(fields)
    }

    /// The sizes under the names that the family has for them.
    fn sizes(&self, padding: Option<u32>) -> Result<Map<String, Value>> {
        let (d, layers, heads) = (self.hidden_size, self.n_layers, self.n_heads);
        let (inner, len) = (self.intermediate_size.unwrap_or(4 * d), self.max_len);
        let fields = match self.family.as_str() {
            "gpt2" => json!({
                "n_embd": d, "n_layer": layers, "n_head": heads, "n_inner": inner,
                "n_positions": len,
            }),
            "distilbert" => json!({
                "dim": d, "n_layers": layers, "n_heads": heads, "hidden_dim": inner,
                "max_position_embeddings": len,
            }),
            family => {
                // RoBERTa's positions begin after the padding's id.
                let before =
                    if family == "roberta" { padding.map_or(0, |id| id as usize + 1) } else { 0 };
                let mut fields = json!({
                    "hidden_size": d, "num_hidden_layers": layers, "num_attention_heads": heads,
                    "intermediate_size": inner, "max_position_embeddings": len + before,
                });
                if CAUSAL.contains(&family) {
                    fields["num_key_value_heads"] = json!(heads);
                    fields["tie_word_embeddings"] = json!(true);
                    if family == "qwen3" {
                        fields["head_dim"] = json!(d / heads);
                    }
                } else if !ENCODERS.contains(&family) {
                    let known = families().collect::<Vec<_>>().join(", ");
                    return Err(Error::parameter("family", family, format!("choose of {known}")));
                }
                fields
            }
        };
        match fields {
            Value::Object(fields) => Ok(fields),
            _ => Ok(Map::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::DType;
    use rec_core::text::{TokenizerModel, TrainOptions};

    use super::*;
    use crate::language::Backbone;

    fn tokenizer() -> Tokenizer {
        let options = TrainOptions::new(TokenizerModel::WordPiece).vocab_size(60);
        Tokenizer::train(["这款手机很好", "我要买鞋子"], options).unwrap()
    }

    #[test]
    fn every_family_has_the_sizes_asked_for() {
        let (out, tokenizer) = (tempfile::tempdir().unwrap(), tokenizer());
        for family in families() {
            let new = NewModel {
                family: family.into(),
                hidden_size: 24,
                n_layers: 1,
                n_heads: 3,
                max_len: 17,
                ..NewModel::default()
            };
            let to = out.path().join(family);
            new.write(&tokenizer, &to, 1).unwrap();
            let device = Device::flex();
            let sizes =
                |model: &dyn Backbone| (model.hidden_size(), model.max_len(), model.vocab_size());
            let got = match CAUSAL.contains(&family) {
                true => sizes(&CausalModel::load(&to, &device, DType::F32).unwrap().0),
                false => sizes(&EncoderModel::load(&to, &device, DType::F32).unwrap().0),
            };
            assert_eq!(got, (24, Some(17), tokenizer.vocab_size()), "{family}");
            assert_eq!(Tokenizer::from_folder(&to).unwrap().vocab_size(), tokenizer.vocab_size());
        }
    }

    #[test]
    fn what_no_model_can_have_is_refused() {
        let (out, tokenizer) = (tempfile::tempdir().unwrap(), tokenizer());
        let refused = |change: fn(&mut NewModel)| {
            let mut new = NewModel::default();
            change(&mut new);
            let to = out.path().join("new");
            let message = new.write(&tokenizer, &to, 1).unwrap_err().to_string();
            assert!(!to.exists());
            message
        };
        assert!(refused(|new| new.family = "lstm".into()).contains("qwen3"));
        assert!(refused(|new| new.n_heads = 0).contains("n_heads"));
        assert!(refused(|new| new.n_heads = 7).contains("n_head"));
        let odd = |new: &mut NewModel| {
            new.config.insert("activation_function".into(), json!("mish"));
        };
        assert!(refused(odd).contains("mish"));
    }
}
