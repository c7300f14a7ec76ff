//! From scores to losses and gradients, a row at a time, on CPU threads.

use rayon::prelude::*;

use crate::ops::simd::{Lanes, Level, Task, exp_lanes};

/// The losses of some rows.
pub(super) struct Rows<'a> {
    /// `[rows, classes]`; where there are `scales`, these become the gradients of `Σ scales ⊙
    /// losses`, otherwise they stay.
    pub(super) scores: &'a mut [f32],
    pub(super) classes: usize,
    pub(super) targets: &'a [i64],
    pub(super) smoothing: f32,
    pub(super) scales: Option<&'a [f32]>,
    pub(super) losses: &'a mut [f32],
}

impl Rows<'_> {
    pub(super) fn run(self, level: Level) {
        let (classes, smoothing) = (self.classes, self.smoothing);
        let scores = self.scores.par_chunks_exact_mut(classes);
        let rows = scores.zip(self.targets).zip(self.losses).enumerate();
        rows.for_each(|(i, ((scores, target), loss))| {
            let scale = self.scales.map(|scales| scales[i]);
            let Ok(target) = usize::try_from(*target) else {
                *loss = 0.0;
                if scale.is_some() {
                    scores.fill(0.0);
                }
                return;
            };
            assert!(target < classes, "target {target} of {classes} classes");
            *loss = level.run(Row { scores, target, smoothing, scale });
        });
    }
}

struct Row<'a> {
    scores: &'a mut [f32],
    target: usize,
    smoothing: f32,
    scale: Option<f32>,
}

impl Task for Row<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) -> f32 {
        let Self { scores, target, smoothing, scale } = self;
        let largest = largest(s, scores);
        let hit = scores[target];
        let mean = if smoothing > 0.0 { mean(s, scores) } else { 0.0 };
        let sum = match scale {
            Some(scale) => {
                let sum = weigh(s, scores, largest);
                let flat = scale * smoothing / scores.len() as f32;
                affine(s, scores, scale / sum, -flat);
                scores[target] -= scale * (1.0 - smoothing);
                sum
            }
            None => sum(s, scores, largest),
        };
        // Differences before logarithms: scores may be large beside them.
        sum.ln() + (1.0 - smoothing) * (largest - hit) + smoothing * (largest - mean)
    }
}

#[inline(always)]
fn largest<S: Lanes>(s: S, scores: &[f32]) -> f32 {
    let chunks = scores.chunks_exact(S::WIDTH);
    let rest = chunks.remainder();
    let mut top = s.load_part(rest, f32::NEG_INFINITY);
    for chunk in chunks {
        top = s.max(s.load(chunk), top);
    }
    s.largest(top)
}

#[inline(always)]
fn mean<S: Lanes>(s: S, scores: &[f32]) -> f32 {
    // Sums of sums of 1,024: the error grows with the logarithm of the length, not with it.
    let mut total = 0.0f64;
    for part in scores.chunks(1024) {
        let chunks = part.chunks_exact(S::WIDTH);
        let mut sums = s.load_part(chunks.remainder(), 0.0);
        for chunk in chunks {
            sums = s.add(sums, s.load(chunk));
        }
        total += f64::from(s.sum(sums));
    }
    (total / scores.len() as f64) as f32
}

/// `Σ exp(score − shift)`.
#[inline(always)]
fn sum<S: Lanes>(s: S, scores: &[f32], shift: f32) -> f32 {
    let shifts = s.splat(shift);
    let chunks = scores.chunks_exact(S::WIDTH);
    let rest = s.load_part(chunks.remainder(), f32::NEG_INFINITY);
    let mut sums = exp_lanes(s, s.sub(rest, shifts));
    for chunk in chunks {
        sums = s.add(sums, exp_lanes(s, s.sub(s.load(chunk), shifts)));
    }
    s.sum(sums)
}

/// Turns scores into `exp(score − shift)` and gives their sum.
#[inline(always)]
fn weigh<S: Lanes>(s: S, scores: &mut [f32], shift: f32) -> f32 {
    let shifts = s.splat(shift);
    let mut sums = s.splat(0.0);
    let mut chunks = scores.chunks_exact_mut(S::WIDTH);
    for chunk in &mut chunks {
        let weights = exp_lanes(s, s.sub(s.load(chunk), shifts));
        sums = s.add(sums, weights);
        s.store(weights, chunk);
    }
    let rest = chunks.into_remainder();
    let weights = exp_lanes(s, s.sub(s.load_part(rest, f32::NEG_INFINITY), shifts));
    s.store_part(weights, rest);
    s.sum(s.add(sums, weights))
}

/// `x ← by x + plus`.
#[inline(always)]
fn affine<S: Lanes>(s: S, values: &mut [f32], by: f32, plus: f32) {
    let (by, plus) = (s.splat(by), s.splat(plus));
    let mut chunks = values.chunks_exact_mut(S::WIDTH);
    for chunk in &mut chunks {
        s.store(s.mul_add(s.load(chunk), by, plus), chunk);
    }
    let rest = chunks.into_remainder();
    s.store_part(s.mul_add(s.load_part(rest, 0.0), by, plus), rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores ln 1, ln 2, ln 3, ln 4: the softmax is .1, .2, .3, .4.
    #[test]
    fn a_row_worked_by_hand() {
        let ln = |x: f32| x.ln() + 100.0;
        for level in Level::all() {
            let mut scores = [1.0, 2.0, 3.0, 4.0].map(ln);
            let mut losses = [0.0];
            let rows = Rows {
                scores: &mut scores,
                classes: 4,
                targets: &[2],
                smoothing: 0.2,
                scales: Some(&[10.0]),
                losses: &mut losses,
            };
            rows.run(level);
            // −.8 ln .3 − .05 (ln .1 + ln .2 + ln .3 + ln .4)
            assert!((losses[0] - 1.264_793).abs() < 2e-5, "{losses:?}");
            // 10 (p − .05), and .8 less at the target.
            for (got, expected) in scores.iter().zip([0.5, 1.5, -5.5, 3.5]) {
                assert!((got - expected).abs() < 1e-4, "{level:?} {scores:?}");
            }
        }
    }
}
