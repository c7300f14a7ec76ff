//! A tensor that an operation may do without.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, ExtensionType};
use burn::tensor::Tensor;

/// An optional float tensor, as backend extensions take it.
#[derive(ExtensionType)]
pub enum Maybe<B: Backend> {
    /// The tensor.
    Given(FloatTensor<B>),
    /// No tensor.
    Absent,
}

impl<B: Backend> Maybe<B> {
    /// The tensor, if given.
    pub fn into_option(self) -> Option<FloatTensor<B>> {
        match self {
            Self::Given(tensor) => Some(tensor),
            Self::Absent => None,
        }
    }
}

/// The operand of an extension for an optional tensor.
pub(super) fn operand<const D: usize>(tensor: Option<Tensor<D>>) -> Maybe<burn::backend::Dispatch> {
    match tensor {
        Some(tensor) => Maybe::Given(tensor.into_dispatch()),
        None => Maybe::Absent,
    }
}

/// `updated` with autodiff, or without, as `before` has it: with the same strategy of gradient
/// checkpointing, for burn refuses operands that differ in it.
pub(crate) fn tracked_as<const D: usize, const E: usize>(
    before: &Tensor<E>,
    updated: Tensor<D>,
) -> Tensor<D> {
    match before.gradient_checkpointing_strategy() {
        Some(strategy) => updated.autodiff().with_gradient_checkpointing_strategy(strategy),
        None => updated,
    }
}
