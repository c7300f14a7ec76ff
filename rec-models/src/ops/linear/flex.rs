//! Linear in pure Rust: one matrix product, bias and activation in one pass after it.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use rayon::prelude::*;

use super::{Activation, LinearGrads, LinearKernels, Wanted};
use crate::ops::flex::{contiguous, dims, floats, tensor};

impl LinearKernels for Flex {
    fn forward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        activation: Activation,
        keep: bool,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>) {
        let (x, weight) = (contiguous(x), contiguous(weight));
        let (rows, d_in) = dims(&x);
        let d_out = dims(&weight).0;
        let bias = bias.map(contiguous);
        let mut z = starting_values(rows, d_out, bias.as_ref());
        product(
            &mut z,
            [rows, d_in, d_out],
            (floats(&x), [d_in, 1]),
            (floats(&weight), [1, d_in]),
            bias.is_some(),
        );
        if activation == Activation::Identity {
            return (tensor(z, [rows, d_out]), None);
        }
        if !keep {
            apply(&mut z, activation);
            return (tensor(z, [rows, d_out]), None);
        }
        let mut y = z.clone();
        apply(&mut y, activation);
        (tensor(y, [rows, d_out]), Some(tensor(z, [rows, d_out])))
    }

    fn backward(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        kept: Option<FloatTensor<Self>>,
        activation: Activation,
        wanted: Wanted,
    ) -> LinearGrads<Self> {
        let (grad, x, weight) = (contiguous(grad), contiguous(x), contiguous(weight));
        let (rows, d_in) = dims(&x);
        let d_out = dims(&weight).0;
        let inner = match kept {
            Some(z) => tensor(scale(&grad, &contiguous(z), activation), [rows, d_out]),
            None => grad,
        };
        let inner = floats(&inner);
        LinearGrads {
            x: wanted.x.then(|| {
                let mut out = vec![0.0; rows * d_in];
                let shape = [rows, d_out, d_in];
                product(&mut out, shape, (inner, [d_out, 1]), (floats(&weight), [d_in, 1]), false);
                tensor(out, [rows, d_in])
            }),
            weight: wanted.weight.then(|| {
                let mut out = vec![0.0; d_out * d_in];
                let shape = [d_out, rows, d_in];
                product(&mut out, shape, (inner, [1, d_out]), (floats(&x), [d_in, 1]), false);
                tensor(out, [d_out, d_in])
            }),
            bias: wanted.bias.then(|| tensor(column_sums(inner, d_out), [d_out])),
        }
    }
}

/// The bias in every row, or zeros.
fn starting_values(rows: usize, d_out: usize, bias: Option<&FlexTensor>) -> Vec<f32> {
    let Some(bias) = bias else { return vec![0.0; rows * d_out] };
    let mut values = Vec::with_capacity(rows * d_out);
    for _ in 0..rows {
        values.extend_from_slice(floats(bias));
    }
    values
}

/// `out (+)= a b` for `[m, k] × [k, n]`; each matrix with its strides `[row, column]`.
fn product(
    out: &mut [f32],
    [m, k, n]: [usize; 3],
    (a, a_strides): (&[f32], [usize; 2]),
    (b, b_strides): (&[f32], [usize; 2]),
    add: bool,
) {
    assert!(out.len() == m * n && a.len() == m * k && b.len() == k * n, "sizes disagree");
    if out.is_empty() {
        return;
    }
    let parallelism =
        if m * n * k >= 1 << 20 { gemm::Parallelism::Rayon(0) } else { gemm::Parallelism::None };
    // SAFETY: the sizes are checked above, and every stride walks its own matrix row- or
    // column-major within them.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            add,
            a.as_ptr(),
            a_strides[1] as isize,
            a_strides[0] as isize,
            b.as_ptr(),
            b_strides[1] as isize,
            b_strides[0] as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

const CHUNK: usize = 1 << 14;

fn apply(values: &mut [f32], activation: Activation) {
    values.par_chunks_mut(CHUNK).for_each(|chunk| {
        for value in chunk {
            *value = activate(*value, activation);
        }
    });
}

/// `grad ⊙ act'(z)`.
fn scale(grad: &FlexTensor, z: &FlexTensor, activation: Activation) -> Vec<f32> {
    let (grad, z) = (floats(grad), floats(z));
    grad.par_iter().zip(z).map(|(g, z)| g * slope(*z, activation)).collect()
}

fn activate(x: f32, activation: Activation) -> f32 {
    match activation {
        Activation::Identity => x,
        Activation::Gelu => x * normal_cdf(x),
        Activation::GeluTanh => 0.5 * x * (1.0 + tanh_argument(x).tanh()),
        Activation::Relu => x.max(0.0),
        Activation::Silu => x * sigmoid(x),
        Activation::Tanh => x.tanh(),
    }
}

fn slope(x: f32, activation: Activation) -> f32 {
    match activation {
        Activation::Identity => 1.0,
        Activation::Gelu => normal_cdf(x) + x * normal_density(x),
        Activation::GeluTanh => {
            let t = tanh_argument(x).tanh();
            let inner = GELU_SCALE * (1.0 + 3.0 * 0.044_715 * x * x);
            0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner
        }
        Activation::Relu => f32::from(x > 0.0),
        Activation::Silu => {
            let s = sigmoid(x);
            s * (1.0 + x * (1.0 - s))
        }
        Activation::Tanh => 1.0 - x.tanh() * x.tanh(),
    }
}

/// √(2/π).
const GELU_SCALE: f32 = 0.797_884_6;

fn tanh_argument(x: f32) -> f32 {
    GELU_SCALE * (x + 0.044_715 * x * x * x)
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

fn normal_density(x: f32) -> f32 {
    0.398_942_3 * (-0.5 * x * x).exp()
}

fn normal_cdf(x: f32) -> f32 {
    0.5 * libm::erfcf(-x * std::f32::consts::FRAC_1_SQRT_2)
}

fn column_sums(values: &[f32], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0; columns];
    for row in values.chunks_exact(columns) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
    sums
}
