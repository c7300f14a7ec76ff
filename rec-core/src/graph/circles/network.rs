//! A graph as Leiden sees it: nodes with sizes, and one form of quality for all of its measures.

use super::Quality;
use crate::data::Csr;
use crate::graph::Graph;

/// Quality is `Σ_c (e_c − γ/2 ‖c‖²)`, up to what no parting changes: with sizes 1 it is CPM, with
/// degrees as sizes and `γ/2m` for `γ` modularity times `m` (Traag et al. 2019, appendix B).
pub(super) struct Network {
    /// Weights without self-loops, `[nodes, nodes]`, symmetric.
    pub(super) edges: Csr,
    /// `‖v‖`.
    pub(super) sizes: Vec<f64>,
    /// The weight of edges inside each node: its self-loop and, if it is a part, its inner edges.
    inner: Vec<f64>,
    /// `γ`, scaled.
    pub(super) resolution: f64,
    /// What one of quality is worth.
    unit: f64,
    /// What singletons lack of each node's own `γ/2 ‖v‖²` under CPM.
    own: f64,
}

impl Network {
    pub(super) fn new(graph: &Graph, quality: Quality, resolution: f64) -> Self {
        let n = graph.n_nodes();
        let loops: Vec<f64> = (0..n)
            .map(|v| graph.edges().iter_row(v).filter(move |&(u, _)| u as usize == v))
            .map(|of| of.map(|(_, w)| f64::from(w)).sum())
            .collect();
        let edges = graph.filtered(|i, j| i != j).edges;
        let degrees: Vec<f64> = (0..n)
            .map(|v| edges.iter_row(v).map(|(_, w)| f64::from(w)).sum::<f64>() + 2.0 * loops[v])
            .collect();
        let total = degrees.iter().sum::<f64>() / 2.0;
        let (sizes, resolution, unit, own) = match quality {
            Quality::Modularity => (degrees, resolution / (2.0 * total), 1.0 / total, 0.0),
            // A node has no pair with itself.
            Quality::Cpm => (vec![1.0; n], resolution, 1.0, resolution / 2.0 * n as f64),
        };
        Self { edges, sizes, inner: loops, resolution, unit, own }
    }

    /// How many nodes.
    pub(super) fn n(&self) -> usize {
        self.sizes.len()
    }

    /// What one of [`Self::quality`] is worth in the measure asked for.
    pub(super) fn unit(&self) -> f64 {
        self.unit
    }

    /// The quality of a parting, labels below `n`.
    pub(super) fn quality(&self, labels: &[u32]) -> f64 {
        let mut sizes = vec![0.0; self.n()];
        labels.iter().zip(&self.sizes).for_each(|(&c, size)| sizes[c as usize] += size);
        let inside = |v: usize| {
            let same = self.edges.iter_row(v).filter(|&(u, _)| labels[u as usize] == labels[v]);
            same.map(|(_, w)| f64::from(w)).sum::<f64>() / 2.0 + self.inner[v]
        };
        let edges: f64 = (0..self.n()).map(inside).sum();
        edges - self.resolution / 2.0 * sizes.iter().map(|s| s * s).sum::<f64>() + self.own
    }

    /// The network whose nodes are the parts, `labels` below `parts`.
    pub(super) fn aggregated(&self, labels: &[u32], parts: usize) -> Self {
        let mut members = vec![Vec::new(); parts];
        labels.iter().enumerate().for_each(|(v, &c)| members[c as usize].push(v));
        let (mut sizes, mut inner) = (vec![0.0; parts], vec![0.0; parts]);
        let mut sums = vec![0f64; parts];
        let mut rows = Vec::with_capacity(parts);
        for (part, members) in members.iter().enumerate() {
            let mut reached = Vec::new();
            for &v in members {
                sizes[part] += self.sizes[v];
                inner[part] += self.inner[v];
                for (u, w) in self.edges.iter_row(v) {
                    let other = labels[u as usize];
                    if sums[other as usize] == 0.0 {
                        reached.push(other);
                    }
                    sums[other as usize] += f64::from(w);
                }
            }
            reached.sort_unstable();
            let row: Vec<(u32, f32)> = reached
                .iter()
                .map(|&c| (c, std::mem::take(&mut sums[c as usize])))
                .filter(|&(c, w)| {
                    let own = c as usize == part;
                    inner[part] += if own { w / 2.0 } else { 0.0 };
                    !own
                })
                .map(|(c, w)| (c, w as f32))
                .collect();
            rows.push(row);
        }
        Self {
            edges: Csr::from_rows(rows, parts),
            sizes,
            inner,
            resolution: self.resolution,
            unit: self.unit,
            own: self.own,
        }
    }
}
