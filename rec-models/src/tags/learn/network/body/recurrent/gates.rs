//! The units of one text at one step, a vector of them at a time.

use crate::ops::simd::{Lanes, Task, dispatch, sigmoid_lanes, tanh_lanes};

/// What the units of a text see at a step.
pub(super) struct Seen<'a> {
    /// `W e`, gate by gate: `[3, hidden]`.
    pub(super) inputs: &'a [f32],
    /// `b`: `[3, hidden]`.
    pub(super) bias: &'a [f32],
    /// `U h`: `[3, hidden]`.
    pub(super) recurrent: &'a [f32],
    /// `c`.
    pub(super) inner_bias: &'a [f32],
    /// `h`.
    pub(super) last: &'a [f32],
}

/// What they make of it.
pub(super) struct Made<'a> {
    pub(super) state: &'a mut [f32],
    pub(super) r: &'a mut [f32],
    pub(super) z: &'a mut [f32],
    pub(super) n: &'a mut [f32],
    /// `U_n h + c`.
    pub(super) inner: &'a mut [f32],
}

/// What was made, for the way back.
pub(super) struct Known<'a> {
    pub(super) last: &'a [f32],
    pub(super) r: &'a [f32],
    pub(super) z: &'a [f32],
    pub(super) n: &'a [f32],
    pub(super) inner: &'a [f32],
}

/// The gradients of a text's units at a step.
pub(super) struct Slope<'a> {
    /// Of the gates before `σ` and `tanh`, as the kernels have part in them: `[3, hidden]`.
    pub(super) of_inputs: &'a mut [f32],
    /// As the states before have part in them: `[3, hidden]`.
    pub(super) of_states: &'a mut [f32],
    /// In: of the state, as far as the next step has part in it. Out: of the one before, but for `U`.
    pub(super) carried: &'a mut [f32],
}

/// The next state.
pub(super) fn forward(seen: &Seen<'_>, made: Made<'_>) {
    dispatch(Forward(seen, made));
}

/// From the gradient of the state as far as what reads it has part in it.
pub(super) fn backward(known: &Known<'_>, arriving: &[f32], slope: Slope<'_>) {
    dispatch(Backward(known, arriving, slope));
}

struct Forward<'a, 'b>(&'a Seen<'b>, Made<'a>);
struct Backward<'a, 'b>(&'a Known<'b>, &'a [f32], Slope<'a>);

/// The numbers from `at` on, a vector or what is left of one.
#[inline(always)]
fn get<S: Lanes>(s: S, values: &[f32], at: usize, count: usize) -> S::V {
    let values = &values[at..at + count];
    if count == S::WIDTH { s.load(values) } else { s.load_part(values, 0.0) }
}

#[inline(always)]
fn put<S: Lanes>(s: S, v: S::V, values: &mut [f32], at: usize, count: usize) {
    let values = &mut values[at..at + count];
    if count == S::WIDTH { s.store(v, values) } else { s.store_part(v, values) }
}

impl Task for Forward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let Self(seen, made) = self;
        let hidden = made.state.len();
        let mut at = 0;
        while at < hidden {
            let count = S::WIDTH.min(hidden - at);
            let last = get(s, seen.last, at, count);
            let r = sigmoid_lanes(s, gate(s, seen, 0, hidden, at, count));
            let z = sigmoid_lanes(s, gate(s, seen, 1, hidden, at, count));
            let recurrent = get(s, seen.recurrent, 2 * hidden + at, count);
            let inner = s.add(recurrent, get(s, seen.inner_bias, at, count));
            let input = get(s, seen.inputs, 2 * hidden + at, count);
            let input = s.add(input, get(s, seen.bias, 2 * hidden + at, count));
            let n = tanh_lanes(s, s.mul_add(r, inner, input));
            // (1 − z) n + z h
            put(s, s.mul_add(z, s.sub(last, n), n), made.state, at, count);
            put(s, r, made.r, at, count);
            put(s, z, made.z, at, count);
            put(s, n, made.n, at, count);
            put(s, inner, made.inner, at, count);
            at += count;
        }
    }
}

/// `W e + b + U h` of a gate.
#[inline(always)]
fn gate<S: Lanes>(
    s: S,
    seen: &Seen<'_>,
    gate: usize,
    hidden: usize,
    at: usize,
    count: usize,
) -> S::V {
    let at = gate * hidden + at;
    let sum = s.add(get(s, seen.inputs, at, count), get(s, seen.bias, at, count));
    s.add(sum, get(s, seen.recurrent, at, count))
}

