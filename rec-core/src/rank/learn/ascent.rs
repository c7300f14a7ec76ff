//! Coordinate ascent on NDCG.

use rayon::prelude::*;

use super::candidates::Sample;

/// What a weight is tried at, as a share of the sum of the others, beside 0.
const SHARES: [f32; 12] = [0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0];
/// A round that gains less than this is the last.
const GAIN: f64 = 1e-5;
const ROUNDS: usize = 20;

/// The mean of the users' NDCG@k under these weights.
pub(super) fn mean_ndcg(samples: &[&Sample], weights: &[f32], k: usize) -> f64 {
    // Collected, so that the sum is taken in order whatever the threads.
    let one = |sums: &mut Vec<f32>, sample: &&Sample| sample.ndcg(weights, k, sums);
    let each: Vec<f64> = samples.par_iter().map_init(Vec::new, one).collect();
    each.iter().sum::<f64>() / samples.len().max(1) as f64
}

/// Weights that add up to 1: the better of ascents from the best single model and from equal
/// weights.
pub(super) fn ascend(samples: &[&Sample], n: usize, k: usize) -> Vec<f32> {
    let equal = vec![1.0 / n as f32; n];
    let single = (0..n).map(|model| {
        let mut weights = vec![0.0; n];
        weights[model] = 1.0;
        (mean_ndcg(samples, &weights, k), weights)
    });
    let Some(single) = single.reduce(|a, b| if b.0 > a.0 { b } else { a }) else { return equal };
    let (from_single, from_equal) = (climb(samples, single.1, k), climb(samples, equal, k));
    if from_equal.0 > from_single.0 { from_equal.1 } else { from_single.1 }
}

fn climb(samples: &[&Sample], mut weights: Vec<f32>, k: usize) -> (f64, Vec<f32>) {
    let mut best = mean_ndcg(samples, &weights, k);
    for _ in 0..ROUNDS {
        let before = best;
        for model in 0..weights.len() {
            let rest: f32 = weights.iter().sum::<f32>() - weights[model];
            if rest <= 0.0 {
                continue;
            }
            for share in std::iter::once(0.0).chain(SHARES) {
                let mut tried = weights.clone();
                tried[model] = share * rest;
                let sum: f32 = tried.iter().sum();
                tried.iter_mut().for_each(|w| *w /= sum);
                let ndcg = mean_ndcg(samples, &tried, k);
                if ndcg > best {
                    (best, weights) = (ndcg, tried);
                }
            }
        }
        if best - before < GAIN {
            break;
        }
    }
    (best, weights)
}
