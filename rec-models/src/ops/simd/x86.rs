//! Vectors of x86-64: AVX2 with FMA, and AVX-512.

use std::arch::asm;
use std::arch::x86_64::*;
use std::sync::atomic::AtomicU32;

use super::{Lanes, Task};

/// 8 lanes. A value exists only where AVX2 and FMA were detected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx2(());

/// 16 lanes. A value exists only where AVX-512F was detected, and AVX2 and FMA with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Avx512(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }

    pub(super) fn run<T: Task>(self, task: T) -> T::Output {
        #[target_feature(enable = "avx2,fma")]
        fn inner<T: Task>(lanes: Avx2, task: T) -> T::Output {
            task.run(lanes)
        }
        // SAFETY: this value exists only where both were detected.
        unsafe { inner(self, task) }
    }
}

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f") && Avx2::detect().is_some()).then_some(Self(()))
    }

    pub(super) fn run<T: Task>(self, task: T) -> T::Output {
        #[target_feature(enable = "avx512f,avx2,fma")]
        fn inner<T: Task>(lanes: Avx512, task: T) -> T::Output {
            task.run(lanes)
        }
        // SAFETY: this value exists only where all three were detected.
        unsafe { inner(self, task) }
    }
}

/// A method as one expression of intrinsics that need no more than what the type stands for.
macro_rules! arithmetic {
    ($(fn $name:ident($($arg:ident),+) -> $out:ty $body:block)+) => {$(
        #[inline(always)]
        fn $name(self, $($arg: Self::V),+) -> $out {
            // SAFETY: a value of this type exists only where the instructions were detected.
            unsafe { $body }
        }
    )+};
}

/// Relaxed atomic loads and stores of neighbouring numbers in one instruction.
///
/// Rust has no such operation, and a plain load would race with other threads' stores, which is
/// undefined behaviour. Code in `asm!` is outside the language's memory model and may do what the
/// processor does: an access to aligned 32-bit lanes never sees half a lane, which is as many relaxed
/// accesses.
macro_rules! shared_access {
    ($($read:ident $write:ident $feature:literal $vector:ident $class:ident)+) => {$(
        #[inline]
        #[target_feature(enable = $feature)]
        unsafe fn $read(from: *const AtomicU32) -> $vector {
            let v: $vector;
            // SAFETY: the caller's promise; nothing else is touched.
            unsafe {
                asm!(
                    "vmovups {v}, [{from}]", v = lateout($class) v, from = in(reg) from,
                    options(nostack, preserves_flags, readonly),
                );
            }
            v
        }
        #[inline]
        #[target_feature(enable = $feature)]
        unsafe fn $write(v: $vector, to: *const AtomicU32) {
            // SAFETY: the caller's promise; nothing else is touched.
            unsafe {
                asm!(
                    "vmovups [{to}], {v}", v = in($class) v, to = in(reg) to,
                    options(nostack, preserves_flags),
                );
            }
        }
    )+};
}

shared_access! {
    read_shared_8 write_shared_8 "avx" __m256 ymm_reg
    read_shared_16 write_shared_16 "avx512f" __m512 zmm_reg
}

/// The first `count` lanes.
#[inline(always)]
fn first_of_8(count: usize) -> __m256i {
    const ONES: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
    let from = &ONES[8 - count..][..8];
    // SAFETY: the slice has 8 numbers; only code for AVX2 calls this.
    unsafe { _mm256_loadu_si256(from.as_ptr().cast()) }
}

const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;

impl Lanes for Avx2 {
    type V = __m256;
    const WIDTH: usize = 8;
    const TILE_ROWS: usize = 6;

