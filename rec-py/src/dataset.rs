//! `rec.Dataset`: behaviour from frames, sparse matrices and files.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use rec_core::Error;
use rec_core::data::read::{ReadReport, write_interactions};
use rec_core::data::{Dataset, Duplicates, IdMap, IdMaps, Interactions, TimeUnit};

use crate::columns::{Place, intern, is_text, texts, times, weights};
use crate::errors::{OrRaise, data, parameter};
use crate::frame::{Frame, column};
use crate::ids::{id_map, ids_from_py, map_to_py};
use crate::items::PyItems;
use crate::read::{read_events, report_to_py};
use crate::social::PySocialGraph;
use crate::table::{Column, Table};

/// Who interacted with what, when and how strongly, and what is known of items and users.
#[pyclass(module = "rec", name = "Dataset")]
pub(crate) struct PyDataset {
    pub(crate) inner: Dataset,
    pub(crate) report: Option<Arc<ReadReport>>,
}

impl From<Dataset> for PyDataset {
    fn from(inner: Dataset) -> Self {
        Self { inner, report: None }
    }
}

/// Which columns hold what.
struct Roles {
    user: String,
    item: String,
    time: Option<String>,
    weight: Option<String>,
    event: Option<String>,
    event_weights: Option<HashMap<String, f32>>,
}

pub(crate) fn duplicates(policy: &str) -> PyResult<Duplicates> {
    match policy {
        "keep" => Ok(Duplicates::Keep),
        "sum" => Ok(Duplicates::Sum),
        "last" => Ok(Duplicates::Last),
        "count" => Ok(Duplicates::Count),
        _ => Err(parameter("duplicates", policy, "choose keep, sum, last or count")),
    }
}

#[pymethods]
impl PyDataset {
    /// Reads any frame with the Arrow PyCapsule interface: pandas, polars, pyarrow, duckdb.
    #[staticmethod]
    #[pyo3(signature = (df, *, user, item, time=None, weight=None, event=None, event_weights=None, duplicates="keep"))]
    #[allow(clippy::too_many_arguments)]
    fn from_frame(
        df: &Bound<'_, PyAny>,
        user: String,
        item: String,
        time: Option<String>,
        weight: Option<String>,
        event: Option<String>,
        event_weights: Option<HashMap<String, f32>>,
        duplicates: &str,
    ) -> PyResult<Self> {
        let policy = self::duplicates(duplicates)?;
        let roles = Roles { user, item, time, weight, event, event_weights };
        roles.check()?;
        let frame = Frame::open(df, &roles.names())?;
        let interactions = df.py().detach(|| read_frame(frame, &roles)).or_raise()?;
        let interactions = match policy {
            Duplicates::Keep => interactions,
            policy => interactions.deduplicated(policy),
        };
        Ok(Dataset::from(interactions).into())
    }

    /// Reads a scipy user × item matrix: CSR, CSC or COO.
    #[staticmethod]
    #[pyo3(signature = (csr, *, user_ids=None, item_ids=None))]
    fn from_csr(
        csr: &Bound<'_, PyAny>,
        user_ids: Option<&Bound<'_, PyAny>>,
        item_ids: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let matrix = crate::sparse::from_scipy(csr)?;
        let ids = IdMaps::shared(
            axis_ids(user_ids, matrix.n_rows(), "user_ids")?,
            axis_ids(item_ids, matrix.n_cols(), "item_ids")?,
        );
        let interactions = Interactions::from_csr(&matrix, ids).or_raise()?;
        if interactions.is_empty() {
            return Err(Error::empty("the matrix", "at least one stored entry is needed"))
                .or_raise();
        }
        Ok(Dataset::from(interactions).into())
    }

    /// Reads a file of events: CSV, TSV, JSON lines, RecBole, Parquet, plain or gzip. The layout
    /// and the columns are found out from the contents; say what that gets wrong. Columns are
    /// names, or positions from 0. `event_weights` weighs the kinds in the column `event`.
    /// Malformed rows are an error, or left out and counted in `report` with `skip_bad`.
    #[staticmethod]
    #[pyo3(signature = (path, **options), text_signature = "(path, *, user=None, item=None, time=None, weight=None, event=None, event_weights=None, sep=None, header=None, time_unit=None, skip_bad=False, duplicates='keep')")]
    fn read(py: Python<'_>, path: PathBuf, options: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        read_events(py, path, options)
    }

    /// `read`, by the name that those who come from pandas look for.
    #[staticmethod]
    #[pyo3(signature = (path, **options), text_signature = "(path, *, user=None, item=None, time=None, weight=None, event=None, event_weights=None, sep=None, header=None, time_unit=None, skip_bad=False, duplicates='keep')")]
    fn read_csv(
        py: Python<'_>,
        path: PathBuf,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        read_events(py, path, options)
    }

