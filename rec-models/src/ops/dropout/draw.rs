//! Which numbers are dropped.

use rec_core::rng::mix;

use super::Dropout;

/// Dropout, ready to be applied to rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Draw {
    seed: u64,
    /// What hashes to less is dropped.
    threshold: u32,
    /// What the others are multiplied by.
    scale: f32,
}

impl Draw {
    /// None where nothing is dropped.
    pub(crate) fn new(dropout: Dropout) -> Option<Self> {
        let threshold = (dropout.probability * 2f64.powi(32)).min(f64::from(u32::MAX)) as u32;
        let scale = (1.0 / (1.0 - dropout.probability)) as f32;
        (threshold > 0).then_some(Self { seed: dropout.seed, threshold, scale })
    }

    /// The draw of another plane (an attention head, say).
    #[inline(always)]
    pub(crate) fn plane(self, plane: usize) -> Self {
        Self { seed: mix(self.seed ^ mix(plane as u64)), ..self }
    }

    /// Applied to the numbers of row `row` from column `from`.
    #[inline(always)]
    pub(crate) fn apply(self, row: usize, from: usize, values: &mut [f32]) {
        let seed = mix(self.seed ^ (row as u64)) as u32;
        let mut at = seed.wrapping_add((from as u32).wrapping_mul(GOLDEN));
        for value in values {
            *value *= if hash(at) < self.threshold { 0.0 } else { self.scale };
            at = at.wrapping_add(GOLDEN);
        }
    }

    /// What rows from `first` on are multiplied by: `[rows, columns]`.
    pub(in crate::ops) fn factors(self, first: usize, [rows, columns]: [usize; 2]) -> Vec<f32> {
        let mut factors = vec![1.0; rows * columns];
        for (i, row) in factors.chunks_exact_mut(columns.max(1)).enumerate() {
            self.apply(first + i, 0, row);
        }
        factors
    }
}

/// 2³² divided by the golden ratio: neighbours lie far apart.
pub(crate) const GOLDEN: u32 = 0x9E37_79B9;

/// Wellons' `lowbias32`, found by search for little bias.
#[inline(always)]
pub(crate) fn hash(x: u32) -> u32 {
    let x = (x ^ (x >> 16)).wrapping_mul(0x7feb_352d);
    let x = (x ^ (x >> 15)).wrapping_mul(0x846c_a68b);
    x ^ (x >> 16)
}
