//! AdamW on LibTorch: the kernel of CPU threads where the numbers are in memory, LibTorch's own
//! operations elsewhere. Moments are in single precision whatever the parameter is.

use burn::backend::LibTorch;
use burn::backend::libtorch::TchTensor;
use burn::backend::tensor::FloatTensor;
use tch::{Device, Kind, Tensor};

use super::Update;
use super::kernel::{self, Slices};
use super::op::AdamWOp;
use crate::ops::libtorch::{floats, floats_mut, wrap};
use crate::ops::simd::Level;

type Three = (FloatTensor<LibTorch>, FloatTensor<LibTorch>, FloatTensor<LibTorch>);

impl AdamWOp for LibTorch {
    fn adamw_op(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        update: Update,
    ) -> Three {
        let _no_grad = tch::no_grad_guard();
        let kind = parameter.tensor.kind();
        let [mut parameter, mut first, mut second] = [parameter, first, second].map(owned);
        let gradient = exact(&gradient.tensor);
        match in_memory(&parameter) {
            true => kernel::step(
                Level::best(),
                slices(&mut parameter, &mut first, &mut second, &gradient),
                update,
            ),
            false => by_torch([&mut parameter, &mut first, &mut second], &gradient, update),
        }
        (wrap(parameter.to_kind(kind)), wrap(first), wrap(second))
    }

    fn adamw_rows_op(
        parameter: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        ids: Vec<u32>,
        updates: Vec<Update>,
    ) -> Three {
        let _no_grad = tch::no_grad_guard();
        let kind = parameter.tensor.kind();
        let [mut parameter, mut first, mut second] = [parameter, first, second].map(owned);
        let gradient = exact(&gradient.tensor);
        if in_memory(&parameter) {
            let slices = slices(&mut parameter, &mut first, &mut second, &gradient);
            kernel::step_rows(Level::best(), slices, &ids, &updates);
        } else {
            rows_by_torch([&mut parameter, &mut first, &mut second], &gradient, &ids, &updates);
        }
        (wrap(parameter.to_kind(kind)), wrap(first), wrap(second))
    }

    fn sum_of_squares_op(x: FloatTensor<Self>) -> FloatTensor<Self> {
        let _no_grad = tch::no_grad_guard();
        let x = exact(&x.tensor);
        if in_memory(&x) {
            let sum = kernel::sum_of_squares(floats(&x));
            return wrap(Tensor::from_slice(&[sum as f32]));
        }
        wrap((&x * &x).sum(x.kind()).view([1]))
    }
}

fn in_memory(x: &Tensor) -> bool {
    x.device() == Device::Cpu && x.kind() == Kind::Float
}

/// Contiguous, and in single precision unless in double.
fn exact(x: &Tensor) -> Tensor {
    let kind = if x.kind() == Kind::Double { Kind::Double } else { Kind::Float };
    x.to_kind(kind).contiguous()
}

/// As [`exact`], in memory that nothing else holds.
fn owned(x: TchTensor) -> Tensor {
    let alone = x.can_mut();
    let out = exact(&x.tensor);
    if alone || out.data_ptr() != x.tensor.data_ptr() { out } else { out.copy() }
}

fn slices<'a>(
    parameter: &'a mut Tensor,
    first: &'a mut Tensor,
    second: &'a mut Tensor,
    gradient: &'a Tensor,
) -> Slices<'a> {
    Slices {
        parameter: floats_mut(parameter),
        first: floats_mut(first),
        second: floats_mut(second),
        gradient: floats(gradient),
    }
}

fn by_torch([parameter, first, second]: [&mut Tensor; 3], gradient: &Tensor, u: Update) {
    let number = f64::from;
    let g = gradient * number(u.gradient_scale);
    let _ = first.g_mul_scalar_(number(u.beta_1)).g_add_(&(&g * number(u.new_1)));
    let _ = second.g_mul_scalar_(number(u.beta_2)).g_add_(&(&g * &g * number(u.new_2)));
    let slope = &*first / (second.sqrt() / number(u.root) + number(u.epsilon));
    let _ = parameter.g_mul_scalar_(number(u.keep)).g_sub_(&(slope * number(u.rate)));
}

/// Rows whose numbers agree step together: rows have been stepped equally often in few ways.
fn rows_by_torch(tensors: [&mut Tensor; 3], gradient: &Tensor, ids: &[u32], updates: &[Update]) {
    let [parameter, first, second] = tensors;
    let mut groups: Vec<(Update, Vec<i64>)> = Vec::new();
    for (i, update) in updates.iter().enumerate() {
        match groups.iter_mut().find(|(other, _)| other.rate == update.rate) {
            Some((_, group)) => group.push(i as i64),
            None => groups.push((*update, vec![i as i64])),
        }
    }
    for (update, group) in groups {
        let at: Vec<i64> = group.iter().map(|i| i64::from(ids[*i as usize])).collect();
        let at = Tensor::from_slice(&at).to_device(parameter.device());
        let group = Tensor::from_slice(&group).to_device(parameter.device());
        let mut rows = [&*parameter, &*first, &*second].map(|x| x.index_select(0, &at));
        let [p, m, v] = &mut rows;
        by_torch([p, m, v], &gradient.index_select(0, &group), update);
        let _ = parameter.index_copy_(0, &at, &rows[0]);
        let _ = first.index_copy_(0, &at, &rows[1]);
        let _ = second.index_copy_(0, &at, &rows[2]);
    }
}
