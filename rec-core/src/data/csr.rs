//! A sparse matrix in compressed rows.

use rayon::prelude::*;

use crate::{Error, Result};

/// A sparse `[rows, cols]` matrix in compressed rows. Within a row the columns ascend and none is
/// repeated; without stored values every entry is 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Csr {
    indptr: Vec<usize>,
    indices: Vec<u32>,
    values: Option<Vec<f32>>,
    n_cols: usize,
}

impl Csr {
    /// A matrix from its parts.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Data`] where the parts do not make a matrix: `indptr` must
    /// start at 0, never fall and end at `indices.len()`; columns must ascend within a row and stay
    /// below `n_cols`; values must be as many as the indices.
    pub fn new(
        indptr: Vec<usize>,
        indices: Vec<u32>,
        values: Option<Vec<f32>>,
        n_cols: usize,
    ) -> Result<Self> {
        if indptr.first() != Some(&0) || indptr.last() != Some(&indices.len()) {
            return Err(Error::shape(
                "indptr of a sparse matrix",
                format!("0 .. {}", indices.len()),
                format!("{:?} .. {:?}", indptr.first(), indptr.last()),
            ));
        }
        if indptr.windows(2).any(|w| w[0] > w[1]) {
            return Err(Error::data("indptr of a sparse matrix", "it must never fall"));
        }
        if let Some(v) = &values
            && v.len() != indices.len()
        {
            return Err(Error::shape("values of a sparse matrix", indices.len(), v.len()));
        }
        for row in indptr.windows(2) {
            let cols = &indices[row[0]..row[1]];
            if cols.windows(2).any(|w| w[0] >= w[1]) {
                return Err(Error::data(
                    "sparse matrix",
                    "columns must ascend within a row, without repetition; call sum_duplicates()",
                ));
            }
            if cols.last().is_some_and(|&c| c as usize >= n_cols) {
                return Err(Error::shape("column of a sparse matrix", format!("< {n_cols}"), {
                    cols[cols.len() - 1]
                }));
            }
        }
        Ok(Self { indptr, indices, values, n_cols })
    }

    /// A matrix from rows of `(column, value)`, in any order; values of a repeated column add up.
    pub fn from_rows(rows: impl IntoIterator<Item = Vec<(u32, f32)>>, n_cols: usize) -> Self {
        let (mut indptr, mut indices, mut values) = (vec![0], Vec::new(), Vec::new());
        for mut row in rows {
            row.sort_unstable_by_key(|&(c, _)| c);
            for (c, v) in row {
                if indices.len() > indptr[indptr.len() - 1] && indices.last() == Some(&c) {
                    if let Some(last) = values.last_mut() {
                        *last += v;
                    }
                } else {
                    indices.push(c);
                    values.push(v);
                }
            }
            indptr.push(indices.len());
        }
        Self { indptr, indices, values: Some(values), n_cols }
    }

    /// A matrix with no entry.
    pub fn zeros(n_rows: usize, n_cols: usize) -> Self {
        Self { indptr: vec![0; n_rows + 1], indices: Vec::new(), values: None, n_cols }
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.indptr.len() - 1
    }

    /// Number of columns.
    pub fn n_cols(&self) -> usize {
        self.n_cols
    }

    /// Number of stored entries.
    pub fn nnz(&self) -> usize {
        self.indices.len()
    }

    /// Where each row starts, and the end: `[rows + 1]`.
    pub fn indptr(&self) -> &[usize] {
        &self.indptr
    }

    /// The columns of all rows, one row after another: `[nnz]`.
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// The values beside [`Csr::indices`], or `None` where every entry is 1.
    pub fn values(&self) -> Option<&[f32]> {
        self.values.as_deref()
    }

    /// The columns of one row, ascending.
    pub fn row(&self, row: usize) -> &[u32] {
        &self.indices[self.indptr[row]..self.indptr[row + 1]]
    }

    /// The values of one row, beside [`Csr::row`]; `None` where every entry is 1.
    pub fn row_values(&self, row: usize) -> Option<&[f32]> {
        self.values.as_ref().map(|v| &v[self.indptr[row]..self.indptr[row + 1]])
    }

