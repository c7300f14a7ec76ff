//! `y = act(x Wᵀ + b)` on rows of tokens.

mod activate;
mod flex;
#[cfg(feature = "libtorch")]
mod libtorch;
mod portable;
#[cfg(test)]
mod tests;
mod through;

use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::has_kernels;
use super::maybe::{Maybe, operand};

/// What follows the affine map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Activation {
    /// Nothing.
    #[default]
    Identity,
    /// `x Φ(x)` with the exact normal distribution function (Hendrycks & Gimpel 2016).
    Gelu,
    /// GELU by its tanh approximation, as GPT-2 and ALBERT have it (`gelu_new`).
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// `x σ(x)`, also called swish.
    Silu,
    /// `tanh(x)`.
    Tanh,
}

/// `act(x Wᵀ + b)`: `[rows, d_in] × [d_out, d_in] → [rows, d_out]`. The weight lies as checkpoints
/// have it, one row an output.
pub fn linear(
    x: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    activation: Activation,
) -> Tensor<2> {
    if !has_kernels(&x) {
        return portable::linear(x, weight, bias, activation);
    }
    Tensor::from_dispatch(<Dispatch as LinearOp>::linear_op(
        x.into_dispatch(),
        weight.into_dispatch(),
        operand(bias),
        activation,
    ))
}

/// `act(x)` in burn's own terms: where it cannot be part of [`linear`].
pub(crate) fn activate(x: Tensor<2>, activation: Activation) -> Tensor<2> {
    portable::activate(x, activation)
}

/// Gradients of one linear step.
pub struct LinearGrads<B: Backend> {
    /// `[rows, d_in]`, where asked for.
    x: Option<FloatTensor<B>>,
    /// `[d_out, d_in]`.
    weight: Option<FloatTensor<B>>,
    /// `[d_out]`.
    bias: Option<FloatTensor<B>>,
}

/// Which gradients a backward step must give.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    x: bool,
    weight: bool,
    bias: bool,
}

/// The kernels of one backend.
pub trait LinearKernels: Backend {
    /// `act(x Wᵀ + b)` and, when `keep`, what the activation was applied to.
    fn forward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        activation: Activation,
        keep: bool,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>);

    /// Gradients from that of the output; `kept` is [`LinearKernels::forward`]'s, none for
    /// [`Activation::Identity`].
    fn backward(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        kept: Option<FloatTensor<Self>>,
        activation: Activation,
        wanted: Wanted,
    ) -> LinearGrads<Self>;
}

/// The operation as burn sees it.
#[backend_extension(Flex, LibTorch: cfg(feature = "libtorch"), Autodiff)]
pub trait LinearOp: Backend {
    /// See [`linear`].
    fn linear_op(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        #[extension_type] bias: Maybe<Self>,
        activation: Activation,
    ) -> FloatTensor<Self>;
}

macro_rules! linear_op {
    ($backend:ty) => {
        impl LinearOp for $backend {
            fn linear_op(
                x: FloatTensor<Self>,
                weight: FloatTensor<Self>,
                bias: Maybe<Self>,
                activation: Activation,
            ) -> FloatTensor<Self> {
                Self::forward(x, weight, bias.into_option(), activation, false).0
            }
        }
    };
}
linear_op!(burn::backend::Flex);
#[cfg(feature = "libtorch")]
linear_op!(burn::backend::LibTorch);

/// Saved for the backward step: `(x, weight, kept)`.
type State<B> = (FloatTensor<B>, FloatTensor<B>, Option<FloatTensor<B>>);

#[derive(Debug)]
struct LinearBackward<const N: usize> {
    activation: Activation,
}

impl<B: LinearKernels, const N: usize> Backward<B, N> for LinearBackward<N> {
    type State = State<B>;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let (x, weight, kept) = ops.state;
        let parent = |i: usize| ops.parents.get(i).and_then(Option::as_ref);
        let wanted = Wanted {
            x: parent(0).is_some(),
            weight: parent(1).is_some(),
            bias: parent(2).is_some(),
        };
        let out = B::backward(grad, x, weight, kept, self.activation, wanted);
        for (i, gradient) in [out.x, out.weight, out.bias].into_iter().enumerate() {
            if let (Some(node), Some(gradient)) = (parent(i), gradient) {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: LinearKernels + LinearOp, C: CheckpointStrategy> LinearOp for Autodiff<B, C> {
    fn linear_op(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let (x, x_node) = x.into_parts();
        let (weight, weight_node) = weight.into_parts();
        match bias.into_option().map(|bias| bias.into_parts()) {
            Some((bias, bias_node)) => record::<B, C, 3>(
                LinearBackward { activation },
                [x_node, weight_node, bias_node],
                (x, weight, Some(bias)),
            ),
            None => record::<B, C, 2>(
                LinearBackward { activation },
                [x_node, weight_node],
                (x, weight, None),
            ),
        }
    }
}

fn record<B: LinearKernels, C: CheckpointStrategy, const N: usize>(
    step: LinearBackward<N>,
    nodes: [burn::backend::autodiff::ops::NodeGuard; N],
    (x, weight, bias): (FloatTensor<B>, FloatTensor<B>, Option<FloatTensor<B>>),
) -> FloatTensor<Autodiff<B, C>> {
    let activation = step.activation;
    match Backward::<B, N>::prepare::<C>(step, nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => {
            let (y, kept) = B::forward(
                x.clone(),
                weight.clone(),
                bias,
                activation,
                activation != Activation::Identity,
            );
            prepared.finish((x, weight, kept), y)
        }
        OpsKind::UnTracked(prepared) => {
            prepared.finish(B::forward(x, weight, bias, activation, false).0)
        }
    }
}
