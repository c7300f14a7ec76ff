//! The norms on an autodiff device.

use std::fmt;

use burn::backend::Backend;
use burn::backend::autodiff::Autodiff;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, NodeGuard, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;

use super::{Inputs, Kept, Kind, NormKernels, NormOp};
use crate::ops::maybe::Maybe;

impl<B: Backend> Clone for Kept<B> {
    fn clone(&self) -> Self {
        Self {
            x: self.x.clone(),
            residual: self.residual.clone(),
            weight: self.weight.clone(),
            statistics: self.statistics.clone(),
            epsilon: self.epsilon,
        }
    }
}

impl<B: Backend> fmt::Debug for Kept<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("epsilon", &self.epsilon).finish_non_exhaustive()
    }
}

/// Which operand each parent is.
#[derive(Clone, Copy, Debug)]
enum Operand {
    Term,
    Weight,
    Bias,
}

#[derive(Debug)]
struct NormBackward<const N: usize> {
    kind: Kind,
    operands: [Operand; N],
}

impl<B: NormKernels, const N: usize> Backward<B, N> for NormBackward<N> {
    type State = Kept<B>;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let out = B::backward(self.kind, grad, ops.state);
        for (operand, parent) in self.operands.into_iter().zip(&ops.parents) {
            let gradient = match operand {
                Operand::Term => Some(out.sum.clone()),
                Operand::Weight => Some(out.weight.clone()),
                Operand::Bias => out.bias.clone(),
            };
            if let (Some(node), Some(gradient)) = (parent, gradient) {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

fn record<B: NormKernels, C: CheckpointStrategy, const N: usize>(
    kind: Kind,
    parents: [(NodeGuard, Operand); N],
    inputs: Inputs<B>,
    epsilon: f64,
) -> FloatTensor<Autodiff<B, C>> {
    let operands = parents.each_ref().map(|(_, operand)| *operand);
    let step = NormBackward { kind, operands };
    let nodes = parents.map(|(node, _)| node);
    match Backward::<B, N>::prepare::<C>(step, nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => match B::forward(kind, inputs, epsilon, true) {
            (y, Some(kept)) => prepared.finish(kept, y),
            (_, None) => unreachable!("a forward step keeps what it is told to"),
        },
        OpsKind::UnTracked(prepared) => prepared.finish(B::forward(kind, inputs, epsilon, false).0),
    }
}

impl<B: NormKernels + NormOp, C: CheckpointStrategy> NormOp for Autodiff<B, C> {
    fn layer_norm_op(
        x: FloatTensor<Self>,
        residual: Maybe<Self>,
        weight: FloatTensor<Self>,
        bias: Maybe<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        use Operand::{Bias, Term, Weight};
        let (x, x_node) = x.into_parts();
        let (weight, weight_node) = weight.into_parts();
        let residual = residual.into_option().map(|residual| residual.into_parts());
        let bias = bias.into_option().map(|bias| bias.into_parts());
        let (x_node, weight_node) = ((x_node, Term), (weight_node, Weight));
        let inputs = |residual, bias| Inputs { x, residual, weight, bias };
        match (residual, bias) {
            (Some((residual, r)), Some((bias, b))) => record::<B, C, 4>(
                Kind::Layer,
                [x_node, weight_node, (r, Term), (b, Bias)],
                inputs(Some(residual), Some(bias)),
                epsilon,
            ),
            (Some((residual, r)), None) => record::<B, C, 3>(
                Kind::Layer,
                [x_node, weight_node, (r, Term)],
                inputs(Some(residual), None),
                epsilon,
            ),
            (None, Some((bias, b))) => record::<B, C, 3>(
                Kind::Layer,
                [x_node, weight_node, (b, Bias)],
                inputs(None, Some(bias)),
                epsilon,
            ),
            (None, None) => {
                record::<B, C, 2>(Kind::Layer, [x_node, weight_node], inputs(None, None), epsilon)
            }
        }
    }

    fn rms_norm_op(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let (x, x_node) = x.into_parts();
        let (weight, weight_node) = weight.into_parts();
        record::<B, C, 2>(
            Kind::RootMeanSquare,
            [(x_node, Operand::Term), (weight_node, Operand::Weight)],
            Inputs { x, residual: None, weight, bias: None },
            epsilon,
        )
    }
}
