//! A sparse matrix that tensors are multiplied by.

use std::sync::Arc;
#[cfg(feature = "libtorch")]
use std::sync::Mutex;

use rec_core::data::Csr;

/// A constant sparse matrix `[rows, columns]` and its transpose, for the backward step. Cloning is
/// cheap.
#[derive(Clone, Debug)]
pub struct Sparse {
    pub(super) forward: Arc<Side>,
    pub(super) backward: Arc<Side>,
}

/// One direction.
#[derive(Debug)]
pub(super) struct Side {
    pub(super) matrix: Csr,
    /// The same on a LibTorch device, made at first use.
    #[cfg(feature = "libtorch")]
    pub(super) on_device: Mutex<Option<tch::Tensor>>,
}

impl Side {
    fn new(matrix: Csr) -> Arc<Self> {
        Arc::new(Self {
            matrix,
            #[cfg(feature = "libtorch")]
            on_device: Mutex::new(None),
        })
    }
}

impl Sparse {
    /// From a matrix; it is transposed once.
    pub fn new(matrix: Csr) -> Self {
        let transposed = matrix.transpose();
        // A symmetric matrix, as of an undirected graph, is its own transpose and kept once.
        if transposed == matrix {
            let side = Side::new(matrix);
            return Self { forward: side.clone(), backward: side };
        }
        Self { forward: Side::new(matrix), backward: Side::new(transposed) }
    }

    /// The matrix.
    pub fn matrix(&self) -> &Csr {
        &self.forward.matrix
    }

    /// The other way round.
    pub fn transposed(&self) -> Self {
        Self { forward: self.backward.clone(), backward: self.forward.clone() }
    }
}