    #[inline(always)]
    fn apart<T: Task>(self, task: T) -> T::Output {
        #[inline(never)]
        #[target_feature(enable = "avx2,fma")]
        fn alone<T: Task>(lanes: Avx2, task: T) -> T::Output {
            task.run(lanes)
        }
        // SAFETY: this value exists only where both were detected.
        unsafe { alone(self, task) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        // SAFETY: AVX was detected.
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn read(self, from: *const f32) -> Self::V {
        // SAFETY: AVX was detected; the rest is the caller's promise.
        unsafe { _mm256_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn write(self, v: Self::V, to: *mut f32) {
        // SAFETY: AVX was detected; the rest is the caller's promise.
        unsafe { _mm256_storeu_ps(to, v) }
    }
    #[inline(always)]
    unsafe fn read_part(self, from: *const f32, count: usize, fill: f32) -> Self::V {
        let mask = first_of_8(count);
        // SAFETY: AVX2 was detected; masked lanes are not read, the others are the caller's promise.
        unsafe {
            let read = _mm256_maskload_ps(from, mask);
            _mm256_blendv_ps(_mm256_set1_ps(fill), read, _mm256_castsi256_ps(mask))
        }
    }
    #[inline(always)]
    unsafe fn write_part(self, v: Self::V, to: *mut f32, count: usize) {
        // SAFETY: AVX2 was detected; masked lanes are not written, the others are the caller's
        // promise.
        unsafe { _mm256_maskstore_ps(to, first_of_8(count), v) }
    }

    #[inline(always)]
    unsafe fn read_shared(self, from: *const AtomicU32) -> Self::V {
        // SAFETY: AVX was detected; the rest is the caller's promise.
        unsafe { read_shared_8(from) }
    }
    #[inline(always)]
    unsafe fn write_shared(self, v: Self::V, to: *const AtomicU32) {
        // SAFETY: AVX was detected; the rest is the caller's promise.
        unsafe { write_shared_8(v, to) }
    }

    #[inline(always)]
    unsafe fn transpose(
        self,
        from: *const f32,
        from_stride: usize,
        rows: usize,
        to: *mut f32,
        to_stride: usize,
    ) {
        // SAFETY: AVX2 was detected; the rest is the caller's promise.
        unsafe {
            let mut r = [_mm256_setzero_ps(); 8];
            for (i, r) in r.iter_mut().enumerate() {
                if i < rows {
                    *r = _mm256_loadu_ps(from.add(i * from_stride));
                }
            }
            // `u[4 i + j]`: columns j and 4 + j of rows 4 i to 4 i + 3.
            let mut u = r;
            for i in 0..2 {
                let [a, b, c, d] = [r[4 * i], r[4 * i + 1], r[4 * i + 2], r[4 * i + 3]];
                let ab = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
                let cd = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
                u[4 * i] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd));
                u[4 * i + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd));
                let ab = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
                let cd = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
                u[4 * i + 2] = _mm256_castpd_ps(_mm256_unpacklo_pd(ab, cd));
                u[4 * i + 3] = _mm256_castpd_ps(_mm256_unpackhi_pd(ab, cd));
            }
            for j in 0..4 {
                let column = _mm256_permute2f128_ps::<0x20>(u[j], u[4 + j]);
                _mm256_storeu_ps(to.add(j * to_stride), column);
            }
            for j in 0..4 {
                let column = _mm256_permute2f128_ps::<0x31>(u[j], u[4 + j]);
                _mm256_storeu_ps(to.add((4 + j) * to_stride), column);
            }
        }
    }

    arithmetic! {
        fn add(a, b) -> Self::V { _mm256_add_ps(a, b) }
        fn sub(a, b) -> Self::V { _mm256_sub_ps(a, b) }
        fn mul(a, b) -> Self::V { _mm256_mul_ps(a, b) }
        fn div(a, b) -> Self::V { _mm256_div_ps(a, b) }
        fn mul_add(a, b, c) -> Self::V { _mm256_fmadd_ps(a, b, c) }
        fn max(a, b) -> Self::V { _mm256_max_ps(a, b) }
        fn min(a, b) -> Self::V { _mm256_min_ps(a, b) }
        fn round(a) -> Self::V { _mm256_round_ps::<NEAREST>(a) }
        fn sqrt(a) -> Self::V { _mm256_sqrt_ps(a) }
        fn abs(a) -> Self::V { _mm256_andnot_ps(_mm256_set1_ps(-0.0), a) }
        fn copy_sign(a, sign) -> Self::V {
            let bit = _mm256_set1_ps(-0.0);
            _mm256_or_ps(_mm256_andnot_ps(bit, a), _mm256_and_ps(bit, sign))
        }
        fn select_less(a, b, x, y) -> Self::V {
            _mm256_blendv_ps(y, x, _mm256_cmp_ps::<_CMP_LT_OQ>(a, b))
        }
        fn scale(a, n) -> Self::V {
            // 2ⁿ itself may be out of range, its two halves are not.
            let n = _mm256_cvtps_epi32(n);
            let half = _mm256_srai_epi32::<1>(n);
            let rest = _mm256_sub_epi32(n, half);
            let one = _mm256_set1_epi32(127);
            let power = _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(half, one)));
            let other = _mm256_castsi256_ps(_mm256_slli_epi32::<23>(_mm256_add_epi32(rest, one)));
            _mm256_mul_ps(_mm256_mul_ps(a, power), other)
        }
        fn sum(a) -> f32 {
            let four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
        fn largest(a) -> f32 {
            let four = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let two = _mm_max_ps(four, _mm_movehl_ps(four, four));
            _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps::<1>(two, two)))
        }
    }
}

