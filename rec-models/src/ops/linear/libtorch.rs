//! Linear by LibTorch.

use burn::backend::LibTorch;
use burn::backend::tensor::FloatTensor;
use tch::Tensor;

use super::{Activation, LinearGrads, LinearKernels, Wanted};
use crate::ops::libtorch::wrap;

impl LinearKernels for LibTorch {
    fn forward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        activation: Activation,
        keep: bool,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>) {
        let _no_grad = tch::no_grad_guard();
        let mut z = x.tensor.linear(&weight.tensor, bias.as_ref().map(|bias| &bias.tensor));
        if keep && activation != Activation::Identity {
            let y = activate(&z, activation);
            return (wrap(y), Some(wrap(z)));
        }
        activate_in_place(&mut z, activation);
        (wrap(z), None)
    }

    fn backward(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        kept: Option<FloatTensor<Self>>,
        activation: Activation,
        wanted: Wanted,
    ) -> LinearGrads<Self> {
        let _no_grad = tch::no_grad_guard();
        let inner = match &kept {
            Some(z) => activation_backward(&grad.tensor, &z.tensor, activation),
            None => grad.tensor.shallow_clone(),
        };
        LinearGrads {
            x: wanted.x.then(|| wrap(inner.matmul(&weight.tensor))),
            weight: wanted.weight.then(|| wrap(inner.tr().matmul(&x.tensor))),
            bias: wanted.bias.then(|| wrap(inner.sum_dim_intlist([0i64].as_slice(), false, None))),
        }
    }
}

fn activate(z: &Tensor, activation: Activation) -> Tensor {
    match activation {
        Activation::Identity => z.shallow_clone(),
        Activation::Gelu => z.gelu("none"),
        Activation::GeluTanh => z.gelu("tanh"),
        Activation::Relu => z.relu(),
        Activation::Silu => z.silu(),
        Activation::Tanh => z.tanh(),
    }
}

fn activate_in_place(z: &mut Tensor, activation: Activation) {
    let _ = match activation {
        Activation::Identity => return,
        Activation::Gelu => z.gelu_("none"),
        Activation::GeluTanh => z.gelu_("tanh"),
        Activation::Relu => z.relu_(),
        Activation::Silu => z.silu_(),
        Activation::Tanh => z.tanh_(),
    };
}

fn activation_backward(grad: &Tensor, z: &Tensor, activation: Activation) -> Tensor {
    match activation {
        Activation::Identity => grad.shallow_clone(),
        Activation::Gelu => z.gelu_backward(grad, "none"),
        Activation::GeluTanh => z.gelu_backward(grad, "tanh"),
        Activation::Relu => z.threshold_backward(grad, 0.0),
        Activation::Silu => z.silu_backward(grad),
        Activation::Tanh => Tensor::tanh_backward(grad, &z.tanh()),
    }
}
