//! Missing edges: what neighbourhoods say of them, and how well that is told.

use std::collections::BTreeMap;

use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use serde::{Deserialize, Serialize};

use super::Graph;
use crate::metrics::classify::roc_auc;
use crate::rng;
use crate::{Error, Result};

/// How likely an edge is, by the neighbourhoods `N` of its ends alone (D. Liben-Nowell, J.
/// Kleinberg, "The link-prediction problem for social networks", JASIST 58(7), 2007, section 3.2).
/// Weights and self-loops are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkHeuristic {
    /// `|N(u) ∩ N(v)|`.
    CommonNeighbours,
    /// `Σ_{w ∈ N(u) ∩ N(v)} 1/ln |N(w)|` (Adamic & Adar 2003).
    AdamicAdar,
    /// `Σ_{w ∈ N(u) ∩ N(v)} 1/|N(w)|` (Zhou, Lü & Zhang 2009).
    ResourceAllocation,
    /// `|N(u)| · |N(v)|`.
    PreferentialAttachment,
}

impl LinkHeuristic {
    /// The scores of edges from a node to all nodes of an undirected graph: `[nodes]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for a node the graph does not have.
    pub fn scores(self, graph: &Graph, node: u32) -> Result<Vec<f32>> {
        let n = graph.n_nodes();
        if node as usize >= n {
            return Err(Error::shape("node", format!("< {n}"), node));
        }
        let neighbours =
            |i: u32| graph.edges().row(i as usize).iter().copied().filter(move |&j| j != i);
        let degree = |i: u32| neighbours(i).count() as f32;
        let mut scores = vec![0f32; n];
        if self == Self::PreferentialAttachment {
            let own = degree(node);
            scores.iter_mut().zip(0..).for_each(|(score, i)| *score = own * degree(i));
            return Ok(scores);
        }
        for between in neighbours(node) {
            // A neighbour of two nodes has a degree of at least 2.
            let part = match self {
                Self::AdamicAdar => 1.0 / degree(between).max(2.0).ln(),
                Self::ResourceAllocation => 1.0 / degree(between),
                _ => 1.0,
            };
            for other in neighbours(between).filter(|&other| other != node) {
                scores[other as usize] += part;
            }
        }
        Ok(scores)
    }
}

/// A graph without some of its edges, and those edges.
#[derive(Clone, Debug)]
pub struct HeldOutLinks {
    /// The rest, with all nodes.
    pub graph: Graph,
    /// The edges taken out, each once, `from < to`.
    pub links: Vec<(u32, u32)>,
}

impl Graph {
    /// Takes a share of the edges of an undirected graph out, at random, both directions of each.
    /// Self-loops stay.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a share outside `0 < share < 1`, [`Error::Data`] for a graph that is
    /// not symmetric, [`Error::Empty`] where no edge would be taken or left.
    pub fn hold_out(&self, share: f64, seed: u64) -> Result<HeldOutLinks> {
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::parameter("share", share, "choose a share above 0 and below 1"));
        }
        if !self.is_symmetric() {
            let why = "its edges must go both ways to be held out in pairs; build it undirected";
            return Err(Error::data("the graph", why));
        }
        let mut links: Vec<(u32, u32)> =
            self.iter().filter(|(i, j, _)| i < j).map(|(i, j, _)| (i, j)).collect();
        let taken = (links.len() as f64 * share).round() as usize;
        if taken == 0 || taken == links.len() {
            let why = format!("{taken} of {} edges would be held out", links.len());
            return Err(Error::empty("a part of the graph", why));
        }
        links.shuffle(&mut rng::stream(seed, "links.hold_out", 0));
        links.truncate(taken);
        links.sort_unstable();
        let out = |i: u32, j: u32| links.binary_search(&(i.min(j), i.max(j))).is_ok();
        Ok(HeldOutLinks { graph: self.filtered(|i, j| !out(i, j)), links })
    }

    /// As many pairs of different nodes without an edge in any of `graphs`, `from < to`, drawn
    /// uniformly; a pair may come twice.
    ///
    /// # Errors
    /// [`Error::Data`] where next to every pair has an edge.
    pub fn non_edges(
        n: usize,
        graphs: &[&Graph],
        count: usize,
        seed: u64,
    ) -> Result<Vec<(u32, u32)>> {
        let mut rng = rng::stream(seed, "links.non_edges", 0);
        let mut pairs = Vec::with_capacity(count);
        let mut left = 100 * count + 1000;
        while pairs.len() < count {
            if left == 0 || n < 2 {
                let why = "almost all pairs have an edge; there are no others to draw";
                return Err(Error::data(format!("a graph of {n} nodes"), why));
            }
            left -= 1;
            let (i, j) = (rng.random_range(0..n as u32), rng.random_range(0..n as u32));
            let (i, j) = (i.min(j), i.max(j));
            let edge =
                |g: &&Graph| g.edges.contains(i as usize, j) || g.edges.contains(j as usize, i);
            if i != j && !graphs.iter().any(edge) {
                pairs.push((i, j));
            }
        }
        Ok(pairs)
    }
}

/// How well scores tell edges from non-edges.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkReport {
    /// Chance that an edge scores above a non-edge, ties half.
    pub auc: f64,
    /// `k` → share of edges that score above the `k`-th best non-edge, ties lost: the Hits@k of the
    /// Open Graph Benchmark (Hu et al. 2020).
    pub hits: BTreeMap<usize, f64>,
}

