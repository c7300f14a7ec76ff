//! Recommender models that train on behaviour logs.
//!
//! An estimator is a struct of its parameters ([`Fit`]); fitting gives a [`Model`] that recommends
//! ([`rec_core::rank::Recommend`]) and can be saved and [`load`]ed.

pub mod collab;
pub mod content;
pub mod device;
pub mod fit;
pub mod graph;
pub mod hybrid;
pub mod language;
pub mod ops;
mod registry;
pub mod tags;
pub mod train;
pub mod vectors;

pub use device::Device;
pub use fit::{Fit, FitContext, Model};
pub use rec_core::{Error, Result};
pub use registry::{ESTIMATORS, KINDS, configure, estimator, load};

/// The README's example is compiled with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
