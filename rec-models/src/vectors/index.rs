//! Nearest neighbours without looking at every word.

use std::sync::Arc;

use instant_distance::{Builder, HnswMap, Point, Search};
use rand::seq::index::sample;
use rayon::prelude::*;
use rec_core::{parallel, rng};

use super::nearest::dot;
use super::{Neighbour, Term, Vectors};
use crate::{Error, Result};

/// How an index is built and searched: hierarchical navigable small worlds (Malkov and Yashunin,
/// "Efficient and robust approximate nearest neighbor search using hierarchical navigable small world
/// graphs", TPAMI 2020), with 32 neighbours a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexOptions {
    /// Candidates looked at for a new word's neighbours: more make a better graph, and take longer.
    pub ef_construction: usize,
    /// Candidates kept in a search, and so the most neighbours that one gives: more find more of the
    /// true ones.
    pub ef_search: usize,
    /// Seed of the words' layers.
    pub seed: u64,
    /// Threads that build; `None` for all cores. With 1 the graph depends on the seed alone.
    pub threads: Option<usize>,
}

impl Default for IndexOptions {
    fn default() -> Self {
        Self { ef_construction: 200, ef_search: 100, seed: 0, threads: None }
    }
}

/// An approximate index of a table's vectors by cosine. It holds a copy of them at length 1.
pub struct VectorIndex {
    map: HnswMap<Unit, u32>,
    options: IndexOptions,
    len: usize,
    dim: usize,
}

/// A vector at length 1.
#[derive(Clone)]
struct Unit(Arc<[f32]>);

impl Point for Unit {
    fn distance(&self, other: &Self) -> f32 {
        1.0 - dot(&self.0, &other.0)
    }
}

fn unit(vector: &[f32], scale: f32) -> Unit {
    Unit(vector.iter().map(|x| x * scale).collect())
}

impl std::fmt::Debug for VectorIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { options, len, dim, .. } = self;
        f.debug_struct("VectorIndex")
            .field("options", options)
            .field("len", len)
            .field("dim", dim)
            .finish_non_exhaustive()
    }
}

impl VectorIndex {
    /// Builds the index of a table.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an `ef_construction` or `ef_search` of 0, or for 0 threads.
    pub fn build(vectors: &Vectors, options: &IndexOptions) -> Result<Self> {
        for (name, value) in
            [("ef_construction", options.ef_construction), ("ef_search", options.ef_search)]
        {
            if value == 0 {
                return Err(Error::parameter(name, 0, "keep at least 1 candidate"));
            }
        }
        let rows = 0..vectors.len() as u32;
        let points = rows.clone().map(|row| unit(vectors.row(row), vectors.scale(row))).collect();
        let builder = Builder::default()
            .ef_construction(options.ef_construction)
            .ef_search(options.ef_search)
            .seed(options.seed);
        let map = parallel::install(options.threads, || Ok(builder.build(points, rows.collect())))?;
        Ok(Self { map, options: *options, len: vectors.len(), dim: vectors.dim() })
    }

