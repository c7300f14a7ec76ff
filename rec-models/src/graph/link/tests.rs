use std::collections::BTreeMap;

use rec_core::data::{Csr, Dataset, IdMap, SocialGraph, UnknownUsers};
use rec_core::graph::{Graph, evaluate_links};
use rec_core::objective::EdgeLoss;
use rec_core::rank::{Query, Recommend as _, Scorer as _, Users};
use serde::Deserialize;

use super::layers::{Block, Layers};
use super::sample::{Sampler, whole};
use super::state::{Sample, Scored};
use super::{LinkModel, LinkPredictor, Network};
use crate::collab::samples::{dataset, two_tastes};
use crate::fit::{Checkpoints, Fit, FitContext, Model as _};
use crate::{Device, Error};

const SAGE: Network = Network::Sage { neighbours: 5, normalize: true };

#[derive(Deserialize)]
struct Torch {
    edges: Vec<(u32, u32, f32)>,
    nodes: usize,
    features: Vec<Vec<f32>>,
    hidden: usize,
    factors: usize,
    temperature: f64,
    batch: Vec<TorchSample>,
    gcn: Run,
    sage: Run,
}

#[derive(Deserialize)]
struct TorchSample {
    ends: [u32; 2],
    negatives: Vec<u32>,
    target: f64,
}

#[derive(Deserialize)]
struct Run {
    weights: BTreeMap<String, Vec<f32>>,
    bias: f32,
    embeddings: Vec<f64>,
    loss: f64,
    gradients: BTreeMap<String, Vec<f64>>,
    by_bias: f64,
}

fn assert_near(got: &[f32], expected: &[f64], what: &str) {
    assert_eq!(got.len(), expected.len(), "{what}");
    for (got, expected) in got.iter().zip(expected) {
        assert!((f64::from(*got) - expected).abs() < 2e-6, "{what}: {got}, torch {expected}");
    }
}

#[test]
fn a_pass_there_and_back_is_plain_torchs() {
    let text = include_str!("../../../../tests/fixtures/gcn_torch.json");
    let torch: Torch = serde_json::from_str(text).unwrap();
    let graph = Graph::from_edges(torch.nodes, torch.edges, false).unwrap();
    let rows = torch
        .features
        .iter()
        .map(|row| (0..).zip(row.iter().copied()).filter(|(_, x)| *x != 0.0).collect());
    let features = Csr::from_rows(rows, torch.features[0].len());
    let transposed = features.transpose();
    let batch: Vec<Sample> = torch
        .batch
        .into_iter()
        .map(|s| Sample { ends: s.ends, negatives: s.negatives, target: s.target })
        .collect();
    let temperature = torch.temperature;
    for (network, loss, run) in [
        (Network::Gcn, EdgeLoss::Squared, torch.gcn),
        (SAGE, EdgeLoss::InfoNce { temperature }, torch.sage),
    ] {
        let config = LinkPredictor {
            network,
            hidden: torch.hidden,
            factors: torch.factors,
            loss,
            ..LinkPredictor::default()
        };
        let mut layers = Layers::new(&config, features.n_cols(), 0);
        for (name, weights) in layers.named_mut() {
            weights.values.copy_from_slice(&run.weights[&name]);
        }
        let block = Block::new(whole(&graph, network).unwrap());
        let (input, blocks) = ((&features, &transposed), [&block, &block]);
        let passes = layers.forward(input, &blocks);
        assert_near(&passes[1].out, &run.embeddings, "embeddings");
        let scored = Scored { loss, d: torch.factors, bias: run.bias };
        let (lost, by_out, by_bias) = scored.loss(&batch, &passes[1].out, |v| v);
        assert!((lost - run.loss).abs() < 1e-6, "{lost}, torch {}", run.loss);
        let by_bias = if loss.has_bias() { by_bias } else { 0.0 };
        assert!((by_bias - run.by_bias).abs() < 1e-6, "{by_bias}, torch {}", run.by_bias);
        let gradients = layers.backward(input, &blocks, &passes, by_out);
        for (at, gradient) in gradients.iter().enumerate() {
            let name = format!("gathered.{at}");
            assert_near(&gradient.gathered, &run.gradients[&name], &name);
            if let Some(own) = &gradient.own {
                let name = format!("own.{at}");
                assert_near(own, &run.gradients[&name], &name);
            }
        }
    }
}

