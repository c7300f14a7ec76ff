//! `rec.Graph` and `rec.Circles`: graphs of any nodes, by the caller's ids.

use std::path::PathBuf;
use std::sync::Arc;

use numpy::{PyArray1, PyReadonlyArray2, PyUntypedArrayMethods};
use pyo3::prelude::*;
use rec_core::Error;
use rec_core::data::{Id, IdMap};
use rec_core::graph::{
    Affinity, Circles, Graph, GraphBuilder, Leiden, LinkHeuristic, NodeKind, Normalization,
    Quality, read_edges, write_edges,
};

use crate::dataset::{PyDataset, path_of};
use crate::errors::{OrRaise, parameter};
use crate::frame::Frame;
use crate::ids::{dense_to_py, id_from_py, id_map, ids_from_py, map_to_py};
use crate::interrupt;
use crate::sparse::{from_scipy, to_scipy};

/// A weighted graph.
#[pyclass(module = "rec", name = "Graph", frozen)]
pub(crate) struct PyGraph {
    graph: Arc<Graph>,
    ids: Arc<IdMap>,
}

impl PyGraph {
    fn new(graph: Graph, ids: IdMap) -> Self {
        Self { graph: Arc::new(graph), ids: Arc::new(ids) }
    }

    /// Another graph over the same nodes.
    fn with(&self, graph: Graph) -> Self {
        Self { graph: Arc::new(graph), ids: self.ids.clone() }
    }

    fn node(&self, id: &Bound<'_, PyAny>) -> PyResult<u32> {
        dense(&self.ids, &id_from_py(id, "node")?).or_raise()
    }

    fn from_ids(edges: Vec<(Id, Id, f32)>, directed: bool) -> PyResult<Self> {
        let ends: Vec<Id> = edges.iter().flat_map(|(a, b, _)| [a.clone(), b.clone()]).collect();
        let text = ends.iter().any(|id| matches!(id, Id::Str(_)));
        let mut ids = if text { IdMap::strings() } else { IdMap::new() };
        let ends: Vec<u32> = ends.iter().map(|id| ids.intern(id)).collect();
        let edges = ends.chunks_exact(2).zip(&edges).map(|(ends, e)| (ends[0], ends[1], e.2));
        let graph = Graph::from_edges(ids.len(), edges, directed).or_raise()?;
        Ok(Self::new(graph, ids))
    }
}

fn dense(ids: &IdMap, id: &Id) -> rec_core::Result<u32> {
    ids.get(id).ok_or_else(|| {
        Error::data(format!("node {id}"), format!("the graph has {} other nodes", ids.len()))
    })
}

#[pymethods]
impl PyGraph {
    /// A graph from the two ends of each edge. Weights of a repeated edge add up; an undirected
    /// edge, given once, goes both ways.
    #[staticmethod]
    #[pyo3(signature = (source, target, weight=None, *, directed=false))]
    fn from_edges(
        source: &Bound<'_, PyAny>,
        target: &Bound<'_, PyAny>,
        weight: Option<&Bound<'_, PyAny>>,
        directed: bool,
    ) -> PyResult<Self> {
        let (from, to) = (ids_from_py(source, "source")?, ids_from_py(target, "target")?);
        let weights: Vec<f32> = match weight {
            Some(weight) => weight.try_iter()?.map(|w| w?.extract()).collect::<PyResult<_>>()?,
            None => vec![1.0; from.len()],
        };
        for (what, n) in [("targets of edges", to.len()), ("weights of edges", weights.len())] {
            if n != from.len() {
                return Err(Error::shape(what, from.len(), n)).or_raise();
            }
        }
        let edges = from.into_iter().zip(to).zip(weights).map(|((a, b), w)| (a, b, w));
        Self::from_ids(edges.collect(), directed)
    }

    /// Reads a frame with one row an edge.
    #[staticmethod]
    #[pyo3(signature = (df, *, source, target, weight=None, directed=false))]
    fn from_frame(
        df: &Bound<'_, PyAny>,
        source: &str,
        target: &str,
        weight: Option<&str>,
        directed: bool,
    ) -> PyResult<Self> {
        let mut wanted = vec![source, target];
        wanted.extend(weight);
        let frame = Frame::open(df, &wanted)?;
        let edges = df.py().detach(|| crate::social::read(frame, source, target, weight));
        Self::from_ids(edges.or_raise()?, directed)
    }

