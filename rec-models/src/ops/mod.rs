//! Operations on tensors that burn leaves slow, each with kernels of its own.
//!
//! An operation is a function on [`burn::tensor::Tensor`]s, differentiable on an autodiff device.
//! It has three bodies:
//! - **portable**: burn's own tensor operations, on any device; also what the others are tested
//!   against;
//! - **Flex**: parallel, vectorised code for the CPU, in pure Rust;
//! - **LibTorch**: a few calls into LibTorch, for CPU and CUDA.
//!
//! The last two carry a hand-written backward and reach burn as a backend extension
//! ([`burn::backend::backend_extension`]). Rows are tokens: sequences lie packed one after another
//! in `[tokens, d]`, with no padding ([`Packed`]).
//!
//! As with burn's own tensors, shapes that disagree panic: the models check what a caller can get
//! wrong before they come here.

#![cfg_attr(
    feature = "libtorch",
    allow(deprecated, reason = "burn's LibTorch backend is, from 0.22")
)]

pub mod adamw;
pub mod attention;
#[cfg(test)]
pub(crate) mod check;
pub mod cross_entropy;
pub mod dropout;
pub mod embedding;
mod flex;

pub(crate) mod gemm;
#[cfg(feature = "libtorch")]
mod libtorch;
pub mod linear;
mod maybe;
pub mod norm;
mod packed;
pub mod pool;
pub(crate) mod simd;
pub mod spmm;

pub(crate) use adamw::adam_step;
pub use adamw::{AdamW, AdamWConfig, TableAdamW};
pub use attention::{Attention, attention};
pub use cross_entropy::{CrossEntropy, cross_entropy, cross_entropy_rows};
pub use dropout::{Dropout, dropout};
pub use embedding::{TouchedRows, embedding};
pub(crate) use linear::activate;
pub use linear::{Activation, linear};
pub(crate) use maybe::tracked_as;
pub use norm::{layer_norm, rms_norm};
pub use packed::Packed;
pub use pool::{Reduction, pool};
pub use spmm::{Sparse, propagate, spmm};

use burn::backend::DispatchDevice;
use burn::tensor::{DType, Tensor};

/// Whether this build has kernels of its own for a tensor of `x`'s device and type.
fn has_kernels<const D: usize>(x: &Tensor<D>) -> bool {
    match x.device().inner().as_dispatch() {
        DispatchDevice::Flex(_) => x.dtype() == DType::F32,
        #[cfg(feature = "libtorch")]
        DispatchDevice::LibTorch(_) => true,
        #[allow(unreachable_patterns)]
        _ => false,
    }
}