/// The first `count` lanes.
#[inline(always)]
fn first_of_16(count: usize) -> __mmask16 {
    ((1u32 << count) - 1) as __mmask16
}

impl Lanes for Avx512 {
    type V = __m512;
    const WIDTH: usize = 16;
    const TILE_ROWS: usize = 12;

    #[inline(always)]
    fn apart<T: Task>(self, task: T) -> T::Output {
        #[inline(never)]
        #[target_feature(enable = "avx512f,avx2,fma")]
        fn alone<T: Task>(lanes: Avx512, task: T) -> T::Output {
            task.run(lanes)
        }
        // SAFETY: this value exists only where all three were detected.
        unsafe { alone(self, task) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> Self::V {
        // SAFETY: AVX-512F was detected.
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn read(self, from: *const f32) -> Self::V {
        // SAFETY: AVX-512F was detected; the rest is the caller's promise.
        unsafe { _mm512_loadu_ps(from) }
    }
    #[inline(always)]
    unsafe fn write(self, v: Self::V, to: *mut f32) {
        // SAFETY: AVX-512F was detected; the rest is the caller's promise.
        unsafe { _mm512_storeu_ps(to, v) }
    }
    #[inline(always)]
    unsafe fn read_part(self, from: *const f32, count: usize, fill: f32) -> Self::V {
        // SAFETY: AVX-512F was detected; masked lanes are not read, the others are the caller's
        // promise.
        unsafe { _mm512_mask_loadu_ps(_mm512_set1_ps(fill), first_of_16(count), from) }
    }
    #[inline(always)]
    unsafe fn write_part(self, v: Self::V, to: *mut f32, count: usize) {
        // SAFETY: AVX-512F was detected; masked lanes are not written, the others are the caller's
        // promise.
        unsafe { _mm512_mask_storeu_ps(to, first_of_16(count), v) }
    }

    #[inline(always)]
    unsafe fn read_shared(self, from: *const AtomicU32) -> Self::V {
        // SAFETY: AVX-512F was detected; the rest is the caller's promise.
        unsafe { read_shared_16(from) }
    }
    #[inline(always)]
    unsafe fn write_shared(self, v: Self::V, to: *const AtomicU32) {
        // SAFETY: AVX-512F was detected; the rest is the caller's promise.
        unsafe { write_shared_16(v, to) }
    }

    #[inline(always)]
    unsafe fn transpose(
        self,
        from: *const f32,
        from_stride: usize,
        rows: usize,
        to: *mut f32,
        to_stride: usize,
    ) {
        // SAFETY: AVX-512F was detected; the rest is the caller's promise.
        unsafe {
            let mut r = [_mm512_setzero_ps(); 16];
            for (i, r) in r.iter_mut().enumerate() {
                if i < rows {
                    *r = _mm512_loadu_ps(from.add(i * from_stride));
                }
            }
            // `u[4 i + j]`: columns j, 4 + j, 8 + j and 12 + j of rows 4 i to 4 i + 3.
            let mut u = r;
            for i in 0..4 {
                let [a, b, c, d] = [r[4 * i], r[4 * i + 1], r[4 * i + 2], r[4 * i + 3]];
                let ab = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
                let cd = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
                u[4 * i] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd));
                u[4 * i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd));
                let ab = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
                let cd = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
                u[4 * i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(ab, cd));
                u[4 * i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(ab, cd));
            }
            // Quarters 0 and 2, or 1 and 3, of two vectors.
            const EVEN: i32 = 0x88;
            const ODD: i32 = 0xdd;
            let mut columns = u;
            for j in 0..4 {
                let top = _mm512_shuffle_f32x4::<EVEN>(u[j], u[4 + j]);
                let bottom = _mm512_shuffle_f32x4::<EVEN>(u[8 + j], u[12 + j]);
                columns[j] = _mm512_shuffle_f32x4::<EVEN>(top, bottom);
                columns[8 + j] = _mm512_shuffle_f32x4::<ODD>(top, bottom);
                let top = _mm512_shuffle_f32x4::<ODD>(u[j], u[4 + j]);
                let bottom = _mm512_shuffle_f32x4::<ODD>(u[8 + j], u[12 + j]);
                columns[4 + j] = _mm512_shuffle_f32x4::<EVEN>(top, bottom);
                columns[12 + j] = _mm512_shuffle_f32x4::<ODD>(top, bottom);
            }
            for (j, column) in columns.into_iter().enumerate() {
                _mm512_storeu_ps(to.add(j * to_stride), column);
            }
        }
    }

