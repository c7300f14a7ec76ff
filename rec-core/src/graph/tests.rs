use proptest::prelude::*;

use super::*;
use crate::Error;
use crate::data::{IdMap, IdMaps, Interactions};

fn csr(rows: &[&[(u32, f32)]], n_cols: usize) -> Csr {
    Csr::from_rows(rows.iter().map(|row| row.to_vec()), n_cols)
}

/// Users 0 and 1, items 0 to 2: user 0 had item 0 twice and item 2, user 1 had item 2.
fn bipartite() -> Graph {
    let ids = IdMaps::shared(IdMap::range(2), IdMap::range(3));
    let log = Interactions::from_columns(
        ids,
        &[0, 0, 0, 1],
        vec![0, 2, 0, 2],
        None,
        None,
        Default::default(),
    )
    .unwrap();
    GraphBuilder::new().interactions(&log).unwrap().build().unwrap()
}

#[test]
fn interactions_make_a_graph_of_users_then_items() {
    let graph = bipartite();
    let edges: Vec<_> = graph.iter().collect();
    // Items are nodes 2 to 4; the repeated event weighs 2.
    assert_eq!(
        edges,
        [(0, 2, 2.0), (0, 4, 1.0), (1, 4, 1.0), (2, 0, 2.0), (4, 0, 1.0), (4, 1, 1.0)]
    );
    assert!(graph.is_symmetric());
    assert_eq!(graph.isolated().collect::<Vec<_>>(), [3]);
    assert_eq!((graph.nodes(NodeKind::User), graph.nodes(NodeKind::Item)), (0..2, 2..5));
    assert_eq!((graph.kind(1), graph.kind(2), graph.kind(5)), {
        (Some(NodeKind::User), Some(NodeKind::Item), None)
    });
    assert_eq!(graph.degrees(), [3.0, 1.0, 2.0, 0.0, 2.0]);
}

#[test]
fn relations_lie_side_by_side() {
    let had = csr(&[&[(0, 1.0)], &[(1, 1.0)]], 2);
    let friends = csr(&[&[(1, 4.0)], &[]], 2);
    let alike = csr(&[&[(1, 1.0)], &[(0, 1.0)]], 2);
    let tags = csr(&[&[(0, 1.0)], &[]], 1);
    let graph = GraphBuilder::new()
        .relation(NodeKind::User, NodeKind::Item, had, 1.0)
        .unwrap()
        .relation(NodeKind::User, NodeKind::User, friends, 0.5)
        .unwrap()
        .relation(NodeKind::Item, NodeKind::Item, alike, 1.0)
        .unwrap()
        .relation(NodeKind::Item, NodeKind::Tag, tags, 3.0)
        .unwrap()
        .build()
        .unwrap();
    let up: Vec<_> = graph.iter().filter(|(i, j, _)| i < j).collect();
    // The item–item edge, stored both ways, is one edge of weight 1.
    assert_eq!(up, [(0, 1, 2.0), (0, 2, 1.0), (1, 3, 1.0), (2, 3, 1.0), (2, 4, 3.0)]);
    assert!(graph.is_symmetric());
}

#[test]
fn a_relation_given_twice_adds_up() {
    let had = csr(&[&[(0, 1.0)]], 1);
    let graph = GraphBuilder::new()
        .relation(NodeKind::User, NodeKind::Item, had.clone(), 1.0)
        .unwrap()
        .relation(NodeKind::User, NodeKind::Item, had, 2.0)
        .unwrap()
        .build()
        .unwrap();
    assert_eq!(graph.iter().collect::<Vec<_>>(), [(0, 1, 3.0), (1, 0, 3.0)]);
}

#[test]
fn normalised_weights_by_hand() {
    let graph = bipartite();
    let symmetric = graph.normalized(Normalization::Symmetric).unwrap();
    let entry = |m: &Csr, i: usize, j: u32| m.iter_row(i).find(|e| e.0 == j).unwrap().1;
    assert!((entry(&symmetric, 0, 2) - 2.0 / 6f32.sqrt()).abs() < 1e-6);
    assert!((entry(&symmetric, 4, 1) - 1.0 / 2f32.sqrt()).abs() < 1e-6);
    let walk = graph.normalized(Normalization::RandomWalk).unwrap();
    assert!((entry(&walk, 0, 2) - 2.0 / 3.0).abs() < 1e-6);
    assert!((entry(&walk, 2, 0) - 1.0).abs() < 1e-6);
    assert_eq!(graph.normalized(Normalization::None).unwrap().values(), graph.edges().values());
    let powers = Normalization::Powers { left: 0.0, right: 1.0 };
    assert!((entry(&graph.normalized(powers).unwrap(), 0, 4) - 0.5).abs() < 1e-6);
    let wrong = Normalization::Powers { left: f32::NAN, right: 1.0 };
    assert!(graph.normalized(wrong).is_err());
    // The isolated node's row stays empty instead of dividing by 0.
    assert!(
        symmetric.row(3).is_empty() && symmetric.values().unwrap().iter().all(|w| w.is_finite())
    );
}

