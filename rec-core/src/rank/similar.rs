//! The most similar rows of a table of factors.

use super::{Factors, Scorer, Selection, TopK, product, top_k};
use crate::data::Csr;
use crate::{Error, Result};

/// The `k` rows of `factors` (`[n, dim]`, row-major) most similar to each of `rows`, itself left
/// out, best first; ties go to the smaller row. Similarity is the cosine of the two rows (0 where
/// a row is all zeros), or their inner product.
///
/// # Errors
/// [`Error::Parameter`] for a `k` of 0 or above the number of other rows, [`Error::Shape`] for rows
/// that are not there or a table that is not `[n, dim]`, [`Error::Data`] for NaN in the table.
pub fn similar_rows(
    factors: &[f32],
    dim: usize,
    rows: &[u32],
    k: usize,
    cosine: bool,
) -> Result<TopK> {
    let n = product::rows("factors", factors, dim)?;
    let others = n.saturating_sub(1);
    if k == 0 || k > others {
        return Err(Error::parameter("k", k, format!("choose 1 to {others} other rows")));
    }
    product::check_users(rows, n)?;
    let unit = cosine.then(|| normalised(factors, dim));
    let rows_of = unit.as_deref().unwrap_or(factors);
    let table = Tables { dim, queries: rows_of, rows: rows_of };
    let itself = Csr::new((0..=n).collect(), (0..n as u32).collect(), None, n)?;
    top_k(&table, rows, &Selection { seen: Some(&itself), ..Selection::top(k) })
}

/// The `k` rows of `table` (`[n, dim]`, row-major) most similar to each row of `queries`
/// (`[m, dim]`), best first, as [`similar_rows`] has it.
///
/// # Errors
/// [`Error::Parameter`] for a `k` of 0 or above the number of rows, [`Error::Shape`] for tables that
/// are not of `dim` columns, [`Error::Data`] for NaN in one.
pub fn nearest_rows(
    table: &[f32],
    queries: &[f32],
    dim: usize,
    k: usize,
    cosine: bool,
) -> Result<TopK> {
    let n = product::rows("table", table, dim)?;
    let m = product::rows("queries", queries, dim)?;
    if k == 0 || k > n {
        return Err(Error::parameter("k", k, format!("choose 1 to {n} rows")));
    }
    let unit = cosine.then(|| [normalised(table, dim), normalised(queries, dim)]);
    let (rows, queries) = match &unit {
        Some([table, queries]) => (table.as_slice(), queries.as_slice()),
        None => (table, queries),
    };
    let all: Vec<u32> = (0..m as u32).collect();
    top_k(&Tables { dim, queries, rows }, &all, &Selection::top(k))
}

/// Rows of length 1, rows of zeros left as they are.
fn normalised(factors: &[f32], dim: usize) -> Vec<f32> {
    let unit = |row: &[f32]| {
        let norm = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
        let scale = if norm == 0.0 { 0.0 } else { 1.0 / norm };
        row.iter().map(move |&x| (f64::from(x) * scale) as f32).collect::<Vec<_>>()
    };
    factors.chunks_exact(dim).flat_map(unit).collect()
}

/// Rows that are asked for, as users, and rows to choose from, as items.
struct Tables<'a> {
    dim: usize,
    queries: &'a [f32],
    rows: &'a [f32],
}

impl Scorer for Tables<'_> {
    fn n_users(&self) -> usize {
        self.queries.len() / self.dim
    }
    fn n_items(&self) -> usize {
        self.rows.len() / self.dim
    }
    fn score(&self, users: &[u32], out: &mut [f32]) -> Result<()> {
        self.as_factors().score(users, out)
    }
    fn factors(&self) -> Option<Factors<'_>> {
        Some(self.as_factors())
    }
}

impl Tables<'_> {
    fn as_factors(&self) -> Factors<'_> {
        Factors { dim: self.dim, users: self.queries, items: self.rows, item_bias: None }
    }
}
