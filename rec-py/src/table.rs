//! Tables on their way out: an Arrow table, a pandas or a polars frame.

use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_array::{
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
    TimestampSecondArray,
};
use arrow_schema::{Field, Schema};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3_arrow::PyTable;
use rec_core::data::{Id, IdMap, TimeUnit};

use crate::errors::{internal, parameter};
use crate::ids::{dense_to_py, ids_to_py};

/// A column of a table.
pub(crate) enum Column<'a> {
    /// Dense ids, shown as the caller's.
    Dense(&'a IdMap, Vec<u32>),
    /// The caller's ids.
    Ids(Vec<Id>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Int(Vec<i64>),
    Time(Vec<i64>, TimeUnit),
}

/// Named columns of one length.
pub(crate) struct Table<'a>(pub(crate) Vec<(&'static str, Column<'a>)>);

impl Table<'_> {
    /// The frame of this library: `"pandas"`, `"polars"` or `"arrow"`; without a name pandas where
    /// it is installed, else an Arrow table.
    pub(crate) fn to_frame<'py>(
        &self,
        py: Python<'py>,
        library: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match library {
            Some("pandas") => self.to_pandas(&py.import("pandas")?),
            Some("polars") => {
                py.import("polars")?.getattr("DataFrame")?.call1((self.to_arrow(py)?,))
            }
            Some("arrow") => self.to_arrow(py),
            Some(other) => {
                Err(parameter("library", other, "choose \"pandas\", \"polars\" or \"arrow\""))
            }
            None => match py.import("pandas") {
                Ok(pandas) => self.to_pandas(&pandas),
                Err(_) => self.to_arrow(py),
            },
        }
    }

    fn to_pandas<'py>(&self, pandas: &Bound<'py, PyModule>) -> PyResult<Bound<'py, PyAny>> {
        let py = pandas.py();
        let columns = PyDict::new(py);
        for (name, column) in &self.0 {
            columns.set_item(name, column.to_numpy(py)?)?;
        }
        pandas.getattr("DataFrame")?.call1((columns,))
    }

    fn to_arrow<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (mut fields, mut arrays) = (Vec::new(), Vec::new());
        for (name, column) in &self.0 {
            let array = column.to_arrow();
            fields.push(Field::new(*name, array.data_type().clone(), false));
            arrays.push(array);
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(schema.clone(), arrays)
            .map_err(|e| internal(py, &e.to_string()))?;
        Ok(PyTable::try_new(vec![batch], schema)?.into_pyobject(py)?.into_any())
    }
}

impl Column<'_> {
    fn to_arrow(&self) -> ArrayRef {
        match self {
            Column::Dense(map, dense) => match map.as_integers() {
                Some(values) => Arc::new(Int64Array::from_iter_values(
                    dense.iter().map(|&d| values[d as usize]),
                )),
                None => Arc::new(StringArray::from_iter_values(
                    dense.iter().map(|&d| map.id(d).map(|id| id.to_string()).unwrap_or_default()),
                )),
            },
            Column::Ids(ids) => ids_to_arrow(ids),
            Column::Float(values) => Arc::new(Float32Array::from(values.clone())),
            Column::Double(values) => Arc::new(Float64Array::from(values.clone())),
            Column::Int(values) => Arc::new(Int64Array::from(values.clone())),
            Column::Time(values, unit) => times_to_arrow(values.clone(), *unit),
        }
    }

    fn to_numpy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Column::Dense(map, dense) => dense_to_py(py, map, dense.iter().map(|&d| Some(d))),
            Column::Ids(ids) => ids_to_py(py, ids),
            Column::Float(values) => Ok(PyArray1::from_slice(py, values).into_any()),
            Column::Double(values) => Ok(PyArray1::from_slice(py, values).into_any()),
            Column::Int(values) => Ok(PyArray1::from_slice(py, values).into_any()),
            Column::Time(values, unit) => {
                let array = PyArray1::from_slice(py, values).into_any();
                match numpy_unit(*unit) {
                    Some(unit) => array.call_method1("view", (format!("datetime64[{unit}]"),)),
                    None => Ok(array),
                }
            }
        }
    }
}

fn ids_to_arrow(ids: &[Id]) -> ArrayRef {
    let integers: Option<Vec<i64>> =
        ids.iter().map(|id| if let Id::Int(v) = id { Some(*v) } else { None }).collect();
    match integers {
        Some(values) => Arc::new(Int64Array::from(values)),
        None => Arc::new(StringArray::from_iter_values(ids.iter().map(Id::to_string))),
    }
}

fn times_to_arrow(values: Vec<i64>, unit: TimeUnit) -> ArrayRef {
    match unit {
        TimeUnit::Unknown => Arc::new(Int64Array::from(values)),
        TimeUnit::Second => Arc::new(TimestampSecondArray::from(values)),
        TimeUnit::Millisecond => Arc::new(TimestampMillisecondArray::from(values)),
        TimeUnit::Microsecond => Arc::new(TimestampMicrosecondArray::from(values)),
        TimeUnit::Nanosecond => Arc::new(TimestampNanosecondArray::from(values)),
    }
}

fn numpy_unit(unit: TimeUnit) -> Option<&'static str> {
    match unit {
        TimeUnit::Unknown => None,
        TimeUnit::Second => Some("s"),
        TimeUnit::Millisecond => Some("ms"),
        TimeUnit::Microsecond => Some("us"),
        TimeUnit::Nanosecond => Some("ns"),
    }
}
