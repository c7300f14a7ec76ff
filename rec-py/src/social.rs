//! `rec.SocialGraph`: who follows or befriends whom.

use std::sync::Arc;

use pyo3::prelude::*;
use rec_core::data::{Id, IdMap, IdRef, SocialGraph, UnknownUsers};
use rec_core::{Error, IdKind};

use crate::columns::{Place, intern, is_text, weights};
use crate::dataset::PyDataset;
use crate::errors::{OrRaise, parameter};
use crate::frame::Frame;
use crate::ids::{dense_to_py, id_from_py};

/// A weighted graph over the users of a data set.
#[pyclass(module = "rec", name = "SocialGraph", frozen)]
pub(crate) struct PySocialGraph {
    pub(crate) inner: Arc<SocialGraph>,
}

impl From<Arc<SocialGraph>> for PySocialGraph {
    fn from(inner: Arc<SocialGraph>) -> Self {
        Self { inner }
    }
}

pub(crate) type Edges = Vec<(Id, Id, f32)>;

#[pymethods]
impl PySocialGraph {
    /// Reads a frame with one row an edge between users of `dataset`. An undirected graph is given
    /// by one row an edge. Edges of unknown users are an error, or left out with
    /// `on_unknown="drop"`.
    #[staticmethod]
    #[pyo3(signature = (df, dataset, *, source, target, weight=None, directed=false, on_unknown="raise"))]
    fn from_frame(
        df: &Bound<'_, PyAny>,
        dataset: PyRef<'_, PyDataset>,
        source: &str,
        target: &str,
        weight: Option<&str>,
        directed: bool,
        on_unknown: &str,
    ) -> PyResult<Self> {
        let unknown = match on_unknown {
            "raise" => UnknownUsers::Error,
            "drop" => UnknownUsers::Drop,
            _ => return Err(parameter("on_unknown", on_unknown, "choose raise or drop")),
        };
        let mut wanted = vec![source, target];
        wanted.extend(weight);
        let frame = Frame::open(df, &wanted)?;
        let edges = df.py().detach(|| read(frame, source, target, weight)).or_raise()?;
        let edges = edges.iter().map(|(a, b, w)| (a, b, *w));
        let ids = dataset.inner.interactions.ids().clone();
        let graph = SocialGraph::new(ids, edges, directed, unknown).or_raise()?;
        Ok(Arc::new(graph).into())
    }

    /// Stored edges; an undirected edge counts twice.
    #[getter]
    fn n_edges(&self) -> usize {
        self.inner.edges().nnz()
    }

    /// Edges left out because an end was unknown.
    #[getter]
    fn n_dropped(&self) -> usize {
        self.inner.dropped()
    }

    /// One user's friends.
    fn friends<'py>(
        &self,
        py: Python<'py>,
        user: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let users = &self.inner.ids().users;
        let user = users.require(IdKind::User, &id_from_py(user, "user")?).or_raise()?;
        dense_to_py(py, users, self.inner.friends(user).iter().map(|&f| Some(f)))
    }

    /// The user × user matrix as `scipy.sparse.csr_matrix`.
    fn to_csr<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        crate::sparse::to_scipy(py, self.inner.edges())
    }

    fn __repr__(&self) -> String {
        format!("rec.SocialGraph({} users, {} edges)", self.inner.ids().users.len(), self.n_edges())
    }
}

pub(crate) fn read(
    frame: Frame,
    source: &str,
    target: &str,
    weight: Option<&str>,
) -> rec_core::Result<Edges> {
    let (from_at, to_at) = (frame.position(source)?, frame.position(target)?);
    let weight_at = weight.map(|w| frame.position(w)).transpose()?;
    let text = is_text(&frame.kind(from_at)) || is_text(&frame.kind(to_at));
    let mut ends = if text { IdMap::strings() } else { IdMap::new() };
    let mut edges = Vec::new();
    frame.for_each(|batch, first_row| {
        let at = |column| Place { column, first_row };
        let from = intern(batch.column(from_at), &mut ends, at(source))?;
        let to = intern(batch.column(to_at), &mut ends, at(target))?;
        let strengths = match (weight_at, weight) {
            (Some(column), Some(name)) => weights(batch.column(column), at(name))?,
            _ => vec![1.0; from.len()],
        };
        edges.extend(from.into_iter().zip(to).zip(strengths));
        Ok(())
    })?;
    if edges.is_empty() {
        return Err(Error::empty("the frame of edges", "at least one edge is needed"));
    }
    let id = |dense| ends.id(dense).map(IdRef::to_owned).unwrap_or(Id::Int(0));
    Ok(edges.into_iter().map(|((from, to), w)| (id(from), id(to), w)).collect())
}
