use burn::tensor::{Device, Int, Tensor};

use super::{CrossEntropy, cross_entropy, cross_entropy_rows, portable};
use crate::ops::check::{Input, agrees, devices, differentiates};

/// Targets over `classes`, every fifth ignored.
fn targets(rows: usize, classes: usize) -> Vec<i64> {
    (0..rows).map(|i| if i % 5 == 3 { -100 } else { (i * 7 % classes) as i64 }).collect()
}

fn inputs([rows, d, classes]: [usize; 3], bias: bool) -> Vec<Input> {
    let mut inputs = vec![Input::normal([rows, d], 1), Input::normal([classes, d], 2)];
    if bias {
        inputs.push(Input::normal([1, classes], 3));
    }
    inputs
}

fn bias(inputs: &[Tensor<2>]) -> Option<Tensor<1>> {
    inputs.get(2).map(|bias| bias.clone().flatten(0, 1))
}

fn of(x: &[Tensor<2>]) -> Tensor<1, Int> {
    let ([rows, _], [classes, _]) = (x[0].dims(), x[1].dims());
    Tensor::from_data(targets(rows, classes).as_slice(), &x[0].device())
}

const SMOOTHINGS: [f64; 2] = [0.0, 0.1];

fn rows(portably: bool, options: CrossEntropy) -> impl Fn(Vec<Tensor<2>>) -> Tensor<2> {
    let run = if portably { portable::rows } else { cross_entropy_rows };
    move |x| run(x[0].clone(), x[1].clone(), bias(&x), of(&x), options).unsqueeze()
}

/// The mean, weighted by 1, 2, 3, 1, 2, 3, …, squared so that its gradient is not 1.
fn mean(portably: bool, options: CrossEntropy) -> impl Fn(Vec<Tensor<2>>) -> Tensor<2> {
    move |x| {
        let weights: Vec<f64> = (0..x[0].dims()[0]).map(|i| 1.0 + (i % 3) as f64).collect();
        let weights = Tensor::<1>::from_data(weights.as_slice(), &x[0].device()).cast(x[0].dtype());
        let (hidden, weight) = (x[0].clone(), x[1].clone());
        let mean = if portably {
            let counts = of(&x).greater_equal_elem(0).float().cast(x[0].dtype());
            let counts = weights * counts;
            let losses = portable::rows(hidden, weight, bias(&x), of(&x), options);
            (losses * counts.clone()).sum() / counts.sum()
        } else {
            cross_entropy(hidden, weight, bias(&x), of(&x), Some(weights), options)
        };
        (mean.clone() * mean).unsqueeze()
    }
}

#[test]
fn kernels_give_what_burn_gives() {
    // The last is longer than one chunk of rows.
    for shape in [[1, 1, 1], [5, 3, 7], [64, 33, 130], [2100, 8, 97]] {
        for label_smoothing in SMOOTHINGS {
            for with_bias in [true, false] {
                let options = CrossEntropy { label_smoothing };
                let inputs = inputs(shape, with_bias);
                agrees(rows(false, options), rows(true, options), &inputs, 2e-5);
                agrees(mean(false, options), mean(true, options), &inputs, 2e-5);
            }
        }
    }
}

#[cfg(feature = "libtorch")]
#[test]
fn kernels_give_what_burn_gives_in_other_types() {
    use crate::ops::check::{agrees_in_bf16, agrees_in_double};
    for label_smoothing in SMOOTHINGS {
        let options = CrossEntropy { label_smoothing };
        let inputs = inputs([64, 33, 130], true);
        agrees_in_double(rows(false, options), rows(true, options), &inputs);
        agrees_in_double(mean(false, options), mean(true, options), &inputs);
        agrees_in_bf16(rows(false, options), rows(true, options), &inputs, 2e-2);
        agrees_in_bf16(mean(false, options), mean(true, options), &inputs, 2e-2);
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for label_smoothing in SMOOTHINGS {
        let options = CrossEntropy { label_smoothing };
        let inputs = inputs([6, 3, 5], true);
        differentiates(rows(false, options), rows(true, options), &inputs, 1e-5);
        differentiates(mean(false, options), mean(true, options), &inputs, 1e-5);
    }
}

#[test]
fn without_a_row_that_counts_the_mean_is_zero() {
    for device in devices() {
        let device = device.autodiff();
        let leaf = |shape, seed| Input::normal(shape, seed).single(&device).require_grad();
        let (hidden, weight) = (leaf([2, 3], 1), leaf([4, 3], 2));
        let targets = Tensor::from_data([-1, -100], &device);
        let options = CrossEntropy::default();
        let loss = cross_entropy(hidden.clone(), weight, None, targets, None, options);
        let gradients = loss.backward();
        assert_eq!(loss.into_data().iter::<f32>().next(), Some(0.0));
        let gradient = hidden.grad(&gradients).unwrap().into_data();
        assert!(gradient.iter::<f32>().all(|x| x == 0.0));
    }
}

#[test]
fn large_scores_overflow_nothing() {
    for device in devices() {
        let hidden = Tensor::<2>::from_data([[1000.0], [-1000.0]], &device);
        let weight = Tensor::<2>::from_data([[1.0], [-1.0], [0.0]], &device);
        let targets = Tensor::from_data([0, 0], &device);
        let losses = cross_entropy_rows(hidden, weight, None, targets, CrossEntropy::default());
        let losses: Vec<f32> = losses.into_data().iter().collect();
        assert_eq!(losses, [0.0, 2000.0]);
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let device = Device::flex().autodiff();
    let inputs = inputs([300, 24, 1000], true);
    let run = |threads| {
        rec_core::parallel::install(Some(threads), || {
            let leaf = |input: &Input| input.single(&device).require_grad();
            let leaves: Vec<Tensor<2>> = inputs.iter().map(leaf).collect();
            let out = mean(false, CrossEntropy { label_smoothing: 0.1 })(leaves.clone());
            let gradients = out.clone().sum().backward();
            let grads = leaves.iter().map(|leaf| leaf.grad(&gradients).unwrap().into_data());
            Ok((out.into_data(), grads.collect::<Vec<_>>()))
        })
        .unwrap()
    };
    assert_eq!(run(1), run(2));
}
