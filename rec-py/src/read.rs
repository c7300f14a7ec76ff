//! Data sets from files, with an account of what was refused.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::PyUserWarning;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::Result;
use rec_core::data::Dataset;
use rec_core::data::read::{
    Column, EventWeights, Events, Format, ReadOptions, ReadReport, Separator, read_interactions,
    read_path,
};
use rec_core::data::{Duplicates, TimeUnit};

use crate::dataset::{PyDataset, duplicates};
use crate::errors::{OrRaise, parameter};
use crate::interrupt;

/// A column by its name or its position.
#[derive(FromPyObject)]
pub(crate) enum Name {
    Position(usize),
    Name(String),
}

pub(crate) fn column(name: Option<Name>) -> Column {
    match name {
        None => Column::Auto,
        Some(Name::Name(name)) => Column::from(name),
        Some(Name::Position(at)) => Column::from(at),
    }
}

/// What a caller may say about a file, as keyword arguments.
struct Wish {
    options: ReadOptions,
    policy: Duplicates,
}

impl Wish {
    const NAMES: [&str; 10] = [
        "user",
        "item",
        "time",
        "weight",
        "event",
        "event_weights",
        "sep",
        "header",
        "time_unit",
        "skip_bad",
    ];

    fn of(given: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut wish = Self { options: ReadOptions::default(), policy: Duplicates::Keep };
        let Some(given) = given else { return Ok(wish) };
        let (mut event, mut weights) = (None, None);
        let options = &mut wish.options;
        for (name, value) in given {
            let name: String = name.extract()?;
            if value.is_none() {
                continue;
            }
            match name.as_str() {
                "user" => options.user = column(value.extract()?),
                "item" => options.item = column(value.extract()?),
                "time" => options.time = column(value.extract()?),
                "weight" => options.weight = column(value.extract()?),
                "event" => event = Some(column(value.extract()?)),
                "event_weights" => weights = Some(value.extract::<HashMap<String, f32>>()?),
                "sep" => options.format = Some(delimited(&value.extract::<String>()?)?),
                "header" => options.header = Some(value.extract()?),
                "time_unit" => options.time_unit = Some(time_unit(&value.extract::<String>()?)?),
                "skip_bad" => options.skip_bad = value.extract()?,
                "duplicates" => wish.policy = duplicates(&value.extract::<String>()?)?,
                other => {
                    let why = format!("there are {}, duplicates", Self::NAMES.join(", "));
                    return Err(parameter(other, value.repr()?, &why));
                }
            }
        }
        wish.options.events = match (event, weights) {
            (Some(column), Some(weights)) => Some(EventWeights::new(column, weights)),
            (None, None) => None,
            _ => {
                return Err(parameter(
                    "event_weights",
                    "…",
                    "name the event column and give event_weights, both or neither",
                ));
            }
        };
        Ok(wish)
    }

    fn read(&self, path: PathBuf) -> Result<(Dataset, ReadReport)> {
        let (log, report) = read_interactions(path, &self.options)?;
        Ok((Dataset::from(log.deduplicated(self.policy)), report))
    }
}

/// The layout of rows separated by this.
pub(crate) fn delimited(separator: &str) -> PyResult<Format> {
    Ok(Format::Delimited(Separator::parse(separator).or_raise()?))
}

fn time_unit(name: &str) -> PyResult<TimeUnit> {
    match name {
        "s" => Ok(TimeUnit::Second),
        "ms" => Ok(TimeUnit::Millisecond),
        "us" => Ok(TimeUnit::Microsecond),
        "ns" => Ok(TimeUnit::Nanosecond),
        _ => Err(parameter("time_unit", name, "choose s, ms, us or ns")),
    }
}

/// Reads a file of events.
pub(crate) fn read_events(
    py: Python<'_>,
    path: PathBuf,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<PyDataset> {
    let wish = Wish::of(options)?;
    let (data, report) = interrupt::run(py, |_| wish.read(path))?;
    warn(py, &report)?;
    Ok(PyDataset { inner: data, report: Some(Arc::new(report)) })
}

/// Reads what stands at a path: one data set, or the parts of a split that was made already
/// (train, validation where there is one, test).
#[pyfunction]
pub(crate) fn read_parts(
    py: Python<'_>,
    path: PathBuf,
    options: &Bound<'_, PyDict>,
) -> PyResult<Vec<Option<PyDataset>>> {
    let wish = Wish::of(Some(options))?;
    let loaded = interrupt::run(py, |_| read_path(path, &wish.options))?;
    let items = loaded.items.map(|(items, _)| Arc::new(items));
    let (parts, reports) = match loaded.events {
        Events::Log(log) => (vec![Some(log.interactions)], vec![log.report]),
        Events::Split(split) => {
            (vec![Some(split.train), split.valid, Some(split.test)], split.reports)
        }
    };
    let mut reports = reports.into_iter();
    parts
        .into_iter()
        .map(|part| {
            let Some(part) = part else { return Ok(None) };
            let report = reports.next();
            if let Some(report) = &report {
                warn(py, report)?;
            }
            let mut inner = Dataset::from(part.deduplicated(wish.policy));
            inner.items = items.clone();
            Ok(Some(PyDataset { inner, report: report.map(Arc::new) }))
        })
        .collect()
}

/// Rows left out under `skip_bad` are never lost silently.
pub(crate) fn warn(py: Python<'_>, report: &ReadReport) -> PyResult<()> {
    if report.refused_rows() == 0 {
        return Ok(());
    }
    let text = format!(
        "{}: {} of {} rows refused; the data set's report says why",
        report.path.display(),
        report.refused_rows(),
        report.rows
    );
    let text = std::ffi::CString::new(text).map_err(|_| parameter("path", "…", "no NUL byte"))?;
    PyErr::warn(py, &py.get_type::<PyUserWarning>(), &text, 2)
}

/// The report as a dictionary.
pub(crate) fn report_to_py<'py>(
    py: Python<'py>,
    report: &ReadReport,
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("path", report.path.display().to_string())?;
    dict.set_item("format", report.format.to_string())?;
    dict.set_item("gzip", report.gzip)?;
    dict.set_item("header", report.header)?;
    let columns = PyDict::new(py);
    for (part, name) in &report.columns {
        columns.set_item(part, name)?;
    }
    dict.set_item("columns", columns)?;
    dict.set_item("rows", report.rows)?;
    dict.set_item("kept", report.kept)?;
    dict.set_item("users", report.users)?;
    dict.set_item("items", report.items)?;
    dict.set_item("duplicates", report.duplicates)?;
    dict.set_item("time_span", report.time_span)?;
    let mut refused = Vec::new();
    for refusal in &report.refused {
        let entry = PyDict::new(py);
        entry.set_item("reason", refusal.reason.to_string())?;
        entry.set_item("count", refusal.count)?;
        entry.set_item("examples", &refusal.examples)?;
        refused.push(entry);
    }
    dict.set_item("refused", refused)?;
    dict.set_item("text", report.to_string())?;
    Ok(dict)
}