/// Two groups of friends: within a group half of the pairs know each other, between few do.
fn groups(n: u32) -> Graph {
    let mut rng = rec_core::rng::stream(3, "groups", 0);
    let mut edges = Vec::new();
    for i in 0..n {
        for j in i + 1..n {
            let chance = if i % 2 == j % 2 { 0.4 } else { 0.02 };
            if rand::RngExt::random::<f64>(&mut rng) < chance {
                edges.push((i, j, 1.0));
            }
        }
    }
    Graph::from_edges(n as usize, edges, false).unwrap()
}

fn small(network: Network, loss: EdgeLoss) -> LinkPredictor {
    LinkPredictor {
        network,
        loss,
        hidden: 16,
        factors: 8,
        learning_rate: 0.02,
        epochs: 40,
        batch_size: 128,
        ..LinkPredictor::default()
    }
}

fn fit(config: &LinkPredictor, graph: &Graph, threads: usize) -> LinkModel {
    let mut ctx = FitContext { seed: 5, threads: Some(threads), ..FitContext::default() };
    config.fit_graph(graph, None, None, &mut ctx).unwrap()
}

#[test]
fn held_out_edges_are_told_from_non_edges_by_every_loss() {
    let graph = groups(60);
    let held = graph.hold_out(0.1, 1).unwrap();
    let none = Graph::non_edges(60, &[&graph], 300, 2).unwrap();
    for network in [Network::Gcn, SAGE] {
        for loss in [
            EdgeLoss::Squared,
            EdgeLoss::Bce,
            EdgeLoss::Bpr,
            EdgeLoss::InfoNce { temperature: 0.2 },
            EdgeLoss::CosineContrastive { margin: 0.2, weight: 1.0 },
        ] {
            let model = fit(&small(network, loss), &held.graph, 2);
            let scores = |pairs: &[(u32, u32)]| -> Vec<f32> {
                pairs.iter().map(|&(i, j)| model.link_score(i, j).unwrap()).collect()
            };
            let auc = evaluate_links(&scores(&held.links), &scores(&none), &[]).unwrap().auc;
            // A pair within a group is an edge with chance 0.4: no score can do better than 0.8.
            assert!(auc > 0.65, "{network:?} {loss:?}: {auc}");
            match model.probability(0, 2) {
                Ok(p) => assert!(loss.has_bias() && (0.0..=1.0).contains(&p)),
                Err(error) => {
                    assert!(!loss.has_bias() && matches!(error, Error::Unsupported { .. }));
                }
            }
        }
    }
}

#[test]
fn sampled_neighbourhoods_are_what_they_say() {
    let graph = groups(40);
    let mut rng = rec_core::rng::stream(1, "test", 0);
    // With room for all neighbours a block is the whole matrix's rows.
    let matrix = whole(&graph, SAGE).unwrap();
    let (blocks, sources) = Sampler::new(&graph, 100).blocks(&[7, 3], 1, &mut rng);
    for (row, node) in [7usize, 3].into_iter().enumerate() {
        let mut got: Vec<(u32, f32)> =
            blocks[0].forward.iter_row(row).map(|(j, w)| (sources[j as usize], w)).collect();
        got.sort_by_key(|(j, _)| *j);
        assert_eq!(got, matrix.iter_row(node).collect::<Vec<_>>());
    }
    // With less, so many different ones, layer upon layer; targets come first.
    let (blocks, sources) = Sampler::new(&graph, 2).blocks(&[7, 3], 2, &mut rng);
    assert_eq!(sources[..2], [7, 3]);
    assert_eq!(blocks[1].forward.n_cols(), blocks[0].forward.n_rows());
    assert_eq!(blocks[0].forward.n_cols(), sources.len());
    for row in 0..blocks[0].forward.n_rows() {
        let drawn = blocks[0].forward.row(row);
        assert_eq!(drawn.len(), graph.edges().row(sources[row] as usize).len().min(2));
        for &j in drawn {
            assert!(graph.edges().contains(sources[row] as usize, sources[j as usize]));
        }
    }
}

