//! The operation in burn's own terms.

use burn::tensor::{Tensor, TensorData};

use super::{Draw, Dropout};

/// See [`super::dropout`].
pub(super) fn dropout(x: Tensor<2>, dropout: Dropout) -> Tensor<2> {
    let Some(draw) = Draw::new(dropout) else { return x };
    let dims = x.dims();
    let factors = TensorData::new(draw.factors(0, dims), dims);
    let factors = Tensor::from_data(factors, (&x.device(), x.dtype()));
    x * factors
}
