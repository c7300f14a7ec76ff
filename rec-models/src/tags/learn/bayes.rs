//! Naive Bayes: how much more often an n-gram stands in texts with a label than in others.

use rec_core::data::Csr;

/// The log-count ratio of each n-gram and of the label itself,
/// `r = ln (p / ‖p‖₁) − ln (q / ‖q‖₁)` with `p = α + Σ_{i with label} f_i`, `q = α + Σ_{i without} f_i`
/// where `f_ij` is 1 if text `i` has n-gram `j` (Wang and Manning 2012, "Baselines and Bigrams",
/// eq. 1). As weights of `f` they are one-versus-all naive Bayes (Rennie et al. 2003, §3.1).
pub(super) fn log_count_ratio(rows: &Csr, positive: &[bool], alpha: f64) -> (Vec<f32>, f32) {
    let mut counts = vec![[0u32; 2]; rows.n_cols()];
    for (row, &positive) in positive.iter().enumerate() {
        for &column in rows.row(row) {
            counts[column as usize][usize::from(!positive)] += 1;
        }
    }
    let total = |side: usize| {
        counts.iter().map(|c| alpha + f64::from(c[side])).sum::<f64>().max(f64::MIN_POSITIVE)
    };
    let shift = (total(1) / total(0)).ln();
    let ratio = |c: &[u32; 2]| {
        (((alpha + f64::from(c[0])) / (alpha + f64::from(c[1]))).ln() + shift) as f32
    };
    let with = positive.iter().filter(|p| **p).count() as f64;
    let prior = ((alpha + with) / (alpha + positive.len() as f64 - with)).ln();
    (counts.iter().map(ratio).collect(), prior as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_by_hand() {
        let rows = vec![vec![(0, 0.5), (1, 0.1)], vec![(0, 0.2)], vec![(1, 1.0)], vec![]];
        let (r, prior) =
            log_count_ratio(&Csr::from_rows(rows, 2), &[true, true, false, false], 1.0);
        // p = (3, 2), q = (1, 2): ratios 3/5 over 1/3 and 2/5 over 2/3.
        assert!((r[0] - (1.8f32).ln()).abs() < 1e-6 && (r[1] - (0.6f32).ln()).abs() < 1e-6);
        assert_eq!(prior, 0.0);
    }
}
