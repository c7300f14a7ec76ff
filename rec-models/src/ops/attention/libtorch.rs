//! Attention by LibTorch.
//!
//! On its CPU the kernels of [`super::cpu`] read the tensors where they lie; elsewhere, and in
//! double precision, sequences of like length are padded into batches (see [`super::batches`]).

use burn::backend::LibTorch;
use burn::backend::tensor::FloatTensor;
use tch::{Device, Kind, Tensor};

use super::cpu::{self, Bias, Inputs, Rows, RowsMut};
use super::{AttentionKernels, Operands, Plan, Saved, batches};
use crate::ops::libtorch::{floats, floats_mut, strided, wrap};
use crate::ops::simd::Level;

impl AttentionKernels for LibTorch {
    fn forward(operands: Operands<Self>, plan: &Plan, keep: bool) -> Saved<Self> {
        let _no_grad = tch::no_grad_guard();
        let kind = operands.q.tensor.kind();
        if !in_memory(&operands.q.tensor) {
            return Saved {
                out: wrap(batches::forward(&Parts::of(&operands), plan)),
                log_sums: None,
            };
        }
        let parts = Parts::of(&operands).readable();
        let rows = plan.queries.rows();
        let mut out = empty([rows, parts.q.size()[1] as usize]);
        let mut log_sums = keep.then(|| empty([rows, plan.shape.heads]));
        cpu::forward(
            Level::best(),
            parts.inputs(plan),
            rows_mut(&mut out),
            log_sums.as_mut().map(rows_mut),
        );
        Saved { out: wrap(out.to_kind(kind)), log_sums: log_sums.map(wrap) }
    }

    fn backward(
        grad: FloatTensor<Self>,
        operands: Operands<Self>,
        saved: Saved<Self>,
        plan: &Plan,
        with_bias: bool,
    ) -> Operands<Self> {
        let _no_grad = tch::no_grad_guard();
        let kind = operands.q.tensor.kind();
        let Some(log_sums) = saved.log_sums else {
            let parts = Parts::of(&operands);
            return batches::backward(&grad.tensor, &parts, plan, with_bias).into_operands(kind);
        };
        let parts = Parts::of(&operands).readable();
        let (grad, out) = (strided(&grad.tensor), strided(&saved.out.tensor));
        let mut gradients = Parts {
            q: parts.q.zeros_like().contiguous(),
            k: parts.k.zeros_like().contiguous(),
            v: parts.v.zeros_like().contiguous(),
            bias: parts.bias.as_ref().filter(|_| with_bias).map(Tensor::zeros_like),
        };
        let shape = gradients.bias.as_ref().map(bias_shape);
        cpu::backward(
            Level::best(),
            parts.inputs(plan),
            rows(&grad),
            rows(&out),
            rows(&log_sums.tensor),
            cpu::Gradients {
                q: rows_mut(&mut gradients.q),
                k: rows_mut(&mut gradients.k),
                v: rows_mut(&mut gradients.v),
                bias: gradients.bias.as_mut().zip(shape).map(|(bias, shape)| {
                    RowsMut::new(floats_mut(bias), [shape[0] * shape[1], shape[2]])
                }),
            },
        );
        gradients.into_operands(kind)
    }
}

/// Whether the kernels for CPU threads can read `x`, converted to single precision at most.
fn in_memory(x: &Tensor) -> bool {
    x.device() == Device::Cpu && x.kind() != Kind::Double
}

/// An attention step's tensors, or their gradients.
pub(super) struct Parts {
    pub(super) q: Tensor,
    pub(super) k: Tensor,
    pub(super) v: Tensor,
    pub(super) bias: Option<Tensor>,
}

impl Parts {
    fn of(operands: &Operands<LibTorch>) -> Self {
        Self {
            q: operands.q.tensor.shallow_clone(),
            k: operands.k.tensor.shallow_clone(),
            v: operands.v.tensor.shallow_clone(),
            bias: operands.bias.as_ref().map(|bias| bias.tensor.shallow_clone()),
        }
    }

    /// In single precision, rows contiguous.
    fn readable(&self) -> Self {
        Self {
            q: strided(&self.q),
            k: strided(&self.k),
            v: strided(&self.v),
            bias: self.bias.as_ref().map(|bias| bias.to_kind(Kind::Float).contiguous()),
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

    fn into_operands(self, kind: Kind) -> Operands<LibTorch> {
        Operands {
            q: wrap(self.q.to_kind(kind)),
            k: wrap(self.k.to_kind(kind)),
            v: wrap(self.v.to_kind(kind)),
            bias: self.bias.map(|bias| wrap(bias.to_kind(kind))),
        }
    }
}

fn empty([rows, columns]: [usize; 2]) -> Tensor {
    Tensor::empty([rows as i64, columns as i64], (Kind::Float, Device::Cpu))
}

fn bias_shape(bias: &Tensor) -> [usize; 3] {
    let size = bias.size();
    [0, 1, 2].map(|i| size[i] as usize)
}

/// The rows of a tensor that [`strided`] gave.
fn rows(x: &Tensor) -> Rows<'_> {
    let (size, strides) = (x.size(), x.stride());
    Rows::new(floats(x), [size[0] as usize, size[1] as usize], strides[0] as usize)
}

fn rows_mut(x: &mut Tensor) -> RowsMut<'_> {
    let size = x.size();
    RowsMut::new(floats_mut(x), [size[0] as usize, size[1] as usize])
}
