//! Ids between Python (integers, strings, arrays of them) and the library.

use std::collections::HashMap;

use numpy::PyArray1;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyString};
use rec_core::data::{Id, IdMap, IdRef};

use crate::errors::{OrRaise, data};

/// One id: an integer or a string.
pub(crate) fn id_from_py(value: &Bound<'_, PyAny>, what: &str) -> PyResult<Id> {
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Id::from(text.to_cow()?.as_ref()));
    }
    let wrong = || {
        let kind = value.get_type().name().map(|n| n.to_string()).unwrap_or_default();
        PyTypeError::new_err(format!("{what}: an id is an integer or a string, not {kind}"))
    };
    if value.is_instance_of::<PyBool>() || value.is_none() {
        return Err(wrong());
    }
    if let Ok(number) = value.extract::<i64>() {
        return Ok(Id::Int(number));
    }
    if value.is_instance_of::<PyInt>() {
        // Wider than 64 bits: an id is identified by its text.
        return Ok(Id::from(value.str()?.to_cow()?.as_ref()));
    }
    Err(wrong())
}

/// A list, array, series or index of ids.
pub(crate) fn ids_from_py(values: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<Id>> {
    if values.is_instance_of::<PyString>() || values.is_instance_of::<PyInt>() {
        return Err(PyTypeError::new_err(format!(
            "{what}: pass a list of ids, such as [{}]",
            values.repr()?
        )));
    }
    let listed = as_list(values)?;
    listed.try_iter()?.map(|value| id_from_py(&value?, what)).collect()
}

/// A list of lists of ids.
pub(crate) fn id_lists_from_py(values: &Bound<'_, PyAny>, what: &str) -> PyResult<Vec<Vec<Id>>> {
    as_list(values)?.try_iter()?.map(|list| ids_from_py(&list?, what)).collect()
}

/// Arrays, series and Arrow columns turn into lists of Python values; the rest is iterated as is.
pub(crate) fn as_list<'py>(values: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    for method in ["tolist", "to_list", "to_pylist"] {
        if values.hasattr(method)? {
            return values.call_method0(method);
        }
    }
    Ok(values.clone())
}

/// The id map of ids in the caller's order. Strings come back as strings, whatever they spell.
pub(crate) fn id_map(ids: &[Id]) -> PyResult<IdMap> {
    if ids.iter().any(|id| matches!(id, Id::Str(_))) {
        let texts: Vec<String> = ids.iter().map(Id::to_string).collect();
        IdMap::from_strings(texts.iter().map(String::as_str)).or_raise()
    } else {
        IdMap::from_ids(ids).or_raise()
    }
}

/// A numpy array of all ids of a map: `int64` where they are integers, `object` otherwise.
pub(crate) fn map_to_py<'py>(py: Python<'py>, map: &IdMap) -> PyResult<Bound<'py, PyAny>> {
    match map.as_integers() {
        Some(values) => Ok(PyArray1::from_slice(py, values).into_any()),
        None => objects(py, map.iter()),
    }
}

/// A numpy array of the ids behind dense ids.
pub(crate) fn dense_to_py<'py>(
    py: Python<'py>,
    map: &IdMap,
    dense: impl Iterator<Item = Option<u32>>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(values) = map.as_integers() {
        let ids: Vec<i64> = dense.map(|d| d.map_or(-1, |d| values[d as usize])).collect();
        return Ok(PyArray1::from_vec(py, ids).into_any());
    }
    let mut made: HashMap<u32, Py<PyAny>> = HashMap::new();
    let ids: Vec<Py<PyAny>> = dense
        .map(|d| match d {
            None => py.None(),
            Some(d) => made
                .entry(d)
                .or_insert_with(|| match map.id(d) {
                    Some(id) => object(py, id),
                    None => py.None(),
                })
                .clone_ref(py),
        })
        .collect();
    Ok(PyArray1::from_owned_object_array(py, numpy::ndarray::Array1::from_vec(ids)).into_any())
}

/// A numpy array of ids: `int64` where all are integers, `object` otherwise.
pub(crate) fn ids_to_py<'py>(py: Python<'py>, ids: &[Id]) -> PyResult<Bound<'py, PyAny>> {
    let integers: Option<Vec<i64>> = ids
        .iter()
        .map(|id| match id {
            Id::Int(v) => Some(*v),
            Id::Str(_) => None,
        })
        .collect();
    match integers {
        Some(values) => Ok(PyArray1::from_vec(py, values).into_any()),
        None => objects(py, ids.iter().map(Id::as_ref)),
    }
}

/// One id as Python has it.
pub(crate) fn id_to_py(py: Python<'_>, id: IdRef<'_>) -> Py<PyAny> {
    object(py, id)
}

fn object(py: Python<'_>, id: IdRef<'_>) -> Py<PyAny> {
    match id {
        IdRef::Int(v) => PyInt::new(py, v).into_any().unbind(),
        IdRef::Str(s) => PyString::new(py, s).into_any().unbind(),
    }
}

fn objects<'py, 'a>(
    py: Python<'py>,
    ids: impl Iterator<Item = IdRef<'a>>,
) -> PyResult<Bound<'py, PyAny>> {
    let values: Vec<Py<PyAny>> = ids.map(|id| object(py, id)).collect();
    Ok(PyArray1::from_owned_object_array(py, numpy::ndarray::Array1::from_vec(values)).into_any())
}

/// An `[n, k]` numpy view of a flat array.
pub(crate) fn reshaped<'py>(
    array: Bound<'py, PyAny>,
    rows: usize,
    k: usize,
) -> PyResult<Bound<'py, PyAny>> {
    array.call_method1("reshape", (rows, k))
}

/// A history: items alone, or `(item, weight)` pairs, in order of time.
pub(crate) fn history_from_py(values: &Bound<'_, PyAny>) -> PyResult<Vec<(Id, f32)>> {
    if values.is_instance_of::<PyString>() {
        return Err(data("histories", "pass a list of histories, each a list of item ids"));
    }
    as_list(values)?
        .try_iter()?
        .map(|value| {
            let value = value?;
            match value.extract::<(Bound<'_, PyAny>, f32)>() {
                Ok((id, weight)) if !value.is_instance_of::<PyString>() => {
                    Ok((id_from_py(&id, "histories")?, weight))
                }
                _ => Ok((id_from_py(&value, "histories")?, 1.0)),
            }
        })
        .collect()
}
