//! Words and their vectors.

use std::ops::Deref;
use std::sync::OnceLock;

use rayon::prelude::*;
use rec_core::data::{IdMap, IdRef};

use super::mapped::Mapped;

use crate::{Error, Result};

/// A table of vectors by word, what `gensim` calls `KeyedVectors`.
#[derive(Clone)]
pub struct Vectors {
    words: IdMap,
    dim: usize,
    values: Values,
    /// `1 / ‖v‖`, 0 for a vector of zeros, once they are asked for: `[words]`.
    scales: OnceLock<Vec<f32>>,
    counts: Option<Vec<u64>>,
}

/// The numbers of a table, in memory or in a file.
#[derive(Clone)]
enum Values {
    Owned(Vec<f32>),
    Mapped(Mapped),
}

impl Deref for Values {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            Self::Owned(values) => values,
            Self::Mapped(values) => values,
        }
    }
}

impl std::fmt::Debug for Vectors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vectors").field("len", &self.len()).field("dim", &self.dim).finish()
    }
}

impl Vectors {
    /// A table of `values`, row-major `[words, dim]`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a `dim` of 0, [`Error::Shape`] where the values are not so many,
    /// [`Error::Data`] for a word given twice or a value that is not finite, [`Error::Empty`]
    /// without words.
    pub fn new<S: AsRef<str>>(
        words: impl IntoIterator<Item = S>,
        dim: usize,
        values: Vec<f32>,
    ) -> Result<Self> {
        if dim == 0 {
            return Err(Error::parameter("dim", dim, "vectors need at least 1 number"));
        }
        let mut map = IdMap::strings();
        for (at, word) in words.into_iter().enumerate() {
            if map.intern_str(word.as_ref()) as usize != at {
                let what = format!("the word {:?}", word.as_ref());
                return Err(Error::data(what, "it stands there twice; a word has one vector"));
            }
        }
        if map.is_empty() {
            return Err(Error::empty("the table of vectors", "give at least one word"));
        }
        if values.len() != map.len() * dim {
            return Err(Error::shape("values of the vectors", map.len() * dim, values.len()));
        }
        if let Some(row) =
            values.chunks_exact(dim).position(|row| !row.iter().all(|x| x.is_finite()))
        {
            let word = map.id(row as u32).map(|id| id.to_string()).unwrap_or_default();
            let why = "it holds a number that is not finite; leave such vectors out";
            return Err(Error::data(format!("the vector of {word:?}"), why));
        }
        Ok(Self::of(map, dim, Values::Owned(values)))
    }

    /// A table of a file's numbers, which were checked when it was written.
    pub(super) fn mapped(words: IdMap, dim: usize, values: Mapped) -> Result<Self> {
        if dim == 0 || values.len() != words.len() * dim {
            return Err(Error::shape("values of the vectors", words.len() * dim, values.len()));
        }
        Ok(Self::of(words, dim, Values::Mapped(values)))
    }

    fn of(words: IdMap, dim: usize, values: Values) -> Self {
        Self { words, dim, values, scales: OnceLock::new(), counts: None }
    }

    /// Notes how often each word was seen.
    ///
    /// # Errors
    /// [`Error::Shape`] where there is not one count a word.
    pub fn with_counts(mut self, counts: Vec<u64>) -> Result<Self> {
        if counts.len() != self.len() {
            return Err(Error::shape("counts of the words", self.len(), counts.len()));
        }
        self.counts = Some(counts);
        Ok(self)
    }

    /// Words.
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are none; never true of a table that was made.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Length of a vector.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All vectors, row-major `[words, dim]`.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The words, in order of their rows.
    pub fn words(&self) -> impl ExactSizeIterator<Item = &str> {
        self.words.iter().map(|word| match word {
            IdRef::Str(word) => word,
            IdRef::Int(_) => "",
        })
    }

    /// The word of a row.
    pub fn word(&self, row: u32) -> Option<&str> {
        match self.words.id(row) {
            Some(IdRef::Str(word)) => Some(word),
            _ => None,
        }
    }

    /// The row of a word.
    pub fn index(&self, word: &str) -> Option<u32> {
        self.words.get(word)
    }

    /// How often the word of a row was seen, where the table knows.
    pub fn count(&self, row: u32) -> Option<u64> {
        self.counts.as_ref()?.get(row as usize).copied()
    }

    /// The counts by row, where the table knows them.
    pub fn counts(&self) -> Option<&[u64]> {
        self.counts.as_deref()
    }

    /// The vector of a word.
    pub fn get(&self, word: &str) -> Option<&[f32]> {
        self.index(word).map(|row| self.row(row))
    }

    /// The row of a word that must be there.
    ///
    /// # Errors
    /// [`Error::Data`] for a word the table lacks.
    pub fn require(&self, word: &str) -> Result<u32> {
        self.index(word).ok_or_else(|| {
            let why = format!("it has no vector, unlike {} others; leave it out", self.len());
            Error::data(format!("the word {word:?}"), why)
        })
    }

    pub(super) fn row(&self, row: u32) -> &[f32] {
        &self.values[row as usize * self.dim..][..self.dim]
    }

    pub(super) fn scale(&self, row: u32) -> f32 {
        self.scales()[row as usize]
    }

    pub(super) fn scales(&self) -> &[f32] {
        self.scales.get_or_init(|| self.values.par_chunks_exact(self.dim).map(scale).collect())
    }

    pub(super) fn word_map(&self) -> &IdMap {
        &self.words
    }
}

/// `1 / ‖v‖`, 0 for zeros.
pub(super) fn scale(v: &[f32]) -> f32 {
    let norm = v.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
    if norm == 0.0 { 0.0 } else { (1.0 / norm) as f32 }
}
