//! A step as an operation on tensors, in place where they are held nowhere else.

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;

use super::{AdamWConfig, Update, portable};
use crate::ops::has_kernels;

/// A parameter and its moments, without autodiff.
pub(super) struct Stepped<const D: usize> {
    pub(super) parameter: Tensor<D>,
    pub(super) first: Tensor<D>,
    pub(super) second: Tensor<D>,
}

/// One step of a whole parameter.
pub(super) fn step<const D: usize>(
    before: Stepped<D>,
    gradient: Tensor<D>,
    update: Update,
) -> Stepped<D> {
    if !has_kernels(&before.parameter) {
        return portable::step(before, gradient, update);
    }
    let (parameter, first, second) = <Dispatch as AdamWOp>::adamw_op(
        before.parameter.into_dispatch(),
        gradient.into_dispatch(),
        before.first.into_dispatch(),
        before.second.into_dispatch(),
        update,
    );
    Stepped {
        parameter: Tensor::from_dispatch(parameter),
        first: Tensor::from_dispatch(first),
        second: Tensor::from_dispatch(second),
    }
}

/// Step `t`, from 1, at rate `lr` of one matrix, given with its first and second moments.
pub(crate) fn adam_step(
    config: &AdamWConfig,
    (t, lr): (u64, f64),
    [parameter, first, second]: [Tensor<2>; 3],
    gradient: Tensor<2>,
) -> [Tensor<2>; 3] {
    let update = config.update(t, lr, true, 1.0);
    let Stepped { parameter, first, second } =
        step(Stepped { parameter, first, second }, gradient, update);
    [parameter, first, second]
}

/// One step of rows `ids` (ascending, distinct), each with numbers of its own.
pub(super) fn step_rows(
    before: Stepped<2>,
    gradient: Tensor<2>,
    ids: &[u32],
    updates: Vec<Update>,
) -> Stepped<2> {
    if !has_kernels(&before.parameter) {
        return portable::step_rows(before, gradient, ids, &updates);
    }
    let (parameter, first, second) = <Dispatch as AdamWOp>::adamw_rows_op(
        before.parameter.into_dispatch(),
        gradient.into_dispatch(),
        before.first.into_dispatch(),
        before.second.into_dispatch(),
        ids.to_vec(),
        updates,
    );
    Stepped {
        parameter: Tensor::from_dispatch(parameter),
        first: Tensor::from_dispatch(first),
        second: Tensor::from_dispatch(second),
    }
}

/// `Σ x²`.
pub(super) fn sum_of_squares<const D: usize>(x: Tensor<D>) -> f64 {
    let sum: Tensor<1> = match has_kernels(&x) {
        true => Tensor::from_dispatch(<Dispatch as AdamWOp>::sum_of_squares_op(x.into_dispatch())),
        false => (x.clone() * x).sum(),
    };
    sum.into_data().iter::<f64>().sum()
}

/// The operations as burn sees them.
#[backend_extension(Flex, LibTorch: cfg(feature = "libtorch"))]
pub(super) trait AdamWOp: Backend {
    /// The parameter and its moments after the step.
    fn adamw_op(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        update: Update,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// As [`AdamWOp::adamw_op`] for rows `ids`, each with its own numbers.
    fn adamw_rows_op(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        ids: Vec<u32>,
        updates: Vec<Update>,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// `Σ x²`, `[1]`.
    fn sum_of_squares_op(x: FloatTensor<Self>) -> FloatTensor<Self>;
}