    /// A graph from a square scipy sparse matrix of weights: row `i` the edges that leave node `i`.
    #[staticmethod]
    #[pyo3(signature = (csr, *, ids=None))]
    fn from_csr(csr: &Bound<'_, PyAny>, ids: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let matrix = from_scipy(csr)?;
        let ids = match ids {
            Some(ids) => id_map(&ids_from_py(ids, "ids")?)?,
            None => IdMap::range(matrix.n_rows()),
        };
        if ids.len() != matrix.n_rows() {
            return Err(Error::shape("ids of a graph's nodes", matrix.n_rows(), ids.len()))
                .or_raise();
        }
        Ok(Self::new(Graph::from_csr(&matrix, NodeKind::User).or_raise()?, ids))
    }

    /// The friendships of a data set's users; one stored one way goes both ways.
    #[staticmethod]
    #[pyo3(signature = (dataset, *, max_memory=8 << 30))]
    fn from_friends(dataset: PyRef<'_, PyDataset>, max_memory: u64) -> PyResult<Self> {
        let data = &dataset.inner;
        let social = data.social.as_ref().ok_or_else(|| {
            Error::empty("the social graph of the data set", "set dataset.social first")
        });
        let edges = social.or_raise()?.edges().clone();
        let graph = GraphBuilder::new()
            .max_memory(max_memory)
            .relation(NodeKind::User, NodeKind::User, edges, 1.0)
            .and_then(GraphBuilder::build);
        Ok(Self::new(graph.or_raise()?, data.interactions.ids().users.clone()))
    }

    /// Reads an edge list, `from to [weight]` a line.
    #[staticmethod]
    #[pyo3(signature = (path, *, directed=false))]
    fn read(path: &Bound<'_, PyAny>, directed: bool) -> PyResult<Self> {
        let at: PathBuf = path_of(path)?;
        let (graph, ids) = path.py().detach(|| read_edges(at, directed)).or_raise()?;
        Ok(Self::new(graph, ids))
    }

    /// Writes every stored edge as `from<TAB>to<TAB>weight`; read it back as directed.
    fn write(&self, path: &Bound<'_, PyAny>) -> PyResult<()> {
        let at: PathBuf = path_of(path)?;
        path.py().detach(|| write_edges(at, &self.graph, Some(&self.ids))).or_raise()
    }

    #[getter]
    fn n_nodes(&self) -> usize {
        self.graph.n_nodes()
    }

    /// Stored edges; an undirected one counts twice, a self-loop once.
    #[getter]
    fn n_edges(&self) -> usize {
        self.graph.n_edges()
    }

