//! Rows of a table by index, and gradients that touch only those.

mod flex;
#[cfg(feature = "libtorch")]
mod libtorch;
mod portable;
#[cfg(test)]
mod tests;
mod touched;

pub use touched::TouchedRows;

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Int, Tensor};

use super::has_kernels;

/// Rows `ids` of `table`: `[rows, d], [n] → [n, d]`. An id must be in `0..rows`.
///
/// The gradient of the table is dense, `[rows, d]`, its sums in the order of `ids` at any number of
/// threads. For a table much larger than a batch see [`TouchedRows`].
pub fn embedding(table: Tensor<2>, ids: Tensor<1, Int>) -> Tensor<2> {
    if !has_kernels(&table) {
        return portable::embedding(table, ids);
    }
    Tensor::from_dispatch(<Dispatch as EmbeddingOp>::embedding_op(
        table.into_dispatch(),
        ids.into_dispatch(),
    ))
}

/// The kernels of one backend.
pub trait EmbeddingKernels: Backend {
    /// The rows.
    fn forward(table: FloatTensor<Self>, ids: &IntTensor<Self>) -> FloatTensor<Self>;

    /// The gradient of a table of `rows`.
    fn backward(grad: FloatTensor<Self>, ids: &IntTensor<Self>, rows: usize) -> FloatTensor<Self>;

    /// How many rows a table has.
    fn rows(table: &FloatTensor<Self>) -> usize;
}

/// The operation as burn sees it.
#[backend_extension(Flex, LibTorch: cfg(feature = "libtorch"), Autodiff)]
pub trait EmbeddingOp: Backend {
    /// See [`embedding`].
    fn embedding_op(table: FloatTensor<Self>, ids: IntTensor<Self>) -> FloatTensor<Self>;
}

macro_rules! embedding_op {
    ($backend:ty) => {
        impl EmbeddingOp for $backend {
            fn embedding_op(table: FloatTensor<Self>, ids: IntTensor<Self>) -> FloatTensor<Self> {
                <Self as EmbeddingKernels>::forward(table, &ids)
            }
        }
    };
}
embedding_op!(burn::backend::Flex);
#[cfg(feature = "libtorch")]
embedding_op!(burn::backend::LibTorch);

#[derive(Debug)]
struct EmbeddingBackward {
    rows: usize,
}

impl<B: EmbeddingKernels> Backward<B, 1> for EmbeddingBackward {
    type State = IntTensor<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let [parent] = ops.parents;
        if let Some(node) = parent {
            let gradient = <B as EmbeddingKernels>::backward(grad, &ops.state, self.rows);
            grads.register::<B>(node.id, gradient);
        }
    }
}

impl<B: EmbeddingKernels + EmbeddingOp, C: CheckpointStrategy> EmbeddingOp for Autodiff<B, C> {
    fn embedding_op(table: FloatTensor<Self>, ids: IntTensor<Self>) -> FloatTensor<Self> {
        let (table, node) = table.into_parts();
        let step = EmbeddingBackward { rows: B::rows(&table) };
        let out = <B as EmbeddingKernels>::forward(table, &ids);
        match Backward::<B, 1>::prepare::<C>(step, [node]).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(ids, out),
            OpsKind::UnTracked(prepared) => prepared.finish(out),
        }
    }
}
