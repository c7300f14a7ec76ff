//! Graphs over users, items, tags, or any nodes: what graph networks propagate along.
//!
//! A [`Graph`] is a square sparse matrix in compressed rows, row `i` the edges that leave node `i`.
//! [`GraphBuilder`] puts several relations (who had what, who knows whom, what goes with what, what
//! is tagged how) side by side over one numbering of nodes.

mod augment;
mod build;
mod circles;
mod core;
mod edge_list;
mod links;
mod normalize;
#[cfg(test)]
mod tests;

use std::ops::Range;

use crate::data::Csr;
use crate::{Error, Result};

pub use build::{GraphBuilder, NodeKind, SelfLoops};
pub use circles::{Affinity, Circles, Leiden, Quality};
pub use edge_list::{read_edges, write_edges};
pub use links::{HeldOutLinks, LinkHeuristic, LinkReport, evaluate_links};
pub use normalize::Normalization;

/// A weighted graph over nodes `0..n`: users first, then items, then tags, where it has them. All
/// weights are above 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    edges: Csr,
    /// How many nodes of each [`NodeKind`].
    counts: [usize; NodeKind::COUNT],
}

impl Graph {
    /// A graph of nodes of one kind from its matrix of weights. Stored zeros are left out.
    ///
    /// # Errors
    /// [`Error::Shape`] for a matrix that is not square, [`Error::Data`] for a weight that is
    /// negative or not finite.
    pub fn from_csr(edges: &Csr, kind: NodeKind) -> Result<Self> {
        let n = edges.n_rows();
        if edges.n_cols() != n {
            return Err(Error::shape("columns of a graph's matrix", n, edges.n_cols()));
        }
        build::check_weights(edges, kind.name())?;
        let mut counts = [0; NodeKind::COUNT];
        counts[kind as usize] = n;
        Ok(Self { edges: build::without_zeros(edges), counts })
    }

    /// A graph of nodes `0..n` from edges `(from, to, weight)`; weights of a repeated edge add up.
    /// An undirected edge is stored both ways.
    ///
    /// # Errors
    /// [`Error::Shape`] for an end past `n`, and as [`Graph::from_csr`].
    pub fn from_edges(
        n: usize,
        edges: impl IntoIterator<Item = (u32, u32, f32)>,
        directed: bool,
    ) -> Result<Self> {
        let mut rows: Vec<Vec<(u32, f32)>> = vec![Vec::new(); n];
        for (from, to, weight) in edges {
            if let Some(end) = [from, to].into_iter().find(|end| *end as usize >= n) {
                return Err(Error::shape("an edge's node", format!("< {n}"), end));
            }
            build::check_weight(weight, || format!("edge {from} → {to}"))?;
            rows[from as usize].push((to, weight));
            if !directed && from != to {
                rows[to as usize].push((from, weight));
            }
        }
        Self::from_csr(&Csr::from_rows(rows, n), NodeKind::User)
    }

    /// The matrix of weights, `[nodes, nodes]`.
    pub fn edges(&self) -> &Csr {
        &self.edges
    }

    /// How many nodes.
    pub fn n_nodes(&self) -> usize {
        self.edges.n_rows()
    }

    /// Stored edges; an undirected one counts twice, a self-loop once.
    pub fn n_edges(&self) -> usize {
        self.edges.nnz()
    }

    /// The nodes of a kind.
    pub fn nodes(&self, kind: NodeKind) -> Range<usize> {
        let start = self.counts[..kind as usize].iter().sum();
        start..start + self.counts[kind as usize]
    }

    /// The sum of the weights that leave each node: `[nodes]`; 0 for an isolated one.
    pub fn degrees(&self) -> Vec<f32> {
        (0..self.n_nodes()).map(|i| self.edges.iter_row(i).map(|(_, w)| w).sum()).collect()
    }

    /// Nodes that no edge leaves.
    pub fn isolated(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.n_nodes()).filter(|&i| self.edges.row(i).is_empty()).map(|i| i as u32)
    }

    /// All edges: from, to, weight; rows ascending, columns ascending within a row.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32, f32)> + '_ {
        (0..self.n_nodes()).flat_map(|i| self.edges.iter_row(i).map(move |(j, w)| (i as u32, j, w)))
    }

    /// Whether every edge goes both ways with one weight.
    pub fn is_symmetric(&self) -> bool {
        self.edges.transpose() == self.edges
    }

    /// The graph with all edges turned round.
    pub fn transpose(&self) -> Self {
        Self { edges: self.edges.transpose(), counts: self.counts }
    }

    /// Bytes held in memory.
    pub fn memory(&self) -> usize {
        self.edges.memory()
    }

    /// Bytes that a graph of so many nodes and stored edges takes, weights included.
    pub fn estimate(nodes: usize, edges: usize) -> u64 {
        8 * (nodes as u64 + 1) + 8 * edges as u64
    }

    /// The same nodes with those edges that `keep` holds for.
    fn filtered(&self, keep: impl Fn(u32, u32) -> bool) -> Self {
        let mut indptr = Vec::with_capacity(self.n_nodes() + 1);
        let (mut indices, mut values) = (Vec::new(), Vec::new());
        indptr.push(0);
        for i in 0..self.n_nodes() {
            for (j, w) in self.edges.iter_row(i).filter(|&(j, _)| keep(i as u32, j)) {
                indices.push(j);
                values.push(w);
            }
            indptr.push(indices.len());
        }
        let values = self.edges.values().is_some().then_some(values);
        let edges = Csr::new(indptr, indices, values, self.n_nodes());
        // Rows of a matrix with some entries left out are rows of a matrix.
        Self { edges: edges.unwrap_or_default(), counts: self.counts }
    }
}
