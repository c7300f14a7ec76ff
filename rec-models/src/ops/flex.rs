//! Flex tensors as plain slices, and back.

use std::mem::MaybeUninit;

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

/// A vector of `count` numbers, which `fill` writes: its pages are touched by who writes them, not
/// zeroed before.
///
/// # Safety
/// `fill` must write every number.
pub(super) unsafe fn filled(count: usize, fill: impl FnOnce(&mut [MaybeUninit<f32>])) -> Vec<f32> {
    let mut values = Vec::with_capacity(count);
    fill(&mut values.spare_capacity_mut()[..count]);
    // SAFETY: the caller's promise.
    unsafe { values.set_len(count) };
    values
}

/// The sums over the rows of `values`.
pub(super) fn sum_rows(values: &[f32], columns: usize) -> Vec<f32> {
    let mut sums = vec![0.0; columns];
    for row in values.chunks_exact(columns.max(1)) {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
    sums
}
