//! Any frame with the Arrow PyCapsule interface, read batch by batch.

use arrow_array::{ArrayRef, RecordBatch, RecordBatchReader};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3_arrow::input::AnyRecordBatch;
use rec_core::{Error, Result};

use crate::errors::OrRaise;

/// A frame opened for reading.
pub(crate) struct Frame {
    reader: Box<dyn RecordBatchReader + Send>,
    columns: Vec<String>,
}

impl Frame {
    /// Opens a frame of which these columns will be read.
    pub(crate) fn open(frame: &Bound<'_, PyAny>, wanted: &[&str]) -> PyResult<Self> {
        let frame = narrowed(frame, wanted)?;
        if !frame.hasattr("__arrow_c_stream__")? && !frame.hasattr("__arrow_c_array__")? {
            let kind = frame.get_type().fully_qualified_name()?;
            return Err(PyTypeError::new_err(format!(
                "{kind} has no Arrow PyCapsule interface; pass a pandas (2.2 or newer), polars, \
                 pyarrow or duckdb frame"
            )));
        }
        let reader = frame.extract::<AnyRecordBatch>()?.into_reader()?;
        let columns = reader.schema().fields().iter().map(|f| f.name().clone()).collect();
        let opened = Self { reader, columns };
        for column in wanted {
            opened.position(column).or_raise()?;
        }
        Ok(opened)
    }

    /// Where a column stands.
    pub(crate) fn position(&self, column: &str) -> Result<usize> {
        self.columns.iter().position(|c| c == column).ok_or_else(|| missing(column, &self.columns))
    }

    /// The column's type.
    pub(crate) fn kind(&self, column: usize) -> arrow_schema::DataType {
        self.reader.schema().field(column).data_type().clone()
    }

    /// Calls `read` with each batch and the row at which it begins.
    pub(crate) fn for_each(
        self,
        mut read: impl FnMut(&RecordBatch, usize) -> Result<()>,
    ) -> Result<()> {
        let mut row = 0;
        for batch in self.reader {
            let batch = batch.map_err(|e| Error::data("frame", e.to_string()))?;
            read(&batch, row)?;
            row += batch.num_rows();
        }
        Ok(())
    }
}

/// A column of a batch.
pub(crate) fn column(batch: &RecordBatch, at: usize) -> &ArrayRef {
    batch.column(at)
}

fn missing(column: &str, present: &[String]) -> Error {
    Error::MissingColumn {
        path: "<frame>".into(),
        column: column.into(),
        present: present.to_vec(),
    }
}

/// A pandas frame reduced to the wanted columns: the others need not be convertible.
fn narrowed<'py>(frame: &Bound<'py, PyAny>, wanted: &[&str]) -> PyResult<Bound<'py, PyAny>> {
    let module: String = frame.get_type().getattr("__module__")?.extract()?;
    if module.split('.').next() != Some("pandas") {
        return Ok(frame.clone());
    }
    let present: Vec<String> = frame
        .getattr("columns")?
        .try_iter()?
        .map(|c| Ok(c?.str()?.to_string()))
        .collect::<PyResult<_>>()?;
    for column in wanted {
        if !present.iter().any(|c| c == column) {
            return Err(missing(column, &present)).or_raise();
        }
    }
    let mut unique: Vec<&str> = wanted.to_vec();
    unique.sort_unstable();
    unique.dedup();
    frame.get_item(unique)
}
