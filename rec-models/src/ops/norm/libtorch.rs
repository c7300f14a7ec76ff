//! The norms by LibTorch. Statistics are in single precision whatever the tensors' type.

use burn::backend::LibTorch;
use burn::backend::tensor::FloatTensor;
use tch::{Kind as Type, Tensor};

use super::{Inputs, Kept, Kind, NormGrads, NormKernels};
use crate::ops::libtorch::wrap;

impl NormKernels for LibTorch {
    fn forward(
        kind: Kind,
        inputs: Inputs<Self>,
        epsilon: f64,
        keep: bool,
    ) -> (FloatTensor<Self>, Option<Kept<Self>>) {
        let _no_grad = tch::no_grad_guard();
        let Inputs { x, residual, weight, bias } = inputs;
        let x = match residual {
            Some(residual) => wrap(x.tensor + residual.tensor),
            None => x,
        };
        let bias = bias.map(|bias| bias.tensor);
        let (y, statistics) = match kind {
            Kind::Layer => (layer_norm(&x.tensor, &weight.tensor, bias.as_ref(), epsilon), None),
            Kind::RootMeanSquare => {
                let (y, reciprocal) = rms_norm(&x.tensor, &weight.tensor, epsilon);
                (y, Some((None, wrap(reciprocal))))
            }
        };
        let kept = keep.then_some(Kept { x, residual: None, weight, statistics, epsilon });
        (wrap(y), kept)
    }

    fn backward(kind: Kind, grad: FloatTensor<Self>, kept: Kept<Self>) -> NormGrads<Self> {
        let (x, weight) = (&kept.x.tensor, &kept.weight.tensor);
        let [sum, dweight, dbias] = match kept.statistics {
            Some((_, reciprocal)) if kind == Kind::RootMeanSquare => {
                let _no_grad = tch::no_grad_guard();
                let [sum, dweight] = rms_backward(&grad.tensor, x, weight, &reciprocal.tensor);
                [Some(sum), Some(dweight), None]
            }
            _ => layer_norm_backward(&grad.tensor, x, weight, kept.epsilon).map(Some),
        };
        let typed = |x: Option<Tensor>| x.map(|x| wrap(x.to_kind(weight.kind())));
        NormGrads {
            sum: sum.map_or(kept.x.clone(), wrap),
            weight: typed(dweight).unwrap_or_else(|| kept.weight.clone()),
            bias: typed(dbias),
        }
    }
}

/// Parameters as LibTorch's layer norm wants them: on the CPU, single precision beside half-sized
/// inputs makes it keep its statistics in single precision.
fn parameter(x: &Tensor, parameter: &Tensor) -> Tensor {
    match x.device().is_cuda() {
        true => parameter.shallow_clone(),
        false => parameter.to_kind(wide(x)),
    }
}

fn wide(x: &Tensor) -> Type {
    if x.kind() == Type::Double { Type::Double } else { Type::Float }
}

fn layer_norm(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>, epsilon: f64) -> Tensor {
    let weight = parameter(x, weight);
    let bias = bias.map(|bias| parameter(x, bias));
    Tensor::native_layer_norm(x, weight.size(), Some(&weight), bias.as_ref(), epsilon).0
}

/// LibTorch's own backward step, which it offers only through its automatic differentiation; that
/// needs the forward step again.
fn layer_norm_backward(grad: &Tensor, x: &Tensor, weight: &Tensor, epsilon: f64) -> [Tensor; 3] {
    tch::with_grad(|| {
        let leaf = |x: Tensor| x.detach().set_requires_grad(true);
        let x = leaf(x.shallow_clone());
        let weight = leaf(parameter(&x, weight));
        let bias = leaf(weight.zeros_like());
        let y = Tensor::native_layer_norm(&x, weight.size(), Some(&weight), Some(&bias), epsilon).0;
        let loss = y.flatten(0, -1).dot(&grad.contiguous().flatten(0, -1));
        let mut grads = Tensor::run_backward(&[loss], &[x, weight, bias], false, false).into_iter();
        std::array::from_fn(|_| grads.next().unwrap_or_default())
    })
}

/// The norm, and `1 / √(mean(x²) + ε)` as `[rows, 1]`.
fn rms_norm(x: &Tensor, weight: &Tensor, epsilon: f64) -> (Tensor, Tensor) {
    let x32 = x.to_kind(wide(x));
    let squares = x32.square().mean_dim([-1i64].as_slice(), true, None);
    let reciprocal = (squares + epsilon).rsqrt();
    ((x32 * &reciprocal).to_kind(x.kind()) * weight, reciprocal)
}

/// See the formulas of the Flex kernel.
fn rms_backward(grad: &Tensor, x: &Tensor, weight: &Tensor, reciprocal: &Tensor) -> [Tensor; 2] {
    let wide = wide(x);
    let (grad, n) = (grad.to_kind(wide), x.to_kind(wide) * reciprocal);
    let h = &grad * weight;
    let pull = (&h * &n).mean_dim([-1i64].as_slice(), true, None);
    let dweight = (grad * &n).sum_dim_intlist([0i64].as_slice(), false, None);
    let dx = (h - n * pull) * reciprocal;
    [dx.to_kind(x.kind()), dweight]
}
