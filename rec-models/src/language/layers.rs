//! The layers that language models share, their fields named as checkpoints name the weights.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};

use super::init::Init;
use super::lora::Lora;
use super::noise::Noise;
use super::weights::Scope;
use crate::Result;
use crate::ops::{self, Activation};

/// `act(x Wᵀ + b)` on rows of tokens.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[d_out, d_in]`.
    pub weight: Param<Tensor<2>>,
    /// `[d_out]`.
    pub bias: Option<Param<Tensor<1>>>,
    /// What is added to the weight, where the layer learns by an adapter.
    pub lora: Option<Lora>,
}

impl Linear {
    /// `weight` and `bias` of this scope.
    ///
    /// # Errors
    /// Where one is missing or of another shape.
    pub fn load(scope: &Scope, d_in: usize, d_out: usize) -> Result<Self> {
        let bias = scope.tensor("bias", [d_out])?;
        Ok(Self { bias: Some(Param::from_tensor(bias)), ..Self::load_no_bias(scope, d_in, d_out)? })
    }

    /// `weight` of this scope, for a layer without a bias.
    ///
    /// # Errors
    /// Where it is missing or of another shape.
    pub fn load_no_bias(scope: &Scope, d_in: usize, d_out: usize) -> Result<Self> {
        let weight = scope.tensor("weight", [d_out, d_in])?;
        scope.adapted(Self { weight: Param::from_tensor(weight), bias: None, lora: None })
    }

    /// As [`Linear::load`], or none where the scope has neither, which the report then says.
    ///
    /// # Errors
    /// Where one is missing or of another shape.
    pub fn load_wanted(scope: &Scope, d_in: usize, d_out: usize) -> Result<Option<Self>> {
        let stored = ["weight", "bias"].map(|name| scope.wanted(name));
        if stored == [false, false] { Ok(None) } else { Self::load(scope, d_in, d_out).map(Some) }
    }

    /// Normal weights and a zero bias.
    pub fn init(init: &mut Init, d_in: usize, d_out: usize) -> Self {
        let bias = Some(init.constant([d_out], 0.0));
        Self { bias, ..Self::init_no_bias(init, d_in, d_out) }
    }

    /// Normal weights and no bias.
    pub fn init_no_bias(init: &mut Init, d_in: usize, d_out: usize) -> Self {
        Self { weight: init.normal([d_out, d_in]), bias: None, lora: None }
    }

    /// `[rows, d_in] → [rows, d_out]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.activated(x, Activation::Identity)
    }

    /// `[rows, d_in] → [rows, d_out]`, the activation in the same pass.
    pub fn activated(&self, x: Tensor<2>, activation: Activation) -> Tensor<2> {
        self.noisy(x, activation, Noise::none())
    }

    /// As [`Linear::activated`], what goes into an adapter dropped in part.
    pub fn noisy(&self, x: Tensor<2>, activation: Activation, noise: Noise) -> Tensor<2> {
        let bias = self.bias.as_ref().map(Param::val);
        let Some(lora) = &self.lora else {
            return ops::linear(x, self.weight.val(), bias, activation);
        };
        let plain = ops::linear(x.clone(), self.weight.val(), bias, Activation::Identity);
        ops::activate(plain + lora.forward(noise.adapter(x)), activation)
    }
}

/// Layer norm over the columns.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[d]`.
    pub weight: Param<Tensor<1>>,
    /// `[d]`.
    pub bias: Option<Param<Tensor<1>>>,
    epsilon: f64,
}

impl LayerNorm {
    /// `weight` and `bias` of this scope (or `gamma` and `beta`).
    ///
    /// # Errors
    /// Where one is missing or of another shape.
    pub fn load(scope: &Scope, d: usize, epsilon: f64) -> Result<Self> {
        Ok(Self {
            weight: Param::from_tensor(scope.tensor("weight", [d])?),
            bias: Some(Param::from_tensor(scope.tensor("bias", [d])?)),
            epsilon,
        })
    }

    /// Weights of one and a zero bias.
    pub fn init(init: &Init, d: usize, epsilon: f64) -> Self {
        let bias = Some(init.constant([d], 0.0));
        Self { weight: init.constant([d], 1.0), bias, epsilon }
    }

    /// Norm of `x`: `[rows, d] → [rows, d]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.normalise(x, None)
    }

    /// Norm of `x + residual`: `[rows, d] → [rows, d]`.
    pub fn of_sum(&self, x: Tensor<2>, residual: Tensor<2>) -> Tensor<2> {
        self.normalise(x, Some(residual))
    }

    fn normalise(&self, x: Tensor<2>, residual: Option<Tensor<2>>) -> Tensor<2> {
        let bias = self.bias.as_ref().map(Param::val);
        ops::layer_norm(x, residual, self.weight.val(), bias, self.epsilon)
    }
}

/// Root-mean-square norm over the columns.
#[derive(Module, Debug)]
pub struct RmsNorm {
    /// `[d]`.
    pub weight: Param<Tensor<1>>,
    epsilon: f64,
}

impl RmsNorm {
    /// `weight` of this scope.
    ///
    /// # Errors
    /// Where it is missing or of another shape.
    pub fn load(scope: &Scope, d: usize, epsilon: f64) -> Result<Self> {
        Ok(Self { weight: Param::from_tensor(scope.tensor("weight", [d])?), epsilon })
    }

    /// Weights of one.
    pub fn init(init: &Init, d: usize, epsilon: f64) -> Self {
        Self { weight: init.constant([d], 1.0), epsilon }
    }

    /// `[rows, d] → [rows, d]`.
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        ops::rms_norm(x, self.weight.val(), self.epsilon)
    }
}

/// A table of one vector an id.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[ids, d]`.
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    /// `weight` of this scope.
    ///
    /// # Errors
    /// Where it is missing or of another shape.
    pub fn load(scope: &Scope, rows: usize, d: usize) -> Result<Self> {
        Ok(Self { weight: Param::from_tensor(scope.tensor("weight", [rows, d])?) })
    }

    /// Normal weights; the row of the padding id, if given, is zero.
    pub fn init(init: &mut Init, rows: usize, d: usize, padding: Option<usize>) -> Self {
        Self { weight: init.normal_rows([rows, d], padding) }
    }

    /// The vectors of `ids`, each below the number of rows: `[tokens] → [tokens, d]`.
    pub fn forward(&self, ids: Tensor<1, Int>) -> Tensor<2> {
        ops::embedding(self.weight.val(), ids)
    }

    /// `(ids, d)`.
    pub fn dims(&self) -> (usize, usize) {
        let [rows, d] = self.weight.lazy_shape().dims();
        (rows, d)
    }
}
