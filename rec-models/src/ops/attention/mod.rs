//! Scaled dot-product attention within each sequence of a packed batch.

#[cfg(feature = "libtorch")]
mod batches;
mod cpu;
mod flex;
#[cfg(feature = "libtorch")]
mod libtorch;
mod portable;
#[cfg(test)]
mod tests;

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::dropout::{Draw, Dropout};
use super::maybe::{Maybe, operand};
use super::{Packed, has_kernels};

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
    /// What is dropped of the softmax's weights, while training.
    pub dropout: Dropout,
}

/// `softmax(scale · q kᵀ + bias) v` a head (Vaswani et al. 2017, eq. 1), every sequence by itself.
///
/// `q`: `[query rows, heads · head_dim]`; `k`, `v`: `[key rows, kv_heads · head_dim]`; `queries`
/// and `keys` say where each sequence begins, and are the same but when decoding with a cache.
/// `bias`: `[heads, longest query, longest key]` or more, added to the scores by position in the
/// sequence (T5's relative positions). `→ [query rows, heads · head_dim]`; a query that sees no key
/// gets zeros.
///
/// `q`, `k` and `v` may be column slices of one projection: they are read where they lie. On CPU
/// devices no more than a tile of scores is ever held, the backward step computes them again from
/// the logarithms of the softmax's denominators (Dao et al. 2022), dropout as well, and results are the same at any
/// number of threads.
pub fn attention(
    q: Tensor<2>,
    k: Tensor<2>,
    v: Tensor<2>,
    queries: &Packed,
    keys: &Packed,
    shape: Attention,
    bias: Option<Tensor<3>>,
) -> Tensor<2> {
    check(&q, &k, &v, [queries, keys], shape, bias.as_ref());
    if !has_kernels(&q) {
        return portable::attention(q, k, v, queries, keys, shape, bias);
    }
    Tensor::from_dispatch(<Dispatch as AttentionOp>::attention_op(
        q.into_dispatch(),
        k.into_dispatch(),
        v.into_dispatch(),
        operand(bias),
        Plan { queries: queries.clone(), keys: keys.clone(), shape },
    ))
}

fn check(
    q: &Tensor<2>,
    k: &Tensor<2>,
    v: &Tensor<2>,
    [queries, keys]: [&Packed; 2],
    shape: Attention,
    bias: Option<&Tensor<3>>,
) {
    let (heads, kv_heads) = (shape.heads, shape.kv_heads);
    assert!(kv_heads > 0 && heads % kv_heads == 0, "{kv_heads} key heads for {heads} heads");
    assert_eq!(queries.len(), keys.len(), "sequences of queries and of keys");
    let head_dim = q.dims()[1] / heads;
    assert_eq!(q.dims(), [queries.rows(), heads * head_dim], "queries");
    assert_eq!(k.dims(), [keys.rows(), kv_heads * head_dim], "keys");
    assert_eq!(v.dims(), k.dims(), "values");
    if let Some([bias_heads, bias_queries, bias_keys]) = bias.map(Tensor::dims) {
        assert_eq!(bias_heads, heads, "heads of the bias");
        assert!(bias_queries >= queries.longest() && bias_keys >= keys.longest(), "bias too small");
    }
}

/// All of an attention step but its tensors.
#[derive(Clone, Debug)]
pub struct Plan {
    queries: Packed,
    keys: Packed,
    shape: Attention,
}

impl Plan {
    /// What is dropped of a head's weights, by row of the queries and key in the sequence.
    fn draw(&self) -> Option<Draw> {
        Draw::new(self.shape.dropout)
    }
}

/// The tensors that an attention step reads.
#[derive(Clone, Debug)]
pub struct Operands<B: Backend> {
    q: FloatTensor<B>,
    k: FloatTensor<B>,
    v: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
}

