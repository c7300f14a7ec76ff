//! p-values of several tests together.

/// Holm's step-down adjustment: with `m` p-values ascending, `max_{j≤i} min(1, (m − j + 1) p_j)`, in
/// the order given.
pub(super) fn adjusted(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let (mut adjusted, mut largest) = (vec![0.0; p.len()], 0.0f64);
    for (at, &test) in order.iter().enumerate() {
        largest = largest.max(((p.len() - at) as f64 * p[test]).min(1.0));
        adjusted[test] = largest;
    }
    adjusted
}
