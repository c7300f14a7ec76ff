//! Back through the activation: `grad ⊙ act′(z)` and its column sums, in one pass.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::Activation;
use super::activate::{Function, Gelu, GeluTanh, Identity, Relu, Silu, Tanh};
use crate::ops::flex::{filled, sum_rows};
use crate::ops::simd::{Lanes, Task, dispatch};

/// Rows of a task. Sums over rows are cut here, whatever the number of threads.
const ROWS: usize = 64;

/// `grad ⊙ act′(z)` (none where there is no `z`) and, if wanted, the column sums of it.
pub(super) fn through(
    grad: &[f32],
    z: Option<&[f32]>,
    columns: usize,
    activation: Activation,
    wants_sums: bool,
) -> (Option<Vec<f32>>, Option<Vec<f32>>) {
    if z.is_none() && !wants_sums {
        return (None, None);
    }
    let chunk = (ROWS * columns).max(1);
    let tasks = grad.len().div_ceil(chunk);
    let mut sums = vec![0.0; if wants_sums { tasks * columns } else { 0 }];
    let mut sums_of: Vec<&mut [f32]> = sums.chunks_mut(columns.max(1)).collect();
    sums_of.resize_with(tasks, Default::default);
    let run = |grad: &[f32], z: &[f32], out: &mut [MaybeUninit<f32>], sums: &mut [f32]| {
        dispatch(Through { grad, z, out, sums, columns, activation });
    };
    let grads = grad.par_chunks(chunk).zip(sums_of);
    let out = match z {
        // SAFETY: the chunks cover the vector, and each task writes all of its own.
        Some(z) => Some(unsafe {
            filled(grad.len(), |out| {
                let places = z.par_chunks(chunk).zip(out.par_chunks_mut(chunk));
                grads.zip(places).for_each(|((grad, sums), (z, out))| run(grad, z, out, sums));
            })
        }),
        None => {
            grads.for_each(|(grad, sums)| run(grad, &[], &mut [], sums));
            None
        }
    };
    (out, wants_sums.then(|| sum_rows(&sums, columns)))
}

struct Through<'a> {
    grad: &'a [f32],
    /// As long as `grad`, or empty for the identity.
    z: &'a [f32],
    /// As long as `z`.
    out: &'a mut [MaybeUninit<f32>],
    /// One number a column, or empty.
    sums: &'a mut [f32],
    columns: usize,
    activation: Activation,
}

impl Task for Through<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        match self.activation {
            Activation::Identity => self.with(s, Identity),
            Activation::Gelu => self.with(s, Gelu),
            Activation::GeluTanh => self.with(s, GeluTanh),
            Activation::Relu => self.with(s, Relu),
            Activation::Silu => self.with(s, Silu),
            Activation::Tanh => self.with(s, Tanh),
        }
    }
}

impl Through<'_> {
    #[inline(always)]
    fn with<S: Lanes>(self, s: S, f: impl Function) {
        let Self { grad, z, out, sums, columns, .. } = self;
        for (r, grad) in grad.chunks_exact(columns).enumerate() {
            for from in (0..columns).step_by(S::WIDTH) {
                let here = from..(from + S::WIDTH).min(columns);
                let mut g = s.load_part(&grad[here.clone()], 0.0);
                if !z.is_empty() {
                    let row = r * columns;
                    let there = row + here.start..row + here.end;
                    g = s.mul(g, f.slope(s, s.load_part(&z[there.clone()], 0.0)));
                    s.initialise(g, &mut out[there]);
                }
                if !sums.is_empty() {
                    let sum = s.add(s.load_part(&sums[here.clone()], 0.0), g);
                    s.store_part(sum, &mut sums[here]);
                }
            }
        }
    }
}
