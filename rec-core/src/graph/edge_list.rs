//! Graphs as text: one edge a line.

use std::path::Path;

use super::{Graph, NodeKind};
use crate::data::IdMap;
use crate::data::read::{
    source::{Blocks, Source},
    write_atomic,
};
use crate::{Error, Result};

/// Reads an edge list: `from to` or `from to weight` a line, parted by spaces, tabs or commas;
/// lines that are empty or start with `#` are passed over; gzip is seen through. Ids may be any
/// words; the map says which node each became, in order of appearance. Weights of a repeated edge
/// add up; an undirected edge is stored both ways.
///
/// # Errors
/// [`Error::Io`] where the file cannot be read, [`Error::Format`] with the line for one that is no
/// edge or whose weight is negative or not finite, [`Error::Empty`] for a file without edges.
pub fn read_edges(path: impl AsRef<Path>, directed: bool) -> Result<(Graph, IdMap)> {
    let path = path.as_ref();
    let mut reader = Lines { path, line: 0, ids: IdMap::new(), edges: Vec::new() };
    let mut blocks = Blocks::new(Source::open(path)?, None);
    while let Some(block) = blocks.next()? {
        reader.block(&block)?;
    }
    if reader.edges.is_empty() {
        return Err(Error::empty(path.display().to_string(), "it holds no edge"));
    }
    let graph = Graph::from_edges(reader.ids.len(), reader.edges, directed)?;
    Ok((graph, reader.ids))
}

struct Lines<'a> {
    path: &'a Path,
    line: u64,
    ids: IdMap,
    edges: Vec<(u32, u32, f32)>,
}

impl Lines<'_> {
    fn block(&mut self, block: &[u8]) -> Result<()> {
        for line in block.split(|&b| b == b'\n') {
            self.line += 1;
            let line = std::str::from_utf8(line).map_err(|_| self.refuse("not UTF-8 text"))?;
            let line = line.trim();
            if !(line.is_empty() || line.starts_with('#')) {
                self.edge(line)?;
            }
        }
        // A block ends with a line's end, after which `split` sees one more, empty line.
        self.line -= u64::from(block.ends_with(b"\n"));
        Ok(())
    }

    fn edge(&mut self, line: &str) -> Result<()> {
        let mut parts = line.split([' ', '\t', ',']).filter(|part| !part.is_empty());
        let (Some(from), Some(to)) = (parts.next(), parts.next()) else {
            return Err(self.refuse("an edge has two ends: from to [weight]"));
        };
        let weight = match parts.next() {
            None => 1.0,
            Some(weight) => {
                weight.parse().ok().filter(|w: &f32| w.is_finite() && *w >= 0.0).ok_or_else(
                    || self.refuse(&format!("weight {weight:?} is no finite number of at least 0")),
                )?
            }
        };
        if parts.next().is_some() {
            return Err(self.refuse("more than from, to and weight"));
        }
        let ends = (self.ids.intern(from), self.ids.intern(to));
        self.edges.push((ends.0, ends.1, weight));
        Ok(())
    }

    fn refuse(&self, why: &str) -> Error {
        Error::format(self.path, Some(self.line), why)
    }
}

/// Writes every stored edge as `from<TAB>to<TAB>weight`, by the ids of `ids` or by node numbers.
/// Read it back as directed.
///
/// # Errors
/// [`Error::Shape`] for a map of another size, [`Error::Data`] for an id with a space, tab, comma or
/// line break, or that begins with `#`, [`Error::Io`] where the disk refuses; nothing half-written
/// remains.
pub fn write_edges(path: impl AsRef<Path>, graph: &Graph, ids: Option<&IdMap>) -> Result<()> {
    let names = match ids {
        None => IdMap::range(graph.n_nodes()),
        Some(ids) if ids.len() == graph.n_nodes() => ids.clone(),
        Some(ids) => {
            return Err(Error::shape("ids of a graph's nodes", graph.n_nodes(), ids.len()));
        }
    };
    let names: Vec<String> = names.iter().map(|id| id.to_string()).collect();
    let unfit = |id: &&String| {
        id.is_empty() || id.starts_with('#') || id.contains([' ', '\t', ',', '\n', '\r'])
    };
    if let Some(id) = names.iter().find(unfit) {
        let why = "an edge list cannot hold it; write node numbers instead";
        return Err(Error::data(format!("id {id:?}"), why));
    }
    write_atomic(path, |w| {
        graph.iter().try_for_each(|(i, j, weight)| {
            writeln!(w, "{}\t{}\t{weight}", names[i as usize], names[j as usize])
        })
    })
}

impl Graph {
    /// Which kind a node is of.
    pub fn kind(&self, node: u32) -> Option<NodeKind> {
        [NodeKind::User, NodeKind::Item, NodeKind::Tag]
            .into_iter()
            .find(|kind| self.nodes(*kind).contains(&(node as usize)))
    }
}
