//! Elementary functions a vector at a time.
//!
//! The polynomials are minimax fits (Lawson's iteration on Chebyshev nodes) made for this file; the
//! errors stated are the largest that the tests allow, on every level.

#![allow(clippy::excessive_precision, reason = "coefficients as they were fitted")]

use super::Lanes;

/// `coefficients[0] + coefficients[1] x + …`.
#[inline(always)]
fn polynomial<S: Lanes, const N: usize>(s: S, x: S::V, coefficients: [f32; N]) -> S::V {
    let mut sum = s.splat(coefficients[N - 1]);
    for i in (0..N - 1).rev() {
        sum = s.mul_add(sum, x, s.splat(coefficients[i]));
    }
    sum
}

/// `eˣ`: relative error at most 2·10⁻⁷; below −103.9 it is 0, above 88.8 infinite, and what is not
/// a number stays so.
#[inline(always)]
pub(crate) fn exp_lanes<S: Lanes>(s: S, x: S::V) -> S::V {
    // eˣ = 2ⁿ eʳ with |r| ≤ ln 2 / 2; ln 2 in two parts, so that n ln 2 loses no bits.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = s.min(s.splat(89.0), s.max(s.splat(-104.0), x));
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    let r = s.mul_add(n, s.splat(-LN_2_HIGH), x);
    let r = s.mul_add(n, s.splat(-LN_2_LOW), r);
    let tail = polynomial(
        s,
        r,
        [4.999_999_3e-1, 1.666_651_95e-1, 4.166_840_1e-2, 8.368_851e-3, 1.381_431_8e-3],
    );
    let one_and_r = s.add(r, s.splat(1.0));
    s.scale(s.mul_add(s.mul(r, r), tail, one_and_r), n)
}

/// `1 / (1 + e⁻ˣ)`: error at most 2·10⁻⁷.
#[inline(always)]
pub(crate) fn sigmoid_lanes<S: Lanes>(s: S, x: S::V) -> S::V {
    let one = s.splat(1.0);
    let decay = exp_lanes(s, s.sub(s.splat(0.0), x));
    s.div(one, s.add(one, decay))
}

/// `tanh x`: relative error at most 3·10⁻⁷.
#[inline(always)]
pub(crate) fn tanh_lanes<S: Lanes>(s: S, x: S::V) -> S::V {
    let one = s.splat(1.0);
    let a = s.abs(x);
    let squared = s.mul(x, x);
    let tail = polynomial(
        s,
        squared,
        [-3.333_326e-1, 1.333_083e-1, -5.368_802_5e-2, 2.046_942_4e-2, -5.515_168e-3],
    );
    let near = s.mul_add(s.mul(a, squared), tail, a);
    let grown = exp_lanes(s, s.add(a, a));
    let far = s.sub(one, s.div(s.splat(2.0), s.add(grown, one)));
    s.copy_sign(s.select_less(a, s.splat(0.65), near, far), x)
}

/// `(Φ(−|x|), e^(−x²/2))`, with Φ the normal distribution function: relative error at most 10⁻⁶
/// for `|x| < 5`, absolute error at most 2·10⁻⁷ everywhere.
///
/// `Φ(−a) = e^(−a²/2) t P(t)` with `t = 1 / (1 + 0.3 a)`, the form of Abramowitz & Stegun 26.2.17.
#[inline(always)]
pub(crate) fn normal_tail<S: Lanes>(s: S, x: S::V) -> (S::V, S::V) {
    let one = s.splat(1.0);
    let bell = exp_lanes(s, s.mul(s.mul(x, x), s.splat(-0.5)));
    let t = s.div(one, s.mul_add(s.abs(x), s.splat(0.3), one));
    let ratio = polynomial(
        s,
        t,
        [
            1.196_271_9e-1,
            1.208_482_5e-1,
            9.905_937e-2,
            1.319_969_2e-1,
            -6.101_985_7e-2,
            2.150_060_2e-1,
            -1.625_282_9e-1,
            3.701_041_3e-2,
        ],
    );
    (s.mul(bell, s.mul(t, ratio)), bell)
}
