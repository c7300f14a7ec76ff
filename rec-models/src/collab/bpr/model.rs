//! The fitted model.

use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};
use rec_core::rank::{Factors, History, Recommend, Scorer, Similar};
use rec_core::store::{ModelReader, ModelWriter};

use super::{Bpr, KIND};
use crate::collab::factors;
use crate::fit::Model;
use crate::train::TrainingLog;
use crate::{Error, Result};

/// A fitted [`Bpr`]: one factor a user, one and a bias an item.
#[derive(Clone, Debug)]
pub struct BprModel {
    config: Bpr,
    log: TrainingLog,
    ids: Arc<IdMaps>,
    seen: Arc<Csr>,
    users: Vec<f32>,
    items: Vec<f32>,
    biases: Option<Vec<f32>>,
}

impl BprModel {
    pub(super) fn new(
        config: Bpr,
        log: TrainingLog,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        [users, items]: [Vec<f32>; 2],
        biases: Option<Vec<f32>>,
    ) -> Result<Self> {
        config.check()?;
        factors::check_shapes(&ids, &seen, &users, &items, config.factors)?;
        if let Some(biases) = &biases
            && biases.len() != ids.items.len()
        {
            return Err(Error::shape("values of the items' biases", ids.items.len(), biases.len()));
        }
        Ok(Self { config, log, ids, seen, users, items, biases })
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Shape`] for a folder that holds no whole BPR model.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        factors::check_kind(reader, KIND)?;
        let config: Bpr = reader.config()?;
        let biases = config.item_bias.then(|| reader.f32("item_bias")).transpose()?;
        Self::new(
            config,
            factors::training_log(reader)?,
            reader.ids()?,
            Arc::new(reader.csr("seen")?),
            [reader.f32("users")?.1, reader.f32("items")?.1],
            biases.map(|(_, values)| values),
        )
    }

    /// The estimator.
    pub fn config(&self) -> &Bpr {
        &self.config
    }

    /// How training went.
    pub fn log(&self) -> &TrainingLog {
        &self.log
    }

    /// The users' factors, row-major `[n_users, factors]`.
    pub fn user_factors(&self) -> &[f32] {
        &self.users
    }

    /// The items' factors, row-major `[n_items, factors]`.
    pub fn item_factors(&self) -> &[f32] {
        &self.items
    }

    /// The items' biases `[n_items]`, where the model has them.
    pub fn item_bias(&self) -> Option<&[f32]> {
        self.biases.as_deref()
    }

    fn product(&self) -> Factors<'_> {
        Factors {
            dim: self.config.factors,
            users: &self.users,
            items: &self.items,
            item_bias: self.item_bias(),
        }
    }
}

factors::factor_model!(BprModel, items, factors);

impl Recommend for BprModel {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }

    fn seen(&self) -> &Csr {
        &self.seen
    }

    fn score_histories(&self, _: &[History], _: &mut [f32]) -> Result<()> {
        Err(Error::unsupported(
            "recommending for a history",
            "BPR",
            "its factors come from descent over training users; ask for those, or use ALS, which \
             solves for new users exactly",
        ))
    }
}

impl Model for BprModel {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn writer(&self) -> Result<ModelWriter> {
        let dim = self.config.factors;
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        writer.training(&self.log)?;
        writer.ids(&self.ids);
        writer.f32("users", &[self.n_users(), dim], &self.users)?;
        writer.f32("items", &[self.n_items(), dim], &self.items)?;
        if let Some(biases) = &self.biases {
            writer.f32("item_bias", &[biases.len()], biases)?;
        }
        writer.csr("seen", &self.seen)?;
        Ok(writer)
    }

    fn as_similar(&self) -> Option<&dyn Similar> {
        Some(self)
    }
}
