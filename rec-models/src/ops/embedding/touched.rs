//! The rows of a table that one batch reads.

use burn::tensor::{Gradients, Int, Tensor, TensorData};

use super::embedding;
use crate::ops::maybe::tracked_as;

/// The distinct rows of a table that a batch reads, as a leaf of their own, so that the gradient is
/// `[distinct, d]` however large the table is. [`TableAdamW`](crate::ops::TableAdamW) steps them.
#[derive(Clone, Debug)]
pub struct TouchedRows {
    ids: Vec<u32>,
    rows: Tensor<2>,
    positions: Tensor<1, Int>,
}

impl TouchedRows {
    /// Gathers rows `ids` (with repeats, in the batch's order) of `table` `[rows, d]`. On an
    /// autodiff device the distinct rows require gradients, the table does not.
    pub fn gather(table: &Tensor<2>, ids: &[u32]) -> Self {
        let mut distinct = ids.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let position = |id: &u32| distinct.partition_point(|other| other < id) as i64;
        let positions: Vec<i64> = ids.iter().map(position).collect();
        let device = table.device();
        let index: Vec<i64> = distinct.iter().map(|id| i64::from(*id)).collect();
        let inner = table.clone().inner();
        let rows = embedding(inner.clone(), int_tensor(index, &inner.device()));
        let rows = tracked_as(table, rows);
        let rows = if device.is_autodiff() { rows.require_grad() } else { rows };
        Self { ids: distinct, rows, positions: int_tensor(positions, &device) }
    }

    /// The rows in the order of the batch's ids, `[n, d]`.
    pub fn embed(&self) -> Tensor<2> {
        embedding(self.rows.clone(), self.positions.clone())
    }

    /// The distinct ids, ascending.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// The distinct rows, `[distinct, d]`: the leaf.
    pub fn rows(&self) -> &Tensor<2> {
        &self.rows
    }

    /// The gradient of [`TouchedRows::rows`], taken out of `gradients`; `None` if the loss did not
    /// depend on them.
    pub fn gradient(&self, gradients: &mut Gradients) -> Option<Tensor<2>> {
        self.rows.grad_remove(gradients)
    }
}

fn int_tensor(values: Vec<i64>, device: &burn::tensor::Device) -> Tensor<1, Int> {
    let n = values.len();
    Tensor::from_data(TensorData::new(values, [n]), device)
}