#[test]
fn an_unseen_node_is_embedded_as_the_network_would() {
    // The graph with one more node, the others' rows as they were: what its row comes to by hand.
    let graph = groups(30);
    let features = Csr::from_rows((0..30).map(|i| vec![(i % 3, 1.0), (3, 0.5)]), 4);
    for network in [Network::Gcn, SAGE] {
        let config =
            LinkPredictor { layers: 1, node_embeddings: false, ..small(network, EdgeLoss::Bpr) };
        let mut ctx = FitContext::default();
        let model = config.fit_graph(&graph, Some(&features), None, &mut ctx).unwrap();
        let neighbours = [4u32, 9];
        let got = model.embed(&[(1, 1.0), (3, 0.5)], &[9, 4, 9]).unwrap();
        let d = config.factors;
        let weights: BTreeMap<String, Vec<f32>> =
            model.layers.named().into_iter().map(|(n, w)| (n, w.values.to_vec())).collect();
        let times = |row: &[(u32, f32)], name: &str| -> Vec<f32> {
            let w = &weights[name];
            (0..d).map(|k| row.iter().map(|&(f, x)| x * w[f as usize * d + k]).sum()).collect()
        };
        let own = [(1, 1.0), (3, 0.5)];
        let mut expected = vec![0f32; d];
        let mut add = |row: Vec<f32>, by: f32| {
            expected.iter_mut().zip(row).for_each(|(e, x)| *e += by * x);
        };
        for v in neighbours {
            let row: Vec<(u32, f32)> = features.iter_row(v as usize).collect();
            let degree = graph.edges().row(v as usize).len() as f32 + 1.0;
            let by = if network == Network::Gcn { 1.0 / (3.0 * degree).sqrt() } else { 0.5 };
            add(times(&row, "gathered.0"), by);
        }
        match network {
            Network::Gcn => add(times(&own, "gathered.0"), 1.0 / 3.0),
            _ => add(times(&own, "own.0"), 1.0),
        }
        if network != Network::Gcn {
            let length = expected.iter().map(|x| x * x).sum::<f32>().sqrt();
            expected.iter_mut().for_each(|x| *x /= length);
        }
        for (got, expected) in got.iter().zip(&expected) {
            assert!((got - expected).abs() < 1e-5, "{network:?}: {got} {expected}");
        }
        assert!(model.embed(&[(4, 1.0)], &[]).is_err() && model.embed(&[], &[30]).is_err());
    }
    // In several layers: a node known in training, taken as new with all its edges, comes out nearer
    // to itself than to the other group.
    let model = fit(&small(SAGE, EdgeLoss::Bpr), &graph, 1);
    let neighbours = graph.edges().row(0).to_vec();
    let as_new = model.embed(&[], &neighbours).unwrap();
    let near = |v: usize| -> f32 {
        as_new.iter().zip(&model.node_factors()[8 * v..]).map(|(a, b)| a * b).sum()
    };
    let others = (1..30).step_by(2).map(near).sum::<f32>() / 15.0;
    assert!(near(0) > others + 0.1, "{} {others}", near(0));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let graph = groups(200);
    for network in [Network::Gcn, SAGE] {
        let config = LinkPredictor { epochs: 2, ..small(network, EdgeLoss::Squared) };
        assert_eq!(fit(&config, &graph, 1).node_factors(), fit(&config, &graph, 2).node_factors());
    }
}

