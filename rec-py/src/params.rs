//! Estimators from Python keyword arguments, each argument checked by name.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub(crate) use rec_models::configure;

/// Named parameters, in JSON's types.
pub(crate) type Params = Map<String, Value>;

/// The parameters in a dictionary.
pub(crate) fn params_from_py(params: &Bound<'_, PyDict>) -> PyResult<Params> {
    params
        .iter()
        .map(|(name, value)| {
            let name: String = name.extract()?;
            let value = to_json(&name, &value)?;
            Ok((name, value))
        })
        .collect()
}

/// A whole value from a dictionary.
pub(crate) fn settings<T: DeserializeOwned>(name: &str, given: &Bound<'_, PyDict>) -> PyResult<T> {
    serde_json::from_value(serde_json::Value::Object(params_from_py(given)?))
        .map_err(|e| crate::errors::parameter(name, "…", &e.to_string()))
}

fn to_json(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if value.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = value.cast::<PyBool>() {
        return Ok(Value::Bool(flag.is_true()));
    }
    if value.is_instance_of::<PyInt>() {
        return match (value.extract::<i64>(), value.extract::<u64>()) {
            (Ok(v), _) => Ok(Value::from(v)),
            (_, Ok(v)) => Ok(Value::from(v)),
            _ => Err(crate::errors::parameter(name, value.str()?, "past the range of 64 bits")),
        };
    }
    if value.is_instance_of::<PyFloat>() {
        let number: f64 = value.extract()?;
        return match serde_json::Number::from_f64(number) {
            Some(number) => Ok(Value::Number(number)),
            None => Err(crate::errors::parameter(name, number, "give a finite number")),
        };
    }
    if let Ok(text) = value.cast::<PyString>() {
        return Ok(Value::String(text.to_cow()?.into_owned()));
    }
    if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
        let items = value.try_iter()?.map(|v| to_json(name, &v?)).collect::<PyResult<Vec<_>>>()?;
        return Ok(Value::Array(items));
    }
    if let Ok(dict) = value.cast::<PyDict>() {
        return Ok(Value::Object(params_from_py(dict)?));
    }
    if value.hasattr("dtype")? && value.hasattr("item")? {
        return to_json(name, &value.call_method0("item")?);
    }
    let kind = value.get_type().fully_qualified_name()?;
    Err(PyTypeError::new_err(format!("parameter {name}: a {kind} cannot be a parameter")))
}

/// JSON as Python objects.
pub(crate) fn to_py<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(flag) => PyBool::new(py, *flag).to_owned().into_any(),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(v), _, _) => v.into_pyobject(py)?.into_any(),
            (_, Some(v), _) => v.into_pyobject(py)?.into_any(),
            (_, _, v) => v.unwrap_or(f64::NAN).into_pyobject(py)?.into_any(),
        },
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => {
            let list = PyList::empty(py);
            for item in items {
                list.append(to_py(py, item)?)?;
            }
            list.into_any()
        }
        Value::Object(entries) => {
            let dict = PyDict::new(py);
            for (name, entry) in entries {
                dict.set_item(name, to_py(py, entry)?)?;
            }
            dict.into_any()
        }
    })
}
