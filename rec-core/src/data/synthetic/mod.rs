//! Generated data with planted structure, for a first run without data.

mod scene;
mod shop;

pub use scene::Scene;
pub use shop::Shop;
