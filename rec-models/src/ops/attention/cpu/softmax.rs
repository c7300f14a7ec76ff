//! Softmax of a row of scores, a block of keys at a time.

use pulp::Simd;

use crate::ops::lanes::exp;

/// Adds `bias` to the first numbers of `row`.
#[inline(always)]
pub(super) fn add<S: Simd>(simd: S, row: &mut [f32], bias: &[f32]) {
    let (row, row_rest) = S::as_mut_simd_f32s(&mut row[..bias.len()]);
    let (bias, bias_rest) = S::as_simd_f32s(bias);
    for (score, bias) in row.iter_mut().zip(bias) {
        *score = simd.add_f32s(*score, *bias);
    }
    for (score, bias) in row_rest.iter_mut().zip(bias_rest) {
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
pub(super) fn weigh<S: Simd>(simd: S, row: &mut [f32], before: Running) -> (Running, f32) {
    let (lanes, _) = S::as_mut_simd_f32s(row);
    let mut top = simd.splat_f32s(f32::NEG_INFINITY);
    for score in lanes.iter() {
        top = simd.max_f32s(top, *score);
    }
    let largest = simd.reduce_max_f32s(top).max(before.largest);
    if largest == f32::NEG_INFINITY {
        lanes.fill(simd.splat_f32s(0.0));
        return (before, 1.0);
    }
    let shift = simd.splat_f32s(largest);
    let mut sums = simd.splat_f32s(0.0);
    for score in lanes.iter_mut() {
        *score = exp(simd, simd.sub_f32s(*score, shift));
        sums = simd.add_f32s(sums, *score);
    }
    let factor = if largest == before.largest { 1.0 } else { (before.largest - largest).exp() };
    let sum = before.sum * factor + simd.reduce_sum_f32s(sums);
    (Running { largest, sum }, factor)
}

/// `row *= factor`.
///
/// # Safety
/// `depth` numbers at `row` are this thread's to write.
#[inline(always)]
pub(super) unsafe fn scale<S: Simd>(simd: S, row: *mut f32, depth: usize, factor: f32) {
    // SAFETY: the caller's promise.
    let row = unsafe { std::slice::from_raw_parts_mut(row, depth) };
    let factors = simd.splat_f32s(factor);
    let (lanes, rest) = S::as_mut_simd_f32s(row);
    for value in lanes {
        *value = simd.mul_f32s(*value, factors);
    }
    for value in rest {
        *value *= factor;
    }
}

/// Turns scores into probabilities and gradients of probabilities into gradients of scores:
/// `p = exp(score − log_sum)`, `p (grad − delta)`.
#[inline(always)]
pub(super) fn slopes<S: Simd>(
    simd: S,
    scores: &mut [f32],
    grads: &mut [f32],
    log_sum: f32,
    delta: f32,
) {
    let (log_sum, delta) = (simd.splat_f32s(log_sum), simd.splat_f32s(delta));
    let (scores, _) = S::as_mut_simd_f32s(scores);
    let (grads, _) = S::as_mut_simd_f32s(grads);
    for (score, grad) in scores.iter_mut().zip(grads) {
        *score = exp(simd, simd.sub_f32s(*score, log_sum));
        *grad = simd.mul_f32s(*score, simd.sub_f32s(*grad, delta));
    }
}
