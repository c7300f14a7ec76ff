//! RoBERTa (Liu et al. 2019) and XLM-R (Conneau et al. 2020): BERT with positions that start
//! after the padding id, and another head.

mod masked;

use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor};

pub use masked::{LmHead, RobertaForMaskedLm};

use super::batch::{Backbone, Batch};
use super::bert::{BertConfig, Embeddings, Encoder, Pooler, sizes};
use super::init::Init;
use super::save::save_checkpoint;
use super::weights::Scope;
use crate::ops::Packed;
use crate::{Error, Result};

/// `RobertaModel`, `XLMRobertaModel` or `CamembertModel`.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Roberta {
    pub embeddings: Embeddings,
    pub encoder: Encoder,
    pub pooler: Option<Pooler>,
    padding: u32,
    #[module(skip)]
    config: BertConfig,
}

impl Roberta {
    /// From the weights of `scope`.
    ///
    /// # Errors
    /// A weight that is missing or of another shape, a config that is no RoBERTa's.
    pub fn load(scope: &Scope, config: BertConfig) -> Result<Self> {
        let padding = padding(&config)?;
        let (d, epsilon) = (config.hidden_size, config.layer_norm_eps);
        Ok(Self {
            embeddings: Embeddings::load(&scope.at("embeddings"), d, sizes(&config), epsilon)?,
            encoder: Encoder::load(&scope.at("encoder"), &config)?,
            pooler: Pooler::load(&scope.at("pooler"), d)?,
            padding,
            config,
        })
    }

    /// With first values, for training from scratch.
    ///
    /// # Errors
    /// A config that is no RoBERTa's.
    pub fn init(config: BertConfig, device: &Device, seed: u64) -> Result<Self> {
        let padding = padding(&config)?;
        let (d, epsilon) = (config.hidden_size, config.layer_norm_eps);
        let init = &mut Init::new(device, config.initializer_range, seed);
        Ok(Self {
            embeddings: Embeddings::init(init, d, sizes(&config), epsilon, Some(padding)),
            encoder: Encoder::init(init, &config),
            pooler: Some(Pooler::init(init, d)),
            padding,
            config,
        })
    }

    /// What the model is.
    pub fn config(&self) -> &BertConfig {
        &self.config
    }

    /// The pooler's vector of each text, from [`Backbone::hidden`]:
    /// `[tokens, hidden_size] → [texts, hidden_size]`; none where there is no pooler.
    pub fn pooled(&self, hidden: Tensor<2>, rows: &Packed) -> Option<Tensor<2>> {
        Some(self.pooler.as_ref()?.forward(hidden, rows))
    }

    /// Writes a checkpoint folder that `transformers` loads as `RobertaModel` (or `XLMRoberta…`,
    /// `Camembert…`, as the config says).
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        save_checkpoint(folder, &architecture(&self.config, "Model"), &self.config, self)
    }
}

/// The class of `transformers` for a `model_type` of this family.
fn architecture(config: &BertConfig, class: &str) -> String {
    let family = match config.model_type.as_str() {
        "xlm-roberta" => "XLMRoberta",
        "camembert" => "Camembert",
        _ => "Roberta",
    };
    format!("{family}{class}")
}

/// Checks the config and gives the padding id, after which positions start.
fn padding(config: &BertConfig) -> Result<u32> {
    config.check()?;
    let padding = config.pad_token_id.ok_or_else(|| {
        Error::parameter("pad_token_id", "null", "RoBERTa's positions start after it: give it")
    })?;
    if config.max_position_embeddings <= padding as usize + 1 {
        let why = format!("must be more than pad_token_id + 1 = {}", padding + 1);
        return Err(Error::parameter(
            "max_position_embeddings",
            config.max_position_embeddings,
            why,
        ));
    }
    Ok(padding)
}

/// Tokens count from the padding id's next; padding in a text stays where it is and is not
/// counted.
fn positions(batch: &Batch, padding: u32) -> Vec<u32> {
    let mut positions = Vec::with_capacity(batch.ids.len());
    for range in batch.rows.ranges() {
        let mut last = padding;
        positions.extend(batch.ids[range].iter().map(|&id| {
            if id == padding {
                return padding;
            }
            last += 1;
            last
        }));
    }
    positions
}

impl Backbone for Roberta {
    fn hidden(&self, batch: &Batch) -> Tensor<2> {
        let x = self.embeddings.forward(batch, &positions(batch, self.padding));
        self.encoder.forward(x, &batch.rows, batch.noise)
    }

    fn hidden_size(&self) -> usize {
        self.config.hidden_size
    }

    fn vocab_size(&self) -> usize {
        self.config.vocab_size
    }

    fn type_vocab_size(&self) -> Option<usize> {
        Some(self.config.type_vocab_size)
    }

    fn max_len(&self) -> Option<usize> {
        Some(self.config.max_position_embeddings - self.padding as usize - 1)
    }

    fn device(&self) -> Device {
        self.embeddings.word_embeddings.weight.device()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_start_after_padding_and_pass_over_it() {
        let batch = Batch::new(&[vec![0, 7, 1, 8], vec![0, 2]]);
        assert_eq!(positions(&batch, 1), [2, 3, 1, 4, 2, 3]);
    }

    #[test]
    fn a_config_without_padding_or_without_room_is_refused() {
        let none = BertConfig { pad_token_id: None, ..BertConfig::roberta() };
        assert!(padding(&none).unwrap_err().to_string().contains("pad_token_id"));
        let small = BertConfig { max_position_embeddings: 2, ..BertConfig::roberta() };
        assert!(padding(&small).unwrap_err().to_string().contains("max_position_embeddings"));
    }
}
