//! Softmax of a row of scores, a block of keys at a time.

use crate::ops::simd::{Lanes, exp_lanes};

/// `row[i] += bias[i]` for every number of `bias`.
#[inline(always)]
pub(super) fn add<S: Lanes>(s: S, row: &mut [f32], bias: &[f32]) {
    let row = &mut row[..bias.len()];
    let mut rows = row.chunks_exact_mut(S::WIDTH);
    let biases = bias.chunks_exact(S::WIDTH);
    let bias_rest = biases.remainder();
    for (row, bias) in (&mut rows).zip(biases) {
        s.store(s.add(s.load(row), s.load(bias)), row);
    }
    for (score, bias) in rows.into_remainder().iter_mut().zip(bias_rest) {
        *score += bias;
    }
}

/// The running largest score of a query, and the sum of `exp(score − largest)`.
#[derive(Clone, Copy)]
pub(super) struct Running {
    pub(super) largest: f32,
    pub(super) sum: f32,
}

/// Turns scores, a whole number of vectors, into `exp(score − largest)`. Returns the new state and
/// what earlier blocks' weights must be multiplied by.
#[inline(always)]
pub(super) fn weigh<S: Lanes>(s: S, row: &mut [f32], before: Running) -> (Running, f32) {
    let mut top = s.splat(f32::NEG_INFINITY);
    for scores in row.chunks_exact(S::WIDTH) {
        top = s.max(top, s.load(scores));
    }
    let largest = s.largest(top).max(before.largest);
    if largest == f32::NEG_INFINITY {
        row.fill(0.0);
        return (before, 1.0);
    }
    let shift = s.splat(largest);
    let mut sums = s.splat(0.0);
    for scores in row.chunks_exact_mut(S::WIDTH) {
        let weights = exp_lanes(s, s.sub(s.load(scores), shift));
        sums = s.add(sums, weights);
        s.store(weights, scores);
    }
    let factor = if largest == before.largest { 1.0 } else { (before.largest - largest).exp() };
    (Running { largest, sum: before.sum * factor + s.sum(sums) }, factor)
}

/// `row *= factor`.
///
/// # Safety
/// `depth` numbers at `row` are this thread's to write.
#[inline(always)]
pub(super) unsafe fn scale<S: Lanes>(s: S, row: *mut f32, depth: usize, factor: f32) {
    // SAFETY: the caller's promise.
    let row = unsafe { std::slice::from_raw_parts_mut(row, depth) };
    let factors = s.splat(factor);
    let mut rows = row.chunks_exact_mut(S::WIDTH);
    for values in &mut rows {
        s.store(s.mul(s.load(values), factors), values);
    }
    for value in rows.into_remainder() {
        *value *= factor;
    }
}

/// Turns scores into probabilities and gradients of probabilities into gradients of scores:
/// `p = exp(score − log_sum)`, `p (grad − delta)`; a whole number of vectors each.
#[inline(always)]
pub(super) fn slopes<S: Lanes>(
    s: S,
    scores: &mut [f32],
    grads: &mut [f32],
    log_sum: f32,
    delta: f32,
) {
    let (log_sum, delta) = (s.splat(log_sum), s.splat(delta));
    let grads = grads.chunks_exact_mut(S::WIDTH);
    for (scores, grads) in scores.chunks_exact_mut(S::WIDTH).zip(grads) {
        let weights = exp_lanes(s, s.sub(s.load(scores), log_sum));
        s.store(weights, scores);
        s.store(s.mul(weights, s.sub(s.load(grads), delta)), grads);
    }
}
