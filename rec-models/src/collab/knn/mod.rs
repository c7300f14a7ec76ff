//! Nearest neighbours among items and among users.

mod item;
mod product;
mod similarity;
mod user;

pub use item::{ItemKnn, ItemKnnModel};
pub use similarity::Similarity;
pub use user::{UserKnn, UserKnnModel};

pub(super) use product::{Accumulator, gram};
