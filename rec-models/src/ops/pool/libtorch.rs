//! Pooling by LibTorch.

use burn::backend::LibTorch;
use burn::backend::tensor::FloatTensor;
use tch::{Kind, Tensor};

use super::{Packed, PoolKernels, Reduction};
use crate::ops::libtorch::wrap;

impl PoolKernels for LibTorch {
    fn forward(x: FloatTensor<Self>, rows: &Packed, reduction: Reduction) -> FloatTensor<Self> {
        let _no_grad = tch::no_grad_guard();
        match reduction {
            Reduction::Mean => wrap(mean(&x.tensor, rows)),
            Reduction::Max => wrap(largest(&x.tensor, rows).0),
        }
    }

    fn backward(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        rows: &Packed,
        reduction: Reduction,
    ) -> FloatTensor<Self> {
        let _no_grad = tch::no_grad_guard();
        let (grad, x) = (&grad.tensor, &x.tensor);
        match reduction {
            Reduction::Mean => {
                let shares = grad / counts(rows, grad);
                wrap(shares.index_select(0, &owners(rows, x)))
            }
            Reduction::Max => {
                let out = x.zeros_like();
                let (_, places) = largest(x, rows);
                let filled = lengths(rows).gt(0).to_device(x.device());
                let grad = grad * filled.unsqueeze(1).to_kind(grad.kind());
                wrap(out.scatter_add(0, &places, &grad))
            }
        }
    }
}

fn lengths(rows: &Packed) -> Tensor {
    let lengths: Vec<i64> = rows.ranges().map(|range| range.len() as i64).collect();
    Tensor::from_slice(&lengths)
}

/// `[sequences, 1]`, at least 1 each, of `like`'s type.
fn counts(rows: &Packed, like: &Tensor) -> Tensor {
    lengths(rows).clamp_min(1).unsqueeze(1).to_device(like.device()).to_kind(like.kind())
}

/// The sequence of every row.
fn owners(rows: &Packed, like: &Tensor) -> Tensor {
    let numbered = rows.ranges().enumerate();
    let owners: Vec<i64> =
        numbered.flat_map(|(i, range)| std::iter::repeat_n(i as i64, range.len())).collect();
    Tensor::from_slice(&owners).to_device(like.device())
}

/// Summed in single precision, whatever `x` is.
fn mean(x: &Tensor, rows: &Packed) -> Tensor {
    let sums = Tensor::zeros([rows.len() as i64, x.size()[1]], (Kind::Float, x.device()));
    let sums = sums.index_add(0, &owners(rows, x), &x.to_kind(Kind::Float));
    (&sums / counts(rows, &sums)).to_kind(x.kind())
}

/// Each sequence's largest values, and the rows that hold them: `[sequences, d]` both.
fn largest(x: &Tensor, rows: &Packed) -> (Tensor, Tensor) {
    let d = x.size()[1];
    let mut values = Vec::with_capacity(rows.len());
    let mut places = Vec::with_capacity(rows.len());
    for range in rows.ranges() {
        if range.is_empty() {
            values.push(Tensor::zeros([d], (x.kind(), x.device())));
            places.push(Tensor::zeros([d], (Kind::Int64, x.device())));
            continue;
        }
        let (value, place) = x.narrow(0, range.start as i64, range.len() as i64).max_dim(0, false);
        values.push(value);
        places.push(place + range.start as i64);
    }
    if values.is_empty() {
        let none = Tensor::zeros([0, d], (Kind::Int64, x.device()));
        return (x.narrow(0, 0, 0), none);
    }
    (Tensor::stack(&values, 0), Tensor::stack(&places, 0))
}
