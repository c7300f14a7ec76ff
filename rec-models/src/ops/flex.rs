//! Flex tensors as plain slices, and back.

use burn::backend::flex::FlexTensor;
use burn::tensor::{Shape, TensorData};

/// `x` with its elements in row-major order and nothing else in its buffer.
pub(super) fn contiguous(x: FlexTensor) -> FlexTensor {
    if x.as_slice::<f32>().is_some() { x } else { x.to_contiguous() }
}

/// The elements of a contiguous tensor.
pub(super) fn floats(x: &FlexTensor) -> &[f32] {
    x.as_slice().unwrap_or(&[])
}

/// `(rows, columns)` of a matrix.
pub(super) fn dims(x: &FlexTensor) -> (usize, usize) {
    let shape = x.layout().shape();
    (shape[0], shape[1])
}

/// A tensor of `values`, row-major.
pub(super) fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// The whole numbers of a tensor, row-major.
pub(super) fn ints(x: &FlexTensor) -> Vec<i64> {
    x.clone().into_data().iter::<i64>().collect()
}

/// The elements of a contiguous tensor, to change; copied first where another tensor holds them.
pub(super) fn floats_mut(x: &mut FlexTensor) -> &mut [f32] {
    let (start, end) = x.layout().contiguous_offsets().unwrap_or((0, 0));
    &mut x.storage_mut()[start..end]
}