#[test]
fn a_block_of_a_matrix_is_between_two_kinds() {
    let graph = bipartite();
    let block = graph.block(graph.edges(), NodeKind::Item, NodeKind::User);
    assert_eq!((block.n_rows(), block.n_cols(), block.row(2)), (3, 2, &[0, 1][..]));
}

#[test]
fn self_loops_are_refused_dropped_kept_or_added() {
    let alike = csr(&[&[(0, 1.0), (1, 1.0)], &[]], 2);
    let builder = || {
        GraphBuilder::new().relation(NodeKind::Item, NodeKind::Item, alike.clone(), 1.0).unwrap()
    };
    let refused = builder().build();
    assert!(matches!(&refused, Err(Error::Data { what, .. }) if what == "node 0"), "{refused:?}");
    let dropped = builder().self_loops(SelfLoops::Drop).build().unwrap();
    assert_eq!(dropped.iter().collect::<Vec<_>>(), [(0, 1, 1.0), (1, 0, 1.0)]);
    assert_eq!(builder().self_loops(SelfLoops::Keep).build().unwrap().n_edges(), 3);
    let added = dropped.with_self_loops(0.5).unwrap();
    assert_eq!(added.iter().next(), Some((0, 0, 0.5)));
    assert_eq!(added.n_edges(), 4);
    assert!(dropped.with_self_loops(0.0).is_err());
}

#[test]
fn bad_relations_are_refused_by_name() {
    let relation = |weights, factor| {
        GraphBuilder::new().relation(NodeKind::User, NodeKind::Item, weights, factor)
    };
    for weight in [-1.0, f32::NAN, f32::INFINITY] {
        let bad = relation(csr(&[&[(0, weight)]], 1), 1.0);
        assert!(matches!(&bad, Err(Error::Data { what, .. }) if what == "user–item edge 0 → 0"));
    }
    assert!(matches!(relation(csr(&[&[]], 0), 1.0), Err(Error::Empty { .. })));
    assert!(matches!(relation(Csr::zeros(0, 2), 1.0), Err(Error::Empty { .. })));
    assert!(matches!(relation(Csr::zeros(1, 1), 0.0), Err(Error::Parameter { .. })));
    // An entry of weight 0 is no edge, and without edges there is no graph.
    let none = relation(csr(&[&[(0, 0.0)]], 1), 1.0).unwrap().build();
    assert!(matches!(none, Err(Error::Empty { .. })));
    assert!(matches!(GraphBuilder::new().build(), Err(Error::Empty { .. })));
    let sizes = relation(csr(&[&[(0, 1.0)]], 1), 1.0).unwrap().relation(
        NodeKind::Item,
        NodeKind::Tag,
        Csr::zeros(2, 1),
        1.0,
    );
    assert!(matches!(sizes, Err(Error::Shape { .. })));
    assert!(Graph::from_csr(&Csr::zeros(1, 2), NodeKind::User).is_err());
}

#[test]
fn bad_edges_are_refused_and_repeated_ones_add_up() {
    assert!(matches!(Graph::from_edges(2, [(0, 2, 1.0)], true), Err(Error::Shape { .. })));
    assert!(matches!(Graph::from_edges(2, [(0, 1, -1.0)], true), Err(Error::Data { .. })));
    let graph = Graph::from_edges(3, [(0, 1, 1.0), (0, 1, 2.0), (2, 2, 1.0), (1, 2, 0.0)], false);
    let edges: Vec<_> = graph.unwrap().iter().collect();
    assert_eq!(edges, [(0, 1, 3.0), (1, 0, 3.0), (2, 2, 1.0)]);
}

#[test]
fn a_graph_past_its_memory_is_refused_with_the_estimate() {
    let had = csr(&[&[(0, 1.0)]], 1);
    let builder = GraphBuilder::new().relation(NodeKind::User, NodeKind::Item, had, 1.0).unwrap();
    let refused = builder.clone().max_memory(79).build();
    // Twice 3 row starts of 8 bytes and 2 entries of 8.
    assert!(matches!(&refused, Err(Error::TooLarge { needs: 80, limit: 79, .. })), "{refused:?}");
    assert!(builder.max_memory(80).build().is_ok());
}

