//! One vector a sequence from the vectors of its rows.

mod flex;
#[cfg(feature = "libtorch")]
mod libtorch;
mod portable;
#[cfg(test)]
mod tests;

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::{Packed, has_kernels};

/// How rows become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// Their mean, a column at a time.
    Mean,
    /// Their largest value, a column at a time; on ties the first row's gets the gradient.
    Max,
}

/// `[rows, d] → [sequences, d]`. A sequence without rows gives zeros.
pub fn pool(x: Tensor<2>, rows: &Packed, reduction: Reduction) -> Tensor<2> {
    if !has_kernels(&x) {
        return portable::pool(x, rows, reduction);
    }
    let x = x.into_dispatch();
    Tensor::from_dispatch(<Dispatch as PoolOp>::pool_op(x, rows.clone(), reduction))
}

/// The kernels of one backend.
pub trait PoolKernels: Backend {
    /// See [`pool`].
    fn forward(x: FloatTensor<Self>, rows: &Packed, reduction: Reduction) -> FloatTensor<Self>;

    /// The gradient of `x` from that of the output.
    fn backward(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        rows: &Packed,
        reduction: Reduction,
    ) -> FloatTensor<Self>;
}

/// The operation as burn sees it.
#[backend_extension(Flex, LibTorch: cfg(feature = "libtorch"), Autodiff)]
pub trait PoolOp: Backend {
    /// See [`pool`].
    fn pool_op(x: FloatTensor<Self>, rows: Packed, reduction: Reduction) -> FloatTensor<Self>;
}

macro_rules! pool_op {
    ($backend:ty) => {
        impl PoolOp for $backend {
            fn pool_op(
                x: FloatTensor<Self>,
                rows: Packed,
                reduction: Reduction,
            ) -> FloatTensor<Self> {
                Self::forward(x, &rows, reduction)
            }
        }
    };
}
pool_op!(burn::backend::Flex);
#[cfg(feature = "libtorch")]
pool_op!(burn::backend::LibTorch);

#[derive(Debug)]
struct PoolBackward;

impl<B: PoolKernels> Backward<B, 1> for PoolBackward {
    type State = (FloatTensor<B>, Packed, Reduction);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let (x, rows, reduction) = ops.state;
        if let [Some(node)] = ops.parents {
            grads.register::<B>(node.id, B::backward(grad, x, &rows, reduction));
        }
    }
}

impl<B: PoolKernels + PoolOp, C: CheckpointStrategy> PoolOp for Autodiff<B, C> {
    fn pool_op(x: FloatTensor<Self>, rows: Packed, reduction: Reduction) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        match Backward::<B, 1>::prepare::<C>(PoolBackward, [node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let output = B::forward(x.clone(), &rows, reduction);
                prepared.finish((x, rows, reduction), output)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::forward(x, &rows, reduction)),
        }
    }
}
