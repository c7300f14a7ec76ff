//! Graphs with random parts left out: the views of self-supervised graph learning (Wu et al.,
//! "Self-supervised graph learning for recommendation", SIGIR 2021, section 3.1).
//!
//! What is left out depends on the seed and the edge or node alone: an undirected edge goes both
//! ways or neither, at any number of threads. SGL's random walk is an edge dropout with another
//! seed for each layer.

use super::Graph;
use crate::rng::mix;
use crate::{Error, Result};

impl Graph {
    /// The graph without a share `rate` of its edges, each left out independently; weights stay as
    /// they are, so that normalising afterwards makes up for what is gone.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a rate outside `0 ≤ rate < 1`.
    pub fn edge_dropout(&self, rate: f64, seed: u64) -> Result<Self> {
        check(rate)?;
        Ok(self.filtered(|i, j| {
            let (low, high) = (u64::from(i.min(j)), u64::from(i.max(j)));
            chance(mix(seed) ^ (low << 32 | high)) >= rate
        }))
    }

    /// The graph in which a share `rate` of the nodes has lost all edges.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a rate outside `0 ≤ rate < 1`.
    pub fn node_dropout(&self, rate: f64, seed: u64) -> Result<Self> {
        check(rate)?;
        let kept = |node: u32| chance(mix(seed) ^ u64::from(node)) >= rate;
        Ok(self.filtered(|i, j| kept(i) && kept(j)))
    }
}

/// A number in `0..1` that stands for `x`.
fn chance(x: u64) -> f64 {
    (mix(x) >> 11) as f64 / (1u64 << 53) as f64
}

fn check(rate: f64) -> Result<()> {
    if (0.0..1.0).contains(&rate) {
        return Ok(());
    }
    Err(Error::parameter("rate", rate, "a share of at least 0 and below 1 can be left out"))
}