/// Measures the scores of held-out edges against those of non-edges.
///
/// # Errors
/// [`Error::Empty`] without scores of both, [`Error::Data`] for one that is not a number,
/// [`Error::Parameter`] for a `k` of 0 or above the number of non-edges.
pub fn evaluate_links(edges: &[f32], non_edges: &[f32], ks: &[usize]) -> Result<LinkReport> {
    for (what, scores) in [("scores of edges", edges), ("scores of non-edges", non_edges)] {
        if scores.is_empty() {
            return Err(Error::empty(what, "both are needed to compare"));
        }
        if let Some(at) = scores.iter().position(|s| s.is_nan()) {
            return Err(Error::data(what, format!("number {at} is not a number")));
        }
    }
    let truth: Vec<bool> =
        edges.iter().map(|_| true).chain(non_edges.iter().map(|_| false)).collect();
    let auc = roc_auc(&truth, &[edges, non_edges].concat())?;
    let mut best = non_edges.to_vec();
    best.sort_by(|a, b| b.total_cmp(a));
    let hits = ks.iter().map(|&k| {
        let bar = k.checked_sub(1).and_then(|k| best.get(k)).ok_or_else(|| {
            Error::parameter("k", k, format!("choose 1 to {} non-edges", best.len()))
        })?;
        Ok((k, edges.iter().filter(|s| *s > bar).count() as f64 / edges.len() as f64))
    });
    Ok(LinkReport { auc, hits: hits.collect::<Result<_>>()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A square 0-1-2-3 with one diagonal 0-2 and a tail 3-4; node 5 is alone.
    fn kite() -> Graph {
        let edges = [(0, 1), (1, 2), (2, 3), (3, 0), (0, 2), (3, 4)];
        Graph::from_edges(6, edges.map(|(i, j)| (i, j, 2.0)), false).unwrap()
    }

    #[test]
    fn heuristics_by_hand() {
        let graph = kite();
        let of = |heuristic: LinkHeuristic| heuristic.scores(&graph, 1).unwrap();
        // 1 knows 0 and 2, of degrees 3; 3 knows both, 4 neither.
        assert_eq!(of(LinkHeuristic::CommonNeighbours), [1.0, 0.0, 1.0, 2.0, 0.0, 0.0]);
        let (third, log) = (1.0 / 3.0, 1.0 / 3f32.ln());
        assert_eq!(
            of(LinkHeuristic::ResourceAllocation),
            [third, 0.0, third, 2.0 * third, 0.0, 0.0]
        );
        assert_eq!(of(LinkHeuristic::AdamicAdar), [log, 0.0, log, 2.0 * log, 0.0, 0.0]);
        assert_eq!(of(LinkHeuristic::PreferentialAttachment), [6.0, 4.0, 6.0, 6.0, 2.0, 0.0]);
        assert!(LinkHeuristic::AdamicAdar.scores(&graph, 6).is_err());
    }

    #[test]
    fn held_out_edges_and_the_rest_make_the_graph() {
        let graph = kite();
        let held = graph.hold_out(0.34, 3).unwrap();
        assert_eq!((held.links.len(), held.graph.n_edges(), held.graph.n_nodes()), (2, 8, 6));
        assert!(held.graph.is_symmetric());
        for &(i, j) in &held.links {
            assert!(i < j && graph.edges().contains(i as usize, j));
            assert!(!held.graph.edges().contains(i as usize, j));
        }
        assert_eq!(held.links, graph.hold_out(0.34, 3).unwrap().links);
        let directed = Graph::from_edges(2, [(0, 1, 1.0)], true).unwrap();
        assert!(matches!(directed.hold_out(0.5, 0), Err(Error::Data { .. })));
        assert!(matches!(graph.hold_out(1.0, 0), Err(Error::Parameter { .. })));
        assert!(matches!(graph.hold_out(0.01, 0), Err(Error::Empty { .. })));
    }

    #[test]
    fn non_edges_are_none() {
        let graph = kite();
        let pairs = Graph::non_edges(6, &[&graph], 50, 1).unwrap();
        assert!(pairs.iter().all(|&(i, j)| i < j && !graph.edges().contains(i as usize, j)));
        let all = Graph::from_edges(2, [(0, 1, 1.0)], false).unwrap();
        assert!(matches!(Graph::non_edges(2, &[&all], 1, 1), Err(Error::Data { .. })));
    }

    #[test]
    fn reports_by_hand() {
        let report = evaluate_links(&[3.0, 1.0, 2.0], &[2.0, 0.0, 0.5, 0.1], &[1, 2]).unwrap();
        // Of 12 pairs: 4 + 3 + 3 right and a tie.
        assert!((report.auc - 10.5 / 12.0).abs() < 1e-9);
        assert_eq!(report.hits, BTreeMap::from([(1, 1.0 / 3.0), (2, 1.0)]));
        assert!(evaluate_links(&[], &[1.0], &[]).is_err());
        assert!(evaluate_links(&[1.0], &[f32::NAN], &[]).is_err());
        assert!(evaluate_links(&[1.0], &[1.0], &[2]).is_err());
        assert!(evaluate_links(&[1.0], &[1.0], &[0]).is_err());
    }
}
