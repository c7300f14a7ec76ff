//! Layer norm of a sum, and root-mean-square norm.

mod portable;

use burn::tensor::Tensor;

/// Layer norm (Ba, Kiros & Hinton 2016) of `x`, or of `x + residual`, over the columns:
/// `[rows, d] → [rows, d]`, `(s − mean) / √(variance + ε) ⊙ weight + bias`.
pub fn layer_norm(
    x: Tensor<2>,
    residual: Option<Tensor<2>>,
    weight: Tensor<1>,
    bias: Option<Tensor<1>>,
    epsilon: f64,
) -> Tensor<2> {
    portable::layer_norm(x, residual, weight, bias, epsilon)
}

/// Root-mean-square norm (Zhang & Sennrich 2019) over the columns: `[rows, d] → [rows, d]`,
/// `x / √(mean(x²) + ε) ⊙ weight`.
pub fn rms_norm(x: Tensor<2>, weight: Tensor<1>, epsilon: f64) -> Tensor<2> {
    portable::rms_norm(x, weight, epsilon)
}
