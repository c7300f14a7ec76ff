//! Checks that every operation passes: its kernels give what the portable body gives, and their
//! gradients are those of finite differences.

use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::RngExt;

/// The devices of this build that have kernels of their own.
pub(crate) fn devices() -> Vec<Device> {
    vec![
        Device::flex(),
        #[cfg(feature = "libtorch")]
        Device::libtorch(),
    ]
}

/// An input matrix of an operation, as plain numbers.
#[derive(Clone)]
pub(super) struct Input {
    values: Vec<f64>,
    shape: [usize; 2],
}

impl Input {
    /// Standard normal numbers, the same for the same seed.
    pub(super) fn normal(shape: [usize; 2], seed: u64) -> Self {
        let mut rng = rec_core::rng::stream(seed, "ops check", 0);
        let mut uniform = || rng.random::<f64>();
        let normal = |_| {
            let radius = (-2.0 * (1.0 - uniform()).ln()).sqrt();
            radius * (std::f64::consts::TAU * uniform()).cos()
        };
        let values = (0..shape[0] * shape[1]).map(normal).collect();
        Self { values, shape }
    }

    /// In single precision.
    pub(super) fn single(&self, device: &Device) -> Tensor<2> {
        self.tensor(device, DType::F32)
    }

    /// Each number and `shift`, as single precision has it.
    pub(super) fn plus(mut self, shift: f64) -> Self {
        for value in &mut self.values {
            *value = f64::from((*value + shift) as f32);
        }
        self
    }

    /// Each number as bf16 has it.
    #[cfg(feature = "libtorch")]
    fn in_bf16(mut self) -> Self {
        for value in &mut self.values {
            *value = half::bf16::from_f64(*value).to_f64();
        }
        self
    }

    fn tensor(&self, device: &Device, dtype: DType) -> Tensor<2> {
        let data = TensorData::new(self.values.clone(), self.shape).convert_dtype(dtype);
        Tensor::from_data(data, (device, dtype))
    }
}

/// Output and gradients of `f` at `inputs`, for the loss `Σ output ⊙ cotangent` with a fixed
/// random cotangent.
struct Outcome {
    output: Vec<f64>,
    gradients: Vec<Vec<f64>>,
}

fn cotangent(shape: [usize; 2], device: &Device, dtype: DType) -> Tensor<2> {
    Input::normal(shape, 99).tensor(device, dtype)
}

fn outcome(
    f: impl Fn(Vec<Tensor<2>>) -> Tensor<2>,
    inputs: &[Input],
    device: &Device,
    dtype: DType,
) -> Outcome {
    let device = device.clone().autodiff();
    let leaves: Vec<Tensor<2>> =
        inputs.iter().map(|input| input.tensor(&device, dtype).require_grad()).collect();
    let output = f(leaves.clone());
    let loss = (output.clone() * cotangent(output.dims(), &device, dtype)).sum();
    let gradients = loss.backward();
    Outcome {
        output: output.into_data().iter::<f64>().collect(),
        gradients: leaves
            .iter()
            .map(|leaf| match leaf.grad(&gradients) {
                Some(gradient) => gradient.into_data().iter::<f64>().collect(),
                None => panic!("an input has no gradient"),
            })
            .collect(),
    }
}

/// Central differences of `f` in double precision on the CPU.
fn differences(f: impl Fn(Vec<Tensor<2>>) -> Tensor<2>, inputs: &[Input]) -> Vec<Vec<f64>> {
    const STEP: f64 = 1e-5;
    let device = Device::flex();
    let loss = |inputs: &[Input]| -> f64 {
        let tensors = inputs.iter().map(|input| input.tensor(&device, DType::F64)).collect();
        let output = f(tensors);
        let weights = cotangent(output.dims(), &device, DType::F64);
        (output * weights).sum().into_data().iter::<f64>().sum()
    };
    (0..inputs.len())
        .map(|i| {
            (0..inputs[i].values.len())
                .map(|j| {
                    let moved = |by: f64| {
                        let mut inputs = inputs.to_vec();
                        inputs[i].values[j] += by;
                        loss(&inputs)
                    };
                    (moved(STEP) - moved(-STEP)) / (2.0 * STEP)
                })
                .collect()
        })
        .collect()
}

