//! How much to trust each of several models.

use rec_core::data::Csr;

use crate::tags::labels::Task;

/// The weights of a mixture `Σ_m π_m p_m`, those that make the labels of held-out texts most
/// probable, by expectation maximisation (Jelinek and Mercer 1980). `probabilities` holds one
/// `[texts, labels]` a model.
pub(crate) fn mixture_weights(probabilities: &[Vec<f32>], truth: &Csr, task: Task) -> Vec<f32> {
    let n = probabilities.len();
    let models: Vec<Vec<f64>> = probabilities.iter().map(|p| of_truth(p, truth, task)).collect();
    let n_points = models.first().map_or(0, Vec::len);
    let mut weights = vec![1.0 / n as f64; n];
    if n_points == 0 {
        return weights.into_iter().map(|w| w as f32).collect();
    }
    for _ in 0..200 {
        let mut total = vec![0f64; n_points];
        for (weight, model) in weights.iter().zip(&models) {
            total.iter_mut().zip(model).for_each(|(total, p)| *total += weight * p);
        }
        let share = |p: &Vec<f64>| p.iter().zip(&total).map(|(p, t)| p / t).sum::<f64>();
        let shares: Vec<f64> = models.iter().map(share).collect();
        weights.iter_mut().zip(shares).for_each(|(w, share)| *w *= share / n_points as f64);
    }
    weights.into_iter().map(|w| w as f32).collect()
}

/// The probability that a model gives to each thing that is true.
fn of_truth(probabilities: &[f32], truth: &Csr, task: Task) -> Vec<f64> {
    let n_labels = truth.n_cols();
    let rows = probabilities.chunks_exact(n_labels).enumerate();
    let least = |p: f32| f64::from(p).max(1e-9);
    match task {
        Task::Single => {
            rows.filter_map(|(row, p)| Some(least(p[*truth.row(row).first()? as usize]))).collect()
        }
        Task::Multi => rows
            .flat_map(|(row, p)| {
                let of = move |(label, &p): (usize, &f32)| {
                    least(if truth.contains(row, label as u32) { p } else { 1.0 - p })
                };
                p.iter().enumerate().map(of)
            })
            .collect(),
    }
}
