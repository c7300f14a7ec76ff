//! A sigmoid for each label.

use rec_core::data::Csr;

/// `(a, b)` of `σ(a s + b)` by Newton's method with backtracking, on Platt's smoothed targets
/// (Lin, Lin and Weng 2007, "A Note on Platt's Probabilistic Outputs", algorithm 1).
pub(super) fn fit(scores: &[f32], truth: &Csr, label: usize) -> (f32, f32) {
    let n_labels = truth.n_cols();
    let own: Vec<(f64, bool)> = (0..truth.n_rows())
        .map(|row| (f64::from(scores[row * n_labels + label]), truth.contains(row, label as u32)))
        .collect();
    let with = own.iter().filter(|(_, has)| *has).count() as f64;
    let without = own.len() as f64 - with;
    let (high, low) = ((with + 1.0) / (with + 2.0), 1.0 / (without + 2.0));
    let points: Vec<(f64, f64)> =
        own.into_iter().map(|(s, has)| (s, if has { high } else { low })).collect();
    newton(&points, ((with + 1.0) / (without + 1.0)).ln())
}

fn newton(points: &[(f64, f64)], b: f64) -> (f32, f32) {
    let (mut a, mut b) = (0.0, b);
    let mut value = loss(points, a, b);
    for _ in 0..100 {
        // The ridge keeps the Hessian definite where all scores are equal.
        let (mut haa, mut hab, mut hbb, mut ga, mut gb) = (1e-12, 0.0, 1e-12, 0.0, 0.0);
        for &(s, t) in points {
            let p = 1.0 / (1.0 + (-(a * s + b)).exp());
            let (curve, slope) = (p * (1.0 - p), p - t);
            haa += s * s * curve;
            hab += s * curve;
            hbb += curve;
            ga += s * slope;
            gb += slope;
        }
        if ga.abs() < 1e-5 && gb.abs() < 1e-5 {
            break;
        }
        let det = haa * hbb - hab * hab;
        let (da, db) = (-(hbb * ga - hab * gb) / det, -(haa * gb - hab * ga) / det);
        let descent = ga * da + gb * db;
        let mut step = 1.0;
        let better = loop {
            let new = loss(points, a + step * da, b + step * db);
            if new < value + 1e-4 * step * descent {
                break Some(new);
            }
            step /= 2.0;
            if step < 1e-10 {
                break None;
            }
        };
        let Some(new) = better else { break };
        (a, b, value) = (a + step * da, b + step * db, new);
    }
    (a as f32, b as f32)
}

/// `−Σ t ln p + (1 − t) ln (1 − p)`, without overflow.
fn loss(points: &[(f64, f64)], a: f64, b: f64) -> f64 {
    let of = |&(s, t): &(f64, f64)| {
        let f = a * s + b;
        if f >= 0.0 { (1.0 - t) * f + (-f).exp().ln_1p() } else { f.exp().ln_1p() - t * f }
    };
    points.iter().map(of).sum()
}
