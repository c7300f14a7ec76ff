//! Several models as one.

use std::sync::Arc;

use super::fuse::{level_of, weighted};
use super::normalize::by_rank;
use super::{Fusion, History, Recommend, Scorer};
use crate::data::{Csr, IdMap, IdMaps};
use crate::{Error, Result};

/// A recommender that asks several and fuses their scores, user by user over all items. It knows
/// every user that one of its models knows, and a user's seen items are those of all models.
pub struct Fused {
    models: Vec<Member>,
    fusion: Fusion,
    ids: Arc<IdMaps>,
    seen: Csr,
}

struct Member {
    model: Arc<dyn Recommend>,
    /// The model's own row of each user; `None` where the rows are the same.
    users: Option<Vec<Option<u32>>>,
}

impl Member {
    fn row(&self, user: u32) -> Option<u32> {
        let row = match &self.users {
            None => Some(user),
            Some(rows) => rows.get(user as usize).copied().flatten(),
        };
        row.filter(|&row| self.model.knows(row))
    }
}

impl Fused {
    /// Fuses models over one catalogue; their users may differ.
    ///
    /// # Errors
    /// [`Error::IdMismatch`] where their item ids differ, [`Error::Empty`] without models,
    /// [`Error::Shape`] or [`Error::Parameter`] where the fusion's parameters do not fit.
    pub fn new(models: Vec<Arc<dyn Recommend>>, fusion: Fusion) -> Result<Self> {
        fusion.check(models.len())?;
        let first = models[0].ids().clone();
        if let Some(at) = models.iter().position(|m| !m.ids().items.same_as(&first.items)) {
            return Err(Error::IdMismatch {
                what: format!("model 1 and model {} of a fusion", at + 1),
                why: "their item ids differ in number or order; fit all on parts of one data set"
                    .into(),
            });
        }
        let shared = models.iter().all(|m| m.ids().users.same_as(&first.users));
        let ids = if shared { first } else { union(&models) };
        let models: Vec<Member> = models
            .into_iter()
            .map(|model| {
                let rows = || ids.users.iter().map(|id| model.ids().users.get(id)).collect();
                Member { users: (!shared).then(rows), model }
            })
            .collect();
        let seen = seen_by_any(&models, ids.users.len(), ids.items.len());
        Ok(Self { models, fusion, ids, seen })
    }

    /// The fusion.
    pub fn fusion(&self) -> &Fusion {
        &self.fusion
    }

    /// The models.
    pub fn models(&self) -> impl ExactSizeIterator<Item = &Arc<dyn Recommend>> {
        self.models.iter().map(|member| &member.model)
    }

    /// A model's own row of a user, if it knows the user.
    pub(super) fn member_user(&self, model: usize, user: u32) -> Option<u32> {
        self.models[model].row(user)
    }

    /// Scales one row of a model's scores as the fusion says for a user with so many items;
    /// returns what an unscored item counts as.
    pub(super) fn scale(&self, model: usize, activity: usize, scores: &mut [f32]) -> f32 {
        match &self.fusion {
            Fusion::WeightedSum { weights, normalize } => {
                weighted(weights[model], *normalize, scores)
            }
            Fusion::ByActivity { levels, normalize } => {
                weighted(level_of(levels, activity)[model], *normalize, scores)
            }
            Fusion::ReciprocalRank { k } => {
                by_rank(scores, |rank| 1.0 / (f64::from(*k) + rank + 1.0));
                0.0
            }
            Fusion::Switch { .. } => 0.0,
        }
    }

    /// Fuses rows of scores, of users with `activity(row)` items: `known(model)` lists which rows
    /// of `out` the model scores, `score` writes those.
    fn fuse(
        &self,
        out: &mut [f32],
        activity: impl Fn(usize) -> usize,
        known: impl Fn(usize) -> Vec<usize>,
        score: impl Fn(usize, &[usize], &mut [f32]) -> Result<()>,
    ) -> Result<()> {
        let m = self.n_items();
        out.fill(0.0);
        let mut scored = vec![false; out.len()];
        let mut buffer = Vec::new();
        for model in 0..self.models.len() {
            let rows = known(model);
            if rows.is_empty() {
                continue;
            }
            buffer.resize(rows.len() * m, 0.0);
            score(model, &rows, &mut buffer[..rows.len() * m])?;
            for (own, &row) in buffer.chunks_exact_mut(m).zip(&rows) {
                let absent = self.scale(model, activity(row), own);
                add(own, absent, &mut out[row * m..][..m], &mut scored[row * m..][..m]);
            }
        }
        let unscored = out.iter_mut().zip(scored).filter(|(_, scored)| !scored);
        unscored.for_each(|(score, _)| *score = f32::NEG_INFINITY);
        Ok(())
    }
}

