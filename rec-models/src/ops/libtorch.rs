//! LibTorch tensors of an operation's inputs and outputs.

use burn::backend::libtorch::TchTensor;

/// A new tensor as burn's primitive. `output` must not share an input's storage.
pub(super) fn wrap(output: tch::Tensor) -> TchTensor {
    TchTensor::new(output)
}