    /// As [`Vectors::most_similar`] of the table that the index was built of, but for the neighbours
    /// that the search misses.
    ///
    /// # Errors
    /// As [`Vectors::most_similar`]; [`Error::Parameter`] for more neighbours, the words of the query
    /// counted, than `ef_search`; [`Error::Shape`] for another table.
    pub fn most_similar(
        &self,
        vectors: &Vectors,
        positive: &[Term<'_>],
        negative: &[Term<'_>],
        k: usize,
    ) -> Result<Vec<Neighbour>> {
        if (vectors.len(), vectors.dim()) != (self.len, self.dim) {
            let (expected, got) = ((self.len, self.dim), (vectors.len(), vectors.dim()));
            let [expected, got] = [expected, got].map(|(n, d)| format!("[{n}, {d}]"));
            return Err(Error::shape("the table of an index", expected, got));
        }
        let (query, asked) = vectors.query(positive, negative)?;
        let most = self.options.ef_search.saturating_sub(asked.len());
        if k == 0 || k > most.min(self.len) {
            let why = format!(
                "ask for 1 to {} words, or build the index with a larger ef_search",
                most.min(self.len)
            );
            return Err(Error::parameter("k", k, why));
        }
        let found = self.rows(&query, k + asked.len());
        let found = found.into_iter().filter(|(row, _)| !asked.contains(row)).take(k);
        Ok(found.map(|(row, score)| vectors.neighbour(row, score)).collect())
    }

    /// The share of the true `k` nearest neighbours that the index finds, over `queries` words of the
    /// table drawn without repetition: recall@k.
    ///
    /// # Errors
    /// As [`VectorIndex::most_similar`]; [`Error::Parameter`] for 0 queries.
    pub fn recall(&self, vectors: &Vectors, k: usize, queries: usize, seed: u64) -> Result<f64> {
        if queries == 0 {
            return Err(Error::parameter("queries", 0, "ask with at least 1 word"));
        }
        let mut rng = rng::stream(seed, "index.recall", 0);
        let rows = sample(&mut rng, vectors.len(), queries.min(vectors.len())).into_vec();
        let found = rows
            .par_iter()
            .map(|&row| {
                let word = [Term::Word(vectors.word(row as u32).unwrap_or_default())];
                let exact = vectors.most_similar(&word, &[], k)?;
                let ours = self.most_similar(vectors, &word, &[], k)?;
                let hit = |n: &&Neighbour| ours.iter().any(|o| o.row == n.row);
                Ok((exact.iter().filter(hit).count(), exact.len()))
            })
            .try_reduce(|| (0, 0), |a, b| Ok((a.0 + b.0, a.1 + b.1)))?;
        Ok(found.0 as f64 / found.1.max(1) as f64)
    }

    /// Rows and cosines, best first.
    fn rows(&self, query: &[f32], k: usize) -> Vec<(u32, f32)> {
        let query = unit(query, super::table::scale(query));
        let mut search = Search::default();
        let items = self.map.search(&query, &mut search).take(k);
        items.map(|item| (*item.value, 1.0 - item.distance)).collect()
    }
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;

    /// Clouds about 40 centres.
    fn table(n: usize, dim: usize) -> Vectors {
        let mut rng = rng::stream(1, "test", 0);
        let mut draw = move || rng.random::<f32>() - 0.5;
        let centres: Vec<f32> = (0..40 * dim).map(|_| draw()).collect();
        let values = (0..n * dim)
            .map(|at| centres[(at / dim % 40) * dim + at % dim] + 0.4 * draw())
            .collect();
        Vectors::new((0..n).map(|row| row.to_string()), dim, values).unwrap()
    }

    #[test]
    fn nearly_all_true_neighbours_are_found() {
        let vectors = table(3000, 24);
        let options = IndexOptions { threads: Some(1), ..IndexOptions::default() };
        let index = VectorIndex::build(&vectors, &options).unwrap();
        let recall = index.recall(&vectors, 10, 200, 1).unwrap();
        assert!(recall > 0.95, "{recall}");
        let poor = IndexOptions { ef_construction: 2, ef_search: 11, ..options };
        let poor = VectorIndex::build(&vectors, &poor).unwrap();
        let lower = poor.recall(&vectors, 10, 200, 1).unwrap();
        assert!(lower < recall, "{lower} {recall}");
        let ask = [Term::Word("7"), Term::Word("8")];
        let found = index.most_similar(&vectors, &ask, &[Term::Word("9")], 5).unwrap();
        let exact = vectors.most_similar(&ask, &[Term::Word("9")], 5).unwrap();
        assert_eq!(found[0].word, exact[0].word);
        assert!((found[0].score - exact[0].score).abs() < 1e-5);
        assert!(found.iter().all(|n| !["7", "8", "9"].contains(&n.word.as_str())));
        let again = VectorIndex::build(&vectors, &options).unwrap();
        assert_eq!(again.most_similar(&vectors, &ask, &[], 50).unwrap(), {
            index.most_similar(&vectors, &ask, &[], 50).unwrap()
        });
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let vectors = table(120, 3);
        let index = VectorIndex::build(&vectors, &IndexOptions::default()).unwrap();
        let word = [Term::Word("1")];
        for k in [0, 100, 1000] {
            assert!(matches!(
                index.most_similar(&vectors, &word, &[], k),
                Err(Error::Parameter { .. })
            ));
        }
        assert_eq!(index.most_similar(&vectors, &word, &[], 99).unwrap().len(), 99);
        assert!(index.most_similar(&vectors, &[Term::Word("x")], &[], 1).is_err());
        assert!(index.most_similar(&table(119, 3), &word, &[], 1).is_err());
        assert!(index.recall(&vectors, 10, 0, 1).is_err());
        let none = IndexOptions { ef_search: 0, ..IndexOptions::default() };
        assert!(VectorIndex::build(&vectors, &none).is_err());
        let one = Vectors::new(["a"], 2, vec![0.0, 0.0]).unwrap();
        let alone = VectorIndex::build(&one, &IndexOptions::default()).unwrap();
        assert!(alone.most_similar(&one, &[Term::Vector(&[1.0, 0.0])], &[], 1).is_ok());
    }
}
