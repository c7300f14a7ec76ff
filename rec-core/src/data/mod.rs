//! Data: ids, interactions, items, social graphs, splits, and the files they come from.

mod csr;
mod folder;
mod ids;
mod interactions;
mod items;
pub mod read;
mod social;
pub mod split;
pub mod synthetic;

pub use csr::Csr;
pub use ids::{Id, IdMap, IdMaps, IdRef};
pub use interactions::{Duplicates, Event, Interactions, InteractionsBuilder, TimeUnit};
pub use items::{Items, TextField, VectorField};
pub use social::{SocialGraph, UnknownUsers};

use std::sync::Arc;

/// Everything a model may learn from: behaviour, and what is known of items and users beside it.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The events.
    pub interactions: Interactions,
    /// Item texts, tags and vectors.
    pub items: Option<Arc<Items>>,
    /// Friends.
    pub social: Option<Arc<SocialGraph>>,
}

impl From<Interactions> for Dataset {
    fn from(interactions: Interactions) -> Self {
        Self { interactions, items: None, social: None }
    }
}

impl Dataset {
    /// The same side information around other events (a part of a split).
    pub fn with_interactions(&self, interactions: Interactions) -> Self {
        Self { interactions, ..self.clone() }
    }
}
