//! Sparse × dense in pure Rust.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;

use super::cpu::{self, Buffers, Into, Only};
use super::{Sparse, SpmmKernels, Steps};
use crate::ops::flex::{contiguous, dims, floats, tensor};

impl SpmmKernels for Flex {
    fn steps(matrix: &Sparse, x: FloatTensor<Self>, steps: Steps) -> FloatTensor<Self> {
        let x = contiguous(x);
        let (matrix, (_, d)) = (matrix.matrix(), dims(&x));
        let mut out = vec![0.0; matrix.n_rows() * d];
        match steps {
            Steps::Product => {
                let to = Into { product: Some(&mut out), sum: None };
                cpu::multiply(matrix, floats(&x), d, Only::default(), to);
            }
            Steps::Mean { layers } => {
                let (only, mut buffers) = (Only::default(), Buffers::default());
                cpu::propagate(matrix, floats(&x), d, layers, only, &mut buffers, &mut out);
                let share = 1.0 / (layers + 1) as f32;
                out.iter_mut().for_each(|x| *x *= share);
            }
        }
        tensor(out, [matrix.n_rows(), d])
    }
}