fn add(own: &[f32], absent: f32, out: &mut [f32], scored: &mut [bool]) {
    for ((&s, sum), scored) in own.iter().zip(out).zip(scored) {
        let has = s != f32::NEG_INFINITY;
        *sum += if has { s } else { absent };
        *scored |= has;
    }
}

/// All users that a model has in its maps, those of the first model first.
fn union(models: &[Arc<dyn Recommend>]) -> Arc<IdMaps> {
    let integers = models.iter().all(|m| m.ids().users.is_integer());
    let mut users = if integers { IdMap::new() } else { IdMap::strings() };
    for model in models {
        for id in model.ids().users.iter() {
            users.intern(id);
        }
    }
    IdMaps::shared(users, models[0].ids().items.clone())
}

fn seen_by_any(models: &[Member], n_users: usize, n_items: usize) -> Csr {
    let row = |user: u32| {
        let rows = models.iter().filter_map(|m| Some((m, m.row(user)?)));
        rows.flat_map(|(m, row)| m.model.seen().row(row as usize).iter().map(|&i| (i, 1.0)))
            .collect()
    };
    Csr::from_rows((0..n_users as u32).map(row), n_items).binary()
}

impl Scorer for Fused {
    fn n_users(&self) -> usize {
        self.ids.users.len()
    }

    fn n_items(&self) -> usize {
        self.ids.items.len()
    }

    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        let able = |model: usize, user: u32| self.models[model].row(user).is_some();
        let takes = |model: usize, user: u32| {
            self.fusion.takes(model, self.seen.row(user as usize).len(), |m| able(m, user))
        };
        self.fuse(
            out,
            |row| self.seen.row(users[row] as usize).len(),
            |model| (0..users.len()).filter(|&row| takes(model, users[row])).collect(),
            |model, rows, out| {
                let member = &self.models[model];
                let own: Vec<u32> = rows.iter().filter_map(|&r| member.row(users[r])).collect();
                member.model.score(&own, out)
            },
        )
    }
}

impl Recommend for Fused {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }

    fn seen(&self) -> &Csr {
        &self.seen
    }

    fn knows(&self, user: u32) -> bool {
        self.models.iter().any(|member| member.row(user).is_some())
    }

    /// Fuses the models that fold in; [`Error::Unsupported`] if none does.
    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        let m = self.n_items();
        let mut blocks: Vec<Option<Vec<f32>>> = Vec::with_capacity(self.models.len());
        let mut refusal = None;
        for member in &self.models {
            let mut block = vec![0.0; histories.len() * m];
            match member.model.score_histories(histories, &mut block) {
                Ok(()) => blocks.push(Some(block)),
                Err(e @ Error::Unsupported { .. }) => {
                    refusal = Some(e);
                    blocks.push(None);
                }
                Err(e) => return Err(e),
            }
        }
        if let Some(refusal) = refusal.filter(|_| blocks.iter().all(Option::is_none)) {
            return Err(refusal);
        }
        let able = |model: usize| blocks[model].is_some();
        let activity = |row: usize| {
            let mut items: Vec<u32> = histories[row].iter().map(|&(item, _)| item).collect();
            items.sort_unstable();
            items.dedup();
            items.len()
        };
        self.fuse(
            out,
            activity,
            |model| {
                let takes =
                    |&row: &usize| able(model) && self.fusion.takes(model, activity(row), able);
                (0..histories.len()).filter(takes).collect()
            },
            |model, rows, out| {
                for (to, &row) in out.chunks_exact_mut(m).zip(rows) {
                    if let Some(block) = &blocks[model] {
                        to.copy_from_slice(&block[row * m..][..m]);
                    }
                }
                Ok(())
            },
        )
    }
}

#[cfg(test)]
#[path = "fused_tests.rs"]
pub(super) mod tests;
