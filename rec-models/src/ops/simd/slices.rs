//! Functions over slices, on one thread.

use super::math::exp_lanes;
use super::{Lanes, Task, dispatch};

/// A function of one number, a vector at a time.
pub(crate) trait Map: Copy {
    /// The function's values. Mark it `#[inline(always)]`.
    fn map<S: Lanes>(self, lanes: S, x: S::V) -> S::V;
}

struct MapInPlace<'a, M>(&'a mut [f32], M);

impl<M: Map> Task for MapInPlace<'_, M> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let Self(values, map) = self;
        let mut chunks = values.chunks_exact_mut(S::WIDTH);
        for chunk in &mut chunks {
            s.store(map.map(s, s.load(chunk)), chunk);
        }
        let rest = chunks.into_remainder();
        if !rest.is_empty() {
            s.store_part(map.map(s, s.load_part(rest, 0.0)), rest);
        }
    }
}

/// Replaces each value by its image.
pub(crate) fn map_in_place(values: &mut [f32], map: impl Map) {
    dispatch(MapInPlace(values, map));
}

#[derive(Clone, Copy)]
pub(super) struct Exp;

impl Map for Exp {
    #[inline(always)]
    fn map<S: Lanes>(self, s: S, x: S::V) -> S::V {
        exp_lanes(s, x)
    }
}

/// Replaces each `x` by `eˣ`; see [`exp_lanes`] for the accuracy.
pub(crate) fn exp(values: &mut [f32]) {
    map_in_place(values, Exp);
}

pub(super) struct ExpMinus<'a>(pub(super) &'a mut [f32], pub(super) f32);

impl Task for ExpMinus<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) -> f32 {
        let Self(values, shift) = self;
        let shift = s.splat(shift);
        let mut sum = s.splat(0.0);
        let mut chunks = values.chunks_exact_mut(S::WIDTH);
        for chunk in &mut chunks {
            let y = exp_lanes(s, s.sub(s.load(chunk), shift));
            sum = s.add(sum, y);
            s.store(y, chunk);
        }
        let rest = chunks.into_remainder();
        if !rest.is_empty() {
            let y = exp_lanes(s, s.sub(s.load_part(rest, f32::NEG_INFINITY), shift));
            sum = s.add(sum, y);
            s.store_part(y, rest);
        }
        s.sum(sum)
    }
}

/// Replaces each `x` by `e^(x − shift)` and returns their sum: a softmax before its division.
/// `shift` must be finite.
pub(crate) fn exp_minus(values: &mut [f32], shift: f32) -> f32 {
    dispatch(ExpMinus(values, shift))
}

pub(super) struct Max<'a>(pub(super) &'a [f32]);

impl Task for Max<'_> {
    type Output = f32;

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) -> f32 {
        let mut largest = s.splat(f32::NEG_INFINITY);
        let chunks = self.0.chunks_exact(S::WIDTH);
        let rest = chunks.remainder();
        for chunk in chunks {
            largest = s.max(s.load(chunk), largest);
        }
        if !rest.is_empty() {
            largest = s.max(s.load_part(rest, f32::NEG_INFINITY), largest);
        }
        s.largest(largest)
    }
}

/// The largest of `values`, −∞ if there are none; what is not a number is passed over.
pub(crate) fn max(values: &[f32]) -> f32 {
    dispatch(Max(values))
}
