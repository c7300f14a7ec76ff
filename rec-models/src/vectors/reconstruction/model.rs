//! The fitted model.

use std::path::Path;

use rec_core::data::Csr;
use rec_core::store::{ModelReader, ModelWriter};
use serde::{Deserialize, Serialize};

use super::ContextReconstruction;
use super::associations::Associations;
use super::subspace::Subspace;
use crate::vectors::{Cooccurrences, Vectors, folder};
use crate::{Error, Result};

pub(super) const KIND: &str = "reconstruction";

/// A fitted [`ContextReconstruction`]: the vectors, and the weights that rebuild them.
#[derive(Clone, Debug)]
pub struct ReconstructionModel {
    config: ContextReconstruction,
    vectors: Vectors,
    weights: Csr,
    training: Training,
}

/// How training went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Training {
    seed: u64,
    losses: Vec<f64>,
}

impl ReconstructionModel {
    pub(super) fn trained(
        config: &ContextReconstruction,
        counts: &Cooccurrences,
        (space, weights): (&Subspace, &Associations),
        seed: u64,
        losses: Vec<f64>,
    ) -> Result<Self> {
        let vocab = counts.vocab();
        let values = space.rows().into_iter().map(|x| x as f32).collect();
        let words = vocab.iter().map(|(word, _)| word);
        let vectors =
            Vectors::new(words, space.dim(), values)?.with_counts(vocab.counts().to_vec())?;
        let row = |word| weights.row(word).map(|(context, w, _)| (context, w as f32)).collect();
        let weights = Csr::from_rows((0..vocab.len()).map(row), vocab.len());
        let training = Training { seed, losses };
        Ok(Self { config: config.clone(), vectors, weights, training })
    }

    /// The estimator.
    pub fn config(&self) -> &ContextReconstruction {
        &self.config
    }

    /// The words' vectors: coordinates of mean 0 and variance 1, uncorrelated.
    pub fn vectors(&self) -> &Vectors {
        &self.vectors
    }

    /// What each word is rebuilt from, by row: `[words, words]`.
    pub fn weights(&self) -> &Csr {
        &self.weights
    }

    /// The objective over the number of words, by epoch, after the step by the vectors.
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
        writer.csr("weights", &self.weights)?;
        writer.save(path)
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// As [`ModelReader::open`]; [`Error::Format`] or [`Error::Shape`] for a folder that holds none.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let reader = ModelReader::open(&path)?;
        folder::check_kind(&path, &reader, &[KIND])?;
        let config: ContextReconstruction = reader.config()?;
        config.check()?;
        let training = serde_json::from_value(reader.manifest().training.clone())
            .map_err(|e| Error::format(&path, None, format!("its training: {e}")))?;
        let (vectors, weights) = (folder::read(&reader)?, reader.csr("weights")?);
        if weights.n_rows() != vectors.len() {
            return Err(Error::shape("rows of the weights", vectors.len(), weights.n_rows()));
        }
        Ok(Self { config, vectors, weights, training })
    }
}
