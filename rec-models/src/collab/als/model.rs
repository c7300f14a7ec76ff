//! The fitted model.

use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};
use rec_core::rank::{Explain, Factors, History, Recommend, Scorer, Similar};
use rec_core::store::{ModelReader, ModelWriter};

use super::gram::gram;
use super::kernel::Level;
use super::{Als, KIND};
use crate::Result;
use crate::collab::factors;
use crate::fit::Model;
use crate::train::TrainingLog;

/// A fitted [`Als`]: one factor a user, one an item; the score is their inner product.
#[derive(Clone, Debug)]
pub struct AlsModel {
    pub(super) config: Als,
    log: TrainingLog,
    ids: Arc<IdMaps>,
    pub(super) weights: Arc<Csr>,
    pub(super) users: Vec<f32>,
    pub(super) items: Vec<f32>,
    /// `YᵀY + λI` of the items, for fold-in and explanations.
    pub(super) gram: Vec<f32>,
}

impl AlsModel {
    pub(super) fn new(
        config: Als,
        log: TrainingLog,
        ids: Arc<IdMaps>,
        weights: Arc<Csr>,
        users: Vec<f32>,
        items: Vec<f32>,
    ) -> Result<Self> {
        config.check()?;
        let dim = config.factors;
        factors::check_shapes(&ids, &weights, &users, &items, dim)?;
        let gram = gram(Level::detect(), &items, dim, config.l2);
        Ok(Self { config, log, ids, weights, users, items, gram })
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// [`crate::Error::Format`] or [`crate::Error::Shape`] for a folder that holds no whole ALS
    /// model.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        factors::check_kind(reader, KIND)?;
        Self::new(
            reader.config()?,
            factors::training_log(reader)?,
            reader.ids()?,
            Arc::new(reader.csr("weights")?),
            reader.f32("users")?.1,
            reader.f32("items")?.1,
        )
    }

    /// The estimator.
    pub fn config(&self) -> &Als {
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
}

impl AlsModel {
    fn product(&self) -> Factors<'_> {
        Factors {
            dim: self.config.factors,
            users: &self.users,
            items: &self.items,
            item_bias: None,
        }
    }
}

factors::factor_model!(AlsModel, items, factors);

impl Recommend for AlsModel {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }

    fn seen(&self) -> &Csr {
        &self.weights
    }

    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        let users = self.fold_in_users(histories)?;
        let all: Vec<u32> = (0..histories.len() as u32).collect();
        Factors { users: &users, ..self.product() }.score(&all, out)
    }
}

impl Model for AlsModel {
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
        writer.csr("weights", &self.weights)?;
        Ok(writer)
    }

    fn as_similar(&self) -> Option<&dyn Similar> {
        Some(self)
    }

    fn as_explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
