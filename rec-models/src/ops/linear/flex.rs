//! Linear in pure Rust: a matrix product whose tiles get bias and activation while in cache.

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;

use super::through::through;
use super::{Activation, LinearGrads, LinearKernels, Wanted};
use crate::ops::flex::{contiguous, dims, floats, tensor};
use crate::ops::gemm::{Matrix, product, product_finished};

impl LinearKernels for Flex {
    fn forward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: Option<FloatTensor<Self>>,
        activation: Activation,
        keep: bool,
    ) -> (FloatTensor<Self>, Option<FloatTensor<Self>>) {
        let (x, weight, bias) = (contiguous(x), contiguous(weight), bias.map(contiguous));
        let shape = [dims(&x).0, dims(&weight).0];
        let (y, kept) = product_finished(
            matrix(&x),
            matrix(&weight).transposed(),
            bias.as_ref().map(floats),
            activation,
            keep,
        );
        (tensor(y, shape), kept.map(|z| tensor(z, shape)))
    }

    fn backward(
        grad: FloatTensor<Self>,
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        kept: Option<FloatTensor<Self>>,
        activation: Activation,
        wanted: Wanted,
    ) -> LinearGrads<Self> {
        let (grad, x, weight) = (contiguous(grad), contiguous(x), contiguous(weight));
        let (rows, d_in) = dims(&x);
        let d_out = dims(&weight).0;
        let kept = kept.map(contiguous);
        let (inner, sums) =
            through(floats(&grad), kept.as_ref().map(floats), d_out, activation, wanted.bias);
        let inner = Matrix::new(inner.as_deref().unwrap_or(floats(&grad)), [rows, d_out]);
        LinearGrads {
            x: wanted.x.then(|| tensor(product(inner, matrix(&weight)), [rows, d_in])),
            weight: wanted
                .weight
                .then(|| tensor(product(inner.transposed(), matrix(&x)), [d_out, d_in])),
            bias: sums.map(|sums| tensor(sums, [d_out])),
        }
    }
}

fn matrix(x: &FloatTensor<Flex>) -> Matrix<'_> {
    let (rows, columns) = dims(x);
    Matrix::new(floats(x), [rows, columns])
}
