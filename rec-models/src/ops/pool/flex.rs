//! Pooling in pure Rust, a sequence at a time.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use rayon::prelude::*;

use super::{Packed, PoolKernels, Reduction};
use crate::ops::flex::{contiguous, dims, floats, tensor};

impl PoolKernels for Flex {
    fn forward(x: FloatTensor<Self>, rows: &Packed, reduction: Reduction) -> FloatTensor<Self> {
        let x = contiguous(x);
        let d = dims(&x).1;
        let mut out = vec![0.0; rows.len() * d];
        out.par_chunks_mut(d.max(1)).zip(sequences(rows)).for_each(|(out, range)| {
            let rows = &floats(&x)[range.start * d..range.end * d];
            match reduction {
                Reduction::Mean => mean(rows, out),
                Reduction::Max => largest(rows, out),
            }
        });
        tensor(out, [rows.len(), d])
    }

    fn backward(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        rows: &Packed,
        reduction: Reduction,
    ) -> FloatTensor<Self> {
        let (grad, x) = (contiguous(grad), contiguous(x));
        let (n, d) = dims(&x);
        let mut out = vec![0.0; n * d];
        for (range, grad) in rows.ranges().zip(floats(&grad).chunks_exact(d.max(1))) {
            let span = range.start * d..range.end * d;
            match reduction {
                Reduction::Mean => spread(grad, &mut out[span]),
                Reduction::Max => route(grad, &floats(&x)[span.clone()], &mut out[span]),
            }
        }
        tensor(out, [n, d])
    }
}

fn sequences(rows: &Packed) -> impl IndexedParallelIterator<Item = std::ops::Range<usize>> + '_ {
    (0..rows.len()).into_par_iter().map(|i| rows.range(i))
}

fn mean(rows: &[f32], out: &mut [f32]) {
    for row in rows.chunks_exact(out.len().max(1)) {
        for (sum, value) in out.iter_mut().zip(row) {
            *sum += value;
        }
    }
    let count = (rows.len() / out.len().max(1)).max(1) as f32;
    out.iter_mut().for_each(|sum| *sum /= count);
}

fn largest(rows: &[f32], out: &mut [f32]) {
    let mut rows = rows.chunks_exact(out.len().max(1));
    if let Some(first) = rows.next() {
        out.copy_from_slice(first);
    }
    for row in rows {
        for (best, value) in out.iter_mut().zip(row) {
            *best = best.max(*value);
        }
    }
}

/// Each row's share of a mean's gradient.
fn spread(grad: &[f32], out: &mut [f32]) {
    let count = (out.len() / grad.len().max(1)).max(1) as f32;
    for row in out.chunks_exact_mut(grad.len().max(1)) {
        for (share, gradient) in row.iter_mut().zip(grad) {
            *share = gradient / count;
        }
    }
}

/// A maximum's gradient to the row that held it.
fn route(grad: &[f32], rows: &[f32], out: &mut [f32]) {
    let d = grad.len();
    for (column, gradient) in grad.iter().enumerate() {
        let values = rows.iter().skip(column).step_by(d);
        let best = values.enumerate().reduce(|a, b| if b.1 > a.1 { b } else { a });
        if let Some((row, _)) = best {
            out[row * d + column] = *gradient;
        }
    }
}
