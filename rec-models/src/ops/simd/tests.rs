use super::slices::{Exp, ExpMinus, Max};
use super::{Lanes, Level, Map, Task, normal_tail, sigmoid_lanes, tanh_lanes};

struct Apply<'a, M>(&'a [f32], M);

impl<M: Map> Task for Apply<'_, M> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) -> Vec<f32> {
        let mut out = vec![0.0; self.0.len()];
        for (from, to) in self.0.chunks(S::WIDTH).zip(out.chunks_mut(S::WIDTH)) {
            s.store_part(self.1.map(s, s.load_part(from, 0.0)), to);
        }
        out
    }
}

macro_rules! map {
    ($name:ident, $s:ident, $x:ident => $body:expr) => {
        #[derive(Clone, Copy)]
        struct $name;
        impl Map for $name {
            #[inline(always)]
            fn map<S: Lanes>(self, $s: S, $x: S::V) -> S::V {
                $body
            }
        }
    };
}
map!(Tanh, s, x => tanh_lanes(s, x));
map!(Sigmoid, s, x => sigmoid_lanes(s, x));
map!(Tail, s, x => normal_tail(s, x).0);

fn grid(from: f32, to: f32) -> Vec<f32> {
    const STEPS: usize = 200_003;
    (0..STEPS).map(|i| from + (to - from) * (i as f32 / (STEPS - 1) as f32)).collect()
}

/// Largest absolute and relative error of `map` on the grid, over all levels.
fn errors(map: impl Map, exact: impl Fn(f64) -> f64, from: f32, to: f32) -> (f64, f64) {
    let xs = grid(from, to);
    let mut worst = (0.0f64, 0.0f64);
    for level in Level::all() {
        for (x, y) in xs.iter().zip(level.run(Apply(&xs, map))) {
            let e = exact(f64::from(*x));
            let off = (f64::from(y) - e).abs();
            worst = (worst.0.max(off), worst.1.max(if e == 0.0 { 0.0 } else { off / e.abs() }));
        }
    }
    worst
}

#[test]
fn exp_is_within_two_units_in_the_last_place() {
    assert!(errors(Exp, f64::exp, -87.0, 88.7).1 < 2e-7);
    assert!(errors(Exp, f64::exp, -1e-3, 1e-3).1 < 1.3e-7);
    // Among subnormal results the last place is 1.4e-45.
    assert!(errors(Exp, f64::exp, -110.0, -87.0).0 < 3e-45);
}

#[test]
fn exp_at_the_ends() {
    let xs = [f32::NEG_INFINITY, -1e30, -110.0, 0.0, 89.0, f32::INFINITY, f32::NAN];
    for level in Level::all() {
        let ys = level.run(Apply(&xs, Exp));
        assert_eq!(ys[..6], [0.0, 0.0, 0.0, 1.0, f32::INFINITY, f32::INFINITY], "{level:?}");
        assert!(ys[6].is_nan(), "{level:?}");
    }
}

#[test]
fn tanh_and_sigmoid_are_as_stated() {
    assert!(errors(Tanh, f64::tanh, -12.0, 12.0).1 < 3e-7);
    assert!(errors(Tanh, f64::tanh, -1e-3, 1e-3).1 < 3e-7);
    assert!(errors(Sigmoid, |x| 1.0 / (1.0 + (-x).exp()), -100.0, 100.0).0 < 2e-7);
    for level in Level::all() {
        let ends = [f32::NEG_INFINITY, f32::INFINITY, f32::NAN, -0.0];
        let ys = level.run(Apply(&ends, Tanh));
        assert_eq!(ys[..2], [-1.0, 1.0], "{level:?}");
        assert!(ys[2].is_nan() && ys[3].is_sign_negative(), "{level:?}");
    }
}

#[test]
fn the_normal_tail_is_as_stated() {
    let exact = |x: f64| 0.5 * libm::erfc(x.abs() * std::f64::consts::FRAC_1_SQRT_2);
    assert!(errors(Tail, exact, -5.0, 5.0).1 < 1e-6);
    let worst = errors(Tail, exact, -40.0, 40.0).0;
    assert!(worst < 2e-7, "{worst:e}");
}

#[test]
fn softmax_parts_match_a_plain_loop_at_any_length() {
    for n in (0..70).chain([1000]) {
        let xs: Vec<f32> = (0..n).map(|i| ((i * 37 % 101) as f32 - 50.0) / 7.0).collect();
        let largest = xs.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b));
        let expected: Vec<f64> =
            xs.iter().map(|x| f64::from(x - largest.max(-9.0)).exp()).collect();
        for level in Level::all() {
            assert_eq!(level.run(Max(&xs)), largest, "{level:?}");
            let mut ys = xs.clone();
            let sum = level.run(ExpMinus(&mut ys, largest.max(-9.0)));
            let total: f64 = expected.iter().sum();
            assert!((f64::from(sum) - total).abs() <= 1e-6 * total, "{level:?} {n}: {sum}");
            for (y, e) in ys.iter().zip(&expected) {
                assert!((f64::from(*y) - e).abs() <= 3e-7 * e, "{level:?} {n}");
            }
        }
    }
}
