//! Confidence intervals of means over users, by the bootstrap.

use rand::RngExt as _;
use rayon::prelude::*;

use crate::rng::stream;

/// How confidence intervals are made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bootstrap {
    pub(crate) samples: usize,
    pub(crate) confidence: f64,
    pub(crate) seed: u64,
}

impl Bootstrap {
    /// Percentile intervals of the column means of `values`: `[n, width]`, row-major. Each sample
    /// draws `n` rows with replacement, all columns of a row together (Efron 1979; Sakai 2006 for
    /// means over queries). `None` where nothing can be drawn.
    pub(crate) fn intervals(&self, values: &[f64], width: usize) -> Vec<Option<(f64, f64)>> {
        let n = values.len() / width.max(1);
        if n == 0 || self.samples == 0 {
            return vec![None; width];
        }
        let mut means = vec![0.0; self.samples * width];
        means.par_chunks_mut(width).enumerate().for_each(|(sample, sums)| {
            self.resample(values, width, n, sample as u64, sums);
        });
        let column = |c: usize| means.iter().skip(c).step_by(width).copied().collect();
        (0..width).map(|c| Some(self.percentiles(column(c)))).collect()
    }

    fn resample(&self, values: &[f64], width: usize, n: usize, sample: u64, sums: &mut [f64]) {
        let mut rng = stream(self.seed, "metrics-bootstrap", sample);
        let mut add = |draw: u32| {
            // Scaling a 32-bit draw favours some rows by less than n / 2³².
            let row = ((u64::from(draw) * n as u64) >> 32) as usize;
            for (sum, value) in sums.iter_mut().zip(&values[row * width..][..width]) {
                *sum += value;
            }
        };
        for _ in 0..n / 2 {
            let draw: u64 = rng.random();
            add((draw >> 32) as u32);
            add(draw as u32);
        }
        if n % 2 == 1 {
            add(rng.random());
        }
        sums.iter_mut().for_each(|sum| *sum /= n as f64);
    }

    fn percentiles(&self, mut means: Vec<f64>) -> (f64, f64) {
        means.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        (quantile(&means, tail), quantile(&means, 1.0 - tail))
    }
}

/// The quantile of sorted values, interpolated linearly (type 7 of Hyndman and Fan 1996, numpy's
/// default).
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parallel::install;

    #[test]
    fn the_interval_is_the_normal_one_where_that_holds() {
        let mut rng = stream(3, "test", 0);
        let values: Vec<f64> = (0..2001).map(|_| rng.random::<f64>()).collect();
        let mean = values.iter().sum::<f64>() / 2001.0;
        let var = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / 2001.0;
        let half = 1.959_964 * (var / 2001.0).sqrt();
        let bootstrap = Bootstrap { samples: 4000, confidence: 0.95, seed: 1 };
        let (low, high) = bootstrap.intervals(&values, 1)[0].unwrap();
        assert!((low - (mean - half)).abs() < 0.1 * half, "{low} {}", mean - half);
        assert!((high - (mean + half)).abs() < 0.1 * half, "{high} {}", mean + half);
    }

    #[test]
    fn columns_are_drawn_together_and_threads_change_nothing() {
        let values: Vec<f64> =
            (0..300).flat_map(|i| [f64::from(i % 7), f64::from(i % 7)]).collect();
        let run = |threads| {
            let bootstrap = Bootstrap { samples: 200, confidence: 0.9, seed: 4 };
            install(Some(threads), || Ok(bootstrap.intervals(&values, 2))).unwrap()
        };
        let one = run(1);
        assert_eq!(one[0], one[1]);
        assert_eq!(one, run(3));
        let none = Bootstrap { samples: 0, confidence: 0.9, seed: 4 };
        assert_eq!(none.intervals(&values, 2), [None, None]);
    }

    #[test]
    fn quantiles_are_numpys() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&sorted, 0.5), 3.0);
        assert!((quantile(&sorted, 0.9) - 6.8).abs() < 1e-12);
        assert_eq!(quantile(&sorted, 1.0), 8.0);
    }
}
