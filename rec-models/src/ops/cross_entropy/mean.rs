//! The mean over rows, whose gradients are made on the way forward.

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Int, Tensor};

use super::{CrossEntropy, CrossEntropyKernels, Scored, check, portable, register};
use crate::ops::has_kernels;
use crate::ops::maybe::{Maybe, operand};

/// The mean of [`super::cross_entropy_rows`] over the rows that count, or their mean weighted by
/// `weights` `[rows]` (not negative; not differentiated): `Σ wᵢ lossᵢ / Σ wᵢ → [1]`; 0 where no row
/// counts.
///
/// Where gradients are tracked they are made with the loss, a chunk of rows at a time, so that the
/// scores are computed once and never held (Hsu et al. 2024, Liger kernel).
pub fn cross_entropy(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    targets: Tensor<1, Int>,
    weights: Option<Tensor<1>>,
    options: CrossEntropy,
) -> Tensor<1> {
    check(&hidden, &weight, bias.as_ref(), &targets);
    let scales = scales(&hidden, &targets, weights);
    if !has_kernels(&hidden) {
        return (portable::rows(hidden, weight, bias, targets, options) * scales).sum();
    }
    Tensor::from_dispatch(<Dispatch as MeanOp>::mean_op(
        hidden.into_dispatch(),
        weight.into_dispatch(),
        operand(bias),
        targets.into_dispatch(),
        scales.into_dispatch(),
        options,
    ))
}

/// Every row's share in the mean.
fn scales(hidden: &Tensor<2>, targets: &Tensor<1, Int>, weights: Option<Tensor<1>>) -> Tensor<1> {
    let counts = targets.clone().greater_equal_elem(0).float().cast(hidden.dtype());
    let weights = match weights {
        Some(weights) => weights.detach() * counts,
        None => counts,
    };
    let total = weights.clone().sum();
    let none = total.clone().equal_elem(0.0);
    weights / total.mask_fill(none, 1.0)
}

/// The operation as burn sees it.
#[backend_extension(Flex, LibTorch: cfg(feature = "libtorch"), Autodiff)]
pub(super) trait MeanOp: Backend {
    /// `Σ scales ⊙ losses`; see [`cross_entropy`].
    fn mean_op(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] bias: Maybe<Self>,
        targets: IntTensor<Self>,
        scales: FloatTensor<Self>,
        options: CrossEntropy,
    ) -> FloatTensor<Self>;
}

macro_rules! mean_op {
    ($backend:ty) => {
        impl MeanOp for $backend {
            fn mean_op(
                hidden: FloatTensor<Self>,
                weight: FloatTensor<Self>,
                bias: Maybe<Self>,
                targets: IntTensor<Self>,
                scales: FloatTensor<Self>,
                options: CrossEntropy,
            ) -> FloatTensor<Self> {
                let scored = Scored { hidden, weight, bias: bias.into_option() };
                let (losses, _) = Self::losses(&scored, &targets, options, None);
                Self::total(losses, scales)
            }
        }
    };
}
mean_op!(burn::backend::Flex);
#[cfg(feature = "libtorch")]
mean_op!(burn::backend::LibTorch);

#[derive(Debug)]
struct MeanBackward<const N: usize>;

impl<B: CrossEntropyKernels, const N: usize> Backward<B, N> for MeanBackward<N> {
    /// The gradients for a loss that counts once.
    type State = Scored<B>;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let gradients = B::scaled(ops.state.clone(), grad);
        register(gradients, &ops, grads);
    }
}

impl<B: CrossEntropyKernels + MeanOp, C: CheckpointStrategy> MeanOp for Autodiff<B, C> {
    fn mean_op(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        targets: IntTensor<Self>,
        scales: FloatTensor<Self>,
        options: CrossEntropy,
    ) -> FloatTensor<Self> {
        let (hidden, hidden_node) = hidden.into_parts();
        let (weight, weight_node) = weight.into_parts();
        let (scales, _) = scales.into_parts();
        match bias.into_option().map(|bias| bias.into_parts()) {
            Some((bias, bias_node)) => record::<B, C, 3>(
                [hidden_node, weight_node, bias_node],
                Scored { hidden, weight, bias: Some(bias) },
                targets,
                scales,
                options,
            ),
            None => record::<B, C, 2>(
                [hidden_node, weight_node],
                Scored { hidden, weight, bias: None },
                targets,
                scales,
                options,
            ),
        }
    }
}

fn record<B: CrossEntropyKernels, C: CheckpointStrategy, const N: usize>(
    nodes: [NodeGuard; N],
    scored: Scored<B>,
    targets: IntTensor<B>,
    scales: FloatTensor<B>,
    options: CrossEntropy,
) -> FloatTensor<Autodiff<B, C>> {
    match Backward::<B, N>::prepare::<C>(MeanBackward, nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => {
            let (losses, gradients) = B::losses(&scored, &targets, options, Some(&scales));
            prepared.finish(gradients.unwrap_or(scored), B::total(losses, scales))
        }
        OpsKind::UnTracked(prepared) => {
            let (losses, _) = B::losses(&scored, &targets, options, None);
            prepared.finish(B::total(losses, scales))
        }
    }
}
