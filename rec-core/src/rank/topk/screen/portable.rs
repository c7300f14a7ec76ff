//! The kernel in plain Rust: what machines without AVX2 run, and what the other is tested against.

use super::pack::Group;
use super::{Line, PANEL, PANELS, Passed, USERS, place};

/// Compares the rounded products of a tile with each user's threshold.
pub(super) fn compare(lines: &[Line], group: &Group, thresholds: &[i16; 8], passed: &mut Passed) {
    let pairs = lines.len() / PANELS;
    for (panel, out) in lines.chunks_exact(pairs).zip(passed) {
        for user in 0..USERS {
            let mut sums = [group.start[user] as i16; PANEL];
            for (line, codes) in panel.iter().zip(group.codes.chunks_exact(USERS)) {
                let [p, q, ..] = codes[user].to_le_bytes().map(|b| i16::from(b as i8));
                for (sum, pair) in sums.iter_mut().zip(line.0.as_chunks::<2>().0) {
                    let product = i16::from(pair[0]) * p + i16::from(pair[1]) * q;
                    *sum = sum.wrapping_add(product);
                }
            }
            let bit = |i: usize| u32::from(sums[place(i)] > thresholds[user]) << i;
            out[user] = (0..PANEL).map(bit).sum();
        }
    }
}
