//! LibTorch tensors of an operation's inputs and outputs.

use burn::backend::libtorch::TchTensor;

/// A new tensor as burn's primitive. `output` must not share an input's storage.
pub(super) fn wrap(output: tch::Tensor) -> TchTensor {
    TchTensor::new(output)
}

/// A matrix in single precision whose rows are contiguous, at whatever distance; a copy only where
/// `x` is none.
pub(super) fn strided(x: &tch::Tensor) -> tch::Tensor {
    let x = x.to_kind(tch::Kind::Float);
    let (size, strides) = (x.size(), x.stride());
    let along = strides[1] == 1 || size[1] <= 1;
    let forwards = size[0] <= 1 || strides[0] >= size[1];
    if along && forwards { x } else { x.contiguous() }
}

/// The numbers of an f32 tensor in this process's memory, from its first to its last with those
/// between: for one whose rows are contiguous and do not overlap.
pub(super) fn floats(x: &tch::Tensor) -> &[f32] {
    match extent(x) {
        0 => &[],
        // SAFETY: the numbers belong to `x`, which the slice's borrow keeps alive.
        extent => unsafe { std::slice::from_raw_parts(x.data_ptr().cast(), extent) },
    }
}

/// As [`floats`], to write to; `x` must own its memory alone.
pub(super) fn floats_mut(x: &mut tch::Tensor) -> &mut [f32] {
    match extent(x) {
        0 => &mut [],
        // SAFETY: as in `floats`; the caller made `x` itself.
        extent => unsafe { std::slice::from_raw_parts_mut(x.data_ptr().cast(), extent) },
    }
}

fn extent(x: &tch::Tensor) -> usize {
    assert!(x.device() == tch::Device::Cpu && x.kind() == tch::Kind::Float, "f32 in memory");
    if x.numel() == 0 {
        return 0;
    }
    let last: i64 = x.size().iter().zip(x.stride()).map(|(n, stride)| (n - 1) * stride).sum();
    last as usize + 1
}
