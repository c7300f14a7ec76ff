//! How alike two items are, by their vectors or their tags.

use crate::data::Csr;
use crate::{Error, Result};

/// Cosine similarity of item vectors, `[items, dim]` row-major; 0 for a zero vector or an item
/// past the table.
///
/// # Errors
/// [`Error::Shape`] unless the values make whole vectors.
pub fn cosine(values: &[f32], dim: usize) -> Result<impl Fn(u32, u32) -> f32 + Sync + '_> {
    if dim == 0 || !values.len().is_multiple_of(dim) {
        return Err(Error::shape("item vectors", format!("[items, {dim}]"), values.len()));
    }
    let norms: Vec<f32> =
        values.chunks_exact(dim).map(|v| v.iter().map(|x| x * x).sum::<f32>().sqrt()).collect();
    Ok(move |a: u32, b: u32| {
        let (a, b) = (a as usize, b as usize);
        let (Some(na), Some(nb)) = (norms.get(a), norms.get(b)) else { return 0.0 };
        let (va, vb) = (&values[a * dim..][..dim], &values[b * dim..][..dim]);
        let dot: f32 = va.iter().zip(vb).map(|(x, y)| x * y).sum();
        if na * nb > 0.0 { dot / (na * nb) } else { 0.0 }
    })
}

/// Jaccard similarity of item tags, `[items, tags]`; 0 for items without tags or past the table.
pub fn jaccard(tags: &Csr) -> impl Fn(u32, u32) -> f32 + Sync + '_ {
    move |a, b| {
        if a.max(b) as usize >= tags.n_rows() {
            return 0.0;
        }
        let (a, b) = (tags.row(a as usize), tags.row(b as usize));
        let both = a.iter().filter(|t| b.binary_search(t).is_ok()).count();
        let either = a.len() + b.len() - both;
        if either == 0 { 0.0 } else { both as f32 / either as f32 }
    }
}