/// What the backward step needs beyond the operands: the output and, where the kernel has them,
/// the logarithms of the softmax's denominators.
#[derive(Clone, Debug)]
pub struct Saved<B: Backend> {
    out: FloatTensor<B>,
    log_sums: Option<FloatTensor<B>>,
}

/// The kernels of one backend.
pub trait AttentionKernels: Backend {
    /// The output, and what the backward step needs if it is to `keep` it.
    fn forward(operands: Operands<Self>, plan: &Plan, keep: bool) -> Saved<Self>;

    /// Gradients of the operands from that of the output; of the bias if `with_bias`.
    fn backward(
        grad: FloatTensor<Self>,
        operands: Operands<Self>,
        saved: Saved<Self>,
        plan: &Plan,
        with_bias: bool,
    ) -> Operands<Self>;
}

/// The operation as burn sees it.
#[backend_extension(Flex, LibTorch: cfg(feature = "libtorch"), Autodiff)]
pub trait AttentionOp: Backend {
    /// See [`attention`].
    fn attention_op(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        #[extension_type] bias: Maybe<Self>,
        plan: Plan,
    ) -> FloatTensor<Self>;
}

macro_rules! attention_op {
    ($backend:ty) => {
        impl AttentionOp for $backend {
            fn attention_op(
                q: FloatTensor<Self>,
                k: FloatTensor<Self>,
                v: FloatTensor<Self>,
                bias: Maybe<Self>,
                plan: Plan,
            ) -> FloatTensor<Self> {
                Self::forward(Operands { q, k, v, bias: bias.into_option() }, &plan, false).out
            }
        }
    };
}
attention_op!(burn::backend::Flex);
#[cfg(feature = "libtorch")]
attention_op!(burn::backend::LibTorch);

#[derive(Debug)]
struct AttentionBackward<const N: usize> {
    plan: Plan,
}

impl<B: AttentionKernels, const N: usize> Backward<B, N> for AttentionBackward<N> {
    type State = (Operands<B>, Saved<B>);

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let (operands, saved) = ops.state;
        let parent = |i: usize| ops.parents.get(i).and_then(Option::as_ref);
        let out = B::backward(grad, operands, saved, &self.plan, parent(3).is_some());
        let gradients = [Some(out.q), Some(out.k), Some(out.v), out.bias];
        for (i, gradient) in gradients.into_iter().enumerate() {
            if let (Some(node), Some(gradient)) = (parent(i), gradient) {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: AttentionKernels + AttentionOp, C: CheckpointStrategy> AttentionOp for Autodiff<B, C> {
    fn attention_op(
        q: FloatTensor<Self>,
        k: FloatTensor<Self>,
        v: FloatTensor<Self>,
        bias: Maybe<Self>,
        plan: Plan,
    ) -> FloatTensor<Self> {
        let (q, q_node) = q.into_parts();
        let (k, k_node) = k.into_parts();
        let (v, v_node) = v.into_parts();
        match bias.into_option().map(|bias| bias.into_parts()) {
            Some((bias, bias_node)) => record::<B, C, 4>(
                AttentionBackward { plan },
                [q_node, k_node, v_node, bias_node],
                Operands { q, k, v, bias: Some(bias) },
            ),
            None => record::<B, C, 3>(
                AttentionBackward { plan },
                [q_node, k_node, v_node],
                Operands { q, k, v, bias: None },
            ),
        }
    }
}

fn record<B: AttentionKernels, C: CheckpointStrategy, const N: usize>(
    step: AttentionBackward<N>,
    nodes: [NodeGuard; N],
    operands: Operands<B>,
) -> FloatTensor<Autodiff<B, C>> {
    let plan = step.plan.clone();
    match Backward::<B, N>::prepare::<C>(step, nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => {
            let saved = B::forward(operands.clone(), &plan, true);
            let out = saved.out.clone();
            prepared.finish((operands, saved), out)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(B::forward(operands, &plan, false).out),
    }
}
