//! The fitted model.

use std::path::Path;

use rec_core::store::{ModelReader, ModelWriter};
use serde::{Deserialize, Serialize};

use super::Glove;
use crate::vectors::{Vectors, folder};
use crate::{Error, Result};

const KIND: &str = "glove";

/// A fitted [`Glove`].
#[derive(Clone, Debug)]
pub struct GloveModel {
    config: Glove,
    vectors: Vectors,
    training: Training,
}

/// How training went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Training {
    seed: u64,
    losses: Vec<f64>,
}

impl GloveModel {
    pub(super) fn new(config: Glove, vectors: Vectors, seed: u64, losses: Vec<f64>) -> Self {
        Self { config, vectors, training: Training { seed, losses } }
    }

    /// The estimator.
    pub fn config(&self) -> &Glove {
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

    /// The mean loss of a count, by epoch, each measured just before its step.
    pub fn losses(&self) -> &[f64] {
        &self.training.losses
    }

    /// Writes the model as a folder, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk refuses, [`Error::Format`] for a folder that is no model.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        writer.training(&self.training)?;
        folder::write(&self.vectors, &mut writer)?;
        writer.save(path)
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// As [`ModelReader::open`]; [`Error::Format`] or [`Error::Shape`] for a folder that holds none.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let reader = ModelReader::open(&path)?;
        folder::check_kind(&path, &reader, &[KIND])?;
        let config: Glove = reader.config()?;
        config.check()?;
        let training = serde_json::from_value(reader.manifest().training.clone())
            .map_err(|e| Error::format(&path, None, format!("its training: {e}")))?;
        Ok(Self { config, vectors: folder::read(&reader)?, training })
    }
}
