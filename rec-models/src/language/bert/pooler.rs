//! The vector of a whole text, from its first token.

use burn::module::Module;
use burn::tensor::Tensor;

use crate::Result;
use crate::language::batch::id_tensor;
use crate::language::init::Init;
use crate::language::layers::Linear;
use crate::language::weights::Scope;
use crate::ops::{self, Activation, Packed};

/// `tanh(W first + b)`.
#[derive(Module, Debug)]
#[allow(missing_docs)]
pub struct Pooler {
    pub dense: Linear,
}

impl Pooler {
    /// That of this scope; none where the checkpoint was saved without, which the report says.
    pub(in crate::language) fn load(scope: &Scope, d: usize) -> Result<Option<Self>> {
        let scope = scope.at("dense");
        Ok(Linear::load_wanted(&scope, d, d)?.map(|dense| Self { dense }))
    }

    pub(in crate::language) fn init(init: &mut Init, d: usize) -> Self {
        Self { dense: Linear::init(init, d, d) }
    }

    /// `[tokens, d] → [texts, d]`. No text may be empty.
    pub(in crate::language) fn forward(&self, hidden: Tensor<2>, rows: &Packed) -> Tensor<2> {
        self.dense.activated(first_tokens(hidden, rows), Activation::Tanh)
    }
}

/// The row of each text's first token: `[tokens, d] → [texts, d]`.
pub(in crate::language) fn first_tokens(hidden: Tensor<2>, rows: &Packed) -> Tensor<2> {
    let device = hidden.device();
    ops::embedding(hidden, id_tensor(&rows.starts()[..rows.len()], &device))
}
