use proptest::prelude::*;

use super::*;

/// Zachary's karate club (1977): who was seen with whom, 34 members, 78 pairs, from 1.
const KARATE: [(u32, &[u32]); 31] = [
    (1, &[2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 18, 20, 22, 32]),
    (2, &[3, 4, 8, 14, 18, 20, 22, 31]),
    (3, &[4, 8, 9, 10, 14, 28, 29, 33]),
    (4, &[8, 13, 14]),
    (5, &[7, 11]),
    (6, &[7, 11, 17]),
    (7, &[17]),
    (9, &[31, 33, 34]),
    (10, &[34]),
    (14, &[34]),
    (15, &[33, 34]),
    (16, &[33, 34]),
    (19, &[33, 34]),
    (20, &[34]),
    (21, &[33, 34]),
    (23, &[33, 34]),
    (24, &[26, 28, 30, 33, 34]),
    (25, &[26, 28, 32]),
    (26, &[32]),
    (27, &[30, 34]),
    (28, &[34]),
    (29, &[32, 34]),
    (30, &[33, 34]),
    (31, &[33, 34]),
    (32, &[33, 34]),
    (33, &[34]),
    (8, &[]),
    (11, &[]),
    (12, &[]),
    (13, &[]),
    (17, &[]),
];

fn karate() -> Graph {
    let edges =
        KARATE.iter().flat_map(|(i, others)| others.iter().map(move |j| (i - 1, j - 1, 1.0)));
    Graph::from_edges(34, edges, false).unwrap()
}

/// Cliques of these sizes, each tied to the next by one edge.
fn chain(sizes: &[u32]) -> Graph {
    let (mut edges, mut start) = (Vec::new(), 0);
    for &size in sizes {
        let all = start..start + size;
        edges.extend(all.clone().flat_map(|i| (i + 1..all.end).map(move |j| (i, j, 1.0))));
        if start > 0 {
            edges.push((start - 1, start, 1.0));
        }
        start += size;
    }
    Graph::from_edges(start as usize, edges, false).unwrap()
}

#[test]
fn the_karate_club_parts_into_its_four_best_circles() {
    let graph = karate();
    assert_eq!(graph.n_edges(), 2 * 78);
    // The best that any method finds, 0.4198 (Brandes et al. 2008, by exhaustive optimisation).
    for seed in 0..5 {
        let circles = Leiden { seed, ..Leiden::default() }.circles(&graph).unwrap();
        assert_eq!(circles.members().len(), 4);
        assert!((circles.quality() - 0.419_790).abs() < 1e-5, "{}", circles.quality());
    }
}

#[test]
fn the_quality_of_the_two_factions_is_as_published() {
    // The split after the quarrel, member 9 with the officer; recomputed in numpy by the formula.
    let president = [1u32, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13, 14, 17, 18, 20, 22];
    let labels: Vec<u32> = (1..=34).map(|v| if president.contains(&v) { 7 } else { 3 }).collect();
    let quality = Leiden::default().quality_of(&karate(), &labels).unwrap();
    assert!((quality - 0.371_466).abs() < 1e-5, "{quality}");
    let one = Leiden::default().quality_of(&karate(), &[0; 34]).unwrap();
    assert!(one.abs() < 1e-12);
    let short = Leiden::default().quality_of(&karate(), &[0; 3]);
    assert!(matches!(short, Err(Error::Shape { .. })));
}

#[test]
fn cliques_are_circles_under_both_measures() {
    let graph = chain(&[5, 6, 4]);
    for leiden in
        [Leiden::default(), Leiden { quality: Quality::Cpm, resolution: 0.5, ..Leiden::default() }]
    {
        let circles = leiden.circles(&graph).unwrap();
        let found: Vec<_> = circles.members().iter().map(|c| (c[0], c.len())).collect();
        assert_eq!(found, [(5, 6), (0, 5), (11, 4)]);
        assert_eq!(circles.labels()[12], 2);
    }
    // e_c − γ n(n − 1)/2 of cliques: half their pairs.
    let cpm = Leiden { quality: Quality::Cpm, resolution: 0.5, ..Leiden::default() };
    assert!((cpm.circles(&graph).unwrap().quality() - (15.0 + 10.0 + 6.0) / 2.0).abs() < 1e-9);
    // At a density that nothing reaches every node is alone.
    let alone = Leiden { resolution: 1.5, ..cpm }.circles(&graph).unwrap();
    assert_eq!((alone.members().len(), alone.quality()), (15, 0.0));
}

#[test]
fn weights_loops_and_isolated_nodes_count_as_they_should() {
    // A path 0-1-2-3 whose middle edge is heavy, a self-loop on 0, and 4 alone.
    let edges = [(0, 1, 1.0), (1, 2, 9.0), (2, 3, 1.0), (0, 0, 2.0)];
    let graph = Graph::from_edges(5, edges, false).unwrap();
    let circles = Leiden::default().circles(&graph).unwrap();
    assert_eq!(circles.labels()[1], circles.labels()[2]);
    assert_eq!(circles.members().iter().filter(|c| **c == [4]).count(), 1);
    // m = 13, degrees 5, 10, 10, 1; a loop is inside and counts twice in its degree.
    let by_hand = (2.0 + 9.0 + 0.0) / 13.0 - (25.0 + 400.0 + 1.0) / (4.0 * 169.0);
    let got = Leiden::default().quality_of(&graph, &[0, 1, 1, 2, 3]).unwrap();
    assert!((got - by_hand).abs() < 1e-9, "{got} {by_hand}");
}

