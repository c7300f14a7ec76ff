//! Collaborative filtering: models that learn from who interacted with what.

mod als;
mod bpr;
pub(crate) mod checks;
mod cotransition;
mod ease;
pub(crate) mod factors;
pub(crate) mod item_weights;
mod knn;
mod popular;
pub(crate) mod rows;
#[cfg(test)]
pub(crate) mod samples;
mod slim;

pub use als::{Als, AlsModel, AlsSolver};
pub use bpr::{Bpr, BprModel, BprNegatives};
pub use cotransition::{CoTransition, CoTransitionModel};
pub use ease::{Ease, EaseModel};
pub use item_weights::{ItemItem, ItemItemModel, ItemWeights};
pub use knn::{ItemKnn, ItemKnnModel, Similarity, UserKnn, UserKnnModel};
pub use popular::{Popular, PopularModel};
pub use slim::{Slim, SlimModel};
