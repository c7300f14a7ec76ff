//! Texts from Python: a string, or many in a list, array, series or Arrow column.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyString;
use pyo3_arrow::input::AnyArray;
use rec_core::Result;
use rec_core::text::Pipeline;
use rec_core::text::pipeline::Processed;

use crate::columns::{Place, texts};
use crate::errors::{OrRaise, data};
use crate::ids::as_list;

/// Texts processed between two looks for Ctrl-C.
const PART: usize = 1 << 15;

/// One text. A Python string may hold half a surrogate pair, which no UTF-8 can.
pub(crate) fn text_from_py(text: &Bound<'_, PyAny>) -> PyResult<PyBackedStr> {
    let Ok(string) = text.cast::<PyString>() else {
        let kind = text.get_type().name()?;
        return Err(PyTypeError::new_err(format!("text: a string is needed, not {kind}")));
    };
    PyBackedStr::try_from(string.clone()).map_err(|_| {
        let why = "it holds half a surrogate pair; read it with errors=\"replace\", or encode it \
                   with \"surrogatepass\" and decode it again";
        data("text", why)
    })
}

/// Many texts.
pub(crate) enum Texts {
    /// Python's own strings, not copied.
    Strings(Vec<PyBackedStr>),
    /// Copied from Arrow.
    Owned(Vec<String>),
}

impl Texts {
    pub(crate) fn from_py(values: &Bound<'_, PyAny>) -> PyResult<Self> {
        if values.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err("texts: pass a list of strings, such as [text]"));
        }
        // A pandas Series turns into Arrow only where pyarrow is installed; its list is always there.
        let module: String = values.get_type().getattr("__module__")?.extract()?;
        let pandas = module.split('.').next() == Some("pandas");
        let arrow = values.hasattr("__arrow_c_stream__")? || values.hasattr("__arrow_c_array__")?;
        if arrow && !pandas {
            return Self::from_arrow(values);
        }
        let mut strings = Vec::new();
        for (row, value) in as_list(values)?.try_iter()?.enumerate() {
            let text = text_from_py(&value?);
            strings.push(text.map_err(|e| in_row(values.py(), e, row))?);
        }
        Ok(Self::Strings(strings))
    }

    fn from_arrow(values: &Bound<'_, PyAny>) -> PyResult<Self> {
        let reader = values.extract::<AnyArray>()?.into_reader()?;
        let mut owned: Vec<String> = Vec::new();
        for array in reader {
            let array = array.map_err(|e| data("texts", e.to_string()))?;
            let place = Place { column: "texts", first_row: owned.len() };
            for (row, text) in texts(&array, place).or_raise()?.into_iter().enumerate() {
                let missing = || place.error(row, "the text is missing; drop or fill such rows");
                owned.push(text.ok_or_else(missing).or_raise()?);
            }
        }
        Ok(Self::Owned(owned))
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Strings(texts) => texts.len(),
            Self::Owned(texts) => texts.len(),
        }
    }

    pub(crate) fn as_strs(&self) -> Vec<&str> {
        match self {
            Self::Strings(texts) => texts.iter().map(|text| &**text).collect(),
            Self::Owned(texts) => texts.iter().map(String::as_str).collect(),
        }
    }

    /// What a pipeline makes of each text; `check` is asked now and then whether to go on.
    pub(crate) fn process(
        &self,
        pipeline: &Pipeline,
        check: impl Fn() -> Result<()>,
    ) -> Result<Vec<Processed>> {
        match self {
            Self::Strings(texts) => process(texts, pipeline, check),
            Self::Owned(texts) => process(texts, pipeline, check),
        }
    }
}

fn process<S: AsRef<str> + Sync>(
    texts: &[S],
    pipeline: &Pipeline,
    check: impl Fn() -> Result<()>,
) -> Result<Vec<Processed>> {
    let mut all = Vec::with_capacity(texts.len());
    for part in texts.chunks(PART) {
        check()?;
        all.extend(pipeline.process_batch(part)?);
    }
    Ok(all)
}

/// The same error, of the same class, that names the row.
fn in_row(py: Python<'_>, error: PyErr, row: usize) -> PyErr {
    let message = format!("row {row}: {}", error.value(py));
    match error.get_type(py).call1((message,)) {
        Ok(instance) => PyErr::from_value(instance),
        Err(_) => error,
    }
}
