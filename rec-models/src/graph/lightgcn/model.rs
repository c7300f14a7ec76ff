//! The fitted model.

use std::slice::from_ref;
use std::sync::Arc;

use rec_core::data::{Csr, IdMaps};
use rec_core::graph::Graph;
use rec_core::rank::{Explain, Factors, History, Recommend, Scorer, Similar};
use rec_core::store::{ModelReader, ModelWriter};

use super::content::Content;
use super::pass::{Layers, Room, Wanted, scale_rows};
use super::{GraphLoss, KIND, LightGcn, ScoreBy};
use crate::collab::factors;
use crate::fit::Model;
use crate::ops::Sparse;
use crate::train::TrainingLog;
use crate::{Error, Result};

/// A fitted [`LightGcn`]: one propagated embedding a user, one an item.
#[derive(Clone, Debug)]
pub struct LightGcnModel {
    pub(super) config: LightGcn,
    log: TrainingLog,
    pub(super) ids: Arc<IdMaps>,
    pub(super) seen: Arc<Csr>,
    pub(super) users: Vec<f32>,
    pub(super) items: Vec<f32>,
    /// What an item hands on to a user who has it, times a power of the user's number of items:
    /// `Σ_{k<K} w_{k+1} e_iᵏ / √d_i` with the weights `w` of the layers, `[n_items, factors]`.
    pub(super) handed: Vec<f32>,
}

impl LightGcnModel {
    /// Propagates initial embeddings: users, then items, then all else.
    pub(in crate::graph) fn propagated(
        config: LightGcn,
        log: TrainingLog,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        (graph, edges): (&Graph, &Sparse),
        initial: &[f32],
        content: Option<&Content>,
    ) -> Result<Self> {
        let (d, n, m) = (config.factors, seen.n_rows(), seen.n_cols());
        let (mut sums, mut sent) = (vec![0f32; initial.len()], vec![0f32; initial.len()]);
        let wanted = Wanted { sent: Some(&mut sent), ..Wanted::default() };
        Layers::new(&config).forward(
            from_ref(edges),
            initial,
            None,
            wanted,
            &mut Room::default(),
            &mut sums,
        );
        let (mut users, mut items) = (sums[..n * d].to_vec(), sums[n * d..][..m * d].to_vec());
        let mut handed = sent[n * d..][..m * d].to_vec();
        scale_rows(&mut handed, d, &graph.degrees()[n..], -config.normalization.powers().1);
        if let Some(content) = content {
            let degrees = graph.degrees();
            let cold = |item: usize| degrees[n + item] == 0.0;
            content.embed_cold([&mut items, &mut handed], d, cold, config.content_l2)?;
        }
        if config.score_by == ScoreBy::Cosine {
            unit_rows(&mut users, d);
            unit_rows(&mut items, d);
        }
        Self::new(config, log, ids, seen, [users, items, handed])
    }

    fn new(
        config: LightGcn,
        log: TrainingLog,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        [users, items, handed]: [Vec<f32>; 3],
    ) -> Result<Self> {
        config.check()?;
        factors::check_shapes(&ids, &seen, &users, &items, config.factors)?;
        if handed.len() != items.len() {
            let what = "values of what items hand on";
            return Err(Error::shape(what, items.len(), handed.len()));
        }
        Ok(Self { config, log, ids, seen, users, items, handed })
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Shape`] for a folder that holds no whole LightGCN model.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        factors::check_kind(reader, KIND)?;
        let mut config: LightGcn = reader.config()?;
        config.score_by = ScoreBy::of_saved(reader, config.score_by, config.loss);
        Self::of_parts(reader, config)
    }

    /// What [`Self::write_parts`] wrote.
    pub(in crate::graph) fn of_parts(reader: &ModelReader, config: LightGcn) -> Result<Self> {
        Self::new(
            config,
            factors::training_log(reader)?,
            reader.ids()?,
            Arc::new(reader.csr("seen")?),
            [reader.f32("users")?.1, reader.f32("items")?.1, reader.f32("handed")?.1],
        )
    }

    /// All but the parameters, for a folder.
    pub(in crate::graph) fn write_parts(&self, writer: &mut ModelWriter) -> Result<()> {
        let d = self.config.factors;
        writer.training(&self.log)?;
        writer.ids(&self.ids);
        writer.f32("users", &[self.n_users(), d], &self.users)?;
        writer.f32("items", &[self.n_items(), d], &self.items)?;
        writer.f32("handed", &[self.n_items(), d], &self.handed)?;
        writer.csr("seen", &self.seen)?;
        Ok(())
    }

    /// The estimator.
    pub fn config(&self) -> &LightGcn {
        &self.config
    }

    /// How training went.
    pub fn log(&self) -> &TrainingLog {
        &self.log
    }

    /// The users' propagated embeddings, row-major `[n_users, factors]`; of length 1 if the model
    /// scores by cosine.
    pub fn user_factors(&self) -> &[f32] {
        &self.users
    }

    /// The items' propagated embeddings, row-major `[n_items, factors]`, likewise.
    pub fn item_factors(&self) -> &[f32] {
        &self.items
    }

    /// What a user with so many items takes of what each hands on.
    pub(super) fn share(&self, items: usize) -> f32 {
        (items.max(1) as f32).powf(-self.config.normalization.powers().0)
    }

    fn product(&self) -> Factors<'_> {
        Factors {
            dim: self.config.factors,
            users: &self.users,
            items: &self.items,
            item_bias: None,
        }
    }

    /// Embeddings of users who had these items, `[histories.len(), factors]`: what a node with
    /// edges to them and no embedding of its own would get by propagation, were the others to stay
    /// as they are. Weights are not looked at.
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
            let scale = self.share(items.len());
            for item in items {
                let handed = &self.handed[item as usize * d..][..d];
                user.iter_mut().zip(handed).for_each(|(user, x)| *user += scale * x);
            }
        }
        if self.config.score_by == ScoreBy::Cosine {
            unit_rows(&mut users, d);
        }
        Ok(users)
    }
}

impl ScoreBy {
    /// What a saved model scores by. Folders that do not say are older than the choice: a model
    /// trained on cosines then scored by them, and its embeddings were saved at length 1.
    pub(in crate::graph) fn of_saved(reader: &ModelReader, said: Self, loss: GraphLoss) -> Self {
        let says = reader.manifest().config.get("score_by").is_some();
        if !says && loss.by_cosine() { Self::Cosine } else { said }
    }
}

/// Scales rows to length 1; a row of zeros stays one.
pub(in crate::graph) fn unit_rows(rows: &mut [f32], d: usize) {
    for row in rows.chunks_exact_mut(d) {
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        if length > 0.0 {
            row.iter_mut().for_each(|x| *x /= length);
        }
    }
}

factors::factor_model!(LightGcnModel, items, factors);

impl Recommend for LightGcnModel {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }

    fn seen(&self) -> &Csr {
        &self.seen
    }

    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        if self.config.layers == 0 {
            return Err(Error::unsupported(
                "recommending for a history",
                "LightGCN without layers",
                "train with layers of at least 1: a new user's embedding comes by propagation",
            ));
        }
        let users = self.fold_in(histories)?;
        let all: Vec<u32> = (0..histories.len() as u32).collect();
        Factors { users: &users, ..self.product() }.score(&all, out)
    }
}

impl Model for LightGcnModel {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn writer(&self) -> Result<ModelWriter> {
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        self.write_parts(&mut writer)?;
        Ok(writer)
    }

    fn as_similar(&self) -> Option<&dyn Similar> {
        Some(self)
    }

    fn as_explain(&self) -> Option<&dyn Explain> {
        Some(self)
    }
}
