//! Circles: groups of nodes with many edges inside and few between, found by the Leiden algorithm.

mod affinity;
mod leiden;
mod network;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use affinity::Affinity;

use super::Graph;
use crate::{Error, Result};
use network::Network;

/// The Leiden algorithm (V. A. Traag, L. Waltman, N. J. van Eck, "From Louvain to Leiden:
/// guaranteeing well-connected communities", Scientific Reports 9:5233, 2019, algorithm A.2): nodes
/// move to the circle where quality gains most, circles are refined into well-connected parts, the
/// parts become nodes of a smaller graph, and so on. Every circle it returns is connected.
///
/// One thread; the same seed gives the same circles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Leiden {
    /// What is made large.
    pub quality: Quality,
    /// `γ`, above 0: larger gives more and smaller circles. For modularity 1 is usual; for CPM it is
    /// the density that a circle has at least.
    pub resolution: f64,
    /// `θ`, above 0: how freely refinement chooses among parts that gain; 0.01 in the paper.
    pub randomness: f64,
    /// Whole runs, each from the circles of the one before; it ends earlier once one changes
    /// nothing.
    pub iterations: usize,
    /// Seed of the order of nodes and of the choices of refinement.
    pub seed: u64,
}

/// What good circles are. `e_c` is the weight of the edges inside a circle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// `1/m Σ_c (e_c − γ K_c² / 4m)`, with `K_c` the degrees of the circle's nodes and `m` the weight
    /// of all edges (Newman & Girvan 2004; `γ` of Reichardt & Bornholdt 2006).
    #[default]
    Modularity,
    /// The constant Potts model, `Σ_c (e_c − γ n_c (n_c − 1)/2)` with `n_c` nodes (Traag, Van Dooren
    /// & Nesterov 2011).
    Cpm,
}

impl Default for Leiden {
    fn default() -> Self {
        Self {
            quality: Quality::Modularity,
            resolution: 1.0,
            randomness: 0.01,
            iterations: 10,
            seed: 0,
        }
    }
}

/// Nodes parted into circles, numbered from the largest; a node without edges is a circle of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Circles {
    of: Vec<u32>,
    members: Vec<Vec<u32>>,
    quality: f64,
}

impl Circles {
    /// The circle of each node: `[nodes]`.
    pub fn labels(&self) -> &[u32] {
        &self.of
    }

    /// The nodes of each circle, ascending.
    pub fn members(&self) -> &[Vec<u32>] {
        &self.members
    }

    /// What [`Leiden::quality`] comes to.
    pub fn quality(&self) -> f64 {
        self.quality
    }

    fn new(labels: &[u32], quality: f64) -> Self {
        let n = labels.iter().max().map_or(0, |&c| c as usize + 1);
        let mut members = vec![Vec::new(); n];
        labels.iter().enumerate().for_each(|(v, &c)| members[c as usize].push(v as u32));
        members.retain(|circle| !circle.is_empty());
        members.sort_by_key(|circle: &Vec<u32>| (usize::MAX - circle.len(), circle[0]));
        let mut of = vec![0; labels.len()];
        for (at, circle) in members.iter().enumerate() {
            circle.iter().for_each(|&v| of[v as usize] = at as u32);
        }
        Self { of, members, quality }
    }
}

impl Leiden {
    fn check(&self, graph: &Graph) -> Result<()> {
        for (name, value) in [("resolution", self.resolution), ("randomness", self.randomness)] {
            if !(value.is_finite() && value > 0.0) {
                return Err(Error::parameter(name, value, "give a finite number above 0"));
            }
        }
        if self.iterations == 0 {
            return Err(Error::parameter("iterations", 0, "at least 1 run is needed"));
        }
        if graph.n_edges() == 0 {
            return Err(Error::empty("the graph", "circles are found by edges; it has none"));
        }
        if !graph.is_symmetric() {
            let why = "circles need edges that go both ways with one weight; build it undirected";
            return Err(Error::data("the graph", why));
        }
        Ok(())
    }

    /// The circles of an undirected graph.
    ///
    /// # Errors
    /// [`Error::Parameter`] for parameters outside their domain, [`Error::Empty`] for a graph
    /// without edges, [`Error::Data`] for one that is not symmetric.
    pub fn circles(&self, graph: &Graph) -> Result<Circles> {
        self.check(graph)?;
        let network = Network::new(graph, self.quality, self.resolution);
        let mut labels: Vec<u32> = (0..graph.n_nodes() as u32).collect();
        let mut quality = network.quality(&labels);
        for run in 0..self.iterations {
            let mut rng = crate::rng::stream(self.seed, "leiden", run as u64);
            let better = leiden::run(&network, &labels, self.randomness, &mut rng);
            let now = network.quality(&better);
            if now <= quality {
                break;
            }
            (labels, quality) = (better, now);
        }
        Ok(Circles::new(&labels, quality * network.unit()))
    }

    /// What the parting of a graph's nodes by `labels` comes to: `[nodes]`.
    ///
    /// # Errors
    /// As [`Leiden::circles`], and [`Error::Shape`] for another number of labels.
    pub fn quality_of(&self, graph: &Graph, labels: &[u32]) -> Result<f64> {
        self.check(graph)?;
        if labels.len() != graph.n_nodes() {
            return Err(Error::shape("circles of nodes", graph.n_nodes(), labels.len()));
        }
        let network = Network::new(graph, self.quality, self.resolution);
        // Numbers of circles may be any; inside they are counted.
        let mut distinct = labels.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        let dense = labels.iter().map(|c| distinct.partition_point(|d| d < c) as u32);
        Ok(network.quality(&dense.collect::<Vec<_>>()) * network.unit())
    }
}
