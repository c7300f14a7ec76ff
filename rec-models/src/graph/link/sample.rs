//! The blocks a network runs along: the whole graph, or sampled neighbourhoods.

use rand::RngExt as _;
use rec_core::data::Csr;
use rec_core::graph::{Graph, Normalization};
use rec_core::rng::Rng;

use super::Network;
use super::layers::Block;
use crate::Result;

/// The matrix that a layer gathers neighbours with over the whole graph, `[nodes, nodes]`.
pub(super) fn whole(graph: &Graph, network: Network) -> Result<Csr> {
    match network {
        Network::Gcn => graph.with_self_loops(1.0)?.normalized(Normalization::Symmetric),
        Network::Sage { .. } => {
            // A node's own row comes by its own weights, not among its neighbours.
            let n = graph.n_nodes();
            let row = |i: usize| {
                let others = graph.edges().row(i).iter().filter(|&&j| j as usize != i);
                let share = 1.0 / others.clone().count().max(1) as f32;
                others.map(|&j| (j, share)).collect()
            };
            Ok(Csr::from_rows((0..n).map(row), n))
        }
    }
}

/// Draws neighbourhoods, layer by layer from the last.
pub(super) struct Sampler<'a> {
    graph: &'a Graph,
    neighbours: usize,
    /// Where a node stands among those of the layer, plus 1.
    places: Vec<u32>,
}

impl<'a> Sampler<'a> {
    pub(super) fn new(graph: &'a Graph, neighbours: usize) -> Self {
        Self { graph, neighbours, places: vec![0; graph.n_nodes()] }
    }

    /// The blocks of all layers whose last targets are `nodes` (each once), first to last, and the
    /// nodes whose features go in.
    pub(super) fn blocks(
        &mut self,
        nodes: &[u32],
        layers: usize,
        rng: &mut Rng,
    ) -> (Vec<Block>, Vec<u32>) {
        let mut blocks = Vec::with_capacity(layers);
        let mut sources = nodes.to_vec();
        for _ in 0..layers {
            let (block, wider) = self.block(&sources, rng);
            blocks.push(block);
            sources = wider;
        }
        blocks.reverse();
        (blocks, sources)
    }

    fn block(&mut self, targets: &[u32], rng: &mut Rng) -> (Block, Vec<u32>) {
        let mut sources = targets.to_vec();
        targets.iter().zip(1..).for_each(|(&v, at)| self.places[v as usize] = at);
        let mut rows = Vec::with_capacity(targets.len());
        for &v in targets {
            let drawn = self.draw(v, rng);
            let share = 1.0 / drawn.len().max(1) as f32;
            let row = drawn.into_iter().map(|u| {
                let place = &mut self.places[u as usize];
                if *place == 0 {
                    sources.push(u);
                    *place = sources.len() as u32;
                }
                (*place - 1, share)
            });
            rows.push(row.collect());
        }
        sources.iter().for_each(|&v| self.places[v as usize] = 0);
        (Block::new(Csr::from_rows(rows, sources.len())), sources)
    }

    /// Some of a node's neighbours, each at most once.
    fn draw(&self, v: u32, rng: &mut Rng) -> Vec<u32> {
        let mut others: Vec<u32> =
            self.graph.edges().row(v as usize).iter().copied().filter(|&u| u != v).collect();
        // The first steps of a shuffle.
        for at in 0..self.neighbours.min(others.len()) {
            let other = rng.random_range(at..others.len());
            others.swap(at, other);
        }
        others.truncate(self.neighbours);
        others
    }
}

/// Some rows of a matrix.
pub(super) fn rows(matrix: &Csr, wanted: &[u32]) -> Csr {
    let row = |&i: &u32| matrix.iter_row(i as usize).collect();
    Csr::from_rows(wanted.iter().map(row), matrix.n_cols())
}
