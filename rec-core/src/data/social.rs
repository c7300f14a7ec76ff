//! Who follows or befriends whom.

use std::sync::Arc;

use super::{Csr, IdMaps, IdRef};
use crate::{Error, IdKind, Result};

/// A weighted graph over the users of a data set.
#[derive(Clone, Debug)]
pub struct SocialGraph {
    ids: Arc<IdMaps>,
    edges: Csr,
    dropped: usize,
}

/// How a social graph treats edges whose ends have no behaviour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UnknownUsers {
    /// An error names the first.
    #[default]
    Error,
    /// The edge is left out and counted.
    Drop,
}

impl SocialGraph {
    /// A graph from edges `(from, to, weight)`; weights of a repeated edge add up. An undirected
    /// graph stores each edge both ways; a self-loop is refused.
    ///
    /// # Errors
    /// [`Error::UnknownId`] for an unknown user unless told to drop its edges, [`Error::Data`] for
    /// a self-loop or a weight that is negative or not finite.
    pub fn new<'a, I: Into<IdRef<'a>>>(
        ids: Arc<IdMaps>,
        edges: impl IntoIterator<Item = (I, I, f32)>,
        directed: bool,
        unknown: UnknownUsers,
    ) -> Result<Self> {
        let mut rows: Vec<Vec<(u32, f32)>> = vec![Vec::new(); ids.users.len()];
        let mut dropped = 0;
        for (from, to, weight) in edges {
            let (from, to) = (from.into(), to.into());
            if !(weight.is_finite() && weight >= 0.0) {
                return Err(Error::data(
                    format!("edge {from} → {to}"),
                    format!("weight {weight}; weights are finite and not negative"),
                ));
            }
            let ends = match (ids.users.get(from), ids.users.get(to)) {
                (Some(a), Some(b)) => (a, b),
                _ if unknown == UnknownUsers::Drop => {
                    dropped += 1;
                    continue;
                }
                (a, _) => {
                    let id = if a.is_none() { from } else { to };
                    ids.users.require(IdKind::User, id)?;
                    continue;
                }
            };
            if ends.0 == ends.1 {
                return Err(Error::data(
                    format!("edge {from} → {to}"),
                    "a user is not their own friend; remove self-loops",
                ));
            }
            rows[ends.0 as usize].push((ends.1, weight));
            if !directed {
                rows[ends.1 as usize].push((ends.0, weight));
            }
        }
        let n = ids.users.len();
        Ok(Self { ids, edges: Csr::from_rows(rows, n), dropped })
    }

    /// The user × user matrix of weights.
    pub fn edges(&self) -> &Csr {
        &self.edges
    }

    /// The id maps shared with the data set.
    pub fn ids(&self) -> &Arc<IdMaps> {
        &self.ids
    }

    /// Edges left out because an end was unknown.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// One user's friends.
    pub fn friends(&self, user: u32) -> &[u32] {
        self.edges.row(user as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::IdMap;

    #[test]
    fn edges_go_both_ways_and_unknown_ends_are_counted() {
        let ids = IdMaps::shared(IdMap::range(3), IdMap::new());
        let edges = [(0, 1, 1.0), (1, 2, 0.5), (2, 9, 1.0)];
        let graph = SocialGraph::new(ids.clone(), edges, false, UnknownUsers::Drop).unwrap();
        assert_eq!((graph.friends(1), graph.dropped()), (&[0, 2][..], 1));
        let strict = SocialGraph::new(ids.clone(), edges, false, UnknownUsers::Error);
        assert!(matches!(strict, Err(Error::UnknownId { .. })));
        assert!(SocialGraph::new(ids.clone(), [(1, 1, 1.0)], true, UnknownUsers::Error).is_err());
        assert!(SocialGraph::new(ids, [(0, 1, -1.0)], true, UnknownUsers::Error).is_err());
    }
}