    #[getter]
    fn ids<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        map_to_py(py, &self.ids)
    }

    /// The sum of the weights that leave each node, in the order of `ids`.
    fn degrees<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        PyArray1::from_vec(py, self.graph.degrees())
    }

    /// The nodes that a node's edges reach.
    fn neighbours<'py>(
        &self,
        py: Python<'py>,
        node: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let node = self.node(node)? as usize;
        dense_to_py(py, &self.ids, self.graph.edges().row(node).iter().map(|&j| Some(j)))
    }

    /// The matrix of weights as `scipy.sparse.csr_matrix`.
    fn to_csr<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_scipy(py, self.graph.edges())
    }

    /// The matrix to propagate with, as `scipy.sparse.csr_matrix`.
    #[pyo3(signature = (by="symmetric", *, self_loops=None))]
    fn normalized<'py>(
        &self,
        py: Python<'py>,
        by: &str,
        self_loops: Option<f32>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let by = match by {
            "symmetric" => Normalization::Symmetric,
            "random_walk" => Normalization::RandomWalk,
            _ => return Err(parameter("by", by, "choose symmetric or random_walk")),
        };
        let matrix = match self_loops {
            Some(weight) => self.graph.with_self_loops(weight).and_then(|g| g.normalized(by)),
            None => self.graph.normalized(by),
        };
        to_scipy(py, &matrix.or_raise()?)
    }

    /// The part in which every node has at least `k` neighbours; the others lose their edges.
    fn k_core(&self, k: usize) -> Self {
        self.with(self.graph.k_core(k))
    }

    /// The graph without a random share of its edges.
    #[pyo3(signature = (rate, *, seed=0))]
    fn edge_dropout(&self, rate: f64, seed: u64) -> PyResult<Self> {
        Ok(self.with(self.graph.edge_dropout(rate, seed).or_raise()?))
    }

    /// The graph without a share of its undirected edges, and those as two arrays of ids.
    #[pyo3(signature = (share, *, seed=0))]
    #[allow(clippy::type_complexity)]
    fn hold_out<'py>(
        &self,
        py: Python<'py>,
        share: f64,
        seed: u64,
    ) -> PyResult<(Self, Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let held = self.graph.hold_out(share, seed).or_raise()?;
        let side = |at: fn(&(u32, u32)) -> u32| {
            dense_to_py(py, &self.ids, held.links.iter().map(|link| Some(at(link))))
        };
        let (from, to) = (side(|link| link.0)?, side(|link| link.1)?);
        Ok((self.with(held.graph), from, to))
    }

    /// How likely each node is a neighbour of `node`, in the order of `ids`.
    #[pyo3(signature = (node, *, method="adamic_adar"))]
    fn link_scores<'py>(
        &self,
        py: Python<'py>,
        node: &Bound<'py, PyAny>,
        method: &str,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let heuristic = match method {
            "common_neighbours" => LinkHeuristic::CommonNeighbours,
            "adamic_adar" => LinkHeuristic::AdamicAdar,
            "resource_allocation" => LinkHeuristic::ResourceAllocation,
            "preferential_attachment" => LinkHeuristic::PreferentialAttachment,
            _ => {
                let why = "choose common_neighbours, adamic_adar, resource_allocation or \
                           preferential_attachment";
                return Err(parameter("method", method, why));
            }
        };
        let scores = heuristic.scores(&self.graph, self.node(node)?).or_raise()?;
        Ok(PyArray1::from_vec(py, scores))
    }

    /// Circles by the Leiden algorithm.
    #[pyo3(signature = (*, quality="modularity", resolution=1.0, randomness=0.01, iterations=10, seed=0))]
    fn circles(
        &self,
        py: Python<'_>,
        quality: &str,
        resolution: f64,
        randomness: f64,
        iterations: usize,
        seed: u64,
    ) -> PyResult<PyCircles> {
        let quality = match quality {
            "modularity" => Quality::Modularity,
            "cpm" => Quality::Cpm,
            _ => return Err(parameter("quality", quality, "choose modularity or cpm")),
        };
        let leiden = Leiden { quality, resolution, randomness, iterations, seed };
        let circles = interrupt::run(py, |_| leiden.circles(&self.graph))?;
        Ok(PyCircles { circles, graph: self.graph.clone(), ids: self.ids.clone() })
    }

    fn __len__(&self) -> usize {
        self.graph.n_nodes()
    }

    fn __repr__(&self) -> String {
        format!("rec.Graph({} nodes, {} edges)", self.graph.n_nodes(), self.graph.n_edges())
    }
}

/// Nodes parted into circles.
#[pyclass(module = "rec", name = "Circles", frozen)]
pub(crate) struct PyCircles {
    circles: Circles,
    graph: Arc<Graph>,
    ids: Arc<IdMap>,
}

#[pymethods]
impl PyCircles {
    /// The circle of each node, in the order of the graph's ids; circle 0 is the largest.
    #[getter]
    fn labels<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<i64>> {
        let labels = self.circles.labels().iter().map(|&c| i64::from(c)).collect();
        PyArray1::from_vec(py, labels)
    }

    /// The quality reached.
    #[getter]
    fn quality(&self) -> f64 {
        self.circles.quality()
    }

    /// The nodes of one circle.
    fn members<'py>(&self, py: Python<'py>, circle: usize) -> PyResult<Bound<'py, PyAny>> {
        let all = self.circles.members();
        let members = all.get(circle).ok_or_else(|| {
            Error::parameter("circle", circle, format!("there are circles 0 to {}", all.len() - 1))
        });
        dense_to_py(py, &self.ids, members.or_raise()?.iter().map(|&v| Some(v)))
    }

    /// The circles a node is drawn to most, its own left out: pairs of circle and affinity.
    #[pyo3(signature = (node, k=10, *, vectors=None, taste=0.0, min_size=2))]
    fn recommend(
        &self,
        node: &Bound<'_, PyAny>,
        k: usize,
        vectors: Option<PyReadonlyArray2<'_, f32>>,
        taste: f32,
        min_size: usize,
    ) -> PyResult<Vec<(u32, f32)>> {
        let node = dense(&self.ids, &id_from_py(node, "node")?).or_raise()?;
        let rows: Option<(Vec<f32>, usize)> = vectors
            .map(|vectors| (vectors.as_array().iter().copied().collect(), vectors.shape()[1]));
        let vectors = rows.as_ref().map(|(rows, dim)| (rows.as_slice(), *dim));
        let affinity = Affinity { vectors, taste, min_size };
        affinity.recommend(&self.circles, &self.graph, node, k).or_raise()
    }

    fn __len__(&self) -> usize {
        self.circles.members().len()
    }

    fn __repr__(&self) -> String {
        format!("rec.Circles({} circles, quality {:.4})", self.__len__(), self.quality())
    }
}
