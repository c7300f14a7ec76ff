//! The norms in pure Rust: tasks of a few rows each.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use rayon::prelude::*;

use super::kernel::{Back, Forth, Row};
use super::{Inputs, Kept, Kind, NormGrads, NormKernels};
use crate::ops::flex::{contiguous, dims, filled, floats, sum_rows, tensor};
use crate::ops::simd::dispatch;

/// Rows of a task. Sums over rows are cut here, whatever the number of threads.
const ROWS: usize = 32;

impl NormKernels for Flex {
    fn forward(
        kind: Kind,
        inputs: Inputs<Self>,
        epsilon: f64,
        keep: bool,
    ) -> (FloatTensor<Self>, Option<Kept<Self>>) {
        let (x, weight) = (contiguous(inputs.x), contiguous(inputs.weight));
        let (residual, bias) = (inputs.residual.map(contiguous), inputs.bias.map(contiguous));
        let (rows, columns) = dims(&x);
        let chunk = (ROWS * columns).max(1);
        let (mut means, mut deviations) = (vec![0.0; rows], vec![0.0; rows]);
        let statistics = means.par_chunks_mut(ROWS).zip(deviations.par_chunks_mut(ROWS));
        // SAFETY: the chunks cover the vector, and each task writes all of its own.
        let y = unsafe {
            filled(rows * columns, |y| {
                y.par_chunks_mut(chunk).zip(statistics).enumerate().for_each(|(i, (y, kept))| {
                    dispatch(Forth {
                        kind,
                        row: Row {
                            x: part(&x, i, chunk),
                            residual: residual.as_ref().map(|r| part(r, i, chunk)),
                        },
                        weight: floats(&weight),
                        bias: bias.as_ref().map(floats),
                        epsilon: epsilon as f32,
                        y,
                        means: kept.0,
                        reciprocals: kept.1,
                    });
                });
            })
        };
        let kept = keep.then(|| {
            let means = (kind == Kind::Layer).then(|| tensor(means, [rows]));
            let statistics = Some((means, tensor(deviations, [rows])));
            Kept { x, residual, weight, statistics, epsilon }
        });
        (tensor(y, [rows, columns]), kept)
    }

    fn backward(kind: Kind, grad: FloatTensor<Self>, kept: Kept<Self>) -> NormGrads<Self> {
        let grad = contiguous(grad);
        let (rows, columns) = dims(&grad);
        let chunk = (ROWS * columns).max(1);
        let (means, reciprocals) = match &kept.statistics {
            Some((means, reciprocals)) => {
                (means.as_ref().map_or(&[][..], floats), floats(reciprocals))
            }
            None => (&[][..], &[][..]),
        };
        let width = columns.max(1);
        let mut sums = vec![0.0; rows.div_ceil(ROWS) * 2 * columns];
        // SAFETY: the chunks cover the vector, and each task writes all of its own.
        let dx = unsafe {
            filled(rows * columns, |dx| {
                let sums = sums.par_chunks_mut(2 * width);
                dx.par_chunks_mut(chunk).zip(sums).enumerate().for_each(|(i, (dx, sums))| {
                    let (dweight, dbias) = sums.split_at_mut(columns);
                    let x = part(&kept.x, i, chunk);
                    let residual = kept.residual.as_ref().map(|r| part(r, i, chunk));
                    let here = i * ROWS..(i * ROWS + x.len() / width).min(rows);
                    dispatch(Back {
                        kind,
                        row: Row { x, residual },
                        weight: floats(&kept.weight),
                        grad: part(&grad, i, chunk),
                        means: means.get(here.clone()).unwrap_or(&[]),
                        reciprocals: &reciprocals[here],
                        dx,
                        dweight,
                        dbias,
                    });
                });
            })
        };
        let mut dweight = sum_rows(&sums, 2 * columns);
        let dbias = dweight.split_off(columns);
        NormGrads {
            sum: tensor(dx, [rows, columns]),
            weight: tensor(dweight, [columns]),
            bias: (kind == Kind::Layer).then(|| tensor(dbias, [columns])),
        }
    }
}

/// The `i`th chunk.
fn part(x: &FlexTensor, i: usize, chunk: usize) -> &[f32] {
    let x = floats(x);
    &x[(i * chunk).min(x.len())..((i + 1) * chunk).min(x.len())]
}
