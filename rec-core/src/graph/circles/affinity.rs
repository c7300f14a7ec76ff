//! How much a circle is a node's own.

use super::Circles;
use crate::graph::Graph;
use crate::rank::dot;
use crate::{Error, Result};

/// What draws a node to a circle it is not in,
///
/// `a(u, C) = (1 − t) (w(u, C)/d_u − K_C/Σ_v d_v) + t cos(x_u, Σ_{v∈C} x_v/‖x_v‖)`
///
/// with `w(u, C)` the weight of the edges between them, `d` degrees and `K_C` those of the circle's
/// nodes: the share of the node's edges that goes to the circle above what chance would give it
/// (`m/d_u` times what modularity gains by an edge's end more), and, where vectors `x` are given, how
/// alike they are. A node without edges has 0 for the first part.
#[derive(Clone, Copy, Debug, Default)]
pub struct Affinity<'a> {
    /// Vectors of all nodes, row-major `[nodes, dim]`, and `dim`.
    pub vectors: Option<(&'a [f32], usize)>,
    /// `t`, from 0 to 1: what the vectors count. 0 without vectors.
    pub taste: f32,
    /// Circles with fewer nodes are not recommended.
    pub min_size: usize,
}

impl Affinity<'_> {
    fn check(&self, circles: &Circles, graph: &Graph, node: u32) -> Result<()> {
        let n = graph.n_nodes();
        if circles.labels().len() != n {
            return Err(Error::shape("nodes of the circles", n, circles.labels().len()));
        }
        if node as usize >= n {
            return Err(Error::shape("node", format!("< {n}"), node));
        }
        if !(0.0..=1.0).contains(&self.taste) {
            return Err(Error::parameter("taste", self.taste, "choose 0 to 1"));
        }
        match self.vectors {
            None if self.taste > 0.0 => {
                let why = "taste compares vectors of nodes; give them, or leave taste at 0";
                Err(Error::parameter("taste", self.taste, why))
            }
            Some((vectors, dim)) if vectors.len() != n * dim => {
                Err(Error::shape("numbers of the nodes' vectors", n * dim, vectors.len()))
            }
            _ => Ok(()),
        }
    }

    /// The `k` circles a node is drawn to most, its own left out, with their affinity, largest
    /// first; fewer where there are fewer, and only those above 0.
    ///
    /// # Errors
    /// [`Error::Shape`] for a node or vectors that are not the graph's, [`Error::Parameter`] for a
    /// taste outside 0 to 1 or without vectors.
    pub fn recommend(
        &self,
        circles: &Circles,
        graph: &Graph,
        node: u32,
        k: usize,
    ) -> Result<Vec<(u32, f32)>> {
        self.check(circles, graph, node)?;
        let ties = self.ties(circles, graph, node);
        let own = circles.labels()[node as usize] as usize;
        let mut found: Vec<(u32, f32)> = circles
            .members()
            .iter()
            .enumerate()
            .filter(|&(c, members)| c != own && members.len() >= self.min_size)
            .map(|(c, members)| {
                let alike = match self.vectors {
                    Some(vectors) if self.taste > 0.0 => alike(vectors, node, members),
                    _ => 0.0,
                };
                (c as u32, (1.0 - self.taste) * ties[c] + self.taste * alike)
            })
            .filter(|&(_, affinity)| affinity > 0.0)
            .collect();
        found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        found.truncate(k);
        Ok(found)
    }

    /// The first part, for every circle.
    fn ties(&self, circles: &Circles, graph: &Graph, node: u32) -> Vec<f32> {
        let degrees = graph.degrees();
        let all: f64 = degrees.iter().copied().map(f64::from).sum();
        let own = f64::from(degrees[node as usize]);
        let mut ties = vec![0f64; circles.members().len()];
        if own > 0.0 {
            for (other, w) in graph.edges().iter_row(node as usize) {
                ties[circles.labels()[other as usize] as usize] += f64::from(w) / own;
            }
            for (&c, &d) in circles.labels().iter().zip(&degrees) {
                ties[c as usize] -= f64::from(d) / all;
            }
        }
        ties.into_iter().map(|x| x as f32).collect()
    }
}

/// The cosine of a node's vector and the sum of the directions of others'.
fn alike((vectors, dim): (&[f32], usize), node: u32, members: &[u32]) -> f32 {
    let row = |v: u32| &vectors[v as usize * dim..][..dim];
    let length = |x: &[f32]| dot(x, x).sqrt();
    let mut sum = vec![0f32; dim];
    for &v in members {
        let scale = 1.0 / length(row(v)).max(f32::MIN_POSITIVE);
        sum.iter_mut().zip(row(v)).for_each(|(sum, x)| *sum += scale * x);
    }
    let lengths = length(&sum) * length(row(node));
    if lengths > 0.0 { dot(&sum, row(node)) / lengths } else { 0.0 }
}
