//! Noise on embeddings while they propagate.

use rayon::prelude::*;
use rec_core::rng::mix;

use crate::ops::dropout::{GOLDEN, hash};
use crate::ops::simd::{Lanes, Task, dispatch};

/// Rows a thread takes at a time.
const ROWS: usize = 256;
/// Sums kept apart, so that every vector width adds in the same order.
const SUMS: usize = 16;

/// `ε sign(e) ⊙ n/‖n‖` with `n` uniform in `[0, 1)^d`, as in SimGCL: it turns an embedding a
/// little, and out of no orthant. It is a hash of seed, layer, row and column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise {
    pub(super) size: f32,
    pub(super) seed: u64,
}

impl Noise {
    /// Adds it to the wanted rows of a layer `[n, d]`.
    pub(super) fn add(self, layer: usize, table: &mut [f32], d: usize, rows: Option<&[bool]>) {
        table.par_chunks_mut(ROWS * d).enumerate().for_each(|(at, values)| {
            let first = at * ROWS;
            let seed = mix(self.seed ^ layer as u64);
            let rows = rows.map(|rows| &rows[first..]);
            dispatch(Rows { values, d, rows, first, seed, size: self.size });
        });
    }
}

struct Rows<'a> {
    values: &'a mut [f32],
    d: usize,
    rows: Option<&'a [bool]>,
    first: usize,
    seed: u64,
    size: f32,
}

impl Task for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, _: S) {
        let Self { values, d, rows, first, seed, size } = self;
        let mut noise = vec![0f32; d.next_multiple_of(SUMS)];
        for (row, values) in values.chunks_exact_mut(d).enumerate() {
            if let Some(rows) = rows
                && !rows[row]
            {
                continue;
            }
            let seed = mix(seed ^ ((first + row) as u64) << 20) as u32;
            let scale = size / draw(seed, &mut noise, d);
            for (x, n) in values.iter_mut().zip(&noise) {
                let sign = f32::from(i8::from(*x > 0.0) - i8::from(*x < 0.0));
                *x += sign * (scale * n);
            }
        }
    }
}

/// Uniform numbers below 1, from a seed; their length.
#[inline(always)]
fn draw(seed: u32, noise: &mut [f32], d: usize) -> f32 {
    for (column, n) in noise.iter_mut().enumerate().take(d) {
        let bits = hash(seed.wrapping_add((column as u32).wrapping_mul(GOLDEN)));
        *n = (bits >> 8) as f32 * (1.0 / (1 << 24) as f32);
    }
    let mut sums = [0f32; SUMS];
    for part in noise.chunks_exact(SUMS) {
        for (sum, n) in sums.iter_mut().zip(part) {
            *sum += n * n;
        }
    }
    sums.iter().sum::<f32>().sqrt().max(f32::MIN_POSITIVE)
}
