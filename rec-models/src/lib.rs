//! Recommender models that train on behaviour logs.

pub mod collab;
mod device;
pub mod fit;
pub mod train;

pub use device::Device;
pub use rec_core::{Error, Result};
