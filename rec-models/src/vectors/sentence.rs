//! Vectors of sentences, from those of their words.

use rand::RngExt as _;
use rayon::prelude::*;
use rec_core::rng;

use super::Vectors;
use crate::{Error, Result};

/// Smooth inverse frequency (Arora, Liang and Ma, "A simple but tough-to-beat baseline for sentence
/// embeddings", ICLR 2017, algorithm 1): a sentence is the mean of its words' vectors, a word of
/// probability `p` weighing `a / (a + p)`, less its projection on the first singular vector of the
/// sentences that this was fitted on. Words the table lacks are left out; a sentence of none has
/// zeros.
#[derive(Clone, Debug, PartialEq)]
pub struct Sif {
    a: f64,
    /// What words of the table weigh: `[words]`.
    weights: Vec<f32>,
    /// The direction taken off, at length 1: `[dim]`.
    common: Vec<f32>,
}

impl Sif {
    /// The direction that the sentences have in common, with `a` about 10⁻⁴ to 10⁻³.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an `a` that is not above 0, [`Error::Data`] for a table without
    /// counts, [`Error::Empty`] where no sentence has a word of the table.
    pub fn fit<S: AsRef<str> + Sync, W: AsRef<[S]> + Sync>(
        vectors: &Vectors,
        sentences: &[W],
        a: f64,
    ) -> Result<Self> {
        if !(a.is_finite() && a > 0.0) {
            return Err(Error::parameter("a", a, "give a number above 0, such as 1e-3"));
        }
        let Some(counts) = vectors.counts() else {
            let why = "its words have no counts, which the weights need; give them with_counts";
            return Err(Error::data("the table of vectors", why));
        };
        let total = counts.iter().sum::<u64>().max(1) as f64;
        let weights = counts.iter().map(|&n| (a / (a + n as f64 / total)) as f32).collect();
        let plain = Self { a, weights, common: vec![0.0; vectors.dim()] };
        let rows = plain.means(vectors, sentences);
        match first_direction(&rows, vectors.dim()) {
            Some(common) => Ok(Self { common, ..plain }),
            None => Err(Error::empty("the sentences", "none has a word of the table")),
        }
    }

    /// `a`.
    pub fn a(&self) -> f64 {
        self.a
    }

    /// The direction that is taken off, at length 1: `[dim]`.
    pub fn common(&self) -> &[f32] {
        &self.common
    }

    /// The vectors of sentences, row-major `[sentences, dim]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for another table than this was fitted on.
    pub fn transform<S: AsRef<str> + Sync, W: AsRef<[S]> + Sync>(
        &self,
        vectors: &Vectors,
        sentences: &[W],
    ) -> Result<Vec<f32>> {
        if (vectors.len(), vectors.dim()) != (self.weights.len(), self.common.len()) {
            let fitted = format!("[{}, {}]", self.weights.len(), self.common.len());
            let given = format!("[{}, {}]", vectors.len(), vectors.dim());
            return Err(Error::shape("the table of sentence vectors", fitted, given));
        }
        let mut rows = self.means(vectors, sentences);
        rows.par_chunks_mut(vectors.dim()).for_each(|row| {
            let along: f32 = row.iter().zip(&self.common).map(|(x, c)| x * c).sum();
            row.iter_mut().zip(&self.common).for_each(|(x, c)| *x -= along * c);
        });
        Ok(rows)
    }

    fn means<S: AsRef<str> + Sync, W: AsRef<[S]> + Sync>(
        &self,
        vectors: &Vectors,
        sentences: &[W],
    ) -> Vec<f32> {
        let dim = vectors.dim();
        let mut rows = vec![0f32; sentences.len() * dim];
        rows.par_chunks_mut(dim).zip(sentences).for_each(|(out, sentence)| {
            let known = sentence.as_ref().iter().filter_map(|word| vectors.index(word.as_ref()));
            let mut n = 0;
            for row in known {
                let weight = self.weights[row as usize];
                out.iter_mut().zip(vectors.row(row)).for_each(|(x, v)| *x += weight * v);
                n += 1;
            }
            out.iter_mut().for_each(|x| *x /= n.max(1) as f32);
        });
        rows
    }
}

