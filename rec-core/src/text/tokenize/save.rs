//! Tokenizers as files that `tokenizers` and `transformers` read.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::special::SpecialRole;
use super::{Tokenizer, refused};
use crate::data::read::write_atomic;
use crate::{Error, Result};

impl Tokenizer {
    /// The text of a `tokenizer.json`, with the truncation and padding it was loaded with.
    ///
    /// # Errors
    /// [`Error::Data`] where the library cannot write the model.
    pub fn to_json(&self) -> Result<String> {
        let mut whole = (*self.inner).clone();
        whole.with_truncation(self.stored.truncation.clone()).map_err(refused("the tokenizer"))?;
        whole.with_padding(self.stored.padding.clone());
        whole.to_string(true).map_err(refused("the tokenizer"))
    }

    /// Writes a `tokenizer.json`, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk refuses.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let text = self.to_json()?;
        write_atomic(path, |w| w.write_all(text.as_bytes()))
    }

    /// Writes a folder that `transformers.AutoTokenizer` reads: `tokenizer.json`, and
    /// `tokenizer_config.json` with the special tokens' roles and the model's length. The folder is
    /// made if need be; each file appears whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk refuses.
    pub fn save_folder(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder).map_err(Error::io(folder))?;
        let mut config = Map::new();
        config.insert("tokenizer_class".into(), json!("PreTrainedTokenizerFast"));
        if let Some(length) = self.model_max_length {
            config.insert("model_max_length".into(), json!(length));
        }
        for role in SpecialRole::ALL {
            if let Some(token) = self.special.get(role) {
                config.insert(role.key().into(), json!(token.token));
            }
        }
        let config = serde_json::to_string_pretty(&Value::Object(config))
            .map_err(|e| Error::data("the configuration", e.to_string()))?;
        let path = folder.join("tokenizer_config.json");
        write_atomic(path, |w| w.write_all(config.as_bytes()))?;
        self.save(folder.join("tokenizer.json"))
    }
}
