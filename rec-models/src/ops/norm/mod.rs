//! Layer norm of a sum, and root-mean-square norm.

mod backward;
mod flex;
mod kernel;
#[cfg(feature = "libtorch")]
mod libtorch;
mod portable;
#[cfg(test)]
mod tests;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::has_kernels;
use super::maybe::{Maybe, operand};

/// Layer norm (Ba, Kiros & Hinton 2016) of `x`, or of `x + residual`, over the columns:
/// `[rows, d] → [rows, d]`, `(s − mean) / √(variance + ε) ⊙ weight + bias`.
pub fn layer_norm(
    x: Tensor<2>,
    residual: Option<Tensor<2>>,
    weight: Tensor<1>,
    bias: Option<Tensor<1>>,
    epsilon: f64,
) -> Tensor<2> {
    if !has_kernels(&x) {
        return portable::layer_norm(x, residual, weight, bias, epsilon);
    }
    Tensor::from_dispatch(<Dispatch as NormOp>::layer_norm_op(
        x.into_dispatch(),
        operand(residual),
        weight.into_dispatch(),
        operand(bias),
        epsilon,
    ))
}

/// Root-mean-square norm (Zhang & Sennrich 2019) over the columns: `[rows, d] → [rows, d]`,
/// `x / √(mean(x²) + ε) ⊙ weight`.
pub fn rms_norm(x: Tensor<2>, weight: Tensor<1>, epsilon: f64) -> Tensor<2> {
    if !has_kernels(&x) {
        return portable::rms_norm(x, weight, epsilon);
    }
    Tensor::from_dispatch(<Dispatch as NormOp>::rms_norm_op(
        x.into_dispatch(),
        weight.into_dispatch(),
        epsilon,
    ))
}

/// Which norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Less the mean, by the standard deviation.
    Layer,
    /// By the root of the mean square.
    RootMeanSquare,
}

/// Inputs of a norm.
pub struct Inputs<B: Backend> {
    x: FloatTensor<B>,
    residual: Option<FloatTensor<B>>,
    weight: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
}

/// What the backward step needs: the normalised sum as its terms, the weight, and `[rows]` means
/// (layer norm only) and reciprocal deviations.
pub struct Kept<B: Backend> {
    x: FloatTensor<B>,
    residual: Option<FloatTensor<B>>,
    weight: FloatTensor<B>,
    statistics: Option<(Option<FloatTensor<B>>, FloatTensor<B>)>,
    epsilon: f64,
}

/// Gradients of a norm; that of the sum is each term's.
pub struct NormGrads<B: Backend> {
    sum: FloatTensor<B>,
    weight: FloatTensor<B>,
    /// None for [`Kind::RootMeanSquare`].
    bias: Option<FloatTensor<B>>,
}

/// The kernels of one backend.
pub trait NormKernels: Backend {
    /// The norm, and what its backward step needs if `keep`.
    fn forward(
        kind: Kind,
        inputs: Inputs<Self>,
        epsilon: f64,
        keep: bool,
    ) -> (FloatTensor<Self>, Option<Kept<Self>>);

    /// Gradients from that of the output.
    fn backward(kind: Kind, grad: FloatTensor<Self>, kept: Kept<Self>) -> NormGrads<Self>;
}

/// The operations as burn sees them.
#[backend_extension(Flex, LibTorch: cfg(feature = "libtorch"), Autodiff)]
pub trait NormOp: Backend {
    /// See [`layer_norm`].
    fn layer_norm_op(
        x: FloatTensor<Self>,
        #[extension_type] residual: Maybe<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] bias: Maybe<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self>;

    /// See [`rms_norm`].
    fn rms_norm_op(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self>;
}

macro_rules! norm_op {
    ($backend:ty) => {
        impl NormOp for $backend {
            fn layer_norm_op(
                x: FloatTensor<Self>,
                residual: Maybe<Self>,
                weight: FloatTensor<Self>,
                bias: Maybe<Self>,
                epsilon: f64,
            ) -> FloatTensor<Self> {
                let (residual, bias) = (residual.into_option(), bias.into_option());
                Self::forward(Kind::Layer, Inputs { x, residual, weight, bias }, epsilon, false).0
            }

            fn rms_norm_op(
                x: FloatTensor<Self>,
                weight: FloatTensor<Self>,
                epsilon: f64,
            ) -> FloatTensor<Self> {
                let inputs = Inputs { x, residual: None, weight, bias: None };
                Self::forward(Kind::RootMeanSquare, inputs, epsilon, false).0
            }
        }
    };
}
norm_op!(burn::backend::Flex);
#[cfg(feature = "libtorch")]
norm_op!(burn::backend::LibTorch);
