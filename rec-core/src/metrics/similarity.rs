//! How alike two items are, for diversity.

use crate::data::{Csr, VectorField};
use crate::{Error, Result};

/// A symmetric similarity of dense items, 1 for the same, at least −1.
pub trait ItemSimilarity: Sync {
    /// How alike two different items are.
    fn similarity(&self, a: u32, b: u32) -> f64;

    /// Items it covers: ids stay below.
    fn n_items(&self) -> usize;
}

/// Jaccard similarity of tag sets, `|A ∩ B| / |A ∪ B|`. Items without tags are like no other.
/// The rows of the matrix are items ([`crate::data::Items::tags_for`] gives a model's order).
#[derive(Clone, Debug)]
pub struct TagJaccard<'a>(pub &'a Csr);

impl ItemSimilarity for TagJaccard<'_> {
    fn similarity(&self, a: u32, b: u32) -> f64 {
        let (a, b) = (self.0.row(a as usize), self.0.row(b as usize));
        let shared = intersection(a, b);
        let union = a.len() + b.len() - shared;
        if union == 0 { 0.0 } else { shared as f64 / union as f64 }
    }

    fn n_items(&self) -> usize {
        self.0.n_rows()
    }
}

/// Cosine of tag sets, `|A ∩ B| / √(|A| · |B|)`. Items without tags are like no other.
#[derive(Clone, Debug)]
pub struct TagCosine<'a>(pub &'a Csr);

impl ItemSimilarity for TagCosine<'_> {
    fn similarity(&self, a: u32, b: u32) -> f64 {
        let (a, b) = (self.0.row(a as usize), self.0.row(b as usize));
        let norm = ((a.len() * b.len()) as f64).sqrt();
        if norm == 0.0 { 0.0 } else { intersection(a, b) as f64 / norm }
    }

    fn n_items(&self) -> usize {
        self.0.n_rows()
    }
}

fn intersection(a: &[u32], b: &[u32]) -> usize {
    let (mut i, mut j, mut shared) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        match a[i].cmp(&b[j]) {
            std::cmp::Ordering::Less => i += 1,
            std::cmp::Ordering::Greater => j += 1,
            std::cmp::Ordering::Equal => {
                shared += 1;
                i += 1;
                j += 1;
            }
        }
    }
    shared
}

/// Cosine of vectors, `⟨a, b⟩ / (‖a‖ · ‖b‖)`. A vector of zeros is like no other.
#[derive(Clone, Debug)]
pub struct VectorCosine {
    dim: usize,
    unit: Vec<f32>,
}

impl VectorCosine {
    /// From `values`: `[items, dim]`, row-major.
    ///
    /// # Errors
    /// [`Error::Shape`] where the values are no such table, [`Error::Data`] where one is not
    /// finite.
    pub fn new(dim: usize, values: &[f32]) -> Result<Self> {
        if dim == 0 || !values.len().is_multiple_of(dim) {
            return Err(Error::shape("item vectors", format!("[items, {dim}]"), values.len()));
        }
        if values.iter().any(|v| !v.is_finite()) {
            return Err(Error::data("item vectors", "NaN or infinite values in them"));
        }
        let mut unit = values.to_vec();
        for row in unit.chunks_exact_mut(dim) {
            let norm = row.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
            if norm > 0.0 {
                row.iter_mut().for_each(|v| *v = (f64::from(*v) / norm) as f32);
            }
        }
        Ok(Self { dim, unit })
    }

    /// From a field of an item table, whose rows must be in the order of the model's items.
    ///
    /// # Errors
    /// As [`VectorCosine::new`].
    pub fn of_field(field: &VectorField) -> Result<Self> {
        Self::new(field.dim, &field.values)
    }

    fn row(&self, item: u32) -> &[f32] {
        &self.unit[item as usize * self.dim..][..self.dim]
    }
}

impl ItemSimilarity for VectorCosine {
    fn similarity(&self, a: u32, b: u32) -> f64 {
        self.row(a).iter().zip(self.row(b)).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum()
    }

    fn n_items(&self) -> usize {
        self.unit.len() / self.dim
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let tags = Csr::new(vec![0, 2, 5, 5], vec![0, 1, 1, 2, 3], None, 4).unwrap();
        assert_eq!(TagJaccard(&tags).similarity(0, 1), 0.25);
        assert_eq!(TagJaccard(&tags).similarity(2, 2), 0.0);
        assert!((TagCosine(&tags).similarity(0, 1) - 1.0 / 6f64.sqrt()).abs() < 1e-12);
        let cosine = VectorCosine::new(2, &[3.0, 4.0, 8.0, 6.0, 0.0, 0.0]).unwrap();
        assert!((cosine.similarity(0, 1) - 0.96).abs() < 1e-6);
        assert_eq!(cosine.similarity(0, 2), 0.0);
        assert_eq!(cosine.n_items(), 3);
        assert!(VectorCosine::new(2, &[1.0]).is_err());
        assert!(VectorCosine::new(1, &[f32::NAN]).is_err());
    }
}
