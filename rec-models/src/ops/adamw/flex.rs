//! AdamW in pure Rust.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;

use super::Update;
use super::kernel::{self, Slices};
use super::op::AdamWOp;
use crate::ops::flex::{contiguous, floats, floats_mut, tensor};
use crate::ops::simd::Level;

type Three = (FloatTensor<Flex>, FloatTensor<Flex>, FloatTensor<Flex>);

impl AdamWOp for Flex {
    fn adamw_op(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        update: Update,
    ) -> Three {
        in_place([parameter, first, second], gradient, |slices| {
            kernel::step(Level::best(), slices, update);
        })
    }

    fn adamw_rows_op(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        ids: Vec<u32>,
        updates: Vec<Update>,
    ) -> Three {
        in_place([parameter, first, second], gradient, |slices| {
            kernel::step_rows(Level::best(), slices, &ids, &updates);
        })
    }

    fn sum_of_squares_op(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let sum = kernel::sum_of_squares(floats(&contiguous(x)));
        tensor(vec![sum as f32], [1])
    }
}

fn in_place(
    tensors: [FloatTensor<Flex>; 3],
    gradient: FloatTensor<Flex>,
    step: impl FnOnce(Slices<'_>),
) -> Three {
    let gradient = contiguous(gradient);
    let [mut parameter, mut first, mut second] = tensors.map(contiguous);
    step(Slices {
        parameter: floats_mut(&mut parameter),
        first: floats_mut(&mut first),
        second: floats_mut(&mut second),
        gradient: floats(&gradient),
    });
    (parameter, first, second)
}
