//! Graphs of one or several relations.

use super::Graph;
use crate::data::{Csr, Dataset, Interactions};
use crate::{Error, Result};

/// What a node stands for; nodes are numbered in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// A user, or a node of a graph of one kind.
    User = 0,
    /// An item.
    Item = 1,
    /// A tag or another attribute of items.
    Tag = 2,
}

impl NodeKind {
    pub(super) const COUNT: usize = 3;

    /// The kind's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Item => "item",
            Self::Tag => "tag",
        }
    }
}

/// What to do with an edge from a node to itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SelfLoops {
    /// An error names it.
    #[default]
    Refuse,
    /// It is left out.
    Drop,
    /// It is kept, once.
    Keep,
}

/// Puts relations together into one undirected graph. Weights of an edge that several relations
/// hold add up; an entry of weight 0 is no edge.
#[derive(Clone, Debug)]
pub struct GraphBuilder {
    counts: [usize; NodeKind::COUNT],
    relations: Vec<Relation>,
    self_loops: SelfLoops,
    max_memory: u64,
}

#[derive(Clone, Debug)]
struct Relation {
    from: NodeKind,
    to: NodeKind,
    weights: Csr,
}

impl Default for GraphBuilder {
    fn default() -> Self {
        Self {
            counts: [0; NodeKind::COUNT],
            relations: Vec::new(),
            self_loops: SelfLoops::default(),
            max_memory: 8 << 30,
        }
    }
}

impl GraphBuilder {
    /// A builder with no nodes yet; each relation brings its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// Users and items and who had what: weights of repeated events added.
    ///
    /// # Errors
    /// As [`GraphBuilder::relation`].
    pub fn interactions(self, log: &Interactions) -> Result<Self> {
        self.relation(NodeKind::User, NodeKind::Item, log.matrix(), 1.0)
    }

    /// All that a data set knows: who had what, friends, and tags of items, each relation's weights
    /// times its factor.
    ///
    /// # Errors
    /// As [`GraphBuilder::relation`].
    pub fn dataset(mut self, data: &Dataset, friends: f32, tags: f32) -> Result<Self> {
        self = self.interactions(&data.interactions)?;
        if let Some(social) = &data.social {
            self =
                self.relation(NodeKind::User, NodeKind::User, social.edges().clone(), friends)?;
        }
        if let Some(of_items) = data.items.as_ref().and_then(|items| {
            let ids = &data.interactions.ids().items;
            items.tags_for(ids)
        }) {
            self = self.relation(NodeKind::Item, NodeKind::Tag, of_items, tags)?;
        }
        Ok(self)
    }

    /// Adds edges between all nodes of two kinds: `weights` is `[nodes of from, nodes of to]`, and
    /// counts `factor` times. Within one kind, an edge stored both ways with one weight is one edge
    /// (its larger weight); otherwise each stored entry is an edge that goes both ways.
    ///
    /// # Errors
    /// [`Error::Empty`] for a side without nodes, [`Error::Shape`] for a number of nodes other than
    /// another relation's, [`Error::Data`] for a weight that is negative or not finite, or a
    /// self-loop unless told otherwise, [`Error::Parameter`] for a factor not above 0.
    pub fn relation(
        mut self,
        from: NodeKind,
        to: NodeKind,
        weights: Csr,
        factor: f32,
    ) -> Result<Self> {
        if !(factor.is_finite() && factor > 0.0) {
            let why = "give a finite number above 0, or leave the relation out";
            return Err(Error::parameter("factor of a relation", factor, why));
        }
        for (kind, n) in [(from, weights.n_rows()), (to, weights.n_cols())] {
            self.count(kind, n)?;
        }
        let what = format!("{}–{}", from.name(), to.name());
        check_weights(&weights, &what)?;
        let weights = weights.map_values(|_, _, w| w * factor);
        self.relations.push(Relation { from, to, weights });
        Ok(self)
    }

    fn count(&mut self, kind: NodeKind, n: usize) -> Result<()> {
        if n == 0 {
            let why = "a relation needs nodes on both sides; leave it out";
            return Err(Error::empty(format!("the {} side of a relation", kind.name()), why));
        }
        let known = &mut self.counts[kind as usize];
        if *known != 0 && *known != n {
            return Err(Error::shape(format!("{}s of a relation", kind.name()), *known, n));
        }
        *known = n;
        Ok(())
    }

    /// What to do with edges from a node to itself.
    pub fn self_loops(mut self, policy: SelfLoops) -> Self {
        self.self_loops = policy;
        self
    }

    /// Bytes that the graph may take while it is built; 8 GiB unless set.
    pub fn max_memory(mut self, bytes: u64) -> Self {
        self.max_memory = bytes;
        self
    }

