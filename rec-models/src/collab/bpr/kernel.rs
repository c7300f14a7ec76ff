//! One step of the gradient descent, on a triple of rows.
//!
//! With `d = s_ui - s_uj` and `z = σ(-d)`, the gradient of `-ln σ(d) + λ/2 ‖·‖²` is
//! `-z (y_i - y_j) + λ x_u` for the user, `-z x_u + λ y_i` and `z x_u + λ y_j` for the items, `-z +
//! λ b_i` and `z + λ b_j` for their biases; all from the values before the step.

use std::sync::atomic::AtomicU32;

use super::shared::{get, set};

/// Rows of a user, an item they had and one they did not, of one length, a multiple of 8.
#[derive(Clone, Copy)]
pub(super) struct Triple<'a> {
    pub(super) user: &'a [AtomicU32],
    pub(super) had: &'a [AtomicU32],
    pub(super) other: &'a [AtomicU32],
    /// The items' biases, where they have one.
    pub(super) biases: Option<[&'a AtomicU32; 2]>,
}

/// Step and regularisation.
#[derive(Clone, Copy)]
pub(super) struct Rates {
    pub(super) learning_rate: f32,
    pub(super) l2: f32,
}

/// Reading and writing rows, eight values at a time or one.
pub(super) trait Lanes: Copy {
    /// `Σ user · (had - other)`.
    fn margin(triple: &Triple<'_>) -> f32;
    /// `user = keep · user + pull · (had - other)`, `had = keep · had + pull · user`,
    /// `other = keep · other - pull · user`.
    fn update(triple: &Triple<'_>, keep: f32, pull: f32);
}

/// Takes one step; returns `σ(d)` before it.
#[inline(always)]
pub(super) fn step<L: Lanes>(triple: &Triple<'_>, rates: Rates) -> f32 {
    let mut margin = L::margin(triple);
    if let Some([had, other]) = triple.biases {
        margin += get(had) - get(other);
    }
    let z = 1.0 / (1.0 + margin.exp());
    let (keep, pull) = (1.0 - rates.learning_rate * rates.l2, rates.learning_rate * z);
    L::update(triple, keep, pull);
    if let Some([had, other]) = triple.biases {
        set(had, keep * get(had) + pull);
        set(other, keep * get(other) - pull);
    }
    1.0 - z
}

/// The portable form.
#[derive(Clone, Copy)]
pub(super) struct Plain;

impl Lanes for Plain {
    fn margin(t: &Triple<'_>) -> f32 {
        let mut sums = [0f32; 8];
        for ((u, i), j) in t.user.chunks(8).zip(t.had.chunks(8)).zip(t.other.chunks(8)) {
            for (l, sum) in sums.iter_mut().enumerate().take(u.len()) {
                *sum += get(&u[l]) * (get(&i[l]) - get(&j[l]));
            }
        }
        let s = sums;
        ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
    }

    fn update(t: &Triple<'_>, keep: f32, pull: f32) {
        for ((u, i), j) in t.user.iter().zip(t.had).zip(t.other) {
            let (x, had, other) = (get(u), get(i), get(j));
            set(u, keep * x + pull * (had - other));
            set(i, keep * had + pull * x);
            set(j, keep * other - pull * x);
        }
    }
}

/// The form with AVX2 and fused multiply-add. Only functions compiled for both name it, and those
/// run only where both were detected.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub(super) struct Wide;

#[cfg(target_arch = "x86_64")]
mod wide {
    use std::arch::asm;
    use std::arch::x86_64::*;
    use std::sync::atomic::AtomicU32;

    use super::{Lanes, Triple, Wide};

    impl Lanes for Wide {
        #[inline(always)]
        fn margin(t: &Triple<'_>) -> f32 {
            let (u, i, j, n) = pointers(t);
            // SAFETY: loads stay below `n`, the length of all three rows; AVX2 and FMA are there:
            // see `Wide`.
            unsafe {
                let mut sum = _mm256_setzero_ps();
                for at in (0..n).step_by(8) {
                    let apart = _mm256_sub_ps(load(i, at), load(j, at));
                    sum = _mm256_fmadd_ps(load(u, at), apart, sum);
                }
                let h = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps(sum, 1));
                let h = _mm_add_ps(h, _mm_movehl_ps(h, h));
                _mm_cvtss_f32(_mm_add_ss(h, _mm_shuffle_ps(h, h, 1)))
            }
        }

        #[inline(always)]
        fn update(t: &Triple<'_>, keep: f32, pull: f32) {
            let (u, i, j, n) = pointers(t);
            // SAFETY: as in `margin`; the stores go where the loads came from.
            unsafe {
                let (keep, pull) = (_mm256_set1_ps(keep), _mm256_set1_ps(pull));
                for at in (0..n).step_by(8) {
                    let (x, had, other) = (load(u, at), load(i, at), load(j, at));
                    let moved = _mm256_mul_ps(pull, _mm256_sub_ps(had, other));
                    let push = _mm256_mul_ps(pull, x);
                    store(u, at, _mm256_fmadd_ps(keep, x, moved));
                    store(i, at, _mm256_fmadd_ps(keep, had, push));
                    store(j, at, _mm256_fmsub_ps(keep, other, push));
                }
            }
        }
    }

    type Cells = *const AtomicU32;

    /// The three rows and the length, a multiple of 8, that all have.
    #[inline(always)]
    fn pointers(t: &Triple<'_>) -> (Cells, Cells, Cells, usize) {
        let n = t.user.len().min(t.had.len()).min(t.other.len()) / 8 * 8;
        (t.user.as_ptr(), t.had.as_ptr(), t.other.as_ptr(), n)
    }

    /// Eight relaxed atomic loads of neighbouring cells in one instruction.
    ///
    /// Rust has no such operation, and a plain load would race with other workers' stores, which is
    /// undefined behaviour. Code in `asm!` is outside the language's memory model and may do what
    /// the processor does: a load of aligned 32-bit lanes never sees half a lane, which is eight
    /// relaxed loads.
    ///
    /// # Safety
    /// Cells `at .. at + 8` must be there, and AVX.
    #[inline]
    #[target_feature(enable = "avx")]
    unsafe fn load(cells: Cells, at: usize) -> __m256 {
        let out;
        // SAFETY: the caller's promise; the instruction reads those cells and nothing else.
        unsafe {
            asm!(
                "vmovups {out}, ymmword ptr [{cells} + 4*{at}]",
                out = lateout(ymm_reg) out, cells = in(reg) cells, at = in(reg) at,
                options(nostack, preserves_flags, readonly),
            );
        }
        out
    }

    /// Eight relaxed atomic stores to neighbouring cells; see [`load`].
    ///
    /// # Safety
    /// As [`load`].
    #[inline]
    #[target_feature(enable = "avx")]
    unsafe fn store(cells: Cells, at: usize, values: __m256) {
        // SAFETY: the caller's promise; the instruction writes those cells, which are atomics and
        // so writable through a shared reference, and nothing else.
        unsafe {
            asm!(
                "vmovups ymmword ptr [{cells} + 4*{at}], {values}",
                cells = in(reg) cells, at = in(reg) at, values = in(ymm_reg) values,
                options(nostack, preserves_flags),
            );
        }
    }
}
