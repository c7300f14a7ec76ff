//! From which probability on a tag is given.

use rec_core::data::Csr;

/// For each label the threshold with the best F1 on held-out probabilities, `[texts, labels]`; half
/// way between the two probabilities it parts. A label that no text has keeps 0.5. Of equal F1 the
/// highest threshold wins.
pub fn best_thresholds(probabilities: &[f32], truth: &Csr) -> Vec<f32> {
    (0..truth.n_cols()).map(|label| best(probabilities, truth, label)).collect()
}

fn best(probabilities: &[f32], truth: &Csr, label: usize) -> f32 {
    let n_labels = truth.n_cols();
    let mut ranked: Vec<(f32, bool)> = (0..truth.n_rows())
        .map(|row| (probabilities[row * n_labels + label], truth.contains(row, label as u32)))
        .collect();
    ranked.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let positives = ranked.iter().filter(|(_, has)| *has).count();
    let (mut hits, mut best, mut threshold) = (0, 0.0, 0.5);
    for (at, &(p, has)) in ranked.iter().enumerate() {
        hits += usize::from(has);
        let next = ranked.get(at + 1).map_or(0.0, |&(p, _)| p);
        let f1 = 2.0 * hits as f64 / (at + 1 + positives) as f64;
        if next < p && f1 > best {
            best = f1;
            threshold = (p + next) / 2.0;
        }
    }
    threshold
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_by_hand() {
        // Label 0: .9 yes, .6 no, .4 yes, .1 no. F1 above .65: 2/3; above .25: 4/5.
        // Label 1: nobody has it. Label 2: ties may not be parted.
        let p = [0.9, 0.3, 0.7, 0.6, 0.9, 0.7, 0.4, 0.2, 0.7, 0.1, 0.2, 0.1];
        let rows = vec![vec![(0, 1.0), (2, 1.0)], vec![], vec![(0, 1.0)], vec![]];
        let found = best_thresholds(&p, &Csr::from_rows(rows, 3));
        assert!((found[0] - 0.25).abs() < 1e-6 && found[1] == 0.5, "{found:?}");
        assert!((found[2] - 0.4).abs() < 1e-6, "{found:?}");
    }
}
