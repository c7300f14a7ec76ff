//! The operation in burn's own terms.

use burn::tensor::Tensor;

use super::{Packed, Reduction};

/// See [`super::pool`].
pub(super) fn pool(x: Tensor<2>, rows: &Packed, reduction: Reduction) -> Tensor<2> {
    let d = x.dims()[1];
    let pooled = rows.ranges().map(|range| {
        if range.is_empty() {
            return Tensor::zeros([1, d], (&x.device(), x.dtype()));
        }
        let part = x.clone().narrow(0, range.start, range.len());
        match reduction {
            Reduction::Mean => part.mean_dim(0),
            Reduction::Max => part.max_dim(0),
        }
    });
    let pooled: Vec<Tensor<2>> = pooled.collect();
    if pooled.is_empty() { x.narrow(0, 0, 0) } else { Tensor::cat(pooled, 0) }
}
