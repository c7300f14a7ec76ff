//! Embedding in pure Rust.

use burn::backend::Flex;
use burn::backend::tensor::{FloatTensor, IntTensor};
use rayon::prelude::*;

use super::EmbeddingKernels;
use crate::ops::flex::{contiguous, dims, floats, ints, tensor};

/// Rows a thread takes at a time.
const CHUNK: usize = 256;

impl EmbeddingKernels for Flex {
    fn forward(table: FloatTensor<Self>, ids: &IntTensor<Self>) -> FloatTensor<Self> {
        let table = contiguous(table);
        let (rows, d) = dims(&table);
        let (ids, values) = (ints(ids), floats(&table));
        let mut out = vec![0.0; ids.len() * d];
        let chunks = out.par_chunks_mut((CHUNK * d).max(1)).zip(ids.par_chunks(CHUNK));
        chunks.for_each(|(out, ids)| {
            for (out, id) in out.chunks_exact_mut(d).zip(ids) {
                let row = row(*id, rows);
                out.copy_from_slice(&values[row * d..][..d]);
            }
        });
        tensor(out, [ids.len(), d])
    }

    fn backward(grad: FloatTensor<Self>, ids: &IntTensor<Self>, rows: usize) -> FloatTensor<Self> {
        let grad = contiguous(grad);
        let (_, d) = dims(&grad);
        let mut out = vec![0.0; rows * d];
        add_rows(&mut out, floats(&grad), &ints(ids), d);
        tensor(out, [rows, d])
    }

    fn rows(table: &FloatTensor<Self>) -> usize {
        dims(table).0
    }
}

fn row(id: i64, rows: usize) -> usize {
    match usize::try_from(id) {
        Ok(row) if row < rows => row,
        _ => out_of_range(id, rows),
    }
}

#[cold]
#[expect(clippy::panic, reason = "as with burn's tensors; models check ids before they come here")]
fn out_of_range(id: i64, rows: usize) -> ! {
    panic!("id {id} of a table of {rows} rows")
}

/// `out[ids[i]] += grad[i]`, each row's terms in the order of `i`: positions sorted by id, parted
/// among threads where the id changes.
fn add_rows(out: &mut [f32], grad: &[f32], ids: &[i64], d: usize) {
    if d == 0 {
        return;
    }
    let rows = out.len() / d;
    let mut order: Vec<(u32, u32)> =
        ids.iter().enumerate().map(|(i, id)| (row(*id, rows) as u32, i as u32)).collect();
    order.par_sort_unstable();
    add_sorted(out, 0, grad, &order, d);
}

/// Adds the positions `order`, whose ids are rows of `out` from row `first` on.
fn add_sorted(out: &mut [f32], first: usize, grad: &[f32], order: &[(u32, u32)], d: usize) {
    let middle = order.len() / 2;
    if order.len() > 2 * CHUNK {
        let id = order[middle].0;
        // Where the middle's id begins: its terms stay together.
        let split = order.partition_point(|(other, _)| *other < id);
        if split > 0 {
            let (left, right) = order.split_at(split);
            let (low, high) = out.split_at_mut((id as usize - first) * d);
            rayon::join(
                || add_sorted(low, first, grad, left, d),
                || add_sorted(high, id as usize, grad, right, d),
            );
            return;
        }
    }
    for (id, i) in order {
        let out = &mut out[(*id as usize - first) * d..][..d];
        for (out, grad) in out.iter_mut().zip(&grad[*i as usize * d..][..d]) {
            *out += grad;
        }
    }
}
