//! Word, position and token type embeddings.

use burn::module::Module;
use burn::tensor::Tensor;

use super::BertConfig;
use crate::Result;
use crate::language::batch::{Batch, id_tensor};
use crate::language::init::Init;
use crate::language::layers::{Embedding, LayerNorm};
use crate::language::weights::Scope;
use crate::ops;

/// Their norm of the sum of three tables' rows.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Embeddings {
    pub word_embeddings: Embedding,
    pub position_embeddings: Embedding,
    pub token_type_embeddings: Embedding,
    pub LayerNorm: LayerNorm,
}

impl Embeddings {
    /// Tables of `d` columns; ALBERT's are narrower than its layers.
    pub(in crate::language) fn load(
        scope: &Scope,
        d: usize,
        [words, positions, types]: [usize; 3],
        epsilon: f64,
    ) -> Result<Self> {
        Ok(Self {
            word_embeddings: Embedding::load(&scope.at("word_embeddings"), words, d)?,
            position_embeddings: Embedding::load(&scope.at("position_embeddings"), positions, d)?,
            token_type_embeddings: Embedding::load(&scope.at("token_type_embeddings"), types, d)?,
            LayerNorm: LayerNorm::load(&scope.at("LayerNorm"), d, epsilon)?,
        })
    }

    pub(in crate::language) fn init(
        init: &mut Init,
        d: usize,
        [words, positions, types]: [usize; 3],
        epsilon: f64,
        padding: Option<u32>,
    ) -> Self {
        Self {
            word_embeddings: Embedding::init(init, words, d, padding.map(|id| id as usize)),
            position_embeddings: Embedding::init(init, positions, d, None),
            token_type_embeddings: Embedding::init(init, types, d, None),
            LayerNorm: LayerNorm::init(init, d, epsilon),
        }
    }

    /// `positions`: each token's row of the position table. `→ [tokens, d]`.
    pub(in crate::language) fn forward(&self, batch: &Batch, positions: &[u32]) -> Tensor<2> {
        let device = self.word_embeddings.weight.device();
        let words = self.word_embeddings.forward(id_tensor(&batch.ids, &device));
        let position_ids = id_tensor(positions, &device);
        let places = match &batch.type_ids {
            Some(types) => {
                self.position_embeddings.forward(position_ids)
                    + self.token_type_embeddings.forward(id_tensor(types, &device))
            }
            None => {
                // All tokens are of type 0: add its row to each position once, not to each token.
                let used = positions.iter().max().map_or(0, |&last| last as usize + 1);
                let table = self.position_embeddings.weight.val().narrow(0, 0, used)
                    + self.token_type_embeddings.weight.val().narrow(0, 0, 1);
                ops::embedding(table, position_ids)
            }
        };
        batch.noise.hidden(self.LayerNorm.of_sum(words, places))
    }
}

/// The sizes of the tables.
pub(in crate::language) fn sizes(config: &BertConfig) -> [usize; 3] {
    [config.vocab_size, config.max_position_embeddings, config.type_vocab_size]
}