impl Task for Backward<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let Self(known, arriving, slope) = self;
        let (hidden, one) = (arriving.len(), s.splat(1.0));
        let mut at = 0;
        while at < hidden {
            let count = S::WIDTH.min(hidden - at);
            let (r, z) = (get(s, known.r, at, count), get(s, known.z, at, count));
            let (n, last) = (get(s, known.n, at, count), get(s, known.last, at, count));
            let inner = get(s, known.inner, at, count);
            let of_h = s.add(get(s, slope.carried, at, count), get(s, arriving, at, count));
            let not_z = s.sub(one, z);
            let of_n = s.mul(s.mul(of_h, not_z), s.sub(one, s.mul(n, n)));
            let of_r = s.mul(s.mul(of_n, inner), s.mul(r, s.sub(one, r)));
            let of_z = s.mul(s.mul(of_h, s.sub(last, n)), s.mul(z, not_z));
            put(s, of_r, slope.of_inputs, at, count);
            put(s, of_z, slope.of_inputs, hidden + at, count);
            put(s, of_n, slope.of_inputs, 2 * hidden + at, count);
            put(s, of_r, slope.of_states, at, count);
            put(s, of_z, slope.of_states, hidden + at, count);
            put(s, s.mul(of_n, r), slope.of_states, 2 * hidden + at, count);
            put(s, s.mul(of_h, z), slope.carried, at, count);
            at += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::simd::Level;

    /// A vector of any width and some numbers more.
    const HIDDEN: usize = 37;

    fn numbers(n: usize, from: f32) -> Vec<f32> {
        (0..n).map(|i| 2.0 * (from + 1.7 * i as f32).sin()).collect()
    }

    fn sigmoid(x: f32) -> f32 {
        1.0 / (1.0 + (-x).exp())
    }

    #[test]
    fn units_are_those_of_the_definition_with_all_instructions() {
        let [inputs, bias, recurrent] = [1.0, 2.0, 3.0].map(|from| numbers(3 * HIDDEN, from));
        let [inner_bias, last, arriving, carry] =
            [4.0, 5.0, 6.0, 7.0].map(|from| numbers(HIDDEN, from));
        let seen = Seen {
            inputs: &inputs,
            bias: &bias,
            recurrent: &recurrent,
            inner_bias: &inner_bias,
            last: &last,
        };
        for level in Level::all() {
            let [mut state, mut r, mut z, mut n, mut inner] = [(); 5].map(|()| vec![0.0; HIDDEN]);
            let made =
                Made { state: &mut state, r: &mut r, z: &mut z, n: &mut n, inner: &mut inner };
            level.run(Forward(&seen, made));
            let [mut of_inputs, mut of_states] = [(); 2].map(|()| vec![0.0; 3 * HIDDEN]);
            let mut carried = carry.clone();
            let slope = Slope {
                of_inputs: &mut of_inputs,
                of_states: &mut of_states,
                carried: &mut carried,
            };
            let known = Known { last: &last, r: &r, z: &z, n: &n, inner: &inner };
            level.run(Backward(&known, &arriving, slope));
            for j in 0..HIDDEN {
                let of = |gate: usize| {
                    let at = gate * HIDDEN + j;
                    (inputs[at] + bias[at], recurrent[at])
                };
                let ((r_e, r_h), (z_e, z_h), (n_e, n_h)) = (of(0), of(1), of(2));
                let (r, z, u) = (sigmoid(r_e + r_h), sigmoid(z_e + z_h), n_h + inner_bias[j]);
                let n = (n_e + r * u).tanh();
                let of_h = carry[j] + arriving[j];
                let of_n = of_h * (1.0 - z) * (1.0 - n * n);
                let of_r = of_n * u * r * (1.0 - r);
                let of_z = of_h * (last[j] - n) * z * (1.0 - z);
                for (found, want) in [
                    (state[j], (1.0 - z) * n + z * last[j]),
                    (of_inputs[j], of_r),
                    (of_inputs[HIDDEN + j], of_z),
                    (of_inputs[2 * HIDDEN + j], of_n),
                    (of_states[j], of_r),
                    (of_states[HIDDEN + j], of_z),
                    (of_states[2 * HIDDEN + j], of_n * r),
                    (carried[j], of_h * z),
                ] {
                    assert!((found - want).abs() < 5e-6, "{level:?} {j}: {found} {want}");
                }
            }
        }
    }
}
