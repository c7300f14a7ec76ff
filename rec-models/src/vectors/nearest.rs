//! Questions to a table of vectors.

use rayon::prelude::*;

use super::Vectors;
use super::table::scale;
use crate::ops::simd::{Lanes, Task, dispatch};
use crate::{Error, Result};

/// A word near to a query.
#[derive(Clone, Debug, PartialEq)]
pub struct Neighbour {
    /// The word.
    pub word: String,
    /// Its row.
    pub row: u32,
    /// How near: a cosine, unless said otherwise.
    pub score: f32,
}

/// Part of a query.
#[derive(Clone, Copy, Debug)]
pub enum Term<'a> {
    /// A word of the table, by its vector at length 1.
    Word(&'a str),
    /// A vector, as it is.
    Vector(&'a [f32]),
}

impl Vectors {
    /// The cosine of two words' vectors, 0 where one is all zeros.
    ///
    /// # Errors
    /// [`Error::Data`] for a word the table lacks.
    pub fn similarity(&self, a: &str, b: &str) -> Result<f32> {
        let (a, b) = (self.require(a)?, self.require(b)?);
        let dot: f64 =
            self.row(a).iter().zip(self.row(b)).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum();
        Ok((dot * f64::from(self.scale(a)) * f64::from(self.scale(b))) as f32)
    }

    /// The `k` words whose vectors have the largest cosine with the mean of the positive terms and
    /// the negated negative ones: with two positive and one negative word the answer to an analogy
    /// (Mikolov, Yih and Zweig, "Linguistic regularities in continuous space word representations",
    /// NAACL 2013). Words of the query are left out; ties go to the smaller row. Fewer than `k`
    /// where the table has no more.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a `k` of 0, [`Error::Empty`] for a query of nothing,
    /// [`Error::Data`] for a word the table lacks, [`Error::Shape`] for a vector of another length.
    pub fn most_similar(
        &self,
        positive: &[Term<'_>],
        negative: &[Term<'_>],
        k: usize,
    ) -> Result<Vec<Neighbour>> {
        let (query, asked) = self.query(positive, negative)?;
        let scores = self.cosines(&query);
        self.best(&scores, k, &asked)
    }

    /// The sum of the signed terms, and the rows of the words among them.
    pub(super) fn query(
        &self,
        positive: &[Term<'_>],
        negative: &[Term<'_>],
    ) -> Result<(Vec<f32>, Vec<u32>)> {
        if positive.is_empty() && negative.is_empty() {
            return Err(Error::empty("the query", "give at least one word or vector"));
        }
        let signed = positive.iter().map(|t| (t, 1.0)).chain(negative.iter().map(|t| (t, -1.0)));
        let mut query = vec![0f64; self.dim()];
        let mut asked = Vec::new();
        for (term, sign) in signed {
            let (vector, weight) = match *term {
                Term::Word(word) => {
                    let row = self.require(word)?;
                    asked.push(row);
                    (self.row(row), sign * f64::from(self.scale(row)))
                }
                Term::Vector(vector) => (self.checked(vector)?, sign),
            };
            query.iter_mut().zip(vector).for_each(|(q, &x)| *q += weight * f64::from(x));
        }
        Ok((query.into_iter().map(|x| x as f32).collect(), asked))
    }

    /// As [`Vectors::most_similar`], by the product of the positive words' similarities over that of
    /// the negative ones', each similarity being `(1 + cosine) / 2`: 3CosMul (Levy and Goldberg,
    /// "Linguistic regularities in sparse and explicit word representations", CoNLL 2014, equation
    /// 4, with ε = 10⁻⁶).
    ///
    /// # Errors
    /// As [`Vectors::most_similar`].
    pub fn most_similar_cosmul(
        &self,
        positive: &[&str],
        negative: &[&str],
        k: usize,
    ) -> Result<Vec<Neighbour>> {
        if positive.is_empty() {
            return Err(Error::empty("the query", "give at least one positive word"));
        }
        let mut scores = vec![1f32; self.len()];
        let mut below = vec![1f32; self.len()];
        let mut asked = Vec::new();
        for (words, product) in [(positive, &mut scores), (negative, &mut below)] {
            for word in words {
                let row = self.require(word)?;
                asked.push(row);
                let cosines = self.cosines(self.row(row));
                product.iter_mut().zip(cosines).for_each(|(p, c)| *p *= f32::midpoint(1.0, c));
            }
        }
        scores.iter_mut().zip(below).for_each(|(score, below)| *score /= below + 1e-6);
        self.best(&scores, k, &asked)
    }

    /// The word whose vector is farthest from the mean of all at length 1.
    ///
    /// # Errors
    /// [`Error::Empty`] for no word, [`Error::Data`] for a word the table lacks.
    pub fn doesnt_match<'a>(&self, words: &[&'a str]) -> Result<&'a str> {
        let mut mean = vec![0f32; self.dim()];
        let rows = words.iter().map(|word| self.require(word)).collect::<Result<Vec<_>>>()?;
        for &row in &rows {
            let scale = self.scale(row);
            mean.iter_mut().zip(self.row(row)).for_each(|(m, x)| *m += scale * x);
        }
        let nearness = |row: u32| {
            let dot: f32 = mean.iter().zip(self.row(row)).map(|(m, x)| m * x).sum();
            dot * self.scale(row)
        };
        let worst = words.iter().zip(rows).min_by(|a, b| nearness(a.1).total_cmp(&nearness(b.1)));
        let word = worst.map(|(word, _)| *word);
        word.ok_or_else(|| Error::empty("the list of words", "give at least one"))
    }

    /// The cosine of `query` with every row: `[words]`; all 0 for a query of zeros.
    pub(super) fn cosines(&self, query: &[f32]) -> Vec<f32> {
        const BLOCK: usize = 1024;
        let by = scale(query);
        let query: Vec<f32> = query.iter().map(|x| x * by).collect();
        let mut scores = vec![0f32; self.len()];
        let rows = self.values().par_chunks(BLOCK * self.dim());
        scores.par_chunks_mut(BLOCK).zip(rows).zip(self.scales().par_chunks(BLOCK)).for_each(
            |((out, rows), scales)| {
                dispatch(Cosines { query: &query, rows, scales, out });
            },
        );
        scores
    }

    fn checked<'a>(&self, vector: &'a [f32]) -> Result<&'a [f32]> {
        if vector.len() != self.dim() {
            return Err(Error::shape("a query's vector", self.dim(), vector.len()));
        }
        if !vector.iter().all(|x| x.is_finite()) {
            return Err(Error::data("a query's vector", "it holds a number that is not finite"));
        }
        Ok(vector)
    }

    /// The rows of the largest scores, but for some.
    fn best(&self, scores: &[f32], k: usize, without: &[u32]) -> Result<Vec<Neighbour>> {
        if k == 0 {
            return Err(Error::parameter("k", k, "ask for at least 1 word"));
        }
        let mut rows: Vec<u32> =
            (0..self.len() as u32).filter(|row| !without.contains(row)).collect();
        let order = |a: &u32, b: &u32| {
            scores[*b as usize].total_cmp(&scores[*a as usize]).then_with(|| a.cmp(b))
        };
        if k < rows.len() {
            rows.select_nth_unstable_by(k - 1, order);
            rows.truncate(k);
        }
        rows.sort_unstable_by(order);
        Ok(rows.into_iter().map(|row| self.neighbour(row, scores[row as usize])).collect())
    }

    pub(super) fn neighbour(&self, row: u32, score: f32) -> Neighbour {
        Neighbour { word: self.word(row).unwrap_or_default().to_owned(), row, score }
    }
}

