use super::{Activation, linear, portable};
use crate::ops::check::{Input, agrees, differentiates};
use burn::tensor::Tensor;

const ACTIVATIONS: [Activation; 6] = [
    Activation::Identity,
    Activation::Gelu,
    Activation::GeluTanh,
    Activation::Relu,
    Activation::Silu,
    Activation::Tanh,
];

fn bias(inputs: &[Tensor<2>]) -> Option<Tensor<1>> {
    inputs.get(2).map(|bias| bias.clone().flatten(0, 1))
}

fn inputs([rows, d_in, d_out]: [usize; 3], with_bias: bool) -> Vec<Input> {
    let mut inputs = vec![Input::normal([rows, d_in], 1), Input::normal([d_out, d_in], 2)];
    if with_bias {
        inputs.push(Input::normal([1, d_out], 3));
    }
    inputs
}

#[test]
fn kernels_give_what_burn_gives() {
    for activation in ACTIVATIONS {
        for shape in [[1, 1, 1], [3, 5, 7], [17, 64, 33], [130, 96, 257]] {
            for with_bias in [true, false] {
                agrees(
                    |x| linear(x[0].clone(), x[1].clone(), bias(&x), activation),
                    |x| portable::linear(x[0].clone(), x[1].clone(), bias(&x), activation),
                    &inputs(shape, with_bias),
                    1e-5,
                );
            }
        }
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for activation in ACTIVATIONS {
        differentiates(
            |x| linear(x[0].clone(), x[1].clone(), bias(&x), activation),
            |x| portable::linear(x[0].clone(), x[1].clone(), bias(&x), activation),
            &inputs([4, 3, 5], true),
            1e-5,
        );
    }
}

#[test]
fn gradients_are_given_where_asked_for_alone() {
    use burn::tensor::Device;
    for device in crate::ops::check::devices() {
        let device: Device = device.autodiff();
        let ones = |shape: [usize; 2]| Tensor::<2>::ones(shape, &device);
        let weight = ones([4, 3]).require_grad();
        let x = ones([2, 3]);
        let y = linear(x.clone(), weight.clone(), None, Activation::Relu);
        let gradients = y.sum().backward();
        assert!(x.grad(&gradients).is_none());
        let gradient = weight.grad(&gradients).map(|g| g.into_data().iter::<f32>().collect());
        assert_eq!(gradient, Some(vec![2.0f32; 12]));
    }
}

#[cfg(feature = "libtorch")]
#[test]
fn bf16_gives_what_single_precision_gives() {
    for activation in ACTIVATIONS {
        crate::ops::check::agrees_in_bf16(
            |x| linear(x[0].clone(), x[1].clone(), bias(&x), activation),
            |x| portable::linear(x[0].clone(), x[1].clone(), bias(&x), activation),
            &inputs([33, 64, 40], true),
            0.02,
        );
    }
}