#[test]
fn a_resumed_run_is_the_unbroken_one() {
    let (dir, graph) = (tempfile::tempdir().unwrap(), groups(40));
    let run = |epochs: usize, dir: Option<&std::path::Path>| {
        let checkpoints = dir.map(|dir| Checkpoints { dir: dir.into(), every: 1 });
        let mut ctx = FitContext { seed: 5, checkpoints, ..FitContext::default() };
        let config = LinkPredictor { epochs, ..small(SAGE, EdgeLoss::Bce) };
        config.fit_graph(&graph, None, None, &mut ctx).unwrap()
    };
    run(2, Some(dir.path()));
    let resumed = run(4, Some(dir.path()));
    assert_eq!(resumed.node_factors(), run(4, None).node_factors());
}

/// Users of two tastes whose friends share theirs.
fn friends() -> Dataset {
    let mut data = dataset(&two_tastes(40, 30, 1));
    let edges: Vec<(i64, i64, f32)> = groups(40)
        .iter()
        .filter(|(i, j, _)| i < j)
        .map(|(i, j, w)| (i64::from(i), i64::from(j), w))
        .collect();
    let ids = data.interactions.ids().clone();
    let social = SocialGraph::new(ids, edges, false, UnknownUsers::Error).unwrap();
    data.social = Some(social.into());
    data
}

#[test]
fn friends_are_recommended_without_oneself_and_those_one_has() {
    let data = friends();
    let config = small(SAGE, EdgeLoss::InfoNce { temperature: 0.2 });
    let model = config.fit(&data, &mut FitContext::default()).unwrap();
    let answer = model.recommend(&Query::new(Users::All, 5)).unwrap();
    let mut of_own_group = 0;
    for user in 0..40 {
        let (found, _) = answer.top.row(user);
        assert_eq!(found.len(), 5);
        for &other in found {
            assert!(other as usize != user && !model.seen().contains(user, other));
            of_own_group += usize::from(other as usize % 2 == user % 2);
        }
    }
    assert!(of_own_group > 130, "{of_own_group} of 200");
    // A new user by the friends they have.
    let mut scores = vec![0f32; 40];
    model.score_histories(&[vec![(0, 1.0), (2, 1.0), (4, 1.0)]], &mut scores).unwrap();
    let mean = |odd: usize| scores.iter().skip(odd).step_by(2).sum::<f32>();
    assert!(mean(0) > mean(1), "{scores:?}");
    let mut without = data;
    without.social = None;
    let refused = config.fit(&without, &mut FitContext::default());
    assert!(matches!(refused, Err(Error::Empty { .. })));
}

#[test]
fn a_saved_model_scores_as_before() {
    let (dir, data) = (tempfile::tempdir().unwrap(), friends());
    for (at, network) in [Network::Gcn, SAGE].into_iter().enumerate() {
        let config = LinkPredictor { epochs: 2, ..small(network, EdgeLoss::Squared) };
        let model = config.fit(&data, &mut FitContext::default()).unwrap();
        let path = dir.path().join(at.to_string());
        model.writer().unwrap().save(&path).unwrap();
        let loaded = crate::load(&path).unwrap();
        let (mut before, mut after) = (vec![0f32; 40], vec![0f32; 40]);
        model.score(&[3], &mut before).unwrap();
        loaded.score(&[3], &mut after).unwrap();
        before.iter().zip(&after).for_each(|(a, b)| assert!((a - b).abs() < 1e-6));
        assert_eq!((loaded.kind(), loaded.seen()), ("link_predictor", model.seen()));
    }
}

#[test]
fn awkward_graphs_are_learned_from() {
    // A hub, a loop, a pair apart and a node alone, with weights.
    let mut edges: Vec<(u32, u32, f32)> = (1..50).map(|leaf| (0, leaf, leaf as f32)).collect();
    edges.extend([(3, 3, 1.0), (50, 51, 2.0)]);
    let graph = Graph::from_edges(53, edges, false).unwrap();
    for network in [Network::Gcn, SAGE] {
        let config = LinkPredictor { weighted: true, ..small(network, EdgeLoss::Squared) };
        let model = fit(&config, &graph, 1);
        assert!(model.node_factors().iter().all(|x| x.is_finite()));
        assert!(!model.knows(52) && model.knows(51));
    }
    // The hub of a star has no non-edge, its leaves have.
    let star = Graph::from_edges(4, [(0, 1, 1.0), (0, 2, 1.0), (0, 3, 1.0)], false).unwrap();
    assert!(
        fit(&small(SAGE, EdgeLoss::Bpr), &star, 1).node_factors().iter().all(|x| x.is_finite())
    );
}