    /// The graph.
    ///
    /// # Errors
    /// [`Error::Empty`] if there is no relation or no edge, [`Error::TooLarge`] past the memory
    /// allowed, [`Error::Data`] for a self-loop unless told otherwise.
    pub fn build(self) -> Result<Graph> {
        let n: usize = self.counts.iter().sum();
        let entries: usize = self.relations.iter().map(|r| 2 * r.weights.nnz()).sum();
        self.check_memory(n, entries)?;
        let rows = self.directions()?;
        let (mut indptr, mut indices, mut values) =
            (vec![0], Vec::with_capacity(entries), Vec::with_capacity(entries));
        let (mut row, mut node) = (Vec::new(), 0);
        for (kind, &count) in self.counts.iter().enumerate() {
            for at in 0..count {
                row.clear();
                rows.iter()
                    .filter(|r| r.from as usize == kind)
                    .for_each(|r| r.gather(at, &mut row));
                self.merge(node, &mut row)?;
                indices.extend(row.iter().map(|&(j, _)| j));
                values.extend(row.iter().map(|&(_, w)| w));
                indptr.push(indices.len());
                node += 1;
            }
        }
        if indices.is_empty() {
            return Err(Error::empty("the graph", "no relation has an edge of weight above 0"));
        }
        let values = values.iter().any(|w| *w != 1.0).then_some(values);
        Ok(Graph { edges: Csr::new(indptr, indices, values, n)?, counts: self.counts })
    }

    /// The two directions of every relation, with where their columns start.
    fn directions(&self) -> Result<Vec<Direction>> {
        let start = |kind: NodeKind| self.counts[..kind as usize].iter().sum::<usize>() as u32;
        let mut out = Vec::new();
        for r in &self.relations {
            if r.from == r.to {
                // One matrix: an edge stored once or both ways.
                let weights = larger_of(&r.weights, &r.weights.transpose());
                out.push(Direction { from: r.from, start: start(r.to), weights });
            } else {
                let back = r.weights.transpose();
                out.push(Direction { from: r.to, start: start(r.from), weights: back });
                let weights = r.weights.clone();
                out.push(Direction { from: r.from, start: start(r.to), weights });
            }
        }
        Ok(out)
    }

    /// Sorts a node's edges, adds up repeated ones, and treats its self-loop.
    fn merge(&self, node: usize, row: &mut Vec<(u32, f32)>) -> Result<()> {
        row.sort_by_key(|&(j, _)| j);
        row.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        match self.self_loops {
            SelfLoops::Keep => {}
            SelfLoops::Drop => row.retain(|&(j, _)| j as usize != node),
            SelfLoops::Refuse => {
                if row.iter().any(|&(j, _)| j as usize == node) {
                    let why =
                        "it has an edge to itself; remove it, or choose SelfLoops::Drop or Keep";
                    return Err(Error::data(format!("node {node}"), why));
                }
            }
        }
        Ok(())
    }

    fn check_memory(&self, nodes: usize, entries: usize) -> Result<()> {
        if nodes > u32::MAX as usize {
            return Err(Error::shape("nodes of a graph", format!("<= {}", u32::MAX), nodes));
        }
        // The relations, turned round, and the graph itself.
        let needs = 2 * Graph::estimate(nodes, entries);
        if needs > self.max_memory {
            return Err(Error::TooLarge {
                what: format!("a graph of {nodes} nodes and {entries} edges"),
                needs,
                limit: self.max_memory,
                why: "raise max_memory if the machine has it, or keep the more frequent users and \
                      items only (k_core)"
                    .into(),
            });
        }
        Ok(())
    }
}

/// The edges that leave nodes of one kind by one relation.
struct Direction {
    from: NodeKind,
    start: u32,
    weights: Csr,
}

impl Direction {
    fn gather(&self, at: usize, row: &mut Vec<(u32, f32)>) {
        let edges = self.weights.iter_row(at).filter(|&(_, w)| w > 0.0);
        row.extend(edges.map(|(j, w)| (self.start + j, w)));
    }
}

/// Entry by entry the larger of two matrices of one shape, absent ones being 0.
fn larger_of(a: &Csr, b: &Csr) -> Csr {
    let rows = (0..a.n_rows()).map(|i| {
        let mut row: Vec<(u32, f32)> = a.iter_row(i).chain(b.iter_row(i)).collect();
        row.sort_by(|x, y| x.0.cmp(&y.0).then(y.1.total_cmp(&x.1)));
        row.dedup_by_key(|(j, _)| *j);
        row
    });
    Csr::from_rows(rows, a.n_cols())
}

pub(super) fn without_zeros(edges: &Csr) -> Csr {
    if edges.values().is_none_or(|v| v.iter().all(|w| *w > 0.0)) {
        return edges.clone();
    }
    let row = |i| edges.iter_row(i).filter(|&(_, w)| w > 0.0).collect();
    Csr::from_rows((0..edges.n_rows()).map(row), edges.n_cols())
}

pub(super) fn check_weight(weight: f32, what: impl Fn() -> String) -> Result<()> {
    if weight.is_finite() && weight >= 0.0 {
        return Ok(());
    }
    Err(Error::data(what(), format!("weight {weight}; weights are finite and not negative")))
}

pub(super) fn check_weights(weights: &Csr, what: &str) -> Result<()> {
    for i in 0..weights.n_rows() {
        for (j, w) in weights.iter_row(i) {
            check_weight(w, || format!("{what} edge {i} → {j}"))?;
        }
    }
    Ok(())
}
