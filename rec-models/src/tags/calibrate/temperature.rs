//! One temperature for all labels.

use rec_core::data::Csr;

/// The `T` that makes the true labels most probable under `softmax(s / T)`. The loss is convex in
/// `β = 1 / T`, so bisection on its slope, `Σ_i E_p[s] − s_true`, finds it.
pub(super) fn fit(scores: &[f32], truth: &Csr) -> f32 {
    let n_labels = truth.n_cols();
    let slope = |beta: f64| {
        let rows = scores.chunks_exact(n_labels).enumerate();
        rows.filter_map(|(row, scores)| {
            let own = *truth.row(row).first()? as usize;
            let top = f64::from(scores.iter().copied().fold(f32::MIN, f32::max));
            let (mut sum, mut mean) = (0.0, 0.0);
            for &s in scores {
                let s = f64::from(s);
                let p = (beta * (s - top)).exp();
                sum += p;
                mean += p * s;
            }
            Some(mean / sum - f64::from(scores[own]))
        })
        .sum::<f64>()
    };
    // Temperatures between 1e-3 and 1e4 cover margins and log-likelihoods of long texts.
    let (mut low, mut high) = (1e-4f64.ln(), 1e3f64.ln());
    for _ in 0..50 {
        let middle = (low + high) / 2.0;
        if slope(middle.exp()) < 0.0 { low = middle } else { high = middle }
    }
    (-(low + high) / 2.0).exp() as f32
}
