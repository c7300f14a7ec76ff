//! Errors on their way to Python: each becomes the exception class of `rec.errors` that names it.

use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError};
use pyo3::prelude::*;
use rec_core::Error;

/// Turns a library result into one that Python can raise.
pub(crate) trait OrRaise<T> {
    fn or_raise(self) -> PyResult<T>;
}

impl<T> OrRaise<T> for Result<T, Error> {
    fn or_raise(self) -> PyResult<T> {
        self.map_err(|error| Python::attach(|py| exception(py, error)))
    }
}

/// A parameter error, for what this layer checks itself.
pub(crate) fn parameter(name: &str, value: impl std::fmt::Display, why: &str) -> PyErr {
    Python::attach(|py| exception(py, Error::parameter(name, value, why)))
}

/// A data error, for what this layer checks itself.
pub(crate) fn data(what: impl Into<String>, why: impl Into<String>) -> PyErr {
    Python::attach(|py| exception(py, Error::data(what, why)))
}

/// A failure that is a fault of this library, as a `RecError`.
pub(crate) fn internal(py: Python<'_>, what: &str) -> PyErr {
    let message = format!("internal error: {what}; please report it with the call that led here");
    build(py, "RecError", &message, &[]).unwrap_or_else(|e| e)
}

/// The Python exception of a library error.
pub(crate) fn exception(py: Python<'_>, error: Error) -> PyErr {
    raise(py, error).unwrap_or_else(|e| e)
}

fn raise(py: Python<'_>, error: Error) -> PyResult<PyErr> {
    let message = error.to_string();
    match &error {
        Error::Io { path, source } => return Ok(os_error(path, source)),
        Error::Cancelled(_) => return Ok(PyKeyboardInterrupt::new_err(message)),
        _ => {}
    }
    let (class, facts) = classify(&error);
    build(py, class, &message, &facts)
}

/// The class of `rec.errors` and the attributes an instance carries.
fn classify(error: &Error) -> (&'static str, Vec<(&'static str, String)>) {
    match error {
        Error::Stage { source, .. } => classify(source),
        Error::UnknownId { kind, id, .. } => {
            ("UnknownIdError", vec![("kind", kind.to_string()), ("id", id.clone())])
        }
        Error::Parameter { name, value, .. } => {
            ("ParameterError", vec![("name", name.clone()), ("value", value.clone())])
        }
        Error::Shape { .. } => ("ShapeError", vec![]),
        Error::Format { path, line, .. } => {
            let mut facts = vec![("path", path.display().to_string())];
            facts.extend(line.map(|line| ("line", line.to_string())));
            ("FormatError", facts)
        }
        Error::MissingColumn { path, .. } => {
            ("FormatError", vec![("path", path.display().to_string())])
        }
        Error::Empty { .. } | Error::Data { .. } => ("DataError", vec![]),
        Error::IdMismatch { .. } => ("IdMismatchError", vec![]),
        Error::Unsupported { .. } => ("UnsupportedError", vec![]),
        Error::TooLarge { .. } => ("TooLargeError", vec![]),
        Error::Version { path, .. } => ("VersionError", vec![("path", path.display().to_string())]),
        _ => ("RecError", vec![]),
    }
}

fn build(py: Python<'_>, class: &str, message: &str, facts: &[(&str, String)]) -> PyResult<PyErr> {
    let instance = py.import("rec.errors")?.getattr(class)?.call1((message,))?;
    for (name, value) in facts {
        match (*name, value.parse::<u64>()) {
            ("line", Ok(line)) => instance.setattr(*name, line)?,
            _ => instance.setattr(*name, value)?,
        }
    }
    Ok(PyErr::from_value(instance))
}

/// `OSError(errno, message, filename)`, which Python turns into `FileNotFoundError` and the like.
fn os_error(path: &std::path::Path, source: &std::io::Error) -> PyErr {
    match source.raw_os_error() {
        Some(code) => {
            let text = source.to_string();
            let text = text.split(" (os error").next().unwrap_or_default().to_owned();
            PyOSError::new_err((code, text, path.display().to_string()))
        }
        None => PyOSError::new_err(format!("{}: {source}", path.display())),
    }
}
