//! The kernel for AVX2: 6 users × 32 items at a time, twelve registers of 16-bit sums.

use std::arch::x86_64::*;

use super::pack::Group;
use super::{Line, PANELS, Passed, USERS};

/// Compares the rounded products of a tile with each user's threshold.
///
/// # Safety
/// AVX2 must be available.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn compare(
    lines: &[Line],
    group: &Group,
    thresholds: &[i16; 8],
    passed: &mut Passed,
) {
    let pairs = lines.len() / PANELS;
    assert!(pairs > 0 && group.codes.len() >= pairs * USERS);
    for (panel, out) in lines.chunks_exact(pairs).zip(passed) {
        let mut sums = [[_mm256_setzero_si256(); 2]; USERS];
        for (sum, &start) in sums.iter_mut().zip(&group.start) {
            *sum = [_mm256_set1_epi32(start); 2];
        }
        let mut codes = group.codes.as_ptr();
        for line in panel {
            let line = line.0.as_ptr();
            // SAFETY: a line is 64 aligned bytes.
            let (low, high) =
                unsafe { (_mm256_load_si256(line.cast()), _mm256_load_si256(line.add(32).cast())) };
            for (u, sum) in sums.iter_mut().enumerate() {
                // SAFETY: there are `USERS` codes a line, as asserted above.
                let code = _mm256_set1_epi32(unsafe { *codes.add(u) } as i32);
                sum[0] = _mm256_add_epi16(sum[0], _mm256_maddubs_epi16(low, code));
                sum[1] = _mm256_add_epi16(sum[1], _mm256_maddubs_epi16(high, code));
            }
            // SAFETY: as above; past the last line the pointer is not read.
            codes = unsafe { codes.add(USERS) };
        }
        for (u, out) in out.iter_mut().enumerate() {
            let least = _mm256_set1_epi16(thresholds[u]);
            let [low, high] = sums[u].map(|sum| _mm256_cmpgt_epi16(sum, least));
            *out = _mm256_movemask_epi8(_mm256_packs_epi16(low, high)) as u32;
        }
    }
}
