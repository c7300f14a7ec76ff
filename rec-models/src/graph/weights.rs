//! Weight matrices that Adam trains.

use super::adam::{self, Gradient, Tables};
use crate::Result;
use crate::collab::factors::Table;
use crate::ops::gemm::Matrix;
use crate::train::Snapshot;

/// Weights `[inputs, outputs]` with the moments of Adam.
pub(super) struct Weights {
    pub(super) values: Table,
    first: Table,
    second: Table,
    shape: [usize; 2],
}

impl Weights {
    /// Uniform as Glorot & Bengio (2010) have it.
    pub(super) fn new(shape: [usize; 2], seed: u64, name: &str) -> Self {
        let [inputs, outputs] = shape;
        let most = glorot(shape);
        Self {
            values: Table::uniform(inputs, outputs, seed, name, (-most, most)),
            first: Table::zeros(inputs * outputs),
            second: Table::zeros(inputs * outputs),
            shape,
        }
    }

    pub(super) fn shape(&self) -> [usize; 2] {
        self.shape
    }

    /// Outputs.
    pub(super) fn width(&self) -> usize {
        self.shape[1]
    }

    pub(super) fn matrix(&self) -> Matrix<'_> {
        Matrix::new(&self.values, self.shape)
    }

    /// Step `step` of Adam, from 1.
    pub(super) fn step(&mut self, gradient: &[f32], (rate, l2): (f32, f32), step: u64) {
        let tables = Tables {
            embeddings: &mut self.values,
            first: &mut self.first,
            second: &mut self.second,
        };
        let counts = vec![1; self.shape[0]];
        let gradient = Gradient { propagated: gradient, counts: &counts, penalty: l2 };
        adam::step(tables, gradient, self.shape[1], rate, step);
    }

    /// Adds everything to a snapshot.
    pub(super) fn keep(&self, snapshot: Snapshot, name: &str) -> Snapshot {
        let parts = [("", &self.values), (".m", &self.first), (".v", &self.second)];
        parts.into_iter().fold(snapshot, |snapshot, (part, table)| {
            snapshot.with(&format!("{name}{part}"), &self.shape, table.to_vec())
        })
    }

    /// Takes over what [`Self::keep`] added.
    ///
    /// # Errors
    /// Those of [`Snapshot::take`].
    pub(super) fn restore(&mut self, snapshot: &mut Snapshot, name: &str) -> Result<()> {
        let shape = self.shape;
        let mut take = |part: &str| snapshot.take(&format!("{name}{part}"), &shape);
        let (values, first, second) = (take("")?, take(".m")?, take(".v")?);
        self.values.copy_from_slice(&values);
        self.first.copy_from_slice(&first);
        self.second.copy_from_slice(&second);
        Ok(())
    }
}

/// The largest of uniform values, for a matrix of this shape.
pub(super) fn glorot([inputs, outputs]: [usize; 2]) -> f32 {
    (6.0 / (inputs + outputs).max(1) as f32).sqrt()
}
