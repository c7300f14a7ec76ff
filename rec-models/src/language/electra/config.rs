//! The config of ELECTRA.

use serde::{Deserialize, Serialize};

use crate::language::bert::BertConfig;
use crate::{Error, Result};

/// The `config.json` of an ELECTRA: BERT's fields, and the width of its embeddings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ElectraConfig {
    /// Columns of the embeddings; a linear layer brings them to `hidden_size` where they differ.
    pub embedding_size: usize,
    /// All else.
    #[serde(flatten)]
    pub bert: BertConfig,
}

impl Default for ElectraConfig {
    /// ELECTRA-Small: 12 layers of 256 columns, embeddings of 128.
    fn default() -> Self {
        let bert = BertConfig {
            model_type: "electra".into(),
            hidden_size: 256,
            num_attention_heads: 4,
            intermediate_size: 1024,
            ..BertConfig::default()
        };
        Self { embedding_size: 128, bert }
    }
}

impl ElectraConfig {
    /// The generator of a discriminator of this config: as many layers, a quarter of the width and
    /// of the heads (Clark et al. 2020, table 6), the same embeddings.
    #[must_use]
    pub fn generator(&self) -> Self {
        let bert = &self.bert;
        let heads = (bert.num_attention_heads / 4).max(1);
        let columns = (bert.hidden_size / 4 / heads).max(1);
        let bert = BertConfig {
            hidden_size: columns * heads,
            num_attention_heads: heads,
            intermediate_size: (bert.intermediate_size / 4).max(1),
            ..bert.clone()
        };
        Self { bert, ..*self }
    }

    /// # Errors
    /// A field outside what the model can be.
    pub(in crate::language) fn check(&self) -> Result<()> {
        self.bert.check()?;
        match self.embedding_size {
            0 => Err(Error::parameter("embedding_size", 0, "must be at least 1")),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::config::ConfigFile;

    #[test]
    fn fields_are_read_and_written_beside_those_of_bert() {
        let given = serde_json::json!({
            "model_type": "electra", "embedding_size": 12, "hidden_size": 20,
            "num_attention_heads": 2, "summary_type": "first",
        });
        let file = ConfigFile::given(given.as_object().unwrap().clone());
        let config: ElectraConfig = file.over(&ElectraConfig::default()).unwrap();
        assert_eq!((config.embedding_size, config.bert.hidden_size), (12, 20));
        let written = serde_json::to_value(&config).unwrap();
        assert_eq!(written["embedding_size"], 12);
        assert_eq!(written["summary_type"], "first");
        assert_eq!(written["intermediate_size"], 1024);
    }

    #[test]
    fn a_generator_is_a_quarter_as_wide() {
        let small = ElectraConfig::default().generator();
        let bert = &small.bert;
        assert_eq!((bert.hidden_size, bert.num_attention_heads), (64, 1));
        assert_eq!((bert.intermediate_size, small.embedding_size), (256, 128));
        let mut odd = ElectraConfig::default();
        (odd.bert.hidden_size, odd.bert.num_attention_heads) = (100, 10);
        let odd = odd.generator();
        odd.check().unwrap();
        assert_eq!((odd.bert.hidden_size, odd.bert.num_attention_heads), (24, 2));
        let none = ElectraConfig { embedding_size: 0, ..ElectraConfig::default() };
        assert!(none.check().unwrap_err().to_string().contains("embedding_size"));
    }
}