    /// Columns and values of one row.
    pub fn iter_row(&self, row: usize) -> impl Iterator<Item = (u32, f32)> + '_ {
        let values = self.row_values(row);
        self.row(row).iter().enumerate().map(move |(i, &c)| (c, values.map_or(1.0, |v| v[i])))
    }

    /// Whether the entry is stored.
    pub fn contains(&self, row: usize, col: u32) -> bool {
        self.row(row).binary_search(&col).is_ok()
    }

    /// The transposed matrix.
    pub fn transpose(&self) -> Self {
        let mut indptr = vec![0usize; self.n_cols + 1];
        for &c in &self.indices {
            indptr[c as usize + 1] += 1;
        }
        for c in 0..self.n_cols {
            indptr[c + 1] += indptr[c];
        }
        let mut next = indptr.clone();
        let mut indices = vec![0u32; self.nnz()];
        let mut values = self.values.as_ref().map(|v| vec![0f32; v.len()]);
        for row in 0..self.n_rows() {
            for at in self.indptr[row]..self.indptr[row + 1] {
                let slot = &mut next[self.indices[at] as usize];
                indices[*slot] = row as u32;
                if let (Some(to), Some(from)) = (&mut values, &self.values) {
                    to[*slot] = from[at];
                }
                *slot += 1;
            }
        }
        Self { indptr, indices, values, n_cols: self.n_rows() }
    }

    /// How many rows hold each column: `[cols]`.
    pub fn column_counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.n_cols];
        for &c in &self.indices {
            counts[c as usize] += 1;
        }
        counts
    }

    /// The same pattern with values of the caller's choosing, given row, column and old value.
    pub fn map_values(&self, f: impl Fn(usize, u32, f32) -> f32 + Sync) -> Self {
        let mut values = vec![0f32; self.nnz()];
        let mut rest = values.as_mut_slice();
        let mut rows = Vec::with_capacity(self.n_rows());
        for row in 0..self.n_rows() {
            let (head, tail) = rest.split_at_mut(self.indptr[row + 1] - self.indptr[row]);
            rows.push(head);
            rest = tail;
        }
        rows.into_par_iter().enumerate().for_each(|(row, out)| {
            for (slot, (c, v)) in out.iter_mut().zip(self.iter_row(row)) {
                *slot = f(row, c, v);
            }
        });
        Self { values: Some(values), ..self.clone() }
    }

    /// The same pattern with every entry 1.
    pub fn binary(&self) -> Self {
        Self { values: None, ..self.clone() }
    }

    /// Bytes held in memory.
    pub fn memory(&self) -> usize {
        self.indptr.len() * 8 + self.nnz() * if self.values.is_some() { 8 } else { 4 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows() -> impl Strategy<Value = Vec<Vec<(u32, f32)>>> {
        proptest::collection::vec(
            proptest::collection::vec((0u32..9, (-4i8..5).prop_map(f32::from)), 0..12),
            1..9,
        )
    }

    proptest! {
        #[test]
        fn equals_its_dense_form_and_its_double_transpose(rows in rows()) {
            let m = Csr::from_rows(rows.clone(), 9);
            let mut dense = vec![[0f32; 9]; rows.len()];
            for (r, row) in rows.iter().enumerate() {
                for &(c, v) in row {
                    dense[r][c as usize] += v;
                }
            }
            for (r, want) in dense.iter().enumerate() {
                let mut got = [0f32; 9];
                m.iter_row(r).for_each(|(c, v)| got[c as usize] = v);
                prop_assert_eq!(&got, want);
            }
            prop_assert_eq!(m.transpose().transpose(), m.clone());
            let rebuilt = Csr::new(
                m.indptr().to_vec(), m.indices().to_vec(), m.values().map(<[f32]>::to_vec), 9,
            );
            prop_assert_eq!(rebuilt.unwrap(), m);
        }
    }

    #[test]
    fn bad_parts_are_refused() {
        assert!(Csr::new(vec![0, 1], vec![3], None, 3).is_err());
        assert!(Csr::new(vec![0, 2], vec![1, 1], None, 3).is_err());
        assert!(Csr::new(vec![0, 2, 1], vec![1], None, 3).is_err());
        assert!(Csr::new(vec![0, 1], vec![1], Some(vec![]), 3).is_err());
        assert!(Csr::new(vec![], vec![], None, 3).is_err());
    }
}
