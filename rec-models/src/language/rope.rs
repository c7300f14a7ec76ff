//! Rotary position embedding.

use burn::tensor::{DType, Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How the frequencies of [`Rope`] are stretched for contexts longer than those first trained on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "rope_type", rename_all = "lowercase")]
pub enum RopeScaling {
    /// As published.
    #[default]
    Default,
    /// Every frequency divided by `factor`: positions interpolated (Chen et al. 2023,
    /// arXiv:2306.15595).
    Linear {
        /// How many times longer.
        factor: f64,
    },
    /// Low frequencies divided by `factor`, high ones kept, those between blended (Llama 3.1,
    /// arXiv:2407.21783).
    Llama3 {
        /// How many times longer.
        factor: f64,
        /// Wavelengths above `original_max_position_embeddings / low_freq_factor` are stretched.
        low_freq_factor: f64,
        /// Wavelengths below `original_max_position_embeddings / high_freq_factor` are kept.
        high_freq_factor: f64,
        /// The context first trained on, in tokens.
        original_max_position_embeddings: f64,
    },
}

/// Rotary position embedding (Su et al. 2021, arXiv:2104.09864, eq. 34): each head's coordinates
/// `(i, i + head_dim/2)` turn by `position · θ^(−2i/head_dim)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rope {
    /// `θ`, `rope_theta` in a config.
    pub theta: f64,
    /// How frequencies are stretched.
    pub scaling: RopeScaling,
}

impl Rope {
    /// What a `config.json` says, in either of its layouts: `rope_theta` beside `rope_scaling`, or
    /// both within `rope_parameters`.
    ///
    /// # Errors
    /// A scaling type other than `default`, `linear` and `llama3`, one of their parameters missing
    /// or outside its domain, and a rotation of only a part of each head.
    pub fn from_config(config: &serde_json::Map<String, serde_json::Value>) -> Result<Self> {
        let object = |key: &str| config.get(key).and_then(serde_json::Value::as_object);
        let parameters = object("rope_parameters").or_else(|| object("rope_scaling"));
        let get = |key: &str| parameters.and_then(|parameters| parameters.get(key));
        let partial = get("partial_rotary_factor").or_else(|| config.get("partial_rotary_factor"));
        if let Some(part) = partial.and_then(serde_json::Value::as_f64).filter(|part| *part != 1.0)
        {
            return Err(Error::parameter("partial_rotary_factor", part, "only 1 is known here"));
        }
        let theta = get("rope_theta").or_else(|| config.get("rope_theta"));
        let rope = Self {
            theta: theta.and_then(serde_json::Value::as_f64).unwrap_or(10_000.0),
            scaling: scaling(&get, config)?,
        };
        rope.check()?;
        Ok(rope)
    }

    fn check(&self) -> Result<()> {
        positive("rope_theta", self.theta)?;
        match self.scaling {
            RopeScaling::Default => Ok(()),
            RopeScaling::Linear { factor } => positive("rope_scaling.factor", factor),
            RopeScaling::Llama3 {
                factor,
                low_freq_factor,
                high_freq_factor,
                original_max_position_embeddings,
            } => {
                positive("rope_scaling.factor", factor)?;
                positive("rope_scaling.low_freq_factor", low_freq_factor)?;
                positive("original_max_position_embeddings", original_max_position_embeddings)?;
                if high_freq_factor > low_freq_factor {
                    return Ok(());
                }
                let why = format!("must be above low_freq_factor = {low_freq_factor}");
                Err(Error::parameter("rope_scaling.high_freq_factor", high_freq_factor, why))
            }
        }
    }

    /// Radians a position, for each pair of coordinates: `[head_dim / 2]`.
    pub fn frequencies(&self, head_dim: usize) -> Vec<f32> {
        let exponent = |i: usize| (2 * i) as f32 / head_dim as f32;
        let base = |i: usize| 1.0 / (self.theta as f32).powf(exponent(i));
        (0..head_dim / 2).map(|i| self.scaled(base(i))).collect()
    }

    fn scaled(&self, frequency: f32) -> f32 {
        match self.scaling {
            RopeScaling::Default => frequency,
            RopeScaling::Linear { factor } => frequency / factor as f32,
            RopeScaling::Llama3 {
                factor,
                low_freq_factor: low,
                high_freq_factor: high,
                original_max_position_embeddings: context,
            } => {
                let frequency = f64::from(frequency);
                let turns = context * frequency / std::f64::consts::TAU;
                let kept = ((turns - low) / (high - low)).clamp(0.0, 1.0);
                ((1.0 - kept) * frequency / factor + kept * frequency) as f32
            }
        }
    }

    /// Cosines and sines for tokens at `positions`.
    pub(super) fn angles(
        &self,
        positions: &[u32],
        head_dim: usize,
        device: &Device,
        dtype: DType,
    ) -> Angles {
        let frequencies = self.frequencies(head_dim);
        let first = positions.iter().copied().min().unwrap_or(0);
        let last = positions.iter().copied().max().unwrap_or(0);
        let angle = |position: u32, frequency: &f32| (position as f32 * frequency).sin_cos();
        let table: Vec<(f32, f32)> = (first..=last)
            .flat_map(|position| frequencies.iter().map(move |f| angle(position, f)))
            .collect();
        let half = frequencies.len();
        let rows = || {
            positions.iter().flat_map(|&p| &table[(p - first) as usize * half..][..half]).copied()
        };
        let tensor = |values: Vec<f32>| {
            let data = TensorData::new(values, [positions.len(), 1, half]).convert_dtype(dtype);
            Tensor::from_data(data, (device, dtype))
        };
        Angles {
            cos: tensor(rows().map(|(_, cos)| cos).collect()),
            sin: tensor(rows().map(|(sin, _)| sin).collect()),
        }
    }
}

