//! The steps in burn's own terms.

use burn::tensor::{Int, Tensor, TensorData};

use super::Update;
use super::op::Stepped;

pub(super) fn step<const D: usize>(
    before: Stepped<D>,
    gradient: Tensor<D>,
    u: Update,
) -> Stepped<D> {
    let g = gradient * u.gradient_scale;
    let first = before.first * u.beta_1 + g.clone() * u.new_1;
    let second = before.second * u.beta_2 + g.clone() * g * u.new_2;
    let slope = first.clone() / (second.clone().sqrt() / u.root + u.epsilon);
    Stepped { parameter: before.parameter * u.keep - slope * u.rate, first, second }
}

pub(super) fn step_rows(
    before: Stepped<2>,
    gradient: Tensor<2>,
    ids: &[u32],
    updates: &[Update],
) -> Stepped<2> {
    let [rows, d] = before.parameter.dims();
    let device = before.parameter.device();
    let ids: Vec<i64> = ids.iter().map(|id| i64::from(*id)).collect();
    let index = Tensor::<1, Int>::from_data(TensorData::new(ids.clone(), [ids.len()]), &device);
    let mut out = before;
    for (i, u) in updates.iter().enumerate() {
        let row = |x: &Tensor<2>| x.clone().select(0, index.clone().narrow(0, i, 1));
        let before = Stepped {
            parameter: row(&out.parameter),
            first: row(&out.first),
            second: row(&out.second),
        };
        let after = step(before, gradient.clone().narrow(0, i, 1), *u);
        let at = ids[i] as usize;
        let place = |x: Tensor<2>, row: Tensor<2>| x.slice_assign([at..at + 1, 0..d], row);
        debug_assert!(at < rows);
        out = Stepped {
            parameter: place(out.parameter, after.parameter),
            first: place(out.first, after.first),
            second: place(out.second, after.second),
        };
    }
    out
}
