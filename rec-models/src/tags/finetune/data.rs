//! Texts as tokens, with their labels.

use rec_core::data::Csr;
use rec_core::rng::mix;

use crate::language::Corpus;
use crate::language::train::TrainingData;
use crate::tags::labels::Labelled;
use crate::{Error, Result};

/// Texts as token ids, and the labels of each.
#[derive(Clone, Debug)]
pub struct LabelledCorpus {
    corpus: Corpus,
    labels: Csr,
}

impl LabelledCorpus {
    /// Texts beside their labels.
    ///
    /// # Errors
    /// [`Error::Shape`] where they differ in number.
    pub fn new(corpus: Corpus, labelled: &Labelled) -> Result<Self> {
        if corpus.len() != labelled.len() {
            return Err(Error::shape("labels beside the texts", corpus.len(), labelled.len()));
        }
        Ok(Self { corpus, labels: labelled.rows.clone() })
    }

    /// The texts.
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// The labels of each text: `[texts, labels]`.
    pub fn labels(&self) -> &Csr {
        &self.labels
    }
}

impl TrainingData for LabelledCorpus {
    fn len(&self) -> usize {
        self.corpus.len()
    }

    fn tokens(&self, row: usize) -> usize {
        self.corpus.tokens(row)
    }

    fn vocab_size(&self) -> usize {
        self.corpus.vocab_size()
    }

    fn fingerprint(&self) -> String {
        let rows = self.labels.indptr().iter().map(|&at| at as u64);
        let numbers = rows.chain(self.labels.indices().iter().map(|&label| u64::from(label)));
        let labels = numbers.fold(self.labels.n_cols() as u64, |h, x| mix(h ^ x));
        format!("{}{labels:016x}", self.corpus.fingerprint())
    }
}