    #[getter]
    fn n_users(&self) -> usize {
        self.inner.interactions.n_users()
    }

    #[getter]
    fn n_items(&self) -> usize {
        self.inner.interactions.n_items()
    }

    #[getter]
    fn n_interactions(&self) -> usize {
        self.inner.interactions.len()
    }

    fn __len__(&self) -> usize {
        self.inner.interactions.len()
    }

    /// Density of the user × item matrix.
    #[getter]
    fn density(&self) -> f64 {
        let cells = self.n_users() as f64 * self.n_items() as f64;
        if cells == 0.0 { 0.0 } else { self.inner.interactions.matrix().nnz() as f64 / cells }
    }

    /// Bytes held in memory.
    #[getter]
    fn nbytes(&self) -> usize {
        self.inner.interactions.memory()
    }

    /// Events that repeat an earlier one of the same user on the same item.
    #[getter]
    fn n_duplicates(&self) -> usize {
        self.inner.interactions.duplicates()
    }

    #[getter]
    fn user_ids<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        map_to_py(py, &self.inner.interactions.ids().users)
    }

    #[getter]
    fn item_ids<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        map_to_py(py, &self.inner.interactions.ids().items)
    }

    /// What was found in the file it was read from: rows, columns, rows refused and why; `None`
    /// for a data set that was not read from a file.
    #[getter]
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyDict>>> {
        self.report.as_ref().map(|report| report_to_py(py, report)).transpose()
    }

    /// Events of each user: `[n_users]`, in the order of `user_ids`.
    #[getter]
    fn user_counts<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        let counts = self.inner.interactions.indptr().windows(2).map(|w| (w[1] - w[0]) as i64);
        PyArray1::from_vec(py, counts.collect()).into_any()
    }

    /// Events on each item: `[n_items]`, in the order of `item_ids`.
    #[getter]
    fn item_counts<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        let counts = self.inner.interactions.item_counts().into_iter().map(i64::from);
        PyArray1::from_vec(py, counts.collect()).into_any()
    }

    #[getter]
    fn has_times(&self) -> bool {
        self.inner.interactions.times().is_some()
    }

    #[getter]
    fn has_weights(&self) -> bool {
        self.inner.interactions.weights().is_some()
    }

    #[getter]
    fn items(&self) -> Option<PyItems> {
        self.inner.items.clone().map(PyItems::from)
    }

    #[setter]
    fn set_items(&mut self, items: Option<PyRef<'_, PyItems>>) {
        self.inner.items = items.map(|i| i.inner.clone());
    }

    #[getter]
    fn social(&self) -> Option<PySocialGraph> {
        self.inner.social.clone().map(PySocialGraph::from)
    }

    #[setter]
    fn set_social(&mut self, social: Option<PyRef<'_, PySocialGraph>>) -> PyResult<()> {
        if let Some(graph) = &social {
            let ids = self.inner.interactions.ids();
            ids.check_same(graph.inner.ids(), "the data set and its social graph").or_raise()?;
        }
        self.inner.social = social.map(|s| s.inner.clone());
        Ok(())
    }

    /// The user × item matrix as `scipy.sparse.csr_matrix`; repeated events add up.
    fn to_csr<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let matrix = py.detach(|| self.inner.interactions.matrix());
        crate::sparse::to_scipy(py, &matrix)
    }

    /// The events as a frame: user, item, and weight and time where the data has them.
    #[pyo3(signature = (library=None))]
    fn to_frame<'py>(&self, py: Python<'py>, library: Option<&str>) -> PyResult<Bound<'py, PyAny>> {
        let log = &self.inner.interactions;
        let ids = log.ids();
        let users = log.events().map(|e| e.user).collect();
        let mut columns = vec![
            ("user", Column::Dense(&ids.users, users)),
            ("item", Column::Dense(&ids.items, log.items().to_vec())),
        ];
        if let Some(weights) = log.weights() {
            columns.push(("weight", Column::Float(weights.to_vec())));
        }
        if let Some(times) = log.times() {
            columns.push(("time", Column::Time(times.to_vec(), log.time_unit())));
        }
        Table(columns).to_frame(py, library)
    }

    /// Writes the events, whole or not at all: CSV, TSV, JSON lines or Parquet by the ending.
    fn write(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        crate::interrupt::run(py, |_| write_interactions(&path, &self.inner.interactions))
    }

    /// One user's items in order of time.
    fn history<'py>(
        &self,
        py: Python<'py>,
        user: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let log = &self.inner.interactions;
        let id = crate::ids::id_from_py(user, "user")?;
        let user = log.ids().users.require(rec_core::IdKind::User, &id).or_raise()?;
        let items = log.sequence(user).iter().map(|&i| Some(i));
        crate::ids::dense_to_py(py, &log.ids().items, items)
    }

    /// The largest subset in which every user and every item has enough events.
    #[pyo3(signature = (min_user=5, min_item=5))]
    fn k_core(&self, py: Python<'_>, min_user: usize, min_item: usize) -> PyResult<Self> {
        let core = py.detach(|| self.inner.interactions.k_core(min_user, min_item)).or_raise()?;
        Ok(self.beside(core))
    }

    /// Events that weigh at least `threshold`, each then weighing 1.
    #[pyo3(signature = (threshold=0.0))]
    fn binarize(&self, py: Python<'_>, threshold: f32) -> PyResult<Self> {
        if !threshold.is_finite() {
            return Err(parameter("threshold", threshold, "a finite number"));
        }
        let kept = py.detach(|| self.inner.interactions.binarized(threshold));
        if kept.is_empty() {
            return Err(data("binarize", format!("no event weighs {threshold} or more")));
        }
        Ok(self.beside(kept))
    }

    /// The same events with all of `dataset.items` in the id map: items nobody had yet, which a
    /// model of contents can recommend.
    fn with_items(&self) -> PyResult<Self> {
        let Some(items) = &self.inner.items else {
            return Err(data("with_items", "the data set has no items; set dataset.items first"));
        };
        Ok(self.beside(self.inner.interactions.with_items(items.ids())))
    }

    /// One event a user and item: weights summed, the last kept, or the events counted.
    #[pyo3(signature = (policy="sum"))]
    fn deduplicate(&self, py: Python<'_>, policy: &str) -> PyResult<Self> {
        let policy = duplicates(policy)?;
        Ok(self.beside(py.detach(|| self.inner.interactions.deduplicated(policy))))
    }

    fn __repr__(&self) -> String {
        let log = &self.inner.interactions;
        let mut text = format!(
            "rec.Dataset({} users, {} items, {} interactions",
            log.n_users(),
            log.n_items(),
            log.len()
        );
        for (has, what) in [
            (log.weights().is_some(), "weights"),
            (log.times().is_some(), "times"),
            (self.inner.items.is_some(), "item table"),
            (self.inner.social.is_some(), "social graph"),
        ] {
            if has {
                text.push_str(", ");
                text.push_str(what);
            }
        }
        text.push(')');
        text
    }

    /// What pickling rebuilds the data set from: columns and id arrays.
    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let log = &self.inner.interactions;
        if self.inner.items.is_some() || self.inner.social.is_some() {
            return Err(data(
                "pickle",
                "a data set with an item table or a social graph does not pickle; set items and \
                 social to None first and attach them again",
            ));
        }
        let state = PyDict::new(py);
        let users: Vec<u32> = log.events().map(|e| e.user).collect();
        state.set_item("user_ids", self.user_ids(py)?)?;
        state.set_item("item_ids", self.item_ids(py)?)?;
        state.set_item("users", PyArray1::from_vec(py, users))?;
        state.set_item("items", PyArray1::from_slice(py, log.items()))?;
        state.set_item("weights", log.weights().map(|w| PyArray1::from_slice(py, w)))?;
        state.set_item("times", log.times().map(|t| PyArray1::from_slice(py, t)))?;
        state.set_item("time_unit", format!("{:?}", log.time_unit()))?;
        let rebuild = py.import("rec._native")?.getattr("_dataset_from_state")?;
        Ok((rebuild, (state,)).into_pyobject(py)?.into_any())
    }
}

