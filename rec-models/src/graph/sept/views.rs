//! The views: graphs of users by what they share.

use rayon::prelude::*;
use rec_core::data::Csr;
use rec_core::graph::{Graph, GraphBuilder, NodeKind, Normalization};

use crate::Result;

/// The graph that the fourth view leaves parts out of, and the two social views' matrices.
pub(super) struct Views {
    /// Interactions and friendships.
    pub(super) all: Graph,
    /// `[users, users]`, normalised.
    pub(super) friend: Csr,
    /// `[users, users]`, normalised.
    pub(super) sharing: Csr,
}

impl Views {
    pub(super) fn new(seen: &Csr, friends: &Csr, max_memory: u64) -> Result<Self> {
        // Both ways, and none of weight 0.
        let known = GraphBuilder::new()
            .max_memory(max_memory)
            .relation(NodeKind::User, NodeKind::User, friends.clone(), 1.0)?
            .build()?;
        let known = known.edges().binary();
        let all = GraphBuilder::new()
            .max_memory(max_memory)
            .relation(NodeKind::User, NodeKind::Item, seen.clone(), 1.0)?
            .relation(NodeKind::User, NodeKind::User, known.clone(), 1.0)?
            .build()?;
        Ok(Self { friend: view(&known, &known)?, sharing: view(&known, seen)?, all })
    }
}

/// Friends weighted by how many columns of `rows` they share, and everyone their own friend once;
/// normalised.
fn view(friends: &Csr, rows: &Csr) -> Result<Csr> {
    let row = |u: usize| {
        let of = |&v: &u32| (v, shared(rows.row(u), rows.row(v as usize)) as f32);
        friends.row(u).iter().map(of).filter(|(_, w)| *w > 0.0).collect::<Vec<_>>()
    };
    let weighted: Vec<_> = (0..friends.n_rows()).into_par_iter().map(row).collect();
    let weighted = Csr::from_rows(weighted, friends.n_cols());
    Graph::from_csr(&weighted, NodeKind::User)?
        .with_self_loops(1.0)?
        .normalized(Normalization::Symmetric)
}

/// How many values two ascending lists have in common.
fn shared(a: &[u32], b: &[u32]) -> usize {
    let (mut i, mut j, mut both) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        both += usize::from(x == y);
        i += usize::from(x <= y);
        j += usize::from(y <= x);
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn friends_are_weighted_by_what_they_share() {
        // 0, 1 and 2 know each other, 3 knows 0; 0 and 1 share two items, 0 and 3 one.
        let pairs = [(0, 1), (1, 2), (0, 2), (0, 3)];
        let mut rows = vec![Vec::new(); 4];
        for (u, v) in pairs {
            rows[u].push((v as u32, 1.0));
        }
        let friends = Csr::from_rows(rows, 4);
        let items = [vec![0, 1, 2], vec![0, 2], vec![3], vec![1]];
        let items = items.map(|row| row.into_iter().map(|i: u32| (i, 1.0)).collect());
        let views = Views::new(&Csr::from_rows(items, 4).binary(), &friends, 1 << 20).unwrap();
        // Friend view: each of the three shares one friend with the others, 3 none. Degrees 3, 3, 3, 1.
        let third = 1.0 / 3.0;
        let row = |m: &Csr, i: usize| m.iter_row(i).collect::<Vec<_>>();
        for i in 0..3 {
            let expected = [(0, third), (1, third), (2, third)];
            for (got, expected) in row(&views.friend, i).iter().zip(expected) {
                assert!(got.0 == expected.0 && (got.1 - expected.1).abs() < 1e-6);
            }
        }
        assert_eq!(row(&views.friend, 3), [(3, 1.0)]);
        // Sharing view: weights 2 and 1 and one's own 1; degrees 4, 3, 1, 2.
        let expected = [(0, 0.25), (1, 2.0 / 12f32.sqrt()), (3, 1.0 / 8f32.sqrt())];
        let got = row(&views.sharing, 0);
        assert_eq!(got.len(), 3);
        for (got, expected) in got.iter().zip(expected) {
            assert!(got.0 == expected.0 && (got.1 - expected.1).abs() < 1e-6, "{got:?}");
        }
        assert_eq!(row(&views.sharing, 2), [(2, 1.0)]);
    }
}
