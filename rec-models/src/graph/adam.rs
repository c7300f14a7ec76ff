//! Adam (Kingma & Ba 2015) on all embeddings, whose gradient is a propagated one and a penalty.

use rayon::prelude::*;

use crate::ops::simd::{Lanes, Task, dispatch};

/// Decay of the mean gradient and of the mean square.
const BETAS: (f64, f64) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;
/// Rows a thread takes at a time.
const ROWS: usize = 256;

/// Embeddings `[n, d]` with their moments, to be changed in place.
pub(in crate::graph) struct Tables<'a> {
    pub(in crate::graph) embeddings: &'a mut [f32],
    pub(in crate::graph) first: &'a mut [f32],
    pub(in crate::graph) second: &'a mut [f32],
}

/// The gradient: `propagated + penalty · counts · embeddings`, the counts a row's.
#[derive(Clone, Copy)]
pub(in crate::graph) struct Gradient<'a> {
    pub(in crate::graph) propagated: &'a [f32],
    pub(in crate::graph) counts: &'a [u32],
    pub(in crate::graph) penalty: f32,
}

/// Step `step`, from 1.
pub(in crate::graph) fn step(
    tables: Tables<'_>,
    gradient: Gradient<'_>,
    d: usize,
    rate: f32,
    step: u64,
) {
    let unbiased = |beta: f64| 1.0 - beta.powf(step as f64);
    let rates = Rates {
        rate: (f64::from(rate) / unbiased(BETAS.0)) as f32,
        root: unbiased(BETAS.1).sqrt() as f32,
    };
    let chunk = (ROWS * d).max(1);
    let moments = tables.first.par_chunks_mut(chunk).zip(tables.second.par_chunks_mut(chunk));
    let rows = gradient.propagated.par_chunks(chunk).zip(gradient.counts.par_chunks(ROWS));
    let all = tables.embeddings.par_chunks_mut(chunk).zip(moments).zip(rows);
    all.for_each(|((embeddings, (first, second)), (propagated, counts))| {
        let tables = Tables { embeddings, first, second };
        dispatch(Rows { tables, gradient: Gradient { propagated, counts, ..gradient }, d, rates });
    });
}

#[derive(Clone, Copy)]
struct Rates {
    rate: f32,
    root: f32,
}

struct Rows<'a> {
    tables: Tables<'a>,
    gradient: Gradient<'a>,
    d: usize,
    rates: Rates,
}

impl Task for Rows<'_> {
    type Output = ();

    /// Plain loops, which the compiler turns into the vectors of the level it lands in; with no
    /// fused operations, so that every level gives the same bits.
    #[inline(always)]
    fn run<S: Lanes>(self, _: S) {
        let Self { tables, gradient, d, rates } = self;
        let (keep, new) = (BETAS.0 as f32, (1.0 - BETAS.0) as f32);
        let (keep_square, new_square) = (BETAS.1 as f32, (1.0 - BETAS.1) as f32);
        for (row, &count) in gradient.counts.iter().enumerate() {
            let penalty = gradient.penalty * count as f32;
            let at = row * d..(row + 1) * d;
            let moments = tables.first[at.clone()].iter_mut().zip(&mut tables.second[at.clone()]);
            let embeddings = tables.embeddings[at.clone()].iter_mut();
            for ((x, (m, v)), g) in embeddings.zip(moments).zip(&gradient.propagated[at]) {
                let g = g + penalty * *x;
                *m = keep * *m + new * g;
                *v = keep_square * *v + new_square * g * g;
                *x -= rates.rate * *m / (v.sqrt() / rates.root + EPSILON);
            }
        }
    }
}
