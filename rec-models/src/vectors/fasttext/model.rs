//! The fitted model.

use std::path::Path;

use rayon::prelude::*;
use rec_core::store::{ModelReader, ModelWriter};

use super::FastText;
use super::subwords::Subwords;
use crate::vectors::parts::Parts;
use crate::vectors::{Corpus, Vectors, folder};
use crate::{Error, Result};

const KIND: &str = "fasttext";

/// A fitted [`FastText`]: vectors of the vocabulary, and of the n-grams that unseen words are made
/// of.
#[derive(Clone, Debug)]
pub struct FastTextModel {
    config: FastText,
    vectors: Vectors,
    subwords: Subwords,
    seed: u64,
}

impl FastTextModel {
    /// Each word's vector is the mean of its parts.
    pub(super) fn trained(
        config: &FastText,
        corpus: &Corpus,
        (inputs, parts): (&[f32], Parts),
        subwords: Subwords,
        seed: u64,
    ) -> Result<Self> {
        let (vocab, dim) = (corpus.vocab(), config.word2vec.vector_size);
        let mut values = vec![0f32; vocab.len() * dim];
        values.par_chunks_mut(dim).enumerate().for_each(|(word, out)| {
            let rows = parts.of(word as u32);
            for &row in rows {
                let vector = &inputs[row as usize * dim..][..dim];
                out.iter_mut().zip(vector).for_each(|(x, v)| *x += v);
            }
            out.iter_mut().for_each(|x| *x /= rows.len() as f32);
        });
        let words = vocab.iter().map(|(word, _)| word);
        let vectors = Vectors::new(words, dim, values)?.with_counts(vocab.counts().to_vec())?;
        Ok(Self { config: config.clone(), vectors, subwords, seed })
    }

    /// The estimator.
    pub fn config(&self) -> &FastText {
        &self.config
    }

    /// The vectors of the words that were trained on.
    pub fn vectors(&self) -> &Vectors {
        &self.vectors
    }

    /// N-grams with a vector.
    pub fn n_ngrams(&self) -> usize {
        self.subwords.len()
    }

    /// The vector of any word: of one that was not trained on, the mean of its n-grams' vectors.
    ///
    /// # Errors
    /// [`Error::Data`] for an unseen word none of whose n-grams was seen either.
    pub fn vector(&self, word: &str) -> Result<Vec<f32>> {
        if let Some(vector) = self.vectors.get(word) {
            return Ok(vector.to_vec());
        }
        self.subwords.mean(word, self.vectors.dim()).ok_or_else(|| {
            let why = "neither it nor any of its n-grams has a vector; leave it out";
            Error::data(format!("the word {word:?}"), why)
        })
    }

    /// Writes the model as a folder, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] where the disk refuses, [`Error::Format`] for a folder that is no model.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut writer = ModelWriter::new(KIND, &self.config)?;
        writer.training(&serde_json::json!({ "seed": self.seed }))?;
        folder::write(&self.vectors, &mut writer)?;
        let n = self.subwords.len();
        writer.f32("ngrams", &[n, self.vectors.dim()], self.subwords.values())?;
        writer.u32("ngrams.hashes", &[n], &self.subwords.in_order())?;
        writer.save(path)
    }

    /// Reads a saved model.
    ///
    /// # Errors
    /// As [`ModelReader::open`]; [`Error::Format`] or [`Error::Shape`] for a folder that holds none.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let reader = ModelReader::open(&path)?;
        folder::check_kind(&path, &reader, &[KIND])?;
        let config: FastText = reader.config()?;
        config.check()?;
        let seed = reader.manifest().training.get("seed").and_then(serde_json::Value::as_u64);
        let vectors = folder::read(&reader)?;
        let (hashes, values) = (reader.u32("ngrams.hashes")?.1, reader.f32("ngrams")?.1);
        let subwords = Subwords::saved(&config, &hashes, values, vectors.dim())?;
        Ok(Self { config, vectors, subwords, seed: seed.unwrap_or(0) })
    }
}
