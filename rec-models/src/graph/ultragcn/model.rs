//! The fitted model.

use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};
use rec_core::rank::{Explain, Explanation, Factors, History, Recommend, Scorer, Similar};
use rec_core::store::{ModelReader, ModelWriter};

use super::constraint::{other, own};
use super::{KIND, UltraGcn};
use crate::collab::factors;
use crate::fit::Model;
use crate::graph::paths::{Degrees, Path, check_ids, strongest};
use crate::train::TrainingLog;
use crate::{Error, Result};

/// A fitted [`UltraGcn`].
#[derive(Clone, Debug)]
pub struct UltraGcnModel {
    config: UltraGcn,
    log: TrainingLog,
    ids: Arc<IdMaps>,
    seen: Arc<Csr>,
    users: Vec<f32>,
    items: Vec<f32>,
    /// `1/√(d_i + 1)`.
    others: Vec<f32>,
}

impl UltraGcnModel {
    pub(super) fn new(
        config: UltraGcn,
        log: TrainingLog,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        [users, items]: [Vec<f32>; 2],
    ) -> Result<Self> {
        config.check()?;
        factors::check_shapes(&ids, &seen, &users, &items, config.factors)?;
        let others = seen.column_counts().into_iter().map(|d| other(d as f32)).collect();
        Ok(Self { config, log, ids, seen, users, items, others })
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Shape`] for a folder that holds no whole UltraGCN model.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        factors::check_kind(reader, KIND)?;
        Self::new(
            reader.config()?,
            factors::training_log(reader)?,
            reader.ids()?,
            Arc::new(reader.csr("seen")?),
            [reader.f32("users")?.1, reader.f32("items")?.1],
        )
    }

    /// The estimator.
    pub fn config(&self) -> &UltraGcn {
        &self.config
    }

    /// How training went.
    pub fn log(&self) -> &TrainingLog {
        &self.log
    }

    /// The users' embeddings, row-major `[n_users, factors]`.
    pub fn user_factors(&self) -> &[f32] {
        &self.users
    }

    /// The items' embeddings, row-major `[n_items, factors]`.
    pub fn item_factors(&self) -> &[f32] {
        &self.items
    }

    fn product(&self) -> Factors<'_> {
        Factors {
            dim: self.config.factors,
            users: &self.users,
            items: &self.items,
            item_bias: None,
        }
    }

    fn item(&self, item: u32) -> &[f32] {
        let d = self.config.factors;
        &self.items[item as usize * d..][..d]
    }

    /// Embeddings of users who had these items, `[histories.len(), factors]`: `e_u = Σ_i β_ui e_i`,
    /// where endless propagation comes to rest. Weights are not looked at.
    ///
    /// # Errors
    /// [`Error::Shape`] for an item the model does not have.
    pub fn fold_in(&self, histories: &[History]) -> Result<Vec<f32>> {
        let (d, m) = (self.config.factors, self.ids.items.len());
        let mut users = vec![0f32; histories.len() * d];
        for (history, user) in histories.iter().zip(users.chunks_exact_mut(d)) {
            let mut items: Vec<u32> = history.iter().map(|&(i, _)| i).collect();
            items.sort_unstable();
            items.dedup();
            if let Some(&item) = items.last().filter(|&&item| item as usize >= m) {
                return Err(Error::shape("dense item of a history", format!("< {m}"), item));
            }
            let own = own(items.len() as f32);
            for item in items {
                let beta = own * self.others[item as usize];
                user.iter_mut().zip(self.item(item)).for_each(|(user, x)| *user += beta * x);
            }
        }
        Ok(users)
    }

    /// The `k` strongest ways of three edges from a user to an item, strongest first; ties go to the
    /// smaller item, then user. An edge weighs the `β` of its ends, from the one it leads to.
    ///
    /// # Errors
    /// [`Error::Shape`] for ids the model does not have.
    pub fn paths(&self, user: u32, item: u32, k: usize) -> Result<Vec<Path>> {
        let beta = |to: f32, from: f32| own(to) * other(from);
        strongest(&self.seen, (user, item), k, |degrees| {
            let Degrees { user, via, other, item } = degrees;
            beta(user, via) * beta(via, other) * beta(other, item)
        })
    }
}

factors::factor_model!(UltraGcnModel, items, factors);

impl Recommend for UltraGcnModel {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }

    fn seen(&self) -> &Csr {
        &self.seen
    }

    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        let users = self.fold_in(histories)?;
        let all: Vec<u32> = (0..histories.len() as u32).collect();
        Factors { users: &users, ..self.product() }.score(&all, out)
    }
}

impl Explain for UltraGcnModel {
    /// The parts `β_uj ⟨e_j, e_i⟩` of the user's past items `j`: they add up to what folding the
    /// user in would score, of which the trained score is a neighbour.
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        check_ids(&self.seen, user, item)?;
        let d = self.config.factors;
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let past = self.seen.row(user as usize);
        let own = own(past.len() as f32);
        let part =
            |&j: &u32| (j, own * self.others[j as usize] * dot(self.item(j), self.item(item)));
        let mut contributions: Vec<(u32, f32)> = past.iter().map(part).collect();
        contributions.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let score = dot(&self.users[user as usize * d..][..d], self.item(item));
        Ok(Explanation { score, contributions, exact: false })
    }
}

impl Model for UltraGcnModel {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn writer(&self) -> Result<ModelWriter> {
        let d = self.config.factors;
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        writer.training(&self.log)?;
        writer.ids(&self.ids);
        writer.f32("users", &[self.n_users(), d], &self.users)?;
        writer.f32("items", &[self.n_items(), d], &self.items)?;
        writer.csr("seen", &self.seen)?;
        Ok(writer)
    }

    fn as_similar(&self) -> Option<&dyn Similar> {
        Some(self)
    }

    fn as_explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
