//! A step on slices, on CPU threads.

use rayon::prelude::*;

use super::Update;
use crate::ops::simd::{Lanes, Level, Task};

/// Numbers a thread takes at a time: the four arrays' parts fit into the cache together.
const CHUNK: usize = 1 << 14;

/// A parameter with its moments, to be changed in place, and its gradient.
pub(super) struct Slices<'a> {
    pub(super) parameter: &'a mut [f32],
    pub(super) first: &'a mut [f32],
    pub(super) second: &'a mut [f32],
    pub(super) gradient: &'a [f32],
}

/// Steps every number.
pub(super) fn step(level: Level, slices: Slices<'_>, update: Update) {
    let Slices { parameter, first, second, gradient } = slices;
    let n = gradient.len();
    assert!(parameter.len() == n && first.len() == n && second.len() == n, "sizes disagree");
    let moments = first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK));
    let parts = parameter.par_chunks_mut(CHUNK).zip(moments).zip(gradient.par_chunks(CHUNK));
    parts.for_each(|((parameter, (first, second)), gradient)| {
        level.run(Step(Slices { parameter, first, second, gradient }, update));
    });
}

/// Steps rows `ids` (ascending, distinct) of `[rows, d]` arrays; row `i` of the gradient, `[ids,
/// d]`, with the numbers of `updates[i]`.
pub(super) fn step_rows(level: Level, slices: Slices<'_>, ids: &[u32], updates: &[Update]) {
    let Slices { parameter, first, second, gradient } = slices;
    assert!(parameter.len() == first.len() && first.len() == second.len(), "sizes disagree");
    assert!(ids.len() == updates.len() && gradient.len().is_multiple_of(ids.len().max(1)));
    let Some(d) = gradient.len().checked_div(ids.len()).filter(|d| *d > 0) else { return };
    rows(level, Slices { parameter, first, second, gradient }, (ids, updates), 0, d);
}

/// Halves the ids, and the tables between them, until a thread's share is small.
fn rows(
    level: Level,
    slices: Slices<'_>,
    (ids, updates): (&[u32], &[Update]),
    start: usize,
    d: usize,
) {
    let Slices { parameter, first, second, gradient } = slices;
    if ids.len() * d > CHUNK && ids.len() > 1 {
        let middle = ids.len() / 2;
        let at = (ids[middle] as usize - start) * d;
        let (parameter, first, second) =
            (parameter.split_at_mut(at), first.split_at_mut(at), second.split_at_mut(at));
        let gradient = gradient.split_at(middle * d);
        let (ids, updates) = (ids.split_at(middle), updates.split_at(middle));
        let left = Slices {
            parameter: parameter.0,
            first: first.0,
            second: second.0,
            gradient: gradient.0,
        };
        let right = Slices {
            parameter: parameter.1,
            first: first.1,
            second: second.1,
            gradient: gradient.1,
        };
        let next = ids.1[0] as usize;
        rayon::join(
            || rows(level, left, (ids.0, updates.0), start, d),
            || rows(level, right, (ids.1, updates.1), next, d),
        );
        return;
    }
    for ((id, update), gradient) in ids.iter().zip(updates).zip(gradient.chunks_exact(d)) {
        let row = (*id as usize - start) * d..(*id as usize - start + 1) * d;
        let slices = Slices {
            parameter: &mut parameter[row.clone()],
            first: &mut first[row.clone()],
            second: &mut second[row],
            gradient,
        };
        level.run(Step(slices, *update));
    }
}

struct Step<'a>(Slices<'a>, Update);

impl Task for Step<'_> {
    type Output = ();

    /// A plain loop, which the compiler turns into the vectors of the level it lands in; with no
    /// fused operations, so that every level gives the same bits.
    #[inline(always)]
    fn run<S: Lanes>(self, _: S) {
        let Self(Slices { parameter, first, second, gradient }, u) = self;
        let moments = first.iter_mut().zip(second);
        for ((theta, (m, v)), gradient) in parameter.iter_mut().zip(moments).zip(gradient) {
            let g = gradient * u.gradient_scale;
            *m = u.beta_1 * *m + u.new_1 * g;
            *v = u.beta_2 * *v + u.new_2 * g * g;
            *theta = u.keep * *theta - u.rate * *m / (v.sqrt() / u.root + u.epsilon);
        }
    }
}

/// `Σ x²`, the same at any number of threads.
pub(super) fn sum_of_squares(values: &[f32]) -> f64 {
    let part = |values: &[f32]| values.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>();
    let parts: Vec<f64> = values.par_chunks(CHUNK).map(part).collect();
    parts.iter().sum()
}
