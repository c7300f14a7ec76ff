//! Is one model better than another on the same users?

use std::fmt;

use rand::RngExt as _;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::bootstrap::Bootstrap;
use super::options::check_confidence;
use super::{Figure, Report};
use crate::rng::stream;
use crate::{Error, Result};

/// How [`paired_test`] runs.
#[derive(Clone, Copy, Debug)]
pub struct PairedOptions {
    /// Random sign flips.
    pub permutations: usize,
    /// Bootstrap samples of the interval of the difference.
    pub bootstrap: usize,
    /// Level of that interval.
    pub confidence: f64,
    /// Seed of both.
    pub seed: u64,
}

impl Default for PairedOptions {
    fn default() -> Self {
        Self { permutations: 10_000, bootstrap: 1000, confidence: 0.95, seed: 0 }
    }
}

/// What [`paired_test`] found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// The compared figure.
    pub name: String,
    /// Users who have a value under both models.
    pub users: usize,
    /// Mean of the first model minus mean of the second, over these users.
    pub difference: f64,
    /// Paired bootstrap percentile interval of the difference.
    pub interval: Option<(f64, f64)>,
    /// Level of the interval.
    pub confidence: f64,
    /// Two-sided p-value of the sign-flip permutation test.
    pub p_value: f64,
    /// Sign flips behind it.
    pub permutations: usize,
    /// Users for whom the first model is better, and for whom the second is.
    pub wins: (usize, usize),
    /// Seed of the flips and the bootstrap.
    pub seed: u64,
}

impl fmt::Display for PairedTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: difference {:+.4}", self.name, self.difference)?;
        if let Some((low, high)) = self.interval {
            write!(f, " ({low:+.4} – {high:+.4})")?;
        }
        write!(
            f,
            ", p = {:.4} (sign-flip permutation test, {} flips), better for {} users, worse for {} of {}",
            self.p_value, self.permutations, self.wins.0, self.wins.1, self.users
        )
    }
}

/// Compares a figure of two models on the same users by Fisher's randomisation test: under the null
/// hypothesis the sign of each user's difference is a coin flip, and
/// `p = (1 + #{flips with |mean| ≥ |observed mean|}) / (1 + flips)`, two-sided (Smucker, Allan and
/// Carterette 2007; the +1 of Phipson and Smyth 2010). The interval is a paired bootstrap.
///
/// # Errors
/// [`Error::IdMismatch`] if the reports are not over the same users in the same order,
/// [`Error::Parameter`] for a figure that one does not have, that has no value of one user
/// (coverage, Gini), or options outside their domain.
pub fn paired_test(
    first: &Report,
    second: &Report,
    name: &str,
    options: &PairedOptions,
) -> Result<PairedTest> {
    check_confidence(options.confidence)?;
    if options.permutations == 0 {
        return Err(Error::parameter("permutations", 0, "choose at least 1, such as 10000"));
    }
    if first.users != second.users {
        return Err(Error::IdMismatch {
            what: "the users of the two reports".into(),
            why: "evaluate both models on one test part with the same options".into(),
        });
    }
    paired_figures(first.require(name)?, second.require(name)?, options)
}

/// The same of two figures over the same users.
pub(crate) fn paired_figures(
    a: &Figure,
    b: &Figure,
    options: &PairedOptions,
) -> Result<PairedTest> {
    let name = &a.name;
    if a.values.is_empty() || a.values.len() != b.values.len() {
        return Err(Error::parameter(
            "metric",
            name,
            "it has no values of single users here; compare a metric that has, on whole reports",
        ));
    }
    let pairs = a.values.iter().zip(&b.values);
    let differences: Vec<f64> = pairs.map(|(a, b)| a - b).filter(|d| !d.is_nan()).collect();
    if differences.is_empty() {
        return Err(Error::empty("the comparison", "no user has a value under both models"));
    }
    let bootstrap = Bootstrap {
        samples: options.bootstrap,
        confidence: options.confidence,
        seed: options.seed,
    };
    Ok(PairedTest {
        name: name.clone(),
        users: differences.len(),
        difference: differences.iter().sum::<f64>() / differences.len() as f64,
        interval: bootstrap.intervals(&[&differences])[0],
        confidence: options.confidence,
        p_value: sign_flip_p(&differences, options.permutations, options.seed),
        permutations: options.permutations,
        wins: (
            differences.iter().filter(|&&d| d > 0.0).count(),
            differences.iter().filter(|&&d| d < 0.0).count(),
        ),
        seed: options.seed,
    })
}

fn sign_flip_p(differences: &[f64], permutations: usize, seed: u64) -> f64 {
    // A difference of 0 has no sign to flip.
    let moving: Vec<f64> = differences.iter().copied().filter(|&d| d != 0.0).collect();
    let observed: f64 = moving.iter().sum();
    let scale: f64 = moving.iter().map(|d| d.abs()).sum();
    // Sums in another order differ in their last bits; equal ones must still count as equal.
    let bar = observed.abs() - 1e-12 * scale;
    let as_extreme = |&flip: &u64| {
        let flipped = flipped_sum(&moving, seed, flip);
        (observed - 2.0 * flipped).abs() >= bar
    };
    let count = (0..permutations as u64).into_par_iter().filter(as_extreme).count();
    (1 + count) as f64 / (1 + permutations) as f64
}

/// The sum of the differences whose coin shows 1.
fn flipped_sum(differences: &[f64], seed: u64, flip: u64) -> f64 {
    let mut rng = stream(seed, "metrics-sign-flip", flip);
    let mut sums = [0.0; 8];
    for block in differences.chunks(64) {
        let coins: u64 = rng.random();
        for (eighth, eight) in block.chunks(8).enumerate() {
            for (lane, (sum, &d)) in sums.iter_mut().zip(eight).enumerate() {
                let coin = coins >> (8 * eighth + lane) & 1;
                *sum += f64::from_bits(d.to_bits() & coin.wrapping_neg());
            }
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_p_value_is_that_of_all_flips() {
        let d = [0.5, -0.1, 0.3, 0.2, 0.0, 0.4, -0.2, 0.1];
        let observed = d.iter().sum::<f64>().abs();
        let mut extreme = 0;
        for signs in 0u32..256 {
            let flip = |(i, d): (usize, &f64)| if signs >> i & 1 == 1 { -d } else { *d };
            let sum: f64 = d.iter().enumerate().map(flip).sum();
            extreme += u32::from(sum.abs() >= observed - 1e-12);
        }
        let exact = f64::from(extreme) / 256.0;
        let n = 40_000;
        let got = sign_flip_p(&d, n, 1);
        let sigma = (exact * (1.0 - exact) / n as f64).sqrt();
        assert!((got - exact).abs() < 4.0 * sigma, "{got} and {exact}");
        assert_eq!(sign_flip_p(&[0.0, 0.0], 100, 1), 1.0);
        assert!(sign_flip_p(&[0.1; 60], 999, 1) < 0.002);
    }

    #[test]
    fn flipped_sums_take_each_difference_half_the_time() {
        for n in [1, 7, 64, 65, 200] {
            let d: Vec<f64> = (0..n).map(|i| f64::from(i) + 1.0).collect();
            let total: f64 = d.iter().sum();
            let mean = (0..4000).map(|f| flipped_sum(&d, 3, f)).sum::<f64>() / 4000.0;
            let sigma = (d.iter().map(|x| x * x / 4.0).sum::<f64>() / 4000.0).sqrt();
            assert!((mean - total / 2.0).abs() < 4.0 * sigma);
        }
    }
}
