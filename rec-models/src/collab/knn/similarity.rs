//! Similarities between the rows of a sparse matrix, and how each weighs the entries.

use std::fmt;

use rayon::prelude::*;
use rec_core::data::Csr;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How alike two documents (items described by their users, or users by their items) are. Below,
/// `x_dt` is the weight of term `t` in document `d`, `N` the number of documents, `n_t` the number
/// of documents with term `t`, `idf_t = ln N - ln(1 + n_t)`, and `h` the shrinkage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Similarity {
    /// `⟨x_a, x_b⟩ / (‖x_a‖ ‖x_b‖ + h)` (Ferrari Dacrema et al. 2019, eq. 1).
    #[default]
    Cosine,
    /// `|a ∩ b| / (|a ∪ b| + h)` of the sets of terms; weights are not used.
    Jaccard,
    /// `⟨w_a, w_b⟩` with `w_dt = x_dt (k1 + 1) / (x_dt + k1 (1 - b + b l_d / l̄)) · idf_t`, where
    /// `l_d` is the sum of the document's weights and `l̄` its mean (Robertson and Zaragoza 2009,
    /// with implicit's idf).
    Bm25 {
        /// Saturation of the weights, at least 0; implicit's weighting takes 100.
        k1: f32,
        /// Normalisation of the documents' lengths, 0 to 1; implicit's weighting takes 0.8.
        b: f32,
    },
    /// Cosine of `w_dt = √x_dt · idf_t`, with the shrinkage of the cosine.
    TfIdf,
    /// `⟨x_a, x_b⟩`.
    Dot,
}

impl Similarity {
    /// BM25 with the parameters of implicit's weighting, K1 = 100 and B = 0.8.
    pub const fn bm25() -> Self {
        Self::Bm25 { k1: 100.0, b: 0.8 }
    }

    /// Checks the parameters that a neighbourhood model has.
    pub(super) fn check(self, k: usize, shrinkage: f32) -> Result<()> {
        if k == 0 {
            return Err(Error::parameter("k", k, "keep at least 1 neighbour"));
        }
        if !(shrinkage.is_finite() && shrinkage >= 0.0) {
            return Err(Error::parameter("shrinkage", shrinkage, "give a number of at least 0"));
        }
        if shrinkage > 0.0 && matches!(self, Self::Bm25 { .. } | Self::Dot) {
            return Err(Error::parameter(
                "shrinkage",
                shrinkage,
                format!(
                    "{self} has no denominator to shrink with; choose 0, or cosine, jaccard or tf_idf"
                ),
            ));
        }
        if let Self::Bm25 { k1, b } = self {
            if !(k1.is_finite() && k1 >= 0.0) {
                return Err(Error::parameter("k1", k1, "give a number of at least 0"));
            }
            if !(0.0..=1.0).contains(&b) {
                return Err(Error::parameter("b", b, "give a number from 0 to 1"));
            }
        }
        Ok(())
    }

    /// Whether it has no meaning for weights below 0.
    pub(super) fn needs_positive(self) -> bool {
        matches!(self, Self::Bm25 { .. } | Self::TfIdf)
    }
}

impl fmt::Display for Similarity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cosine => "cosine",
            Self::Jaccard => "jaccard",
            Self::Bm25 { .. } => "bm25",
            Self::TfIdf => "tf_idf",
            Self::Dot => "dot",
        })
    }
}

/// Documents in the weighting of a similarity. The product of two is
/// `raw_ab = Σ_t g_t · v_at · v_bt`; their similarity follows from `raw_ab` and one number a
/// document. Weights common to a term or a document are kept out of the entries, so that plain
/// sets need no stored values at all.
#[derive(Clone, Debug)]
pub(crate) struct Documents {
    similarity: Similarity,
    shrinkage: f32,
    /// `v`: `[terms, documents]`.
    pub(super) by_term: Csr,
    /// `g`: `[terms]`.
    pub(super) term_weight: Vec<f32>,
    /// The number kept of each, as [`Form`] says: `[documents]`.
    pub(super) document: Vec<f32>,
    mean_length: f32,
}

