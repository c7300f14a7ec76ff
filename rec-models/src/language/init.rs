//! First values of a model that is trained from scratch.

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};
use rand::RngExt;
use rec_core::rng::{self, Rng};

/// Draws first values, the same for the same seed on every device.
pub struct Init {
    device: Device,
    std: f64,
    dtype: DType,
    rng: Rng,
}

impl Init {
    /// Values for `device`; normal ones have the standard deviation `std`
    /// (`initializer_range` of a config).
    pub fn new(device: &Device, std: f64, seed: u64) -> Self {
        let rng = rng::stream(seed, "language model init", 0);
        Self { device: device.clone(), std, dtype: DType::F32, rng }
    }

    /// Values of the type that a model's other weights have, instead of single precision.
    pub fn of_type(self, dtype: DType) -> Self {
        Self { dtype, ..self }
    }

    /// Another standard deviation from here on.
    pub fn set_std(&mut self, std: f64) {
        self.std = std;
    }

    /// Where the values lie.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Normal numbers of mean 0.
    pub fn normal<const D: usize>(&mut self, shape: [usize; D]) -> Param<Tensor<D>> {
        let values = self.draw(shape.iter().product());
        self.param(values, shape)
    }

    /// Normal numbers; one row, if given, is zero.
    pub fn normal_rows(&mut self, [rows, d]: [usize; 2], zero: Option<usize>) -> Param<Tensor<2>> {
        let mut values = self.draw(rows * d);
        if let Some(row) = zero.filter(|&row| row < rows) {
            values[row * d..][..d].fill(0.0);
        }
        self.param(values, [rows, d])
    }

    /// One value everywhere.
    pub fn constant<const D: usize>(&self, shape: [usize; D], value: f32) -> Param<Tensor<D>> {
        self.param(vec![value; shape.iter().product()], shape)
    }

    fn param<const D: usize>(&self, values: Vec<f32>, shape: [usize; D]) -> Param<Tensor<D>> {
        let data = TensorData::new(values, shape);
        Param::from_tensor(Tensor::from_data(data, (&self.device, self.dtype)))
    }

    fn draw(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| (self.std * self.standard_normal()) as f32).collect()
    }

    /// Box & Muller (1958).
    fn standard_normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.rng.random::<f64>()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.rng.random::<f64>()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_the_mean_and_spread_asked_for() {
        let mut init = Init::new(&Device::flex(), 0.02, 3);
        let values: Vec<f32> = init.normal([200, 100]).val().into_data().iter().collect();
        let mean = values.iter().sum::<f32>() / 20_000.0;
        let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / 20_000.0;
        assert!(mean.abs() < 5e-4, "{mean}");
        assert!((variance.sqrt() - 0.02).abs() < 5e-4, "{variance}");
    }

    #[test]
    fn a_seed_repeats_its_values_and_padding_is_zero() {
        let draw = |seed| {
            let table = Init::new(&Device::flex(), 1.0, seed).normal_rows([3, 2], Some(1));
            table.val().into_data().iter::<f32>().collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert_eq!(draw(1)[2..4], [0.0, 0.0]);
    }
}
