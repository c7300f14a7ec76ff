//! The fitted model.

use std::sync::Arc;

use rayon::prelude::*;
use rec_core::data::{Csr, IdMaps};
use rec_core::rank::{Factors, History, Recommend, Scorer, Similar};
use rec_core::store::{ModelReader, ModelWriter};

use super::{Item2Vec, ItemScore, KIND};
use crate::collab::factors;
use crate::fit::Model;
use crate::train::TrainingLog;
use crate::vectors::Vectors;
use crate::vectors::table::scale;
use crate::{Error, Result};

/// A fitted [`Item2Vec`]: a vector an item, and another as a target.
#[derive(Clone, Debug)]
pub struct Item2VecModel {
    config: Item2Vec,
    log: TrainingLog,
    ids: Arc<IdMaps>,
    seen: Arc<Csr>,
    inputs: Vec<f32>,
    outputs: Vec<f32>,
    /// What users and items are multiplied by: see [`ItemScore`].
    users: Vec<f32>,
    sources: Vec<f32>,
}

impl Item2VecModel {
    pub(super) fn new(
        config: Item2Vec,
        log: TrainingLog,
        ids: Arc<IdMaps>,
        seen: Arc<Csr>,
        [inputs, outputs]: [Vec<f32>; 2],
    ) -> Result<Self> {
        config.check()?;
        let dim = config.vector_size;
        let sources = match config.score {
            ItemScore::Cosine => unit_rows(&inputs, dim),
            ItemScore::Output => inputs.clone(),
        };
        let mut users = vec![0f32; seen.n_rows() * dim];
        users.par_chunks_mut(dim).enumerate().for_each(|(user, row)| {
            mean_of(&sources, dim, seen.row(user), row);
        });
        factors::check_shapes(&ids, &seen, &users, &inputs, dim)?;
        factors::check_shapes(&ids, &seen, &users, &outputs, dim)?;
        Ok(Self { config, log, ids, seen, inputs, outputs, users, sources })
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// [`Error::Format`] or [`Error::Shape`] for a folder that holds no whole item2vec model.
    pub fn load(reader: &ModelReader) -> Result<Self> {
        factors::check_kind(reader, KIND)?;
        Self::new(
            reader.config()?,
            factors::training_log(reader)?,
            reader.ids()?,
            Arc::new(reader.csr("seen")?),
            [reader.f32("inputs")?.1, reader.f32("outputs")?.1],
        )
    }

    /// The estimator.
    pub fn config(&self) -> &Item2Vec {
        &self.config
    }

    /// The same vectors, scoring in another way.
    ///
    /// # Errors
    /// None for a model that was trained.
    pub fn with_score(self, score: ItemScore) -> Result<Self> {
        let config = Item2Vec { score, ..self.config };
        Self::new(config, self.log, self.ids, self.seen, [self.inputs, self.outputs])
    }

    /// How training went.
    pub fn log(&self) -> &TrainingLog {
        &self.log
    }

    /// The items' vectors, row-major `[n_items, vector_size]`; zeros for an item without events
    /// whose tags are of no help.
    pub fn item_vectors(&self) -> &[f32] {
        &self.inputs
    }

    /// The items' vectors as targets, row-major `[n_items, vector_size]`.
    pub fn outputs(&self) -> &[f32] {
        &self.outputs
    }

    /// The items' vectors as a table by the text of their ids.
    ///
    /// # Errors
    /// None for a model that was trained.
    pub fn vectors(&self) -> Result<Vectors> {
        let words = self.ids.items.iter().map(|id| id.to_string());
        Vectors::new(words, self.config.vector_size, self.inputs.clone())
    }

    fn targets(&self) -> &[f32] {
        match self.config.score {
            ItemScore::Cosine => &self.sources,
            ItemScore::Output => &self.outputs,
        }
    }

    fn product(&self) -> Factors<'_> {
        let (dim, users) = (self.config.vector_size, &self.users);
        Factors { dim, users, items: self.targets(), item_bias: None }
    }
}

fn unit_rows(values: &[f32], dim: usize) -> Vec<f32> {
    let unit = |row: &[f32]| {
        let by = scale(row);
        row.iter().map(move |x| x * by).collect::<Vec<_>>()
    };
    values.chunks_exact(dim).flat_map(unit).collect()
}

/// The mean of rows; zeros of none.
fn mean_of(rows: &[f32], dim: usize, items: &[u32], out: &mut [f32]) {
    let share = 1.0 / items.len().max(1) as f32;
    for &item in items {
        let row = &rows[item as usize * dim..][..dim];
        out.iter_mut().zip(row).for_each(|(x, v)| *x += share * v);
    }
}

factors::factor_model!(Item2VecModel, inputs, vector_size);

impl Recommend for Item2VecModel {
    fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }

    fn seen(&self) -> &Csr {
        &self.seen
    }

    /// A history is scored as a trained user of the same items is; each item counts once.
    fn score_histories(&self, histories: &[History], out: &mut [f32]) -> Result<()> {
        let (dim, n) = (self.config.vector_size, self.n_items());
        let mut users = vec![0f32; histories.len() * dim];
        for (history, row) in histories.iter().zip(users.chunks_exact_mut(dim)) {
            if let Some(&(item, _)) = history.iter().find(|h| h.0 as usize >= n) {
                return Err(Error::shape("item of a history", format!("< {n}"), item));
            }
            let mut items: Vec<u32> = history.iter().map(|&(item, _)| item).collect();
            items.sort_unstable();
            items.dedup();
            mean_of(&self.sources, dim, &items, row);
        }
        let product = Factors { users: &users, ..self.product() };
        let rows: Vec<u32> = (0..histories.len() as u32).collect();
        product.score(&rows, out)
    }
}

impl Model for Item2VecModel {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn writer(&self) -> Result<ModelWriter> {
        let shape = [self.n_items(), self.config.vector_size];
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        writer.training(&self.log)?;
        writer.ids(&self.ids);
        writer.f32("inputs", &shape, &self.inputs)?.f32("outputs", &shape, &self.outputs)?;
        writer.csr("seen", &self.seen)?;
        Ok(writer)
    }

    fn as_similar(&self) -> Option<&dyn Similar> {
        Some(self)
    }
}