#[test]
fn a_hub_and_a_graph_in_pieces_are_no_trouble() {
    let star = (1..2000).map(|leaf| (0, leaf, 1.0));
    let circles =
        Leiden::default().circles(&Graph::from_edges(2000, star, false).unwrap()).unwrap();
    assert_eq!(circles.members().len(), 1);
    let pieces = (0..100).map(|i| (2 * i, 2 * i + 1, 1.0));
    let circles =
        Leiden::default().circles(&Graph::from_edges(200, pieces, false).unwrap()).unwrap();
    assert_eq!(circles.members().len(), 100);
}

#[test]
fn what_has_no_circles_is_refused() {
    let refused = |leiden: Leiden, graph: &Graph| leiden.circles(graph).map(|_| ());
    let graph = chain(&[3]);
    for leiden in [
        Leiden { resolution: 0.0, ..Leiden::default() },
        Leiden { randomness: f64::NAN, ..Leiden::default() },
        Leiden { iterations: 0, ..Leiden::default() },
    ] {
        assert!(matches!(refused(leiden, &graph), Err(Error::Parameter { .. })));
    }
    let empty = Graph::from_edges(3, [], false).unwrap();
    assert!(matches!(refused(Leiden::default(), &empty), Err(Error::Empty { .. })));
    let directed = Graph::from_edges(2, [(0, 1, 1.0)], true).unwrap();
    assert!(matches!(refused(Leiden::default(), &directed), Err(Error::Data { .. })));
}

#[test]
fn affinities_by_hand() {
    // 4 has an edge to each of the two others of its clique and one to 5 of the next.
    let graph = chain(&[5, 4, 3]);
    let circles = Leiden::default().circles(&graph).unwrap();
    let found = Affinity::default().recommend(&circles, &graph, 4, 9).unwrap();
    // Degrees: 10 + 6 + 3 edges inside, 2 between; the second circle's are 12 + 2.
    let expected = 1.0 / 5.0 - 14.0 / 42.0;
    assert!(expected < 0.0 && found.is_empty(), "{found:?}");
    // With vectors that agree with the third circle alone it comes first.
    let vectors: Vec<f32> =
        (0..12).flat_map(|v| if v == 4 || v >= 9 { [1.0, 0.0] } else { [0.0, 2.0] }).collect();
    let taste = Affinity { vectors: Some((&vectors, 2)), taste: 0.5, ..Affinity::default() };
    let found = taste.recommend(&circles, &graph, 4, 1).unwrap();
    // No edge to its 3 + 3 + 1 ends' worth of degrees.
    let expected = 0.5 * (0.0 - 7.0 / 42.0) + 0.5;
    assert_eq!(found[0].0, 2);
    assert!((found[0].1 - expected).abs() < 1e-6, "{found:?}");
    let large = Affinity { min_size: 4, ..taste };
    assert!(large.recommend(&circles, &graph, 4, 9).unwrap().iter().all(|(c, _)| *c != 2));
    let unfit = [
        Affinity { taste: 0.5, ..Affinity::default() }.recommend(&circles, &graph, 4, 1),
        Affinity { taste: 2.0, ..taste }.recommend(&circles, &graph, 4, 1),
        Affinity { vectors: Some((&vectors, 3)), ..taste }.recommend(&circles, &graph, 4, 1),
        taste.recommend(&circles, &graph, 12, 1),
        taste.recommend(&circles, &karate(), 4, 1),
    ];
    assert!(unfit.iter().all(Result::is_err));
}

fn connected(graph: &Graph, circle: &[u32]) -> bool {
    let mut reached = vec![circle[0]];
    let mut at = 0;
    while at < reached.len() {
        for &u in graph.edges().row(reached[at] as usize) {
            if circle.binary_search(&u).is_ok() && !reached.contains(&u) {
                reached.push(u);
            }
        }
        at += 1;
    }
    reached.len() == circle.len()
}

proptest! {
    #[test]
    fn circles_are_connected_and_no_node_would_rather_be_elsewhere(
        edges in proptest::collection::vec((0u32..30, 0u32..30, 1u32..4), 1..120),
        seed in 0u64..4,
    ) {
        let edges = edges.into_iter().map(|(i, j, w)| (i, j, w as f32));
        let graph = Graph::from_edges(30, edges, false).unwrap();
        let leiden = Leiden { seed, ..Leiden::default() };
        let circles = leiden.circles(&graph).unwrap();
        prop_assert_eq!(&circles, &leiden.circles(&graph).unwrap());
        for circle in circles.members() {
            prop_assert!(connected(&graph, circle));
        }
        let quality = leiden.quality_of(&graph, circles.labels()).unwrap();
        prop_assert!((quality - circles.quality()).abs() < 1e-9);
        let mut moved = circles.labels().to_vec();
        for v in 0..30 {
            for c in 0..=circles.members().len() as u32 {
                moved[v] = c;
                prop_assert!(leiden.quality_of(&graph, &moved).unwrap() <= quality + 1e-9);
            }
            moved[v] = circles.labels()[v];
        }
    }
}
