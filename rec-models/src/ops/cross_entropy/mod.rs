//! Cross-entropy over a vocabulary or catalogue, fused with the linear layer that scores it.

mod flex;
#[cfg(feature = "libtorch")]
mod libtorch;
mod mean;
mod portable;
mod product;
mod rows;
#[cfg(test)]
mod tests;

pub use mean::cross_entropy;

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::{Int, Tensor};

use super::has_kernels;
use super::maybe::{Maybe, operand};

/// How a prediction is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CrossEntropy {
    /// ε of the target distribution `(1 − ε) 1[target] + ε / classes` (Szegedy et al. 2016).
    pub label_smoothing: f64,
}

/// The loss of every row: `−Σⱼ qⱼ log softmax(hidden weightᵀ + bias)ⱼ` with `q` the target
/// distribution of [`CrossEntropy`]. `hidden`: `[rows, d]`; `weight`: `[classes, d]`; `bias`:
/// `[classes]`; `targets`: `[rows]` `→ [rows]`.
///
/// A row with a negative target is ignored: its loss is 0 and it has no gradient. Scores are held
/// for some rows at a time, never `rows × classes`, and computed again in the backward step. Where
/// it is the mean that is minimised, [`cross_entropy`] costs a quarter less.
pub fn cross_entropy_rows(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    targets: Tensor<1, Int>,
    options: CrossEntropy,
) -> Tensor<1> {
    check(&hidden, &weight, bias.as_ref(), &targets);
    if !has_kernels(&hidden) {
        return portable::rows(hidden, weight, bias, targets, options);
    }
    Tensor::from_dispatch(<Dispatch as CrossEntropyOp>::cross_entropy_op(
        hidden.into_dispatch(),
        weight.into_dispatch(),
        operand(bias),
        targets.into_dispatch(),
        options,
    ))
}

fn check(
    hidden: &Tensor<2>,
    weight: &Tensor<2>,
    bias: Option<&Tensor<1>>,
    targets: &Tensor<1, Int>,
) {
    let ([rows, d], [classes, weight_d]) = (hidden.dims(), weight.dims());
    assert_eq!(d, weight_d, "columns of hidden states and of the weight");
    assert!(classes > 0, "no classes");
    assert_eq!(targets.dims(), [rows], "targets");
    if let Some(bias) = bias {
        assert_eq!(bias.dims(), [classes], "bias");
    }
}

/// The tensors of the scores.
#[derive(Clone, Debug)]
pub struct Scored<B: Backend> {
    hidden: FloatTensor<B>,
    weight: FloatTensor<B>,
    bias: Option<FloatTensor<B>>,
}

/// The kernels of one backend. A gradient is given where `scales`, the weight of every row in the
/// loss `Σ scales ⊙ losses`, is.
pub trait CrossEntropyKernels: Backend {
    /// The losses of all rows, and the gradients.
    fn losses(
        scored: &Scored<Self>,
        targets: &IntTensor<Self>,
        options: CrossEntropy,
        scales: Option<&FloatTensor<Self>>,
    ) -> (FloatTensor<Self>, Option<Scored<Self>>);

    /// `Σ scales ⊙ losses`, `[1]`.
    fn total(losses: FloatTensor<Self>, scales: FloatTensor<Self>) -> FloatTensor<Self>;

    /// `gradients` times a single number.
    fn scaled(gradients: Scored<Self>, by: FloatTensor<Self>) -> Scored<Self>;
}

/// The operation as burn sees it.
#[backend_extension(Flex, LibTorch: cfg(feature = "libtorch"), Autodiff)]
pub trait CrossEntropyOp: Backend {
    /// See [`cross_entropy_rows`].
    fn cross_entropy_op(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] bias: Maybe<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropy,
    ) -> FloatTensor<Self>;
}

macro_rules! cross_entropy_op {
    ($backend:ty) => {
        impl CrossEntropyOp for $backend {
            fn cross_entropy_op(
                hidden: FloatTensor<Self>,
                weight: FloatTensor<Self>,
                bias: Maybe<Self>,
                targets: IntTensor<Self>,
                options: CrossEntropy,
            ) -> FloatTensor<Self> {
                let scored = Scored { hidden, weight, bias: bias.into_option() };
                Self::losses(&scored, &targets, options, None).0
            }
        }
    };
}
cross_entropy_op!(burn::backend::Flex);
#[cfg(feature = "libtorch")]
cross_entropy_op!(burn::backend::LibTorch);

#[derive(Debug)]
struct RowsBackward<const N: usize> {
    options: CrossEntropy,
}

impl<B: CrossEntropyKernels, const N: usize> Backward<B, N> for RowsBackward<N> {
    type State = (Scored<B>, IntTensor<B>);

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let (scored, targets) = &ops.state;
        if let (_, Some(gradients)) = B::losses(scored, targets, self.options, Some(&grad)) {
            register(gradients, &ops, grads);
        }
    }
}

/// Hands gradients to the parents that want them.
fn register<B: Backend, T, const N: usize>(
    gradients: Scored<B>,
    ops: &Ops<T, N>,
    grads: &mut Gradients,
) {
    let gradients = [Some(gradients.hidden), Some(gradients.weight), gradients.bias];
    for (parent, gradient) in ops.parents.iter().zip(gradients) {
        if let (Some(node), Some(gradient)) = (parent, gradient) {
            grads.register::<B>(node.id, gradient);
        }
    }
}

impl<B: CrossEntropyKernels + CrossEntropyOp, C: CheckpointStrategy> CrossEntropyOp
    for Autodiff<B, C>
{
    fn cross_entropy_op(
        hidden: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        targets: IntTensor<Self>,
        options: CrossEntropy,
    ) -> FloatTensor<Self> {
        let (hidden, hidden_node) = hidden.into_parts();
        let (weight, weight_node) = weight.into_parts();
        match bias.into_option().map(|bias| bias.into_parts()) {
            Some((bias, bias_node)) => record::<B, C, 3>(
                RowsBackward { options },
                [hidden_node, weight_node, bias_node],
                (Scored { hidden, weight, bias: Some(bias) }, targets),
            ),
            None => record::<B, C, 2>(
                RowsBackward { options },
                [hidden_node, weight_node],
                (Scored { hidden, weight, bias: None }, targets),
            ),
        }
    }
}

fn record<B: CrossEntropyKernels, C: CheckpointStrategy, const N: usize>(
    step: RowsBackward<N>,
    nodes: [NodeGuard; N],
    (scored, targets): (Scored<B>, IntTensor<B>),
) -> FloatTensor<Autodiff<B, C>> {
    let (losses, _) = B::losses(&scored, &targets, step.options, None);
    match Backward::<B, N>::prepare::<C>(step, nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish((scored, targets), losses),
        OpsKind::UnTracked(prepared) => prepared.finish(losses),
    }
}
