//! The operation in burn's own terms.

use burn::tensor::{Tensor, activation as burn_activation};

use super::Activation;

/// See [`super::linear`].
pub(super) fn linear(
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    activation: Activation,
) -> Tensor<2> {
    let product = x.matmul(weight.transpose());
    let sum = match bias {
        Some(bias) => product + bias.unsqueeze(),
        None => product,
    };
    activate(sum, activation)
}

pub(super) fn activate(x: Tensor<2>, activation: Activation) -> Tensor<2> {
    match activation {
        Activation::Identity => x,
        Activation::Gelu => burn_activation::gelu(x),
        Activation::GeluTanh => burn_activation::gelu_approximate(x),
        Activation::Relu => burn_activation::relu(x),
        Activation::Silu => burn_activation::silu(x),
        Activation::Tanh => x.tanh(),
    }
}