    arithmetic! {
        fn add(a, b) -> Self::V { _mm512_add_ps(a, b) }
        fn sub(a, b) -> Self::V { _mm512_sub_ps(a, b) }
        fn mul(a, b) -> Self::V { _mm512_mul_ps(a, b) }
        fn div(a, b) -> Self::V { _mm512_div_ps(a, b) }
        fn mul_add(a, b, c) -> Self::V { _mm512_fmadd_ps(a, b, c) }
        fn max(a, b) -> Self::V { _mm512_max_ps(a, b) }
        fn min(a, b) -> Self::V { _mm512_min_ps(a, b) }
        fn round(a) -> Self::V { _mm512_roundscale_ps::<NEAREST>(a) }
        fn sqrt(a) -> Self::V { _mm512_sqrt_ps(a) }
        fn abs(a) -> Self::V { _mm512_abs_ps(a) }
        fn copy_sign(a, sign) -> Self::V {
            // Bit by bit: the sign bit of `sign`, all others of `a`.
            const SIGN_OR_REST: i32 = 0xca;
            let bit = _mm512_set1_epi32(i32::MIN);
            _mm512_castsi512_ps(_mm512_ternarylogic_epi32::<SIGN_OR_REST>(
                bit,
                _mm512_castps_si512(sign),
                _mm512_castps_si512(a),
            ))
        }
        fn select_less(a, b, x, y) -> Self::V {
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LT_OQ>(a, b), y, x)
        }
        fn scale(a, n) -> Self::V { _mm512_scalef_ps(a, n) }
        fn sum(a) -> f32 { _mm512_reduce_add_ps(a) }
        fn largest(a) -> f32 { _mm512_reduce_max_ps(a) }
    }
}
