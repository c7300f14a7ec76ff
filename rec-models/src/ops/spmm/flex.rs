//! Sparse × dense in pure Rust.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;

use super::{Sparse, SpmmKernels, Steps, cpu};
use crate::ops::flex::{contiguous, dims, floats, tensor};

impl SpmmKernels for Flex {
    fn steps(matrix: &Sparse, x: FloatTensor<Self>, steps: Steps) -> FloatTensor<Self> {
        let x = contiguous(x);
        let (matrix, (_, d)) = (matrix.matrix(), dims(&x));
        let mut out = vec![0.0; matrix.n_rows() * d];
        cpu::steps(matrix, floats(&x), d, steps, &mut out);
        tensor(out, [matrix.n_rows(), d])
    }
}
