//! The stage that puts items into clusters by their content.

use std::collections::HashMap;

use linfa::DatasetBase;
use linfa::traits::Fit as _;
use linfa_clustering::KMeans;
use linfa_ndarray::{Array2, ShapeError};
use rand::seq::SliceRandom as _;
use rayon::prelude::*;
use rec_core::data::{Csr, IdMap};
use rec_core::parallel;
use rec_core::rank::dot;
use rec_core::rng::stream;

use super::config::Clusters;
use super::content::{Dense, Labels};
use crate::fit::FitContext;
use crate::{Error, Result};

/// Passes of k-means at most.
const PASSES: u64 = 100;

/// The cluster of each item, none for items without a vector. `vectors` have length 1 or 0, `words` are
/// parted by spaces; both by the rows of the table.
pub(super) fn clusters(
    vectors: &Dense,
    words: &[String],
    options: &Clusters,
    seed: u64,
    ctx: &FitContext<'_>,
) -> Result<Labels> {
    let dim = vectors.dim;
    let row = |at: usize| &vectors.values[at * dim..][..dim];
    let known: Vec<usize> =
        (0..words.len()).filter(|&at| row(at).iter().any(|&x| x != 0.0)).collect();
    let count = match options.count {
        Some(count) if count > known.len().min(options.max_items) => {
            let have = known.len().min(options.max_items);
            let why = format!("{have} items with a vector are clustered; choose fewer");
            return Err(Error::parameter("count", count, why));
        }
        Some(count) => count,
        None => ((known.len() as f64 / 2.0).sqrt() as usize).clamp(1, 100),
    };
    if known.is_empty() {
        let why = "no item has a content vector; look at the text fields, or leave clusters out";
        return Err(Error::empty("content vectors", why));
    }
    let mut drawn = known.clone();
    drawn.shuffle(&mut stream(seed, "pipeline.clusters", 0));
    drawn.truncate(options.max_items);
    let own = parallel::install(ctx.threads, || {
        let centres = centres(drawn.iter().map(|&at| row(at)), dim, count)?;
        let nearest = |&at: &usize| {
            let like = centres.chunks_exact(dim).map(|centre| dot(row(at), centre));
            let best = (0u32..).zip(like).max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
            best.map_or(0, |(cluster, _)| cluster)
        };
        Ok(known.par_iter().map(nearest).collect::<Vec<u32>>())
    })?;
    let names = names(&known, &own, count, words, options.words);
    let mut rows = vec![Vec::new(); words.len()];
    known.iter().zip(own).for_each(|(&at, cluster)| rows[at].push((cluster, 1.0)));
    Ok(Labels { names, rows: Csr::from_rows(rows, count) })
}

/// `[count, dim]`, at length 1.
fn centres<'v>(
    rows: impl ExactSizeIterator<Item = &'v [f32]>,
    dim: usize,
    count: usize,
) -> Result<Vec<f32>> {
    let n = rows.len();
    let values: Vec<f32> = rows.flatten().copied().collect();
    let shape = |e: ShapeError| Error::shape("vectors", "[items, dim]", e.to_string());
    let values = Array2::from_shape_vec((n, dim), values).map_err(shape)?;
    let found = KMeans::params(count)
        .n_runs(1)
        .max_n_iterations(PASSES)
        .tolerance(1e-3)
        .fit(&DatasetBase::from(values))
        .map_err(|e| Error::data("clusters of content", e.to_string()))?;
    let mut centres: Vec<f32> = found.centroids().iter().copied().collect();
    for centre in centres.chunks_exact_mut(dim) {
        let norm = dot(centre, centre).sqrt();
        if norm > 0.0 {
            centre.iter_mut().for_each(|x| *x /= norm);
        }
    }
    Ok(centres)
}

/// Each cluster's most telling words, `tf · ln(1 + A / f)` with the word's share `tf` of the cluster's
/// words, its number `f` in all of them, and the mean number `A` of a cluster's words. A name that is
/// taken gets a number.
fn names(items: &[usize], own: &[u32], count: usize, words: &[String], most: usize) -> IdMap {
    let mut each: Vec<HashMap<&str, f64>> = vec![HashMap::new(); count];
    let mut all: HashMap<&str, f64> = HashMap::new();
    for (&item, &cluster) in items.iter().zip(own) {
        for word in words[item].split(' ').filter(|word| word.chars().count() > 1) {
            *each[cluster as usize].entry(word).or_default() += 1.0;
            *all.entry(word).or_default() += 1.0;
        }
    }
    let mean = all.values().sum::<f64>() / count as f64;
    let mut names = IdMap::strings();
    for (at, counts) in each.iter().enumerate() {
        let total: f64 = counts.values().sum();
        let telling = |(&word, n): (&&'_ str, &f64)| {
            (word.to_owned(), n / total * (1.0 + mean / all.get(word).unwrap_or(&1.0)).ln())
        };
        let mut best: Vec<(String, f64)> = counts.iter().map(telling).collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        let best: Vec<String> = best.into_iter().take(most).map(|(word, _)| word).collect();
        let name = match best.is_empty() {
            true => format!("cluster {}", at + 1),
            false => best.join(" / "),
        };
        let mut free = (1..).map(|n| if n == 1 { name.clone() } else { format!("{name} ({n})") });
        let fresh = free.find(|name| names.get(name.as_str()).is_none());
        names.intern_str(&fresh.unwrap_or(name));
    }
    names
}
