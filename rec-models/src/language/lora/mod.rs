//! Low-rank adapters of linear layers (Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language
//! Models").
//!
//! A model gets adapters while it is loaded ([`Adapters`]), and learns by them alone: the weights
//! they adapt stay as they are. They are saved apart in the layout of `peft`
//! ([`LoraConfig::save`]), or added to the weights ([`LoraConfig::merge`]).

mod config;
mod folder;
mod merge;
mod plan;
#[cfg(test)]
mod tests;

pub use config::LoraConfig;
pub use folder::Card;
pub use merge::has_adapters;
pub(super) use merge::hold_base;
pub use plan::Adapters;
pub(super) use plan::Plan;

use burn::module::{Module, Param};
use burn::tensor::Tensor;

use crate::ops::{self, Activation};

/// `s B A x`, which is added to a linear layer's `W x` (eq. 3).
#[derive(Module, Debug)]
pub struct Lora {
    /// `A`: `[rank, d_in]`.
    pub a: Param<Tensor<2>>,
    /// `B`: `[d_out, rank]`; zero at first, so that the model starts as it was.
    pub b: Param<Tensor<2>>,
    scale: f64,
}

impl Lora {
    /// `[rows, d_in] → [rows, d_out]`.
    pub(super) fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let narrow = ops::linear(x, self.a.val(), None, Activation::Identity);
        ops::linear(narrow, self.b.val(), None, Activation::Identity) * self.scale
    }

    /// `s B A`: `[d_out, d_in]`.
    fn update(&self) -> Tensor<2> {
        self.b.val().matmul(self.a.val()) * self.scale
    }
}
