use burn::tensor::Tensor;

use super::{layer_norm, portable, rms_norm};
use crate::ops::check::{Input, agrees, differentiates};

const SHAPES: [[usize; 2]; 8] =
    [[1, 1], [5, 3], [2, 17], [33, 16], [70, 100], [3, 257], [129, 384], [1, 64]];

fn vector(x: &Tensor<2>) -> Tensor<1> {
    x.clone().flatten(0, 1)
}

/// The four forms: with a residual or not, with a bias or not. Inputs: x, weight, and those two.
fn forms() -> [(bool, bool); 4] {
    [(false, false), (false, true), (true, false), (true, true)]
}

fn inputs(shape: [usize; 2], (residual, bias): (bool, bool)) -> Vec<Input> {
    let mut inputs = vec![Input::normal(shape, 1), Input::normal([1, shape[1]], 2)];
    inputs.extend(bias.then(|| Input::normal([1, shape[1]], 3)));
    inputs.extend(residual.then(|| Input::normal(shape, 4)));
    inputs
}

type Norm = fn(Tensor<2>, Option<Tensor<2>>, Tensor<1>, Option<Tensor<1>>, f64) -> Tensor<2>;

fn applied(
    norm: Norm,
    (residual, bias): (bool, bool),
    epsilon: f64,
) -> impl Fn(Vec<Tensor<2>>) -> Tensor<2> {
    move |x| {
        let last = x.len() - 1;
        norm(
            x[0].clone(),
            residual.then(|| x[last].clone()),
            vector(&x[1]),
            bias.then(|| vector(&x[2])),
            epsilon,
        )
    }
}

fn rms(norm: fn(Tensor<2>, Tensor<1>, f64) -> Tensor<2>) -> impl Fn(Vec<Tensor<2>>) -> Tensor<2> {
    move |x| norm(x[0].clone(), vector(&x[1]), 1e-6)
}

#[test]
fn layer_norm_kernels_give_what_burn_gives() {
    for shape in SHAPES {
        for form in forms() {
            for epsilon in [1e-12, 1e-5, 0.5] {
                if shape[1] == 1 && epsilon < 0.1 {
                    continue; // 0 / √ε: rounding decides
                }
                agrees(
                    applied(layer_norm, form, epsilon),
                    applied(portable::layer_norm, form, epsilon),
                    &inputs(shape, form),
                    2e-5,
                );
            }
        }
    }
}

#[test]
fn rms_norm_kernels_give_what_burn_gives() {
    for shape in SHAPES {
        let inputs = inputs(shape, (false, false));
        agrees(rms(rms_norm), rms(portable::rms_norm), &inputs, 2e-5);
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for form in forms() {
        let inputs = inputs([3, 5], form);
        differentiates(
            applied(layer_norm, form, 1e-5),
            applied(portable::layer_norm, form, 1e-5),
            &inputs,
            1e-5,
        );
    }
    differentiates(rms(rms_norm), rms(portable::rms_norm), &inputs([3, 5], (false, false)), 1e-5);
}

#[test]
fn a_large_mean_costs_little_accuracy() {
    let form = (false, true);
    let mut inputs = inputs([9, 384], form);
    inputs[0] = inputs[0].clone().plus(1000.0);
    agrees(
        applied(layer_norm, form, 1e-5),
        applied(portable::layer_norm, form, 1e-5),
        &inputs,
        2e-4,
    );
}

#[cfg(feature = "libtorch")]
#[test]
fn bf16_gives_what_single_precision_gives() {
    use crate::ops::check::agrees_in_bf16;
    for shape in [[3, 17], [70, 384]] {
        for form in forms() {
            let (op, reference) =
                (applied(layer_norm, form, 1e-5), applied(portable::layer_norm, form, 1e-5));
            agrees_in_bf16(op, reference, &inputs(shape, form), 0.02);
        }
        let inputs = inputs(shape, (false, false));
        agrees_in_bf16(rms(rms_norm), rms(portable::rms_norm), &inputs, 0.02);
    }
}
