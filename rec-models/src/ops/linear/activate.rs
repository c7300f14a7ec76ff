//! The activations and their derivatives, a vector at a time.

use super::Activation;
use crate::ops::gemm::Finish;
use crate::ops::simd::{Lanes, normal_tail, sigmoid_lanes, tanh_lanes};

/// √(2/π).
const GELU_SCALE: f32 = 0.797_884_6;
const GELU_CUBIC: f32 = 0.044_715;
/// 1/√(2π).
const DENSITY_AT_0: f32 = 0.398_942_3;

impl Finish for Activation {
    fn is_identity(self) -> bool {
        self == Self::Identity
    }

    #[inline(always)]
    unsafe fn finish<S: Lanes>(self, s: S, from: *const f32, to: *mut f32, count: usize) {
        macro_rules! each {
            ($f:expr) => {
                // SAFETY: the caller's promise.
                unsafe { map(s, $f, from, to, count) }
            };
        }
        match self {
            Self::Identity => each!(Identity),
            Self::Gelu => each!(Gelu),
            Self::GeluTanh => each!(GeluTanh),
            Self::Relu => each!(Relu),
            Self::Silu => each!(Silu),
            Self::Tanh => each!(Tanh),
        }
    }
}

/// `to = f(from)`.
#[inline(always)]
unsafe fn map<S: Lanes>(s: S, f: impl Function, from: *const f32, to: *mut f32, count: usize) {
    let whole = count / S::WIDTH * S::WIDTH;
    for i in (0..whole).step_by(S::WIDTH) {
        // SAFETY: a vector is left at both places.
        unsafe { s.write(f.value(s, s.read(from.add(i))), to.add(i)) };
    }
    if whole < count {
        let rest = count - whole;
        // SAFETY: `rest` numbers are left at both places.
        unsafe {
            let x = s.read_part(from.add(whole), rest, 0.0);
            s.write_part(f.value(s, x), to.add(whole), rest);
        }
    }
}

/// A function and its derivative.
pub(super) trait Function: Copy + Send + Sync {
    fn value<S: Lanes>(self, s: S, x: S::V) -> S::V;
    fn slope<S: Lanes>(self, s: S, x: S::V) -> S::V;
}

macro_rules! function {
    ($name:ident, |$s:ident, $x:ident| $value:block, $slope:block) => {
        #[derive(Clone, Copy)]
        pub(super) struct $name;
        impl Function for $name {
            #[inline(always)]
            fn value<S: Lanes>(self, $s: S, $x: S::V) -> S::V $value
            #[inline(always)]
            fn slope<S: Lanes>(self, $s: S, $x: S::V) -> S::V $slope
        }
    };
}

#[derive(Clone, Copy)]
pub(super) struct Identity;

impl Function for Identity {
    #[inline(always)]
    fn value<S: Lanes>(self, _: S, x: S::V) -> S::V {
        x
    }
    #[inline(always)]
    fn slope<S: Lanes>(self, s: S, _: S::V) -> S::V {
        s.splat(1.0)
    }
}

// x Φ(x) = max(x, 0) − |x| Φ(−|x|) keeps small values exact; far out, where Φ is 0, |x| may be ∞.
function!(
    Gelu,
    |s, x| {
        let (tail, _) = normal_tail(s, x);
        let bounded = s.min(s.splat(1e4), s.abs(x));
        s.sub(s.max(s.splat(0.0), x), s.mul(bounded, tail))
    },
    {
        let (tail, bell) = normal_tail(s, x);
        let zero = s.splat(0.0);
        let below = s.select_less(x, zero, tail, s.sub(s.splat(1.0), tail));
        let bounded = s.min(s.splat(1e4), s.max(s.splat(-1e4), x));
        s.mul_add(s.mul(bounded, s.splat(DENSITY_AT_0)), bell, below)
    }
);

// ½ (1 + tanh u) = σ(2u).
function!(GeluTanh, |s, x| { s.mul(x, sigmoid_lanes(s, twice_gelu_argument(s, x))) }, {
    let gate = sigmoid_lanes(s, twice_gelu_argument(s, x));
    let inner =
        s.mul_add(s.mul(x, x), s.splat(6.0 * GELU_SCALE * GELU_CUBIC), s.splat(2.0 * GELU_SCALE));
    gated_slope(s, s.mul(x, inner), gate)
});

function!(Relu, |s, x| { s.max(s.splat(0.0), x) }, {
    s.select_less(s.splat(0.0), x, s.splat(1.0), s.splat(0.0))
});

function!(Silu, |s, x| { s.mul(x, sigmoid_lanes(s, x)) }, {
    gated_slope(s, x, sigmoid_lanes(s, x))
});

function!(Tanh, |s, x| { tanh_lanes(s, x) }, {
    let y = tanh_lanes(s, x);
    s.sub(s.splat(1.0), s.mul(y, y))
});

#[inline(always)]
fn twice_gelu_argument<S: Lanes>(s: S, x: S::V) -> S::V {
    let cubic =
        s.mul_add(s.mul(x, x), s.splat(2.0 * GELU_SCALE * GELU_CUBIC), s.splat(2.0 * GELU_SCALE));
    s.mul(x, cubic)
}

/// The derivative of `x σ(v(x))`: `σ + (x v′) σ (1 − σ)`.
#[inline(always)]
fn gated_slope<S: Lanes>(s: S, x_inner: S::V, gate: S::V) -> S::V {
    let rest = s.sub(s.splat(1.0), gate);
    s.mul_add(s.mul(x_inner, gate), rest, gate)
}
