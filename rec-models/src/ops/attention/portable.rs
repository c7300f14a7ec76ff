//! The operation in burn's own terms: one sequence after another, all heads at once.

use std::ops::Range;

use burn::tensor::{Tensor, TensorData, activation::softmax};

use super::{Attention, Draw, Packed};

/// See [`super::attention`].
pub(super) fn attention(
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    queries: &Packed,
    keys: &Packed,
    shape: Attention,
    bias: Option<Tensor<3>>,
) -> Tensor<2> {
    let outputs = queries.ranges().zip(keys.ranges()).filter(|(rows, _)| !rows.is_empty());
    let outputs = outputs.map(|(query_rows, key_rows)| {
        let [nq, nk] = [query_rows.len(), key_rows.len()];
        if nk == 0 {
            return q.clone().narrow(0, query_rows.start, nq) * 0.0;
        }
        let first = query_rows.start;
        let q = heads(q.clone(), query_rows, shape.heads, 1);
        let group = shape.heads / shape.kv_heads;
        let k = heads(k.clone(), key_rows.clone(), shape.kv_heads, group);
        let v = heads(v.clone(), key_rows, shape.kv_heads, group);
        let mut scores = q.matmul(k.transpose()) * shape.scale;
        if let Some(bias) = &bias {
            scores = scores + bias.clone().narrow(1, 0, nq).narrow(2, 0, nk);
        }
        let weights = if shape.causal {
            let future = Tensor::<2>::ones([nq, nk], &scores.device())
                .triu(1 + nk as i64 - nq as i64)
                .greater_elem(0.0)
                .unsqueeze::<3>();
            let weights = softmax(scores.mask_fill(future.clone(), f32::NEG_INFINITY), 2);
            // A query that sees no key at all has weights 0 / 0.
            weights.mask_fill(future, 0.0)
        } else {
            softmax(scores, 2)
        };
        let weights = match Draw::new(shape.dropout) {
            Some(draw) => {
                let planes = (0..shape.heads).map(|head| draw.plane(head).factors(first, [nq, nk]));
                let factors = TensorData::new(planes.flatten().collect(), [shape.heads, nq, nk]);
                weights.clone() * Tensor::from_data(factors, (&weights.device(), weights.dtype()))
            }
            None => weights,
        };
        let mixed = weights.matmul(v);
        mixed.swap_dims(0, 1).flatten(1, 2)
    });
    let outputs: Vec<Tensor<2>> = outputs.collect();
    if outputs.is_empty() { q } else { Tensor::cat(outputs, 0) }
}

/// `[rows, heads · d]` → `[heads · repeat, sequence, d]`, each head `repeat` times in a row.
fn heads(x: Tensor<2>, rows: Range<usize>, heads: usize, repeat: usize) -> Tensor<3> {
    let length = rows.len();
    let x = x.narrow(0, rows.start, length);
    let d = x.dims()[1] / heads;
    let x = x.reshape([length, heads, d]).swap_dims(0, 1);
    if repeat == 1 {
        return x;
    }
    x.unsqueeze_dim::<4>(1).expand([heads, repeat, length, d]).reshape([heads * repeat, length, d])
}
