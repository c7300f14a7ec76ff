//! AdamW (Loshchilov & Hutter 2019): Adam with decoupled weight decay.
//!
//! Of step `t` of a parameter θ with gradient g, as PyTorch has it:
//! `θ ← (1 − ηλ) θ`, `m ← β₁ m + (1 − β₁) g`, `v ← β₂ v + (1 − β₂) g²`,
//! `θ ← θ − η / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)`: one pass over the four arrays.

mod flex;
mod kernel;
#[cfg(feature = "libtorch")]
mod libtorch;
mod module;
mod op;
pub(crate) mod path;
mod portable;
mod table;
#[cfg(test)]
mod tests;

pub use module::AdamW;
pub(crate) use op::adam_step;
pub use table::TableAdamW;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Parameters of AdamW but the learning rate, which every step is given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamWConfig {
    /// β₁ and β₂, the decay of the moments.
    pub betas: [f64; 2],
    /// ε, added to the root of the second moment.
    pub epsilon: f64,
    /// λ: a step of rate η shrinks a parameter by ηλ of itself.
    pub weight_decay: f64,
    /// A parameter whose path contains one of these is not decayed (`"bias"`, `"norm"`).
    pub no_decay: Vec<String>,
    /// Gradients are scaled so that the norm of them all together is at most this.
    pub max_norm: Option<f64>,
}

impl Default for AdamWConfig {
    /// PyTorch's: β = (.9, .999), ε = 10⁻⁸, λ = .01; everything decays, no clipping.
    fn default() -> Self {
        Self {
            betas: [0.9, 0.999],
            epsilon: 1e-8,
            weight_decay: 0.01,
            no_decay: Vec::new(),
            max_norm: None,
        }
    }
}

impl AdamWConfig {
    /// # Errors
    /// A value outside its domain.
    pub fn check(&self) -> Result<()> {
        for beta in self.betas {
            if !(0.0..1.0).contains(&beta) {
                return Err(Error::parameter("betas", beta, "each must be at least 0 and below 1"));
            }
        }
        for (name, value) in [("epsilon", self.epsilon), ("weight_decay", self.weight_decay)] {
            if !(value >= 0.0 && value.is_finite()) {
                return Err(Error::parameter(name, value, "must be 0 or more"));
            }
        }
        match self.max_norm {
            Some(norm) if norm.is_nan() || norm <= 0.0 => {
                Err(Error::parameter("max_norm", norm, "must be above 0; leave it out to not clip"))
            }
            _ => Ok(()),
        }
    }

    /// The numbers of a parameter's step `t` (from 1) at rate `lr`.
    fn update(&self, t: u64, lr: f64, decays: bool, gradient_scale: f64) -> Update {
        let [beta_1, beta_2] = self.betas;
        let decay = if decays { self.weight_decay } else { 0.0 };
        let t = t.min(i32::MAX as u64) as i32;
        Update {
            keep: (1.0 - lr * decay) as f32,
            beta_1: beta_1 as f32,
            new_1: (1.0 - beta_1) as f32,
            beta_2: beta_2 as f32,
            new_2: (1.0 - beta_2) as f32,
            rate: (lr / (1.0 - beta_1.powi(t))) as f32,
            root: (1.0 - beta_2.powi(t)).sqrt() as f32,
            epsilon: self.epsilon as f32,
            gradient_scale: gradient_scale as f32,
        }
    }

    fn decays(&self, path: &str) -> bool {
        !self.no_decay.iter().any(|part| path.contains(part))
    }

    /// What gradients of this norm are multiplied by. As PyTorch has it, with 10⁻⁶ added to the
    /// norm.
    fn clip(&self, norm: f64) -> f64 {
        self.max_norm.map_or(1.0, |most| (most / (norm + 1e-6)).min(1.0))
    }
}

/// The numbers of one step.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    keep: f32,
    beta_1: f32,
    new_1: f32,
    beta_2: f32,
    new_2: f32,
    rate: f32,
    root: f32,
    epsilon: f32,
    gradient_scale: f32,
}
