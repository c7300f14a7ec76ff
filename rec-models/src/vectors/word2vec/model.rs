//! The fitted model.

use std::path::Path;

use rec_core::store::{ModelReader, ModelWriter};

use super::Word2Vec;
use crate::vectors::{Vectors, folder};
use crate::{Error, Result};

const KIND: &str = "word2vec";

/// A fitted [`Word2Vec`]: the vectors, and what it takes to train on.
#[derive(Clone, Debug)]
pub struct Word2VecModel {
    config: Word2Vec,
    vectors: Vectors,
    outputs: Vec<f32>,
    seed: u64,
}

impl Word2VecModel {
    pub(super) fn new(
        config: Word2Vec,
        vectors: Vectors,
        outputs: Vec<f32>,
        seed: u64,
    ) -> Result<Self> {
        let expected = vectors.len() * vectors.dim();
        if outputs.len() != expected {
            return Err(Error::shape("values of the output vectors", expected, outputs.len()));
        }
        Ok(Self { config, vectors, outputs, seed })
    }

    /// The estimator.
    pub fn config(&self) -> &Word2Vec {
        &self.config
    }

    /// The words' vectors.
    pub fn vectors(&self) -> &Vectors {
        &self.vectors
    }

    /// The vectors alone.
    pub fn into_vectors(self) -> Vectors {
        self.vectors
    }

    /// The vectors of words as targets, `[words, vector_size]`.
    pub fn outputs(&self) -> &[f32] {
        &self.outputs
    }

    pub(super) fn output(&self, row: u32) -> &[f32] {
        let dim = self.vectors.dim();
        &self.outputs[row as usize * dim..][..dim]
    }

    /// Writes the model as a folder, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk refuses, [`Error::Format`] for a folder that is no model.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        writer.training(&serde_json::json!({ "seed": self.seed }))?;
        folder::write(&self.vectors, &mut writer)?;
        writer.f32("outputs", &[self.vectors.len(), self.vectors.dim()], &self.outputs)?;
        writer.save(path)
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// As [`ModelReader::open`]; [`Error::Format`] or [`Error::Shape`] for a folder that holds none.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let reader = ModelReader::open(&path)?;
        folder::check_kind(&path, &reader, &[KIND])?;
        let config: Word2Vec = reader.config()?;
        config.check()?;
        let seed = reader.manifest().training.get("seed").and_then(serde_json::Value::as_u64);
        let vectors = folder::read(&reader)?;
        Self::new(config, vectors, reader.f32("outputs")?.1, seed.unwrap_or(0))
    }
}
