//! Attention in pure Rust.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;

use super::cpu::{self, Bias, Inputs, Rows, RowsMut};
use super::{AttentionKernels, Operands, Plan, Saved};
use crate::ops::flex::{contiguous, dims, floats, tensor};
use crate::ops::simd::Level;

impl AttentionKernels for Flex {
    fn forward(operands: Operands<Self>, plan: &Plan, keep: bool) -> Saved<Self> {
        let operands = operands.readable();
        let (rows, columns) = dims(&operands.q);
        let mut out = vec![0.0; rows * columns];
        let mut log_sums = if keep { vec![0.0; rows * plan.shape.heads] } else { Vec::new() };
        cpu::forward(
            Level::best(),
            operands.inputs(plan),
            RowsMut::new(&mut out, [rows, columns]),
            keep.then(|| RowsMut::new(&mut log_sums, [rows, plan.shape.heads])),
        );
        Saved {
            out: tensor(out, [rows, columns]),
            log_sums: keep.then(|| tensor(log_sums, [rows, plan.shape.heads])),
        }
    }

    fn backward(
        grad: FloatTensor<Self>,
        operands: Operands<Self>,
        saved: Saved<Self>,
        plan: &Plan,
        with_bias: bool,
    ) -> Operands<Self> {
        let operands = operands.readable();
        let grad = strided(grad);
        let log_sums = saved.log_sums.unwrap_or_else(|| tensor(Vec::new(), [0, plan.shape.heads]));
        let [q, k, v] = [&operands.q, &operands.k, &operands.v].map(|x| {
            let (rows, columns) = dims(x);
            (vec![0.0; rows * columns], [rows, columns])
        });
        let (mut q, mut k, mut v) = (q, k, v);
        let bias = operands.bias.as_ref().filter(|_| with_bias);
        let mut bias = bias.map(|bias| (vec![0.0; floats(bias).len()], bias_shape(bias)));
        cpu::backward(
            Level::best(),
            operands.inputs(plan),
            rows(&grad),
            rows(&saved.out),
            rows(&log_sums),
            cpu::Gradients {
                q: RowsMut::new(&mut q.0, q.1),
                k: RowsMut::new(&mut k.0, k.1),
                v: RowsMut::new(&mut v.0, v.1),
                bias: bias
                    .as_mut()
                    .map(|(values, shape)| RowsMut::new(values, [shape[0] * shape[1], shape[2]])),
            },
        );
        Operands {
            q: tensor(q.0, q.1),
            k: tensor(k.0, k.1),
            v: tensor(v.0, v.1),
            bias: bias.map(|(values, shape)| tensor(values, shape)),
        }
    }
}

impl Operands<Flex> {
    /// With rows that can be read as slices.
    fn readable(self) -> Self {
        Self {
            q: strided(self.q),
            k: strided(self.k),
            v: strided(self.v),
            bias: self.bias.map(contiguous),
        }
    }

    fn inputs<'a>(&'a self, plan: &'a Plan) -> Inputs<'a> {
        Inputs {
            q: rows(&self.q),
            k: rows(&self.k),
            v: rows(&self.v),
            bias: self.bias.as_ref().map(|bias| Bias::new(floats(bias), bias_shape(bias))),
            plan,
            draw: plan.draw(),
        }
    }
}

fn bias_shape(bias: &FlexTensor) -> [usize; 3] {
    let shape = bias.layout().shape();
    [shape[0], shape[1], shape[2]]
}

/// `x` if its rows are contiguous, at whatever distance; else a copy.
fn strided(x: FlexTensor) -> FlexTensor {
    let (rows, columns) = dims(&x);
    let [down, along] = [x.layout().strides()[0], x.layout().strides()[1]];
    let forwards = rows <= 1 || down >= columns as isize;
    if (along == 1 || columns <= 1) && forwards { x } else { x.to_contiguous() }
}

/// The rows of a tensor that [`strided`] gave.
fn rows(x: &FlexTensor) -> Rows<'_> {
    let (rows, columns) = dims(x);
    let start = x.layout().start_offset().min(x.storage::<f32>().len());
    let stride = x.layout().strides()[0].unsigned_abs();
    Rows::new(&x.storage()[start..], [rows, columns], stride)
}