/// `⟨a, b⟩` of vectors of one length.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut out = [0.0];
    dispatch(Cosines { query: a, rows: b, scales: &[1.0], out: &mut out });
    out[0]
}

/// `out[r] = ⟨query, rows[r]⟩ scales[r]`.
struct Cosines<'a> {
    query: &'a [f32],
    rows: &'a [f32],
    scales: &'a [f32],
    out: &'a mut [f32],
}

impl Task for Cosines<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Lanes>(self, s: S) {
        let d = self.query.len();
        let whole = d / S::WIDTH * S::WIDTH;
        for (at, out) in self.out.iter_mut().enumerate() {
            let row = &self.rows[at * d..][..d];
            let mut sum = s.splat(0.0);
            let mut from = 0;
            while from < whole {
                sum = s.mul_add(s.load(&row[from..]), s.load(&self.query[from..]), sum);
                from += S::WIDTH;
            }
            if whole < d {
                let rest = s.load_part(&row[whole..], 0.0);
                sum = s.mul_add(rest, s.load_part(&self.query[whole..], 0.0), sum);
            }
            *out = s.sum(sum) * self.scales[at];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Vectors {
        let values = vec![
            1.0, 0.0, //
            0.9, 0.1, //
            0.0, 2.0, //
            -3.0, 0.0, //
            0.0, 0.0,
        ];
        Vectors::new(["east", "easterly", "north", "west", "nowhere"], 2, values).unwrap()
    }

    fn words(found: &[Neighbour]) -> Vec<&str> {
        found.iter().map(|n| n.word.as_str()).collect()
    }

    #[test]
    fn neighbours_by_hand() {
        let table = table();
        let found = table.most_similar(&[Term::Word("east")], &[], 3).unwrap();
        assert_eq!(words(&found), ["easterly", "north", "nowhere"]);
        assert!((found[0].score - 0.9 / 0.82f32.sqrt()).abs() < 1e-6);
        let both = table.most_similar(&[Term::Word("north")], &[Term::Word("east")], 1).unwrap();
        assert_eq!(words(&both), ["west"]);
        assert!((both[0].score - 0.5f32.sqrt()).abs() < 1e-6);
        let raw = table.most_similar(&[Term::Vector(&[0.0, -1.0])], &[], 9).unwrap();
        assert_eq!((raw.len(), words(&raw)[4]), (5, "north"));
        assert!((table.similarity("east", "west").unwrap() + 1.0).abs() < 1e-6);
        assert_eq!(table.doesnt_match(&["east", "easterly", "west"]).unwrap(), "west");
        // easterly: (1 + .99388) / 2 over (1 + .11043) / 2; nowhere: 1/2 over 1/2.
        let cosmul = table.most_similar_cosmul(&["east"], &["north"], 2).unwrap();
        assert_eq!(words(&cosmul), ["easterly", "nowhere"]);
        assert!((cosmul[0].score - 0.996_94 / 0.555_22).abs() < 1e-4);
    }

    #[test]
    fn queries_that_make_no_sense_are_refused() {
        let table = table();
        let error = table.most_similar(&[Term::Word("up")], &[], 3).unwrap_err().to_string();
        assert!(error.contains("\"up\"") && error.contains("no vector"), "{error}");
        assert!(table.most_similar(&[], &[], 3).is_err());
        assert!(table.most_similar(&[Term::Word("east")], &[], 0).is_err());
        assert!(table.most_similar(&[Term::Vector(&[1.0])], &[], 1).is_err());
        assert!(table.most_similar(&[Term::Vector(&[1.0, f32::NAN])], &[], 1).is_err());
        assert!(table.doesnt_match(&[]).is_err());
        assert!(table.similarity("east", "up").is_err());
    }

    #[test]
    fn cosines_of_any_length_are_those_of_double_precision() {
        for dim in [1, 3, 100, 257] {
            let n = 50;
            let values: Vec<f32> = (0..n * dim).map(|i| ((i * 37 % 101) as f32) - 50.0).collect();
            let table = Vectors::new((0..n).map(|i| i.to_string()), dim, values).unwrap();
            let cosines = table.cosines(table.row(7));
            for (row, got) in cosines.iter().enumerate() {
                let word = row.to_string();
                let want = table.similarity("7", &word).unwrap();
                assert!((got - want).abs() < 1e-5, "{got} is not {want}");
            }
        }
    }
}
