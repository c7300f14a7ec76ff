//! Dropout that can be repeated.

mod draw;
mod flex;
#[cfg(feature = "libtorch")]
mod libtorch;
mod portable;
#[cfg(test)]
mod tests;

pub(crate) use draw::{Draw, GOLDEN, hash};

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::has_kernels;

/// What is dropped: nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Dropout {
    /// The share, from 0 to below 1.
    pub probability: f64,
    /// The same seed drops the same.
    pub seed: u64,
}

/// Zeroes numbers with a probability and divides the others by its complement (Srivastava et al.
/// 2014, scaled while training): `[rows, d] → [rows, d]`.
///
/// What is dropped is a hash of seed, row and column: nothing is kept for the backward step, which
/// draws it again, and every device and number of threads drops the same.
pub fn dropout(x: Tensor<2>, dropout: Dropout) -> Tensor<2> {
    if dropout.probability == 0.0 {
        return x;
    }
    if !has_kernels(&x) {
        return portable::dropout(x, dropout);
    }
    Tensor::from_dispatch(<Dispatch as DropoutOp>::dropout_op(x.into_dispatch(), dropout))
}

/// The kernel of one backend.
pub trait DropoutKernels: Backend {
    /// See [`dropout`].
    fn drop(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self>;
}

/// The operation as burn sees it.
#[backend_extension(Flex, LibTorch: cfg(feature = "libtorch"), Autodiff)]
pub trait DropoutOp: Backend {
    /// See [`dropout`].
    fn dropout_op(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self>;
}

impl DropoutOp for burn::backend::Flex {
    fn dropout_op(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self> {
        Self::drop(x, dropout)
    }
}

#[cfg(feature = "libtorch")]
impl DropoutOp for burn::backend::LibTorch {
    fn dropout_op(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self> {
        Self::drop(x, dropout)
    }
}

#[derive(Debug)]
struct DropoutBackward;

impl<B: DropoutKernels> Backward<B, 1> for DropoutBackward {
    type State = Dropout;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        if let Some(node) = &ops.parents[0] {
            grads.register::<B>(node.id, B::drop(grad, ops.state));
        }
    }
}

impl<B: DropoutKernels + DropoutOp, C: CheckpointStrategy> DropoutOp for Autodiff<B, C> {
    fn dropout_op(x: FloatTensor<Self>, dropout: Dropout) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        match Backward::<B, 1>::prepare::<C>(DropoutBackward, [node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(dropout, B::drop(x, dropout)),
            OpsKind::UnTracked(prepared) => prepared.finish(B::drop(x, dropout)),
        }
    }
}
