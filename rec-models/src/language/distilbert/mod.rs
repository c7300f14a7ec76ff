//! DistilBERT (Sanh, Debut, Chaumond & Wolf 2019).
#![allow(non_snake_case)] // fields are named as the weights are

mod config;
mod masked;
mod transformer;

use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, TensorData};

pub use config::DistilBertConfig;
pub use masked::{DistilBertForMaskedLm, VocabProjector};
pub use transformer::{Attention, Block, Ffn, Transformer};

use super::batch::{Backbone, Batch, id_tensor};
use super::init::Init;
use super::layers::{Embedding, LayerNorm};
use super::save::save_checkpoint;
use super::weights::Scope;
use crate::Result;

/// Of every norm; not in the config.
const EPSILON: f64 = 1e-12;

/// `DistilBertModel`.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct DistilBert {
    pub embeddings: Embeddings,
    pub transformer: Transformer,
    #[module(skip)]
    config: DistilBertConfig,
}

impl DistilBert {
    /// From the weights of `scope`.
    ///
    /// # Errors
    /// A weight that is missing or of another shape, a config that is no DistilBERT's.
    pub fn load(scope: &Scope, config: DistilBertConfig) -> Result<Self> {
        config.check()?;
        Ok(Self {
            embeddings: Embeddings::load(&scope.at("embeddings"), &config)?,
            transformer: Transformer::load(&scope.at("transformer"), &config)?,
            config,
        })
    }

    /// With first values, for training from scratch.
    ///
    /// # Errors
    /// A config that is no DistilBERT's.
    pub fn init(config: DistilBertConfig, device: &Device, seed: u64) -> Result<Self> {
        config.check()?;
        let init = &mut Init::new(device, config.initializer_range, seed);
        Ok(Self {
            embeddings: Embeddings::init(init, &config),
            transformer: Transformer::init(init, &config),
            config,
        })
    }

    /// What the model is.
    pub fn config(&self) -> &DistilBertConfig {
        &self.config
    }

    /// Writes a checkpoint folder that `transformers` loads as `DistilBertModel`.
    ///
    /// # Errors
    /// Where the disk refuses.
    pub fn save(&self, folder: &Path) -> Result<()> {
        save_checkpoint(folder, "DistilBertModel", &self.config, self)
    }
}

/// Word and position embeddings.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Embeddings {
    pub word_embeddings: Embedding,
    pub position_embeddings: Embedding,
    pub LayerNorm: LayerNorm,
}

impl Embeddings {
    fn load(scope: &Scope, config: &DistilBertConfig) -> Result<Self> {
        let table = |name: &str, rows| Embedding::load(&scope.at(name), rows, config.dim);
        Ok(Self {
            word_embeddings: table("word_embeddings", config.vocab_size)?,
            position_embeddings: table("position_embeddings", config.max_position_embeddings)?,
            LayerNorm: LayerNorm::load(&scope.at("LayerNorm"), config.dim, EPSILON)?,
        })
    }

    fn init(init: &mut Init, config: &DistilBertConfig) -> Self {
        let (d, places) = (config.dim, config.max_position_embeddings);
        let padding = config.pad_token_id.map(|id| id as usize);
        Self {
            word_embeddings: Embedding::init(init, config.vocab_size, d, padding),
            position_embeddings: if config.sinusoidal_pos_embds {
                sinusoids(places, d, init.device())
            } else {
                Embedding::init(init, places, d, None)
            },
            LayerNorm: LayerNorm::init(init, d, EPSILON),
        }
    }

    fn forward(&self, batch: &Batch) -> Tensor<2> {
        let device = self.word_embeddings.weight.device();
        let words = self.word_embeddings.forward(id_tensor(&batch.ids, &device));
        let places = self.position_embeddings.forward(id_tensor(&batch.positions(0), &device));
        batch.noise.hidden(self.LayerNorm.of_sum(words, places))
    }
}

/// Sines and cosines of the position, column by column in turn (Vaswani et al. 2017, § 3.5).
fn sinusoids(places: usize, d: usize, device: &Device) -> Embedding {
    let angle = |place: usize, column: usize| {
        place as f64 / 10_000f64.powf((2 * (column / 2)) as f64 / d as f64)
    };
    let value = |i: usize| match (i % d) % 2 {
        0 => angle(i / d, i % d).sin() as f32,
        _ => angle(i / d, i % d).cos() as f32,
    };
    let values: Vec<f32> = (0..places * d).map(value).collect();
    let table = Tensor::from_data(TensorData::new(values, [places, d]), device);
    Embedding { weight: Param::from_tensor(table).set_require_grad(false) }
}

impl Backbone for DistilBert {
    fn hidden(&self, batch: &Batch) -> Tensor<2> {
        self.transformer.forward(self.embeddings.forward(batch), &batch.rows, batch.noise)
    }

    fn hidden_size(&self) -> usize {
        self.config.dim
    }

    fn vocab_size(&self) -> usize {
        self.config.vocab_size
    }

    fn max_len(&self) -> Option<usize> {
        Some(self.config.max_position_embeddings)
    }

    fn device(&self) -> Device {
        self.embeddings.word_embeddings.weight.device()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sinusoids_are_those_of_the_paper() {
        let table = sinusoids(3, 4, &Device::flex()).weight.val().into_data();
        let table: Vec<f32> = table.iter().collect();
        let expected = [1f64.sin(), 1f64.cos(), 0.01f64.sin(), 0.01f64.cos()];
        assert_eq!(table[..4], [0.0, 1.0, 0.0, 1.0]);
        for (value, expected) in table[4..8].iter().zip(expected) {
            assert!((f64::from(*value) - expected).abs() < 1e-7);
        }
    }
}
