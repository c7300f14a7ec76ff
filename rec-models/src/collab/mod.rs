//! Collaborative filtering: models that learn from behaviour alone.

mod als;
mod checks;
mod factors;

pub use als::{Als, AlsModel, AlsSolver};
