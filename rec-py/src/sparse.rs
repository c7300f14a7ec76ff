//! scipy sparse matrices in and out, by their arrays: scipy itself is imported only to make one.

use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::data::Csr;

use crate::errors::{OrRaise, data};

/// A matrix from anything with `tocsr()`. Stored zeros are dropped, repeated entries added up;
/// the caller's matrix is left as it is.
pub(crate) fn from_scipy(matrix: &Bound<'_, PyAny>) -> PyResult<Csr> {
    if !matrix.hasattr("tocsr")? {
        let kind = matrix.get_type().fully_qualified_name()?;
        return Err(PyTypeError::new_err(format!(
            "expected a scipy sparse matrix (CSR, CSC or COO), got {kind}; wrap an array as \
             scipy.sparse.csr_matrix(array)"
        )));
    }
    let mut csr = matrix.call_method0("tocsr")?;
    let canonical: bool = csr.getattr("has_canonical_format")?.extract()?;
    if !canonical {
        csr = csr.call_method0("copy")?;
        csr.call_method0("sum_duplicates")?;
    }
    let values = values(&csr.getattr("data")?)?;
    let indptr = integers(&csr.getattr("indptr")?)?;
    let indices = integers(&csr.getattr("indices")?)?;
    let (_, n_cols): (usize, usize) = csr.getattr("shape")?.extract()?;
    if let Some(at) = values.iter().position(|v| !v.is_finite()) {
        let row = indptr.partition_point(|&start| start <= at as i64).saturating_sub(1);
        let column = indices.get(at).copied().unwrap_or(-1);
        return Err(data(
            format!("matrix entry [{row}, {column}]"),
            "not a finite 32-bit number; clean the matrix first",
        ));
    }
    without_zeros(&indptr, &indices, &values, n_cols)
}

fn values(array: &Bound<'_, PyAny>) -> PyResult<Vec<f32>> {
    let kind: String = array.getattr("dtype")?.getattr("kind")?.extract()?;
    if !["f", "i", "u", "b"].contains(&kind.as_str()) {
        let dtype = array.getattr("dtype")?.str()?;
        return Err(data("matrix", format!("values of type {dtype}; use real numbers")));
    }
    // A value past the range of f32 becomes infinite and is refused by its place.
    let numpy = array.py().import("numpy")?;
    let quiet = PyDict::new(array.py());
    quiet.set_item("over", "ignore")?;
    let guard = numpy.getattr("errstate")?.call((), Some(&quiet))?;
    guard.call_method0("__enter__")?;
    let cast = array.call_method1("astype", ("float32",));
    guard.call_method1("__exit__", (array.py().None(), array.py().None(), array.py().None()))?;
    let cast = cast?;
    Ok(cast.cast::<PyArray1<f32>>()?.readonly().as_slice()?.to_vec())
}

fn integers(array: &Bound<'_, PyAny>) -> PyResult<Vec<i64>> {
    let cast = array.call_method1("astype", ("int64",))?;
    let cast: PyReadonlyArray1<'_, i64> = cast.cast::<PyArray1<i64>>()?.readonly();
    Ok(cast.as_slice()?.to_vec())
}

fn without_zeros(indptr: &[i64], indices: &[i64], values: &[f32], n_cols: usize) -> PyResult<Csr> {
    let broken = || data("matrix", "indptr and indices do not make a CSR matrix");
    let (mut starts, mut columns, mut kept) = (vec![0usize], Vec::new(), Vec::new());
    for row in indptr.windows(2) {
        let range = usize::try_from(row[0]).map_err(|_| broken())?
            ..usize::try_from(row[1]).map_err(|_| broken())?;
        let cols = indices.get(range.clone()).ok_or_else(broken)?;
        for (&column, &value) in cols.iter().zip(values.get(range).ok_or_else(broken)?) {
            if value != 0.0 {
                columns.push(u32::try_from(column).map_err(|_| broken())?);
                kept.push(value);
            }
        }
        starts.push(columns.len());
    }
    let weighted = kept.iter().any(|&v| v != 1.0);
    Csr::new(starts, columns, weighted.then_some(kept), n_cols).or_raise()
}

/// `scipy.sparse.csr_matrix` of float32.
pub(crate) fn to_scipy<'py>(py: Python<'py>, matrix: &Csr) -> PyResult<Bound<'py, PyAny>> {
    let values = match matrix.values() {
        Some(values) => PyArray1::from_slice(py, values),
        None => PyArray1::from_vec(py, vec![1f32; matrix.nnz()]),
    };
    let indices: Vec<i64> = matrix.indices().iter().map(|&c| i64::from(c)).collect();
    let indptr: Vec<i64> = matrix.indptr().iter().map(|&p| p as i64).collect();
    let options = PyDict::new(py);
    options.set_item("shape", (matrix.n_rows(), matrix.n_cols()))?;
    let parts = (values, PyArray1::from_vec(py, indices), PyArray1::from_vec(py, indptr));
    py.import("scipy.sparse")?.getattr("csr_matrix")?.call((parts,), Some(&options))
}