#[test]
fn bad_parameters_and_graphs_are_refused_by_name() {
    let graph = groups(10);
    let ok = small(Network::Gcn, EdgeLoss::Squared);
    let named = |config: LinkPredictor, expected: &str| match config.fit_graph(
        &graph,
        None,
        None,
        &mut FitContext::default(),
    ) {
        Err(Error::Parameter { name, .. }) => assert_eq!(name, expected),
        other => panic!("{expected}: {:?}", other.map(|_| ())),
    };
    named(LinkPredictor { factors: 0, ..ok.clone() }, "factors");
    named(LinkPredictor { hidden: 0, ..ok.clone() }, "hidden");
    named(LinkPredictor { layers: 0, ..ok.clone() }, "layers");
    named(LinkPredictor { layers: 9, ..ok.clone() }, "layers");
    named(LinkPredictor { negatives: 0, ..ok.clone() }, "negatives");
    named(LinkPredictor { epochs: 0, ..ok.clone() }, "epochs");
    named(LinkPredictor { batch_size: 0, ..ok.clone() }, "batch_size");
    named(LinkPredictor { learning_rate: 0.0, ..ok.clone() }, "learning_rate");
    named(LinkPredictor { l2: f32::NAN, ..ok.clone() }, "l2");
    let network = Network::Sage { neighbours: 0, normalize: false };
    named(LinkPredictor { network, ..ok.clone() }, "network.neighbours");
    let loss = EdgeLoss::InfoNce { temperature: 0.0 };
    named(LinkPredictor { loss, ..ok.clone() }, "loss.temperature");
    let loss = EdgeLoss::CosineContrastive { margin: 2.0, weight: 1.0 };
    named(LinkPredictor { loss, ..ok.clone() }, "loss.margin");
    let refused = |config: &LinkPredictor, graph: &Graph, features: Option<&Csr>| {
        config.fit_graph(graph, features, None, &mut FitContext::default()).map(|_| ())
    };
    let tight = LinkPredictor { max_memory: 1000, ..ok.clone() };
    assert!(matches!(refused(&tight, &graph, None), Err(Error::TooLarge { limit: 1000, .. })));
    let bare = LinkPredictor { node_embeddings: false, ..ok.clone() };
    assert!(matches!(refused(&bare, &graph, None), Err(Error::Empty { .. })));
    let loops = Graph::from_edges(3, [(0, 0, 1.0)], false).unwrap();
    assert!(matches!(refused(&ok, &loops, None), Err(Error::Empty { .. })));
    let directed = Graph::from_edges(2, [(0, 1, 1.0)], true).unwrap();
    assert!(matches!(refused(&ok, &directed, None), Err(Error::Data { .. })));
    let short = Csr::zeros(3, 2);
    assert!(matches!(refused(&ok, &graph, Some(&short)), Err(Error::Shape { .. })));
    let endless = Csr::from_rows(vec![vec![(0, f32::INFINITY)]; 10], 2);
    assert!(matches!(refused(&ok, &graph, Some(&endless)), Err(Error::Data { .. })));
    let ids = ok.fit_graph(&graph, None, Some(IdMap::range(3)), &mut FitContext::default());
    assert!(matches!(ids, Err(Error::Shape { .. })));
    let device = Device::LibTorch(Default::default());
    let mut elsewhere = FitContext { device, ..FitContext::default() };
    let refused = ok.fit_graph(&graph, None, None, &mut elsewhere);
    assert!(matches!(refused, Err(Error::Unsupported { .. })));
}