/// The first right singular vector of `[n, dim]` rows, by power iteration on their products in
/// double precision; none of zeros.
fn first_direction(rows: &[f32], dim: usize) -> Option<Vec<f32>> {
    const MOST: usize = 1000;
    const CLOSE: f64 = 1e-12;
    let gram = gram(rows, dim);
    // From a random vector, which is not orthogonal to the one sought.
    let mut rng = rng::stream(0, "sif", 0);
    let mut at = unit((0..dim).map(|_| rng.random::<f64>() - 0.5).collect())?;
    for _ in 0..MOST {
        let next = (0..dim)
            .map(|r| gram[r * dim..][..dim].iter().zip(&at).map(|(g, x)| g * x).sum())
            .collect();
        let next = unit(next)?;
        let moved: f64 = next.iter().zip(&at).map(|(a, b)| (a - b).powi(2)).sum();
        at = next;
        if moved < CLOSE * CLOSE {
            break;
        }
    }
    Some(at.into_iter().map(|x| x as f32).collect())
}

/// `XᵀX`.
fn gram(rows: &[f32], dim: usize) -> Vec<f64> {
    let mut gram = vec![0f64; dim * dim];
    gram.par_chunks_mut(dim).enumerate().for_each(|(r, out)| {
        for row in rows.chunks_exact(dim) {
            let by = f64::from(row[r]);
            out.iter_mut().zip(row).for_each(|(g, &x)| *g += by * f64::from(x));
        }
    });
    gram
}

fn unit(v: Vec<f64>) -> Option<Vec<f64>> {
    let norm = v.iter().map(|x| x * x).sum::<f64>().sqrt();
    (norm > 0.0).then(|| v.into_iter().map(|x| x / norm).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vectors {
        let values = vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.5, -0.5];
        let vectors = Vectors::new(["a", "b", "c", "d"], 2, values).unwrap();
        vectors.with_counts(vec![4, 3, 2, 1]).unwrap()
    }

    #[test]
    fn a_sentence_by_hand() {
        let vectors = table();
        // p = .4 .3 .2 .1 and a = .1: weights 1/5, 1/4, 1/3, 1/2.
        let sentences = [vec!["a", "b"], vec!["c", "c", "unknown"], vec!["d"]];
        let sif = Sif::fit(&vectors, &sentences, 0.1).unwrap();
        let x = [[0.1, 0.125], [1.0 / 3.0, 1.0 / 3.0], [0.25, -0.25]];
        // The leading eigenvector of a symmetric 2 × 2 matrix, by its angle.
        let sum = |f: &dyn Fn([f64; 2]) -> f64| x.iter().map(|&r| f(r)).sum::<f64>();
        let (p, q, r) = (sum(&|r| r[0] * r[0]), sum(&|r| r[0] * r[1]), sum(&|r| r[1] * r[1]));
        let angle = 0.5 * (2.0 * q).atan2(p - r);
        let u = [angle.cos(), angle.sin()];
        let agreement = u[0] * f64::from(sif.common()[0]) + u[1] * f64::from(sif.common()[1]);
        assert!((agreement.abs() - 1.0).abs() < 1e-6, "{agreement}");
        let got = sif.transform(&vectors, &sentences).unwrap();
        for (row, want) in got.chunks(2).zip(x) {
            let along = want[0] * u[0] + want[1] * u[1];
            for (c, (&got, want)) in row.iter().zip(want).enumerate() {
                assert!((f64::from(got) - (want - along * u[c])).abs() < 1e-6);
            }
        }
        assert_eq!(sif.transform(&vectors, &[vec!["unknown"], vec![]]).unwrap(), [0.0; 4]);
    }

    #[test]
    fn what_cannot_be_fitted_is_refused() {
        let vectors = table();
        assert!(Sif::fit(&vectors, &[["a"]], 0.0).is_err());
        assert!(Sif::fit(&vectors, &[["a"]], f64::NAN).is_err());
        assert!(matches!(Sif::fit(&vectors, &[["x"]], 1e-3), Err(Error::Empty { .. })));
        let bare = Vectors::new(["a"], 1, vec![1.0]).unwrap();
        assert!(matches!(Sif::fit(&bare, &[["a"]], 1e-3), Err(Error::Data { .. })));
        let sif = Sif::fit(&vectors, &[["a"]], 1e-3).unwrap();
        assert!(matches!(sif.transform(&bare, &[["a"]]), Err(Error::Shape { .. })));
    }
}
