//! The operation in burn's own terms: rows gathered by entry and added where they belong.

use burn::tensor::{DType, IndexingUpdateOp, Int, Tensor, TensorData};

use super::{Sparse, Steps};

/// See [`super::spmm`] and [`super::propagate`].
pub(super) fn steps(matrix: &Sparse, x: Tensor<2>, steps: Steps) -> Tensor<2> {
    match steps {
        Steps::Product => product(matrix, x),
        Steps::Mean { layers } => {
            let (mut power, mut sum) = (x.clone(), x);
            for _ in 0..layers {
                power = product(matrix, power);
                sum = sum + power.clone();
            }
            sum / (layers + 1) as f64
        }
    }
}

fn product(matrix: &Sparse, x: Tensor<2>) -> Tensor<2> {
    let (matrix, [_, d], device, dtype) = (matrix.matrix(), x.dims(), x.device(), x.dtype());
    let out = Tensor::<2>::zeros([matrix.n_rows(), d], (&device, dtype));
    if matrix.nnz() == 0 {
        // Zeros, and yet a function of `x`.
        return out + x.sum_dim(0) * 0.0;
    }
    let columns = ints(matrix.indices().iter().map(|&c| i64::from(c)).collect(), &device);
    let owners =
        (0..matrix.n_rows()).flat_map(|i| std::iter::repeat_n(i as i64, matrix.row(i).len()));
    let owners = ints(owners.collect(), &device);
    let weights = matrix.values().map_or_else(|| vec![1.0; matrix.nnz()], <[f32]>::to_vec);
    let weights = TensorData::new(weights, [matrix.nnz(), 1]).convert_dtype(DType::F64);
    let weights = Tensor::<2>::from_data(weights.convert_dtype(dtype), (&device, dtype));
    out.select_assign(0, owners, x.select(0, columns) * weights, IndexingUpdateOp::Add)
}

fn ints(values: Vec<i64>, device: &burn::tensor::Device) -> Tensor<1, Int> {
    let n = values.len();
    Tensor::from_data(TensorData::new(values, [n]), device)
}