fn assert_close(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}: sizes differ");
    let scale = expected.iter().fold(1.0f64, |a, b| a.max(b.abs()));
    for (i, (g, e)) in got.iter().zip(expected).enumerate() {
        let off = (g - e).abs();
        assert!(off <= tolerance * scale, "{what}[{i}]: {g} for {e}, off by {off:e}");
    }
}

/// On every device, output and gradients of `op` in single precision equal those of `portable` in
/// double precision, within `tolerance` of the largest number.
pub(super) fn agrees(
    op: impl Fn(Vec<Tensor<2>>) -> Tensor<2>,
    portable: impl Fn(Vec<Tensor<2>>) -> Tensor<2>,
    inputs: &[Input],
    tolerance: f64,
) {
    let reference = outcome(&portable, inputs, &Device::flex(), DType::F64);
    for device in devices() {
        let got = outcome(&op, inputs, &device, DType::F32);
        let name = format!("{device:?}");
        assert_close(&format!("{name} output"), &got.output, &reference.output, tolerance);
        for (i, (g, e)) in got.gradients.iter().zip(&reference.gradients).enumerate() {
            assert_close(&format!("{name} gradient {i}"), g, e, tolerance);
        }
    }
}

/// On LibTorch, output and gradients of `op` in bf16 equal those of `portable` in double precision,
/// within `tolerance` of the largest number; and they are bf16.
#[cfg(feature = "libtorch")]
pub(super) fn agrees_in_bf16(
    op: impl Fn(Vec<Tensor<2>>) -> Tensor<2>,
    portable: impl Fn(Vec<Tensor<2>>) -> Tensor<2>,
    inputs: &[Input],
    tolerance: f64,
) {
    let typed = |inputs: Vec<Tensor<2>>| {
        let output = op(inputs);
        assert_eq!(output.dtype(), DType::BF16);
        output
    };
    let inputs: Vec<Input> = inputs.iter().cloned().map(Input::in_bf16).collect();
    let reference = outcome(&portable, &inputs, &Device::flex(), DType::F64);
    let got = outcome(typed, &inputs, &Device::libtorch(), DType::BF16);
    assert_close("bf16 output", &got.output, &reference.output, tolerance);
    for (i, (g, e)) in got.gradients.iter().zip(&reference.gradients).enumerate() {
        assert_close(&format!("bf16 gradient {i}"), g, e, tolerance);
    }
}

/// On every device, gradients of `op` in single precision equal central differences of `portable`
/// in double precision. For small inputs: it costs two evaluations a number.
pub(super) fn differentiates(
    op: impl Fn(Vec<Tensor<2>>) -> Tensor<2>,
    portable: impl Fn(Vec<Tensor<2>>) -> Tensor<2>,
    inputs: &[Input],
    tolerance: f64,
) {
    let expected = differences(&portable, inputs);
    for device in devices() {
        let got = outcome(&op, inputs, &device, DType::F32);
        for (i, (g, e)) in got.gradients.iter().zip(&expected).enumerate() {
            assert_close(&format!("{device:?} difference {i}"), g, e, tolerance);
        }
    }
}

/// On LibTorch, output and gradients of `op` in double precision equal those of `portable`: for
/// operations whose kernels for doubles are those for tensors in another device's memory.
#[cfg(feature = "libtorch")]
pub(super) fn agrees_in_double(
    op: impl Fn(Vec<Tensor<2>>) -> Tensor<2>,
    portable: impl Fn(Vec<Tensor<2>>) -> Tensor<2>,
    inputs: &[Input],
) {
    let reference = outcome(&portable, inputs, &Device::flex(), DType::F64);
    let got = outcome(op, inputs, &Device::libtorch(), DType::F64);
    assert_close("double output", &got.output, &reference.output, 1e-10);
    for (i, (g, e)) in got.gradients.iter().zip(&reference.gradients).enumerate() {
        assert_close(&format!("double gradient {i}"), g, e, 1e-10);
    }
}
