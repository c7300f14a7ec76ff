//! Sparse × dense, and what graph networks make of it: propagation along edges.

pub(crate) mod cpu;
mod flex;
#[cfg(feature = "libtorch")]
mod libtorch;
mod portable;
mod sparse;
#[cfg(test)]
mod tests;

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

pub use sparse::Sparse;

use super::has_kernels;

/// `A x`: `[rows, columns] × [columns, d] → [rows, d]`. The matrix is a constant; the gradient of
/// `x` is `Aᵀ` times that of the product.
pub fn spmm(matrix: &Sparse, x: Tensor<2>) -> Tensor<2> {
    apply(matrix, x, Steps::Product)
}

/// `1/(layers + 1) Σ_{k=0..=layers} Aᵏ x`: `[n, n] × [n, d] → [n, d]`, the propagation of LightGCN
/// (He et al. 2020, equations 7 and 8) in one step, with two matrices of room beside the sum. The
/// gradient of `x` is the same propagation, along `Aᵀ`, of that of the mean.
pub fn propagate(matrix: &Sparse, x: Tensor<2>, layers: usize) -> Tensor<2> {
    apply(matrix, x, Steps::Mean { layers })
}

/// What is made of the matrix and its powers.
#[derive(Clone, Copy, Debug)]
pub enum Steps {
    /// `A x`.
    Product,
    /// The mean of `A⁰ x` to `A^layers x`.
    Mean {
        /// The highest power.
        layers: usize,
    },
}

fn apply(matrix: &Sparse, x: Tensor<2>, steps: Steps) -> Tensor<2> {
    assert_eq!(matrix.matrix().n_cols(), x.dims()[0], "rows of the dense matrix");
    if !has_kernels(&x) {
        return portable::steps(matrix, x, steps);
    }
    let x = x.into_dispatch();
    Tensor::from_dispatch(<Dispatch as SpmmOp>::spmm_op(x, matrix.clone(), steps))
}

/// The kernels of one backend.
pub trait SpmmKernels: Backend {
    /// See [`Steps`].
    fn steps(matrix: &Sparse, x: FloatTensor<Self>, steps: Steps) -> FloatTensor<Self>;
}

/// The operation as burn sees it.
#[backend_extension(Flex, LibTorch: cfg(feature = "libtorch"), Autodiff)]
pub trait SpmmOp: Backend {
    /// See [`spmm`] and [`propagate`].
    fn spmm_op(x: FloatTensor<Self>, matrix: Sparse, steps: Steps) -> FloatTensor<Self>;
}

macro_rules! spmm_op {
    ($backend:ty) => {
        impl SpmmOp for $backend {
            fn spmm_op(x: FloatTensor<Self>, matrix: Sparse, steps: Steps) -> FloatTensor<Self> {
                Self::steps(&matrix, x, steps)
            }
        }
    };
}
spmm_op!(burn::backend::Flex);
#[cfg(feature = "libtorch")]
spmm_op!(burn::backend::LibTorch);

#[derive(Debug)]
struct SpmmBackward {
    steps: Steps,
}

impl<B: SpmmKernels> Backward<B, 1> for SpmmBackward {
    type State = Sparse;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let [parent] = ops.parents;
        if let Some(node) = parent {
            grads.register::<B>(node.id, B::steps(&ops.state.transposed(), grad, self.steps));
        }
    }
}

impl<B: SpmmKernels + SpmmOp, C: CheckpointStrategy> SpmmOp for Autodiff<B, C> {
    fn spmm_op(x: FloatTensor<Self>, matrix: Sparse, steps: Steps) -> FloatTensor<Self> {
        let (x, node) = x.into_parts();
        let out = B::steps(&matrix, x, steps);
        match Backward::<B, 1>::prepare::<C>(SpmmBackward { steps }, [node])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => prepared.finish(matrix, out),
            OpsKind::UnTracked(prepared) => prepared.finish(out),
        }
    }
}
