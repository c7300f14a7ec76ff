//! Edge weights for propagation.

use serde::{Deserialize, Serialize};

use super::{Graph, NodeKind};
use crate::data::Csr;
use crate::{Error, Result};

/// How edge weights are scaled by the degrees of their ends, `d` being the sum of a node's weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalization {
    /// As they are.
    None,
    /// `D^-½ A D^-½` (Kipf & Welling 2017).
    #[default]
    Symmetric,
    /// `D⁻¹ A`: the weights that leave a node add up to 1.
    RandomWalk,
    /// `D^-left A D^-right`: how much of a neighbour's popularity and of one's own is divided away.
    Powers {
        /// Power of the degree of the node that an edge leaves (the row).
        left: f32,
        /// Power of the degree of the node it reaches (the column).
        right: f32,
    },
}

impl Normalization {
    /// The powers of the two degrees.
    pub fn powers(self) -> (f32, f32) {
        match self {
            Self::None => (0.0, 0.0),
            Self::Symmetric => (0.5, 0.5),
            Self::RandomWalk => (1.0, 0.0),
            Self::Powers { left, right } => (left, right),
        }
    }
}

impl Graph {
    /// The matrix to propagate with: `[nodes, nodes]`. An isolated node's row stays empty. Degrees
    /// are those of rows, so that a directed graph's columns are scaled by their own out-degree;
    /// a node that only receives counts with degree 1 there.
    ///
    /// # Errors
    /// [`Error::Parameter`] for powers that are not finite.
    pub fn normalized(&self, by: Normalization) -> Result<Csr> {
        let (left, right) = by.powers();
        if !(left.is_finite() && right.is_finite()) {
            let why = "powers of degrees are finite, 0 to 1 as a rule";
            return Err(Error::parameter("normalization", format!("{left}, {right}"), why));
        }
        let scales = |power: f32| -> Vec<f64> {
            let degrees = self.degrees();
            let scale =
                |d: &f32| if *d > 0.0 { f64::from(*d).powf(-f64::from(power)) } else { 1.0 };
            degrees.iter().map(scale).collect()
        };
        let (rows, columns) = (scales(left), scales(right));
        Ok(self.edges.map_values(|i, j, w| (f64::from(w) * rows[i] * columns[j as usize]) as f32))
    }

    /// The graph with an edge of this weight from each node to itself, added to what is there.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a weight not above 0.
    pub fn with_self_loops(&self, weight: f32) -> Result<Self> {
        if !(weight.is_finite() && weight > 0.0) {
            let why = "give a finite number above 0";
            return Err(Error::parameter("weight of self-loops", weight, why));
        }
        let n = self.n_nodes();
        let row = |i: usize| {
            let mut row: Vec<(u32, f32)> = self.edges.iter_row(i).collect();
            row.push((i as u32, weight));
            row
        };
        Ok(Self { edges: Csr::from_rows((0..n).map(row), n), counts: self.counts })
    }

    /// A part of a matrix over this graph's nodes: rows of one kind, columns of another.
    pub fn block(&self, matrix: &Csr, rows: NodeKind, columns: NodeKind) -> Csr {
        let columns = self.nodes(columns);
        let row = |i| {
            let inside = |&(j, _): &(u32, f32)| columns.contains(&(j as usize));
            let shifted = |(j, w): (u32, f32)| (j - columns.start as u32, w);
            matrix.iter_row(i).filter(inside).map(shifted).collect()
        };
        Csr::from_rows(self.nodes(rows).map(row), columns.len())
    }
}