impl PyDataset {
    fn beside(&self, interactions: Interactions) -> Self {
        self.inner.with_interactions(interactions).into()
    }
}

impl Roles {
    fn names(&self) -> Vec<&str> {
        let optional = [&self.time, &self.weight, &self.event];
        let mut names = vec![self.user.as_str(), self.item.as_str()];
        names.extend(optional.into_iter().flatten().map(String::as_str));
        names
    }

    fn check(&self) -> PyResult<()> {
        match (&self.event, &self.event_weights) {
            (Some(event), None) => Err(parameter(
                "event",
                event,
                "also give event_weights, such as {\"view\": 1, \"purchase\": 5}",
            )),
            (None, Some(_)) => Err(parameter("event_weights", "…", "also name the event column")),
            _ => Ok(()),
        }
    }
}

fn read_frame(frame: Frame, roles: &Roles) -> rec_core::Result<Interactions> {
    let position = |name: &Option<String>| {
        name.as_ref().map(|n| frame.position(n).map(|p| (n.clone(), p))).transpose()
    };
    let (user, item) = (frame.position(&roles.user)?, frame.position(&roles.item)?);
    let (time, weight, event) =
        (position(&roles.time)?, position(&roles.weight)?, position(&roles.event)?);
    let map = |column| if is_text(&frame.kind(column)) { IdMap::strings() } else { IdMap::new() };
    let mut ids = IdMaps { users: map(user), items: map(item) };
    let (mut users, mut items) = (Vec::new(), Vec::new());
    let mut weights_out: Option<Vec<f32>> = weight.is_some().then(Vec::new);
    let mut event_out: Option<Vec<f32>> = event.is_some().then(Vec::new);
    let mut times_out: Option<Vec<i64>> = time.is_some().then(Vec::new);
    let mut unit = TimeUnit::Unknown;
    frame.for_each(|batch, first_row| {
        let at = |column| Place { column, first_row };
        users.extend(intern(column(batch, user), &mut ids.users, at(&roles.user))?);
        items.extend(intern(column(batch, item), &mut ids.items, at(&roles.item))?);
        if let (Some((name, column)), Some(out)) = (&weight, &mut weights_out) {
            out.extend(weights(batch.column(*column), at(name))?);
        }
        if let (Some((name, column)), Some(out)) = (&event, &mut event_out) {
            let known = roles.event_weights.as_ref();
            out.extend(event_weights(batch.column(*column), known, at(name))?);
        }
        if let (Some((name, column)), Some(out)) = (&time, &mut times_out) {
            let (values, found) = times(batch.column(*column), at(name))?;
            out.extend(values);
            unit = found;
        }
        Ok(())
    })?;
    if users.is_empty() {
        return Err(Error::empty("the frame", "at least one event is needed"));
    }
    if let (TimeUnit::Unknown, Some(times)) = (unit, &times_out) {
        unit = TimeUnit::guess(times.iter().copied().max().unwrap_or(0));
    }
    let weights = match (weights_out, event_out) {
        (Some(a), Some(b)) => Some(a.iter().zip(&b).map(|(a, b)| a * b).collect()),
        (a, b) => a.or(b),
    };
    Interactions::from_columns(Arc::new(ids), &users, items, weights, times_out, unit)
}

