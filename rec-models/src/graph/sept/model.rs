//! The fitted model: LightGCN's, trained otherwise.

use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};
use rec_core::rank::{Explain, Explanation, Factors, History, Recommend, Scorer, Similar, TopK};
use rec_core::store::{ModelReader, ModelWriter};

use super::{KIND, Sept};
use crate::Result;
use crate::collab::factors;
use crate::fit::Model;
use crate::graph::LightGcnModel;

/// A fitted [`Sept`].
#[derive(Clone, Debug)]
pub struct SeptModel {
    config: Sept,
    inner: LightGcnModel,
}

impl SeptModel {
    pub(super) fn new(config: Sept, inner: LightGcnModel) -> Self {
        Self { config, inner }
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// [`crate::Error::Format`] or [`crate::Error::Shape`] for a folder that holds no whole model of
    /// this kind.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        factors::check_kind(reader, KIND)?;
        let config: Sept = reader.config()?;
        let inner = LightGcnModel::of_parts(reader, config.base())?;
        Ok(Self { config, inner })
    }

    /// The estimator.
    pub fn config(&self) -> &Sept {
        &self.config
    }

    /// What recommends: embeddings propagated along interactions, as LightGCN's.
    pub fn lightgcn(&self) -> &LightGcnModel {
        &self.inner
    }
}

impl Scorer for SeptModel {
    fn n_users(&self) -> usize {
        self.inner.n_users()
    }

    fn n_items(&self) -> usize {
        self.inner.n_items()
    }

    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        self.inner.score(users, out)
    }

    fn factors(&self) -> Option<Factors<'_>> {
        self.inner.factors()
    }
}

impl Recommend for SeptModel {
    fn ids(&self) -> &Arc<IdMaps> {
        self.inner.ids()
    }

    fn seen(&self) -> &Csr {
        self.inner.seen()
    }

    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        self.inner.score_histories(histories, out)
    }
}

impl Similar for SeptModel {
    fn similar_ids(&self) -> &Arc<IdMaps> {
        self.inner.similar_ids()
    }

    fn similar(&self, items: &[u32], k: usize) -> Result<TopK> {
        self.inner.similar(items, k)
    }
}

impl Explain for SeptModel {
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        self.inner.explain(user, item)
    }
}

impl Model for SeptModel {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn writer(&self) -> Result<ModelWriter> {
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        self.inner.write_parts(&mut writer)?;
        Ok(writer)
    }

    fn as_similar(&self) -> Option<&dyn Similar> {
        Some(self)
    }

    fn as_explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
