//! Vectors of floats whose width the processor decides at run time (AVX-512, AVX2 with FMA, NEON,
//! or one number at a time), by [`pulp`].

use pulp::Simd;

/// `eˣ` a lane, within 2 units in the last place of the true value; 0 below −87.3, where results
/// become subnormal, and at most `e^88.3`.
///
/// `x = n ln 2 + r` with `|r| ≤ ½ ln 2`, and `eʳ` by the polynomial of Cephes' `expf` (Moshier).
#[inline(always)]
pub(super) fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let constant = |value: f32| simd.splat_f32s(value);
    let x = simd.min_f32s(constant(88.3), x);
    // Adding 1.5 · 2²³ rounds to an integer, which is then in the low bits.
    let magic = constant(12_582_912.0);
    let shifted = simd.mul_add_e_f32s(x, constant(std::f32::consts::LOG2_E), magic);
    let n = simd.sub_f32s(shifted, magic);
    let r = simd.mul_add_e_f32s(n, constant(-0.693_359_4), x);
    let r = simd.mul_add_e_f32s(n, constant(2.121_944_4e-4), r);
    let mut p = constant(1.987_569_1e-4);
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 0.166_666_65, 0.5] {
        p = simd.mul_add_e_f32s(p, r, constant(coefficient));
    }
    let p = simd.mul_add_e_f32s(p, simd.mul_f32s(r, r), simd.add_f32s(r, constant(1.0)));
    let exponent =
        simd.wrapping_dyn_shl_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(23));
    let scaled = simd.add_u32s(simd.transmute_u32s_f32s(p), exponent);
    let tiny = simd.less_than_f32s(x, constant(-87.3));
    simd.select_f32s(tiny, constant(0.0), simd.transmute_f32s_u32s(scaled))
}

/// The instruction sets this machine can run, for tests that compare them.
#[cfg(test)]
pub(super) fn all() -> Vec<pulp::Arch> {
    let best = pulp::Arch::new();
    let mut all = vec![pulp::Arch::Scalar, best];
    #[cfg(target_arch = "x86_64")]
    all.extend(pulp::x86::V3::try_new().map(pulp::Arch::V3));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulp::WithSimd;

    struct Exp<'a>(&'a mut [f32]);

    impl WithSimd for Exp<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let (head, tail) = S::as_mut_simd_f32s(self.0);
            for lanes in head {
                *lanes = exp(simd, *lanes);
            }
            if !tail.is_empty() {
                let lanes = exp(simd, simd.partial_load_f32s(tail));
                simd.partial_store_f32s(tail, lanes);
            }
        }
    }

    #[test]
    fn exp_is_within_two_units_in_the_last_place() {
        let inputs: Vec<f32> = (-8_730..8_830).map(|i| i as f32 * 0.01).collect();
        for arch in all() {
            let mut outputs = inputs.clone();
            arch.dispatch(Exp(&mut outputs));
            for (x, y) in inputs.iter().zip(outputs) {
                let expected = f64::from(*x).exp();
                let off = (f64::from(y) - expected).abs() / expected;
                assert!(off <= 2.4e-7, "{arch:?}: e^{x} is {expected}, got {y}, off by {off:e}");
            }
        }
    }

    #[test]
    fn exp_of_the_smallest_is_zero() {
        for arch in all() {
            let mut values = [f32::NEG_INFINITY, -88.0, -1e30];
            arch.dispatch(Exp(&mut values));
            assert_eq!(values, [0.0; 3], "{arch:?}");
        }
    }
}