#[test]
fn a_directed_graph_and_its_transpose() {
    let graph = Graph::from_edges(3, [(0, 1, 2.0), (2, 1, 1.0)], true).unwrap();
    assert!(!graph.is_symmetric());
    assert_eq!(graph.transpose().iter().collect::<Vec<_>>(), [(1, 0, 2.0), (1, 2, 1.0)]);
    assert_eq!(graph.transpose().transpose(), graph);
}

#[test]
fn the_core_loses_chains_and_keeps_triangles() {
    // A triangle 0-1-2 with a chain 2-3-4, and an isolated node 5.
    let edges = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4)].map(|(i, j)| (i, j, 1.0));
    let graph = Graph::from_edges(6, edges, false).unwrap();
    let core = graph.k_core(2);
    assert_eq!(core.isolated().collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!((core.n_nodes(), core.n_edges()), (6, 6));
    assert_eq!(graph.k_core(3).n_edges(), 0);
    assert_eq!(graph.k_core(0), graph);
}

#[test]
fn dropout_leaves_out_its_share_both_ways_and_repeatably() {
    let edges = (0..200u32).flat_map(|i| (1..=10).map(move |s| (i, (i + s) % 200, 1.0)));
    let graph = Graph::from_edges(200, edges, false).unwrap();
    let dropped = graph.edge_dropout(0.3, 7).unwrap();
    assert!(dropped.is_symmetric());
    let left = dropped.n_edges() as f64 / graph.n_edges() as f64;
    // 2,000 independent edges: a standard deviation of 0.01.
    assert!((left - 0.7).abs() < 0.05, "{left}");
    assert_eq!(dropped, graph.edge_dropout(0.3, 7).unwrap());
    assert_ne!(dropped, graph.edge_dropout(0.3, 8).unwrap());
    assert_eq!(graph.edge_dropout(0.0, 7).unwrap(), graph);
    let nodes = graph.node_dropout(0.25, 7).unwrap();
    assert!(nodes.is_symmetric());
    let isolated = nodes.isolated().count();
    assert!((20..=80).contains(&isolated), "{isolated} of 200");
    assert!(graph.edge_dropout(1.0, 1).is_err() && graph.node_dropout(-0.1, 1).is_err());
    assert!(graph.node_dropout(f64::NAN, 1).is_err());
}

#[test]
fn edge_lists_are_read_and_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("edges.txt");
    std::fs::write(&path, "# who knows whom\nann bob\nbob,cid 2.5\n\ncid\tann\t1\n").unwrap();
    let (graph, ids) = read_edges(&path, true).unwrap();
    let edges: Vec<_> = graph.iter().collect();
    assert_eq!(edges, [(0, 1, 1.0), (1, 2, 2.5), (2, 0, 1.0)]);
    assert_eq!(ids.iter().map(|id| id.to_string()).collect::<Vec<_>>(), ["ann", "bob", "cid"]);
    let copy = dir.path().join("copy.txt.gz");
    write_edges(&copy, &graph, Some(&ids)).unwrap();
    assert_eq!(read_edges(&copy, true).unwrap().0, graph);
    assert!(matches!(write_edges(&copy, &graph, Some(&IdMap::range(2))), Err(Error::Shape { .. })));
    let spaced = IdMap::from_ids(["a b", "c", "d"]).unwrap();
    assert!(matches!(write_edges(&copy, &graph, Some(&spaced)), Err(Error::Data { .. })));
}

#[test]
fn a_bad_line_is_refused_by_its_number() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("edges.txt");
    for bad in ["b", "a b x", "a b -1", "a b nan", "a b 1 2"] {
        std::fs::write(&path, format!("a b\n{bad}\n")).unwrap();
        let refused = read_edges(&path, true);
        assert!(matches!(refused, Err(Error::Format { line: Some(2), .. })), "{bad}: {refused:?}");
    }
    std::fs::write(&path, "# nothing\n").unwrap();
    assert!(matches!(read_edges(&path, true), Err(Error::Empty { .. })));
    assert!(matches!(read_edges(dir.path().join("none"), true), Err(Error::Io { .. })));
}

proptest! {
    #[test]
    fn random_walk_rows_sum_to_one_and_symmetric_stays_symmetric(
        edges in proptest::collection::vec((0u32..9, 0u32..9, 1u8..5), 1..40),
    ) {
        let edges = edges.into_iter().map(|(i, j, w)| (i, j, f32::from(w)));
        let graph = Graph::from_edges(9, edges, false).unwrap();
        let walk = graph.normalized(Normalization::RandomWalk).unwrap();
        for i in 0..9 {
            let sum: f32 = walk.iter_row(i).map(|(_, w)| w).sum();
            prop_assert!(walk.row(i).is_empty() || (sum - 1.0).abs() < 1e-5);
        }
        let symmetric = graph.normalized(Normalization::Symmetric).unwrap();
        prop_assert_eq!(symmetric.transpose(), symmetric);
    }
}