impl Documents {
    /// The weighting of `docs` `[documents, terms]`, whose transpose is `by_term`.
    pub(super) fn new(similarity: Similarity, shrinkage: f32, docs: &Csr, by_term: &Csr) -> Self {
        let (n_docs, n_terms) = (docs.n_rows(), docs.n_cols());
        let idf = |t: usize| {
            ((n_docs as f64).ln() - (by_term.row(t).len() as f64).ln_1p()).powi(2) as f32
        };
        let term_weight: Vec<f32> = match similarity {
            Similarity::Bm25 { .. } | Similarity::TfIdf => (0..n_terms).map(idf).collect(),
            _ => vec![1.0; n_terms],
        };
        let length: f64 = match docs.values() {
            Some(values) => values.iter().map(|&v| f64::from(v)).sum(),
            None => docs.nnz() as f64,
        };
        let mut made = Self {
            similarity,
            shrinkage,
            by_term: Csr::default(),
            term_weight,
            document: Vec::new(),
            mean_length: (length / n_docs as f64) as f32,
        };
        let lengths: Vec<f32> =
            (0..n_docs).into_par_iter().map(|d| length_of(docs.iter_row(d))).collect();
        made.document = (0..n_docs)
            .into_par_iter()
            .map(|d| made.summary(docs.iter_row(d), lengths[d], docs.values().is_none()))
            .collect();
        made.by_term = match (similarity, docs.values()) {
            (Similarity::Jaccard, _) | (_, None) => by_term.binary(),
            (Similarity::Cosine | Similarity::Dot, Some(_)) => by_term.clone(),
            (_, Some(_)) => by_term.map_values(|_, d, x| made.entry(x, lengths[d as usize])),
        };
        made
    }

    /// `v` of an entry with weight `x` in a document of this length.
    fn entry(&self, x: f32, length: f32) -> f32 {
        match self.similarity {
            Similarity::Jaccard => 1.0,
            Similarity::Cosine | Similarity::Dot => x,
            Similarity::TfIdf => x.sqrt(),
            Similarity::Bm25 { k1, b } => {
                x * (k1 + 1.0) / (x + k1 * (1.0 - b + b * length / self.mean_length))
            }
        }
    }

    /// The number kept of a document. `plain` documents hold 1 for every term.
    fn summary(&self, row: impl Iterator<Item = (u32, f32)>, length: f32, plain: bool) -> f32 {
        match self.similarity {
            Similarity::Jaccard => row.count() as f32,
            Similarity::Dot => 1.0,
            Similarity::Cosine | Similarity::TfIdf => {
                let squared = |(t, x): (u32, f32)| {
                    f64::from(self.term_weight[t as usize])
                        * f64::from(self.entry(x, length)).powi(2)
                };
                let norm = row.map(squared).sum::<f64>().sqrt();
                match self.form() {
                    Form::Product if norm > 0.0 => (1.0 / norm) as f32,
                    _ => norm as f32,
                }
            }
            Similarity::Bm25 { .. } if plain => self.entry(1.0, length),
            Similarity::Bm25 { .. } => 1.0,
        }
    }

    /// A document that is not among them, as `(term, v)`, and its number.
    pub(super) fn weigh(&self, row: &[(u32, f32)]) -> (Vec<(u32, f32)>, f32) {
        let length = length_of(row.iter().copied());
        let summary = self.summary(row.iter().copied(), length, false);
        (row.iter().map(|&(t, x)| (t, self.entry(x, length))).collect(), summary)
    }

    /// How the similarity follows from the product.
    pub(super) fn form(&self) -> Form {
        match self.similarity {
            Similarity::Dot => Form::Raw,
            Similarity::Bm25 { .. } => Form::Product,
            Similarity::Jaccard => Form::Union(self.shrinkage),
            Similarity::Cosine | Similarity::TfIdf if self.shrinkage == 0.0 => Form::Product,
            Similarity::Cosine | Similarity::TfIdf => Form::Shrunk(self.shrinkage),
        }
    }

    /// The similarity of two documents from the product of their entries.
    pub(super) fn similarity(&self, raw: f32, a: f32, b: f32) -> f32 {
        self.form().similarity(raw, a, b)
    }
}

/// How a similarity follows from the product of two documents and the documents' numbers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// `raw`.
    Raw,
    /// `raw · a · b`; the numbers are reciprocal norms, or factors of BM25.
    Product,
    /// `raw / (a · b + h)`; the numbers are norms.
    Shrunk(f32),
    /// `raw / (a + b - raw + h)`; the numbers are sizes.
    Union(f32),
}

impl Form {
    #[inline]
    pub(super) fn similarity(self, raw: f32, a: f32, b: f32) -> f32 {
        let (denominator, h) = match self {
            Self::Raw => return raw,
            Self::Product => return raw * a * b,
            Self::Shrunk(h) => (a * b, h),
            Self::Union(h) => (a + b - raw, h),
        };
        if denominator > 0.0 { raw / (denominator + h) } else { 0.0 }
    }
}

fn length_of(row: impl Iterator<Item = (u32, f32)>) -> f32 {
    row.map(|(_, x)| f64::from(x)).sum::<f64>() as f32
}
