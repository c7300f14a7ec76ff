//! Embedding by LibTorch.

use burn::backend::LibTorch;
use burn::backend::tensor::{FloatTensor, IntTensor};
use tch::Tensor;

use super::EmbeddingKernels;
use crate::ops::libtorch::wrap;

impl EmbeddingKernels for LibTorch {
    fn forward(table: FloatTensor<Self>, ids: &IntTensor<Self>) -> FloatTensor<Self> {
        let _no_grad = tch::no_grad_guard();
        wrap(table.tensor.index_select(0, &ids.tensor))
    }

    fn backward(grad: FloatTensor<Self>, ids: &IntTensor<Self>, rows: usize) -> FloatTensor<Self> {
        let _no_grad = tch::no_grad_guard();
        // −1: no row is left out.
        wrap(Tensor::embedding_dense_backward(&grad.tensor, &ids.tensor, rows as i64, -1, false))
    }

    fn rows(table: &FloatTensor<Self>) -> usize {
        table.tensor.size()[0] as usize
    }
}
