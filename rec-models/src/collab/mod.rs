//! Collaborative filtering: models that learn from behaviour alone.

mod als;
mod bpr;
mod checks;
mod factors;
#[cfg(test)]
pub(crate) mod samples;

pub use als::{Als, AlsModel, AlsSolver};
pub use bpr::{Bpr, BprModel, BprNegatives};