fn positive(name: &str, value: f64) -> Result<()> {
    if value > 0.0 && value.is_finite() {
        return Ok(());
    }
    Err(Error::parameter(name, value, "must be a positive number; correct config.json"))
}

fn scaling<'a>(
    get: &impl Fn(&str) -> Option<&'a serde_json::Value>,
    config: &serde_json::Map<String, serde_json::Value>,
) -> Result<RopeScaling> {
    let kind = get("rope_type").or_else(|| get("type"));
    let number = |key: &str, fallback: Option<&serde_json::Value>| {
        let value = get(key).or(fallback).and_then(serde_json::Value::as_f64);
        let missing = "the rope scaling of this config needs it";
        value.ok_or_else(|| Error::parameter(format!("rope_scaling.{key}"), "missing", missing))
    };
    match kind.and_then(serde_json::Value::as_str).unwrap_or("default") {
        "default" => Ok(RopeScaling::Default),
        "linear" => Ok(RopeScaling::Linear { factor: number("factor", None)? }),
        "llama3" => Ok(RopeScaling::Llama3 {
            factor: number("factor", None)?,
            low_freq_factor: number("low_freq_factor", None)?,
            high_freq_factor: number("high_freq_factor", None)?,
            original_max_position_embeddings: number(
                "original_max_position_embeddings",
                config.get("max_position_embeddings"),
            )?,
        }),
        other => {
            let why = "a rotary scaling not known here; those known are default, linear and llama3";
            Err(Error::parameter("rope_type", other, why))
        }
    }
}

/// By how much each token's coordinates turn: `[tokens, 1, head_dim / 2]` each.
#[derive(Clone, Debug)]
pub(super) struct Angles {
    cos: Tensor<3>,
    sin: Tensor<3>,
}

impl Angles {
    /// Turns every head of `x`: `[tokens, heads · head_dim]`.
    pub(super) fn turn(&self, x: Tensor<2>) -> Tensor<2> {
        let [tokens, width] = x.dims();
        let half = self.cos.dims()[2];
        let x = x.reshape([tokens, width / (2 * half), 2 * half]);
        let (a, b) = (x.clone().narrow(2, 0, half), x.narrow(2, half, half));
        let turned_a = a.clone() * self.cos.clone() - b.clone() * self.sin.clone();
        let turned_b = b * self.cos.clone() + a * self.sin.clone();
        Tensor::cat(vec![turned_a, turned_b], 2).reshape([tokens, width])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Rope> {
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        Rope::from_config(value.as_object().unwrap())
    }

    #[test]
    fn both_layouts_of_a_config_are_read() {
        let old =
            parse(r#"{"rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 4.0}}"#);
        let new = parse(
            r#"{"rope_parameters": {"rope_theta": 5e5, "rope_type": "linear", "factor": 4.0}}"#,
        );
        let expected = Rope { theta: 5e5, scaling: RopeScaling::Linear { factor: 4.0 } };
        assert_eq!(old.unwrap(), expected);
        assert_eq!(new.unwrap(), expected);
        let plain = Rope { theta: 1e4, scaling: RopeScaling::Default };
        assert_eq!(parse(r#"{"rope_scaling": null}"#).unwrap(), plain);
    }

    #[test]
    fn what_is_not_known_is_refused_by_name() {
        let message = |json: &str| parse(json).unwrap_err().to_string();
        let yarn = message(r#"{"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}"#);
        assert!(yarn.contains("yarn") && yarn.contains("llama3"), "{yarn}");
        let missing = message(r#"{"rope_scaling": {"rope_type": "linear"}}"#);
        assert!(missing.contains("factor"), "{missing}");
        let part = message(r#"{"partial_rotary_factor": 0.25}"#);
        assert!(part.contains("partial_rotary_factor"), "{part}");
        let negative = message(r#"{"rope_theta": -1.0}"#);
        assert!(negative.contains("rope_theta"), "{negative}");
    }

    #[test]
    fn a_turn_is_the_rotation_of_each_pair() {
        let rope = Rope { theta: 100.0, scaling: RopeScaling::Default };
        let device = Device::flex();
        let x = Tensor::<2>::from_floats([[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, 4.0]], &device);
        let y: Vec<f32> =
            rope.angles(&[0, 3], 4, &device, DType::F32).turn(x).into_data().iter().collect();
        assert_eq!(y[..4], [1.0, 2.0, 3.0, 4.0]);
        // Frequencies 1 and 100^(-1/2) = 0.1; pairs (1, 3) and (2, 4).
        let turn =
            |a: f32, b: f32, by: f32| [a * by.cos() - b * by.sin(), b * by.cos() + a * by.sin()];
        let ([a, c], [b, d]) = (turn(1.0, 3.0, 3.0), turn(2.0, 4.0, 0.3));
        for (got, expected) in y[4..].iter().zip([a, b, c, d]) {
            assert!((got - expected).abs() < 1e-6, "{got} for {expected}");
        }
    }
}
