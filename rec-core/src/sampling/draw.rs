//! Elementary draws, written out so that a seed gives the same numbers on every platform and
//! release.

use rand::Rng as _;

use crate::rng::Rng;

/// A number in `0..n`, uniform up to a bias below `n / 2⁶⁴` (multiply-shift, Lemire 2019, without
/// its rejection step). 0 for `n = 0`.
#[inline]
pub fn below(rng: &mut Rng, n: u32) -> u32 {
    split(rng, n).0
}

/// A number in `0..n` and a fraction (of 2³²) within it, both from one 64-bit draw.
#[inline]
pub(crate) fn split(rng: &mut Rng, n: u32) -> (u32, u32) {
    let wide = u128::from(rng.next_u64()) * u128::from(n);
    ((wide >> 64) as u32, (wide as u64 >> 32) as u32)
}

/// A number in `[0, 1)` with 53 random bits.
#[inline]
pub fn unit(rng: &mut Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// A random order, each equally likely (Fisher–Yates).
pub fn shuffle<T>(rng: &mut Rng, values: &mut [T]) {
    for at in (1..values.len()).rev() {
        values.swap(at, below(rng, at as u32 + 1) as usize);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::rng::stream;

    /// Asserts that counts fit probabilities: χ² within five standard deviations (`2·df` is its
    /// variance) of its mean, `df`; and that nothing of probability 0 was drawn.
    pub(crate) fn assert_fits(counts: &[u32], probabilities: &[f64]) {
        let n: f64 = counts.iter().map(|&c| f64::from(c)).sum();
        let total: f64 = probabilities.iter().sum();
        let (mut chi2, mut df) = (0.0, -1.0f64);
        for (&count, &p) in counts.iter().zip(probabilities) {
            if p == 0.0 {
                assert_eq!(count, 0, "an impossible draw");
                continue;
            }
            let expected = n * p / total;
            chi2 += (f64::from(count) - expected).powi(2) / expected;
            df += 1.0;
        }
        assert!(chi2 < df + 5.0 * (2.0 * df).sqrt(), "χ² {chi2} with {df} degrees of freedom");
    }

    #[test]
    fn draws_are_uniform() {
        let mut rng = stream(1, "test", 0);
        let mut counts = [0; 7];
        let mut quarters = [0; 4];
        for _ in 0..70_000 {
            counts[below(&mut rng, 7) as usize] += 1;
            quarters[(unit(&mut rng) * 4.0) as usize] += 1;
        }
        assert_fits(&counts, &[1.0; 7]);
        assert_fits(&quarters, &[1.0; 4]);
        assert_eq!(below(&mut rng, 0), 0);
    }

    #[test]
    fn orders_are_equally_likely() {
        let mut rng = stream(2, "test", 0);
        let mut counts = [0; 6];
        for _ in 0..60_000 {
            let mut order = [0u8, 1, 2];
            shuffle(&mut rng, &mut order);
            let rank = usize::from(order[0]) * 2 + usize::from(order[1] > order[2]);
            counts[rank] += 1;
        }
        assert_fits(&counts, &[1.0; 6]);
    }
}
