//! The operations in burn's own terms.

use burn::tensor::Tensor;

/// See [`super::layer_norm`].
pub(super) fn layer_norm(
    x: Tensor<2>,
    residual: Option<Tensor<2>>,
    weight: Tensor<1>,
    bias: Option<Tensor<1>>,
    epsilon: f64,
) -> Tensor<2> {
    let sum = match residual {
        Some(residual) => x + residual,
        None => x,
    };
    let centred = sum.clone() - sum.mean_dim(1);
    let variance = centred.clone().powf_scalar(2.0).mean_dim(1);
    let scaled = centred / (variance + epsilon).sqrt() * weight.unsqueeze();
    match bias {
        Some(bias) => scaled + bias.unsqueeze(),
        None => scaled,
    }
}

/// See [`super::rms_norm`].
pub(super) fn rms_norm(x: Tensor<2>, weight: Tensor<1>, epsilon: f64) -> Tensor<2> {
    let mean_square = x.clone().powf_scalar(2.0).mean_dim(1);
    x / (mean_square + epsilon).sqrt() * weight.unsqueeze()
}
