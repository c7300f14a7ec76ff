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
    /// Percentile intervals of the means of columns of equal length `n`. Each sample draws `n` rows
    /// with replacement, all columns of a row together (Efron 1979; Sakai 2006 for means over
    /// queries). `None` where nothing can be drawn.
    pub(crate) fn intervals(&self, columns: &[&[f64]]) -> Vec<Option<(f64, f64)>> {
        let (n, width) = (columns.first().map_or(0, |c| c.len()), columns.len());
        if n == 0 || self.samples == 0 {
            return vec![None; width];
        }
        let mut means = vec![0.0; self.samples * width];
        let scratch = || (vec![0u16; n], vec![0.0; BLOCK]);
        means.par_chunks_mut(width).enumerate().for_each_init(
            scratch,
            |scratch, (sample, means)| {
                self.draw(sample as u64, &mut scratch.0);
                weighted_means(columns, &scratch.0, &mut scratch.1, means);
            },
        );
        let of = |c: usize| means.iter().skip(c).step_by(width).copied().collect();
        (0..width).map(|c| Some(self.percentiles(of(c)))).collect()
    }

    /// How often each row is drawn.
    fn draw(&self, sample: u64, counts: &mut [u16]) {
        let mut rng = stream(self.seed, "metrics-bootstrap", sample);
        let n = counts.len();
        counts.fill(0);
        // Scaling a 32-bit draw favours some rows by less than n / 2³².
        let mut add = |draw: u32| counts[((u64::from(draw) * n as u64) >> 32) as usize] += 1;
        for _ in 0..n / 2 {
            let draw: u64 = rng.random();
            add((draw >> 32) as u32);
            add(draw as u32);
        }
        if n % 2 == 1 {
            add(rng.random());
        }
    }

    fn percentiles(&self, mut means: Vec<f64>) -> (f64, f64) {
        means.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        (quantile(&means, tail), quantile(&means, 1.0 - tail))
    }
}

/// Rows a block: their counts and one column's values stay in the first cache.
const BLOCK: usize = 1024;

/// `means[c] = Σ_row counts[row] · columns[c][row] / n`.
fn weighted_means(columns: &[&[f64]], counts: &[u16], scratch: &mut [f64], means: &mut [f64]) {
    means.fill(0.0);
    for (block, counts) in counts.chunks(BLOCK).enumerate() {
        let weights = &mut scratch[..counts.len()];
        weights.iter_mut().zip(counts).for_each(|(weight, &count)| *weight = f64::from(count));
        for (mean, column) in means.iter_mut().zip(columns) {
            *mean += dot(weights, &column[block * BLOCK..][..counts.len()]);
        }
    }
    means.iter_mut().for_each(|mean| *mean /= counts.len() as f64);
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (mut sums, mut rest) = ([0.0; 8], 0.0);
    let (a8, b8) = (a.chunks_exact(8), b.chunks_exact(8));
    for (x, y) in a8.remainder().iter().zip(b8.remainder()) {
        rest += x * y;
    }
    for (x, y) in a8.zip(b8) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f64>() + rest
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
        let (low, high) = bootstrap.intervals(&[&values])[0].unwrap();
        assert!((low - (mean - half)).abs() < 0.1 * half, "{low} {}", mean - half);
        assert!((high - (mean + half)).abs() < 0.1 * half, "{high} {}", mean + half);
    }

    #[test]
    fn columns_are_drawn_together_and_threads_change_nothing() {
        let values: Vec<f64> = (0..3001).map(|i| f64::from(i % 7)).collect();
        let run = |threads| {
            let bootstrap = Bootstrap { samples: 200, confidence: 0.9, seed: 4 };
            install(Some(threads), || Ok(bootstrap.intervals(&[&values, &values]))).unwrap()
        };
        let one = run(1);
        assert_eq!(one[0], one[1]);
        assert_eq!(one, run(3));
        let none = Bootstrap { samples: 0, confidence: 0.9, seed: 4 };
        assert_eq!(none.intervals(&[&values, &values]), [None, None]);
    }

    #[test]
    fn means_are_those_of_the_drawn_rows() {
        let bootstrap = Bootstrap { samples: 1, confidence: 0.9, seed: 4 };
        let values: Vec<f64> = (0..2500).map(|i| f64::from(i).sqrt()).collect();
        let mut counts = vec![9; 2500];
        bootstrap.draw(7, &mut counts);
        assert_eq!(counts.iter().map(|&c| usize::from(c)).sum::<usize>(), 2500);
        let mut means = [0.0];
        weighted_means(&[&values], &counts, &mut [0.0; BLOCK], &mut means);
        let plain = values.iter().zip(&counts).map(|(v, &c)| v * f64::from(c)).sum::<f64>();
        assert!((means[0] - plain / 2500.0).abs() < 1e-10);
    }

    #[test]
    fn quantiles_are_numpys() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&sorted, 0.5), 3.0);
        assert!((quantile(&sorted, 0.9) - 6.8).abs() < 1e-12);
        assert_eq!(quantile(&sorted, 1.0), 8.0);
    }
}
