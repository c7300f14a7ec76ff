//! The operation in burn's own terms.

use burn::tensor::{Int, Tensor, activation::log_softmax};

use super::CrossEntropy;

/// See [`super::cross_entropy_rows`].
pub(super) fn rows(
    hidden: Tensor<2>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    targets: Tensor<1, Int>,
    options: CrossEntropy,
) -> Tensor<1> {
    let ignored = targets.clone().lower_elem(0);
    let scores = hidden.matmul(weight.transpose());
    let scores = match bias {
        Some(bias) => scores + bias.unsqueeze(),
        None => scores,
    };
    let logs = log_softmax(scores, 1);
    let targets = targets.mask_fill(ignored.clone(), 0);
    let hit: Tensor<1> = logs.clone().gather(1, targets.unsqueeze_dim(1)).squeeze_dim(1);
    let mean: Tensor<1> = logs.mean_dim(1).squeeze_dim(1);
    let smoothing = options.label_smoothing;
    let losses = hit * (smoothing - 1.0) - mean * smoothing;
    losses.mask_fill(ignored, 0.0)
}
