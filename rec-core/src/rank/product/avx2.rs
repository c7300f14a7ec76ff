//! The kernels for AVX2 with FMA: 4 users × 3 items at a time, twelve sums in registers.

use std::arch::x86_64::*;

const LANES: usize = 8;
/// Users of a micro-tile.
const U: usize = 4;
/// Items of a micro-tile.
const V: usize = 3;

/// The first `n < 8` lanes on.
#[inline]
#[target_feature(enable = "avx2")]
fn tail_mask(n: usize) -> __m256i {
    let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), lane)
}

/// The four lanes `j + (j + 4)`.
#[inline]
#[target_feature(enable = "avx2")]
fn halve(sum: __m256) -> __m128 {
    _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum))
}

/// The inner product of two rows.
///
/// # Safety
/// AVX2 and FMA must be available, and the rows of equal length.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn dot(a: &[f32], b: &[f32]) -> f32 {
    let n = a.len();
    let body = n - n % LANES;
    let mut sum = _mm256_setzero_ps();
    let mut at = 0;
    while at < body {
        // SAFETY: `at + 8 <= n`, the length of both.
        let (x, y) =
            unsafe { (_mm256_loadu_ps(a.as_ptr().add(at)), _mm256_loadu_ps(b.as_ptr().add(at))) };
        sum = _mm256_fmadd_ps(x, y, sum);
        at += LANES;
    }
    if at < n {
        let mask = tail_mask(n - at);
        // SAFETY: only the `n - at` lanes inside both rows are read.
        let (x, y) = unsafe {
            (
                _mm256_maskload_ps(a.as_ptr().add(at), mask),
                _mm256_maskload_ps(b.as_ptr().add(at), mask),
            )
        };
        sum = _mm256_fmadd_ps(x, y, sum);
    }
    let half = halve(sum);
    let pair = _mm_hadd_ps(half, half);
    _mm_cvtss_f32(_mm_hadd_ps(pair, pair))
}

/// `out = users · itemsᵀ`, each element in the order of [`dot`].
///
/// # Safety
/// AVX2 and FMA must be available; `users` and `items` are whole rows of `dim > 0`, and `out` has
/// a place for each pair.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn block(users: &[f32], items: &[f32], dim: usize, out: &mut [f32]) {
    let (n_users, n_items) = (users.len() / dim, items.len() / dim);
    debug_assert_eq!(out.len(), n_users * n_items);
    // Items that stay in the first-level cache while all users pass over them.
    let chunk = (16 * 1024 / (4 * dim) / V * V).max(V);
    for from in (0..n_items).step_by(chunk) {
        let to = (from + chunk).min(n_items);
        for user in (0..n_users).step_by(U) {
            for item in (from..to).step_by(V) {
                if user + U <= n_users && item + V <= to {
                    // SAFETY: the rows `user..user + U` and `item..item + V` exist.
                    unsafe { tile(users, items, dim, n_items, user, item, out) };
                } else {
                    for u in user..(user + U).min(n_users) {
                        for i in item..(item + V).min(to) {
                            // SAFETY: both rows are of length `dim`.
                            out[u * n_items + i] =
                                unsafe { dot(&users[u * dim..][..dim], &items[i * dim..][..dim]) };
                        }
                    }
                }
            }
        }
    }
}

/// One micro-tile of `out`.
///
/// # Safety
/// As [`block`]; the rows `user..user + U` and `item..item + V` exist.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn tile(
    users: &[f32],
    items: &[f32],
    dim: usize,
    n_items: usize,
    user: usize,
    item: usize,
    out: &mut [f32],
) {
    let (a, b) = (users[user * dim..].as_ptr(), items[item * dim..].as_ptr());
    let mut sums = [[_mm256_setzero_ps(); V]; U];
    let body = dim - dim % LANES;
    let mut at = 0;
    while at < body {
        // SAFETY: `at + 8 <= dim`, inside each of the rows.
        unsafe {
            let y: [__m256; V] = [
                _mm256_loadu_ps(b.add(at)),
                _mm256_loadu_ps(b.add(dim + at)),
                _mm256_loadu_ps(b.add(2 * dim + at)),
            ];
            for (u, sums) in sums.iter_mut().enumerate() {
                let x = _mm256_loadu_ps(a.add(u * dim + at));
                for (sum, &y) in sums.iter_mut().zip(&y) {
                    *sum = _mm256_fmadd_ps(x, y, *sum);
                }
            }
        }
        at += LANES;
    }
    if at < dim {
        let mask = tail_mask(dim - at);
        for (u, sums) in sums.iter_mut().enumerate() {
            for (i, sum) in sums.iter_mut().enumerate() {
                // SAFETY: only the `dim - at` lanes inside both rows are read.
                let (x, y) = unsafe {
                    (
                        _mm256_maskload_ps(a.add(u * dim + at), mask),
                        _mm256_maskload_ps(b.add(i * dim + at), mask),
                    )
                };
                *sum = _mm256_fmadd_ps(x, y, *sum);
            }
        }
    }
    for (i, column) in [0, 1, 2].map(|i| [0, 1, 2, 3].map(|u| halve(sums[u][i]))).iter().enumerate()
    {
        let low = _mm_hadd_ps(column[0], column[1]);
        let high = _mm_hadd_ps(column[2], column[3]);
        let mut four = [0f32; U];
        // SAFETY: `four` has room for the four sums.
        unsafe { _mm_storeu_ps(four.as_mut_ptr(), _mm_hadd_ps(low, high)) };
        for (u, &score) in four.iter().enumerate() {
            out[(user + u) * n_items + item + i] = score;
        }
    }
}