/// The weight of each row's kind of event.
fn event_weights(
    array: &arrow_array::ArrayRef,
    known: Option<&HashMap<String, f32>>,
    at: Place<'_>,
) -> rec_core::Result<Vec<f32>> {
    let weight = |(row, name): (usize, Option<String>)| {
        let Some(name) = name else {
            return Err(at.error(row, "the kind of event is missing"));
        };
        known.and_then(|k| k.get(&name).copied()).ok_or_else(|| {
            let mut names: Vec<&str> =
                known.into_iter().flat_map(|k| k.keys().map(String::as_str)).collect();
            names.sort_unstable();
            let names = names.join(", ");
            at.error(row, format!("event {name:?} has no weight; event_weights has {names}"))
        })
    };
    texts(array, at)?.into_iter().enumerate().map(weight).collect()
}

fn axis_ids(ids: Option<&Bound<'_, PyAny>>, n: usize, what: &str) -> PyResult<IdMap> {
    match ids {
        Some(ids) => id_map(&ids_from_py(ids, what)?),
        None => Ok(IdMap::range(n)),
    }
}

/// Rebuilds a pickled data set.
#[pyfunction]
pub(crate) fn _dataset_from_state(state: &Bound<'_, PyDict>) -> PyResult<PyDataset> {
    let get = |name: &str| {
        state.get_item(name)?.ok_or_else(|| data("pickle", format!("it has no {name}")))
    };
    let ids = IdMaps::shared(
        id_map(&ids_from_py(&get("user_ids")?, "user_ids")?)?,
        id_map(&ids_from_py(&get("item_ids")?, "item_ids")?)?,
    );
    let unit = match get("time_unit")?.extract::<String>()?.as_str() {
        "Second" => TimeUnit::Second,
        "Millisecond" => TimeUnit::Millisecond,
        "Microsecond" => TimeUnit::Microsecond,
        "Nanosecond" => TimeUnit::Nanosecond,
        _ => TimeUnit::Unknown,
    };
    let users: Vec<u32> = get("users")?.extract()?;
    let columns = Interactions::from_columns(
        ids,
        &users,
        get("items")?.extract()?,
        get("weights")?.extract()?,
        get("times")?.extract()?,
        unit,
    );
    Ok(Dataset::from(columns.or_raise()?).into())
}

/// A path as Python passes it: `str` or `os.PathLike`.
pub(crate) fn path_of(path: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    path.extract()
}
