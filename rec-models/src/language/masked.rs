//! Masked language models: an encoder and a score for every word of the vocabulary.

use burn::tensor::Tensor;

use super::batch::Backbone;
use super::layers::Linear;
use super::weights::Scope;
use crate::Result;
use crate::ops::{self, Activation};

/// An encoder that predicts the tokens behind a mask.
pub trait MaskedLm: Backbone {
    /// What the vocabulary's vectors are multiplied with, of any rows of [`Backbone::hidden`]:
    /// `[n, hidden_size] → [n, d]`. Take only the masked rows: the vocabulary is wide.
    fn mlm_features(&self, hidden: Tensor<2>) -> Tensor<2>;

    /// The vocabulary's vectors and biases: `[vocab_size, d]` and `[vocab_size]`.
    fn mlm_vocabulary(&self) -> (Tensor<2>, Option<Tensor<1>>);

    /// The logits of every token at some rows of [`Backbone::hidden`]:
    /// `[n, hidden_size] → [n, vocab_size]`.
    fn mlm_logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        let (vectors, biases) = self.mlm_vocabulary();
        ops::linear(self.mlm_features(hidden), vectors, biases, Activation::Identity)
    }
}

/// A decoder with weights of its own, where they are not the word embeddings'. Checkpoints often
/// store tied weights twice: then they are passed over.
pub(super) fn untied(scope: &Scope, tied: bool, d: usize, words: usize) -> Result<Option<Linear>> {
    if tied {
        scope.pass_over("weight");
        scope.pass_over("bias");
        return Ok(None);
    }
    Linear::load(&scope.plain(), d, words).map(Some)
}

/// Implements [`Backbone`] for a model by one of its fields.
macro_rules! backbone_of {
    ($model:ty, $field:ident) => {
        impl Backbone for $model {
            fn hidden(&self, batch: &Batch) -> Tensor<2> {
                self.$field.hidden(batch)
            }

            fn hidden_size(&self) -> usize {
                self.$field.hidden_size()
            }

            fn vocab_size(&self) -> usize {
                self.$field.vocab_size()
            }

            fn type_vocab_size(&self) -> Option<usize> {
                self.$field.type_vocab_size()
            }

            fn max_len(&self) -> Option<usize> {
                self.$field.max_len()
            }

            fn device(&self) -> Device {
                self.$field.device()
            }
        }
    };
}
pub(super) use backbone_of;
