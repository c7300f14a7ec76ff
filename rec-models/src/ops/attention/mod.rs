//! Scaled dot-product attention within each sequence of a packed batch.

mod portable;

use burn::tensor::Tensor;

use super::Packed;

/// The shape of an attention step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attention {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; each serves `heads / kv_heads` query heads (grouped-query attention,
    /// Ainslie et al. 2023).
    pub kv_heads: usize,
    /// What scores are multiplied by; `1 / √head_dim` in most models.
    pub scale: f64,
    /// Whether a query sees only keys up to its own position. With more keys than queries the
    /// queries are the last positions.
    pub causal: bool,
}

/// `softmax(scale · q kᵀ + bias) v` a head (Vaswani et al. 2017, eq. 1), every sequence by itself.
///
/// `q`: `[query rows, heads · head_dim]`; `k`, `v`: `[key rows, kv_heads · head_dim]`; `queries`
/// and `keys` say where each sequence begins, and are the same but when decoding with a cache.
/// `bias`: `[heads, longest query, longest key]`, added to the scores by position in the sequence
/// (T5's relative positions). `→ [query rows, heads · head_dim]`.
pub fn attention(
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    queries: &Packed,
    keys: &Packed,
    shape: Attention,
    bias: Option<Tensor<3>>,
) -> Tensor<2> {
    portable::attention(q, k, v, queries, keys, shape, bias)
}
