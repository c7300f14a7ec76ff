//! The fitted model.

use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};
use rec_core::rank::{
    Explain, Explanation, Factors, History, Recommend, Scorer, Similar, TopK, dot, similar_rows,
};
use rec_core::store::{ModelReader, ModelWriter};

use super::layers::{Layers, push_unit};
use super::{KIND, Ngcf};
use crate::collab::factors;
use crate::fit::Model;
use crate::graph::paths::{Path, check_ids, strongest, symmetric};
use crate::train::TrainingLog;
use crate::{Error, Result};

/// A fitted [`Ngcf`]: the layers of each user and item side by side, and the weights to embed new
/// users with.
pub struct NgcfModel {
    config: Ngcf,
    log: TrainingLog,
    ids: Arc<IdMaps>,
    seen: Arc<Csr>,
    users: Vec<f32>,
    items: Vec<f32>,
    /// What items pass on in each layer, `[layers, n_items, factors]`.
    sent: Vec<f32>,
    layers: Layers,
    /// `√d_i`.
    roots: Vec<f32>,
}

impl NgcfModel {
    pub(super) fn new(
        config: Ngcf,
        log: TrainingLog,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        [users, items, sent, weights]: [Vec<f32>; 4],
    ) -> Result<Self> {
        config.check()?;
        factors::check_shapes(&ids, &seen, &users, &items, config.width())?;
        let d = config.factors;
        for (what, expected, got) in [
            ("values of what items pass on", config.layers * seen.n_cols() * d, sent.len()),
            ("values of the layers' weights", config.layers * 2 * d * d, weights.len()),
        ] {
            if expected != got {
                return Err(Error::shape(what, expected, got));
            }
        }
        let mut layers = Layers::new(config.layers, d, 0);
        for ((_, to), from) in layers.named_mut().zip(weights.chunks_exact(d * d)) {
            to.values.copy_from_slice(from);
        }
        let roots = seen.column_counts().into_iter().map(|count| (count as f32).sqrt()).collect();
        Ok(Self { config, log, ids, seen, users, items, sent, layers, roots })
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Shape`] for a folder that holds no whole NGCF model.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        factors::check_kind(reader, KIND)?;
        let table = |name| Ok::<_, Error>(reader.f32(name)?.1);
        Self::new(
            reader.config()?,
            factors::training_log(reader)?,
            reader.ids()?,
            Arc::new(reader.csr("seen")?),
            [table("users")?, table("items")?, table("sent")?, table("weights")?],
        )
    }

    /// The estimator.
    pub fn config(&self) -> &Ngcf {
        &self.config
    }

    /// How training went.
    pub fn log(&self) -> &TrainingLog {
        &self.log
    }

    /// The users' embeddings, all layers side by side, row-major `[n_users, (layers + 1) · factors]`.
    pub fn user_factors(&self) -> &[f32] {
        &self.users
    }

    /// The items' embeddings, likewise.
    pub fn item_factors(&self) -> &[f32] {
        &self.items
    }

    fn product(&self) -> Factors<'_> {
        Factors {
            dim: self.config.width(),
            users: &self.users,
            items: &self.items,
            item_bias: None,
        }
    }

    /// The embedding of a user who starts from `own` and has edges to `items`, each divided by
    /// `√degree` of the user; all items stay as they are.
    pub(super) fn embed(
        &self,
        own: &[f32],
        items: impl Iterator<Item = u32> + Clone,
        degree: usize,
    ) -> Vec<f32> {
        let (d, m) = (self.config.factors, self.ids.items.len());
        let (mut x, mut all) = (own.to_vec(), own.to_vec());
        let root = (degree as f32).sqrt();
        for layer in 0..self.config.layers {
            let mut gathered = vec![0f32; d];
            for item in items.clone() {
                let scale = 1.0 / (root * self.roots[item as usize].max(1.0));
                let sent = &self.sent[(layer * m + item as usize) * d..][..d];
                gathered.iter_mut().zip(sent).for_each(|(to, x)| *to += scale * x);
            }
            x = self.layers.rows(layer, &x, &gathered);
            push_unit(&mut all, &x);
        }
        all
    }

    /// Embeddings of users who had these items, `[histories.len(), (layers + 1) · factors]`: what a
    /// node with edges to them and no embedding of its own would get, were the items to stay as they
    /// are. Weights are not looked at.
    ///
    /// # Errors
    /// [`Error::Shape`] for an item the model does not have.
    pub fn fold_in(&self, histories: &[History]) -> Result<Vec<f32>> {
        let m = self.ids.items.len();
        let none = vec![0f32; self.config.factors];
        let mut users = Vec::with_capacity(histories.len() * self.config.width());
        for history in histories {
            let mut items: Vec<u32> = history.iter().map(|&(i, _)| i).collect();
            items.sort_unstable();
            items.dedup();
            if let Some(&item) = items.last().filter(|&&item| item as usize >= m) {
                return Err(Error::shape("dense item of a history", format!("< {m}"), item));
            }
            users.extend(self.embed(&none, items.iter().copied(), items.len()));
        }
        Ok(users)
    }

    /// The `k` strongest ways of three edges from a user to an item, strongest first, by the weights
    /// `1/√(d d′)` that messages are multiplied by, not by what the layers make of them; ties go to
    /// the smaller item, then user.
    ///
    /// # Errors
    /// [`Error::Shape`] for ids the model does not have.
    pub fn paths(&self, user: u32, item: u32, k: usize) -> Result<Vec<Path>> {
        strongest(&self.seen, (user, item), k, symmetric)
    }
}

impl Scorer for NgcfModel {
    fn n_users(&self) -> usize {
        self.ids.users.len()
    }

    fn n_items(&self) -> usize {
        self.ids.items.len()
    }

    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        self.product().score(users, out)
    }

    fn factors(&self) -> Option<Factors<'_>> {
        Some(self.product())
    }
}

impl Similar for NgcfModel {
    fn similar_ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }

    fn similar(&self, items: &[u32], k: usize) -> Result<TopK> {
        similar_rows(&self.items, self.config.width(), items, k, true)
    }
}

impl Recommend for NgcfModel {
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

impl Explain for NgcfModel {
    /// What the score would lose without the edge to each past item, the other edges' weights and all
    /// items held.
    fn explain(&self, user: u32, item: u32) -> Result<Explanation> {
        check_ids(&self.seen, user, item)?;
        let width = self.config.width();
        let of_user = &self.users[user as usize * width..][..width];
        let of_item = &self.items[item as usize * width..][..width];
        let (score, past) = (dot(of_user, of_item), self.seen.row(user as usize));
        let own = &of_user[..self.config.factors];
        let without = |&item: &u32| {
            let others = past.iter().copied().filter(move |&other| other != item);
            (item, score - dot(&self.embed(own, others, past.len()), of_item))
        };
        let mut contributions: Vec<(u32, f32)> = past.iter().map(without).collect();
        contributions.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Ok(Explanation { score, contributions, exact: false })
    }
}

impl Model for NgcfModel {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn writer(&self) -> Result<ModelWriter> {
        let (d, layers, width) = (self.config.factors, self.config.layers, self.config.width());
        let weights: Vec<f32> = self.layers.named().flat_map(|(_, w)| w.values.to_vec()).collect();
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        writer.training(&self.log)?;
        writer.ids(&self.ids);
        writer.f32("users", &[self.n_users(), width], &self.users)?;
        writer.f32("items", &[self.n_items(), width], &self.items)?;
        writer.f32("sent", &[layers, self.n_items(), d], &self.sent)?;
        writer.f32("weights", &[layers, 2, d, d], &weights)?;
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
