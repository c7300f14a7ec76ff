//! Sparse × dense on LibTorch: the kernel of CPU threads where the numbers are in memory, LibTorch's
//! own product of a matrix in compressed rows elsewhere.

use std::sync::PoisonError;

use burn::backend::LibTorch;
use burn::backend::tensor::FloatTensor;
use rec_core::data::Csr;
use tch::{Device, Kind, Tensor};

use super::sparse::Side;
use super::{Sparse, SpmmKernels, Steps, cpu};
use crate::ops::libtorch::{floats, floats_mut, wrap};

impl SpmmKernels for LibTorch {
    fn steps(matrix: &Sparse, x: FloatTensor<Self>, steps: Steps) -> FloatTensor<Self> {
        let _no_grad = tch::no_grad_guard();
        let kind = x.tensor.kind();
        if x.tensor.device() == Device::Cpu && kind == Kind::Float {
            let (matrix, x) = (matrix.matrix(), x.tensor.contiguous());
            let (rows, d) = (matrix.n_rows(), x.size()[1]);
            let mut out = Tensor::empty([rows as i64, d], (kind, Device::Cpu));
            cpu::steps(matrix, floats(&x), d as usize, steps, floats_mut(&mut out));
            return wrap(out);
        }
        // LibTorch has that product for these two alone.
        let wide = if kind == Kind::Double { kind } else { Kind::Float };
        let x = x.tensor.to_kind(wide);
        let sparse = on_device(&matrix.forward, &x);
        let out = match steps {
            Steps::Product => sparse.matmul(&x),
            Steps::Mean { layers } => {
                let (mut power, mut sum) = (x.shallow_clone(), x.copy());
                for _ in 0..layers {
                    power = sparse.matmul(&power);
                    let _ = sum.g_add_(&power);
                }
                sum / (layers + 1) as f64
            }
        };
        wrap(out.to_kind(kind))
    }
}

/// The matrix as a tensor on the device and of the kind of `like`.
fn on_device(side: &Side, like: &Tensor) -> Tensor {
    let mut kept = side.on_device.lock().unwrap_or_else(PoisonError::into_inner);
    match &*kept {
        Some(made) if made.device() == like.device() && made.kind() == like.kind() => {
            made.shallow_clone()
        }
        _ => {
            let made = sparse_tensor(&side.matrix, like);
            *kept = Some(made.shallow_clone());
            made
        }
    }
}

fn sparse_tensor(matrix: &Csr, like: &Tensor) -> Tensor {
    let starts: Vec<i64> = matrix.indptr().iter().map(|&p| p as i64).collect();
    let columns: Vec<i64> = matrix.indices().iter().map(|&c| i64::from(c)).collect();
    let values = match matrix.values() {
        Some(values) => Tensor::from_slice(values),
        None => Tensor::ones([matrix.nnz() as i64], (Kind::Float, Device::Cpu)),
    };
    let there = |x: Tensor| x.to_device(like.device());
    Tensor::sparse_csr_tensor_crow_col_value_size(
        &there(Tensor::from_slice(&starts)),
        &there(Tensor::from_slice(&columns)),
        &there(values).to_kind(like.kind()),
        [matrix.n_rows() as i64, matrix.n_cols() as i64],
        (like.kind(), like.device()),
    )
}
