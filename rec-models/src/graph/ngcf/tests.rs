use std::sync::Arc;

use rec_core::data::{Csr, Dataset, IdMap, IdMaps};
use rec_core::rank::{Explain as _, Recommend as _, Scorer as _};
use serde::Deserialize;

use super::state::State;
use super::{Ngcf, NgcfModel};
use crate::Error;
use crate::collab::samples::{dataset, taste_auc, two_tastes};
use crate::fit::{Checkpoints, Fit, FitContext, Model as _};

fn small(epochs: usize) -> Ngcf {
    Ngcf {
        factors: 8,
        layers: 2,
        learning_rate: 0.01,
        epochs,
        batch_size: 64,
        node_dropout: 0.1,
        ..Ngcf::default()
    }
}

fn fit(estimator: &Ngcf, data: &Dataset, threads: usize) -> NgcfModel {
    let mut ctx = FitContext { seed: 5, threads: Some(threads), ..FitContext::default() };
    estimator.fit(data, &mut ctx).unwrap()
}

#[derive(Deserialize)]
struct Torch {
    rows: Vec<Vec<u32>>,
    n_items: usize,
    factors: usize,
    layers: usize,
    learning_rate: f32,
    l2: f32,
    initial: Vec<f32>,
    weights: Vec<f32>,
    batches: Vec<Vec<[u32; 3]>>,
    run: Run,
}

#[derive(Deserialize)]
struct Run {
    losses: Vec<f64>,
    embeddings: Vec<f64>,
    weights: Vec<f64>,
}

fn worst(got: impl Iterator<Item = f32>, expected: &[f64]) -> f64 {
    got.zip(expected).map(|(got, expected)| (f64::from(got) - expected).abs()).fold(0.0, f64::max)
}

#[test]
fn ten_steps_end_where_plain_torch_ends() {
    let text = include_str!("../../../../tests/fixtures/ngcf_torch.json");
    let torch: Torch = serde_json::from_str(text).unwrap();
    let rows = torch.rows.iter().map(|row| row.iter().map(|&i| (i, 1.0)).collect());
    let seen = Arc::new(Csr::from_rows(rows, torch.n_items).binary());
    let ids = IdMaps::shared(IdMap::range(seen.n_rows()), IdMap::range(torch.n_items));
    let config = Ngcf {
        factors: torch.factors,
        layers: torch.layers,
        learning_rate: torch.learning_rate,
        l2: torch.l2,
        message_dropout: 0.0,
        ..Ngcf::default()
    };
    let mut state = State::new(config, ids, seen, 0).unwrap();
    state.embeddings.copy_from_slice(&torch.initial);
    let size = torch.factors * torch.factors;
    for ((_, to), from) in state.layers.named_mut().zip(torch.weights.chunks(size)) {
        to.values.copy_from_slice(from);
    }
    for (batch, expected) in torch.batches.iter().zip(&torch.run.losses) {
        let got = state.step(batch);
        assert!((got - expected).abs() < 1e-5, "{got}, torch {expected}");
    }
    let apart = worst(state.embeddings.iter().copied(), &torch.run.embeddings);
    assert!(apart < 1e-4, "embeddings {apart}");
    let weights: Vec<f32> = state.layers.named().flat_map(|(_, w)| w.values.to_vec()).collect();
    let apart = worst(weights.into_iter(), &torch.run.weights);
    assert!(apart < 1e-4, "weights {apart}");
}

#[test]
fn gradients_with_dropout_are_those_of_differences() {
    let seen = Arc::new(two_tastes(14, 10, 1).binary());
    let batch: Vec<[u32; 3]> = (0..14)
        .map(|u| [u, seen.row(u as usize).first().copied().unwrap_or(0), 9 - u % 3])
        .collect();
    let ids = IdMaps::shared(IdMap::range(14), IdMap::range(10));
    let config = Ngcf { message_dropout: 0.2, node_dropout: 0.3, ..small(1) };
    let mut state = State::new(config, ids, seen, 3).unwrap();
    // Away from 0, where a small step would turn a row round.
    state.embeddings.iter_mut().for_each(|x| *x *= 3.0);
    let (_, by) = state.gradients(&batch);
    let h = 2e-3;
    let close = |slope: f64, expected: f32, largest: f32, what: &str| {
        let off = (slope - f64::from(expected)).abs() / f64::from(largest);
        assert!(off < 1e-2, "{what}: {expected}, by differences {slope}");
    };
    let most = |gradient: &[f32]| gradient.iter().fold(0f32, |a, b| a.max(b.abs()));
    for (at, &expected) in by.embeddings.iter().enumerate().step_by(3) {
        let start = state.embeddings[at];
        let mut at_value = |x| {
            state.embeddings[at] = x;
            state.gradients(&batch).0
        };
        let slope = (at_value(start + h) - at_value(start - h)) / f64::from(2.0 * h);
        state.embeddings[at] = start;
        close(slope, expected, most(&by.embeddings), &format!("embedding {at}"));
    }
    for (which, gradient) in by.weights.iter().flatten().enumerate() {
        for at in (0..gradient.len()).step_by(7) {
            let mut at_value = |by: f32| {
                let (_, weights) = state.layers.named_mut().nth(which).unwrap();
                weights.values[at] += by;
                let loss = state.gradients(&batch).0;
                let (_, weights) = state.layers.named_mut().nth(which).unwrap();
                weights.values[at] -= by;
                loss
            };
            let slope = (at_value(h) - at_value(-h)) / f64::from(2.0 * h);
            close(slope, gradient[at], most(gradient), &format!("matrix {which}, {at}"));
        }
    }
}

#[test]
fn tastes_are_told_apart() {
    let data = dataset(&two_tastes(60, 40, 1));
    let auc = taste_auc(&fit(&small(40), &data, 2));
    assert!(auc > 0.9, "{auc}");
}

#[test]
fn threads_and_interruptions_change_nothing() {
    let (dir, data) = (tempfile::tempdir().unwrap(), dataset(&two_tastes(300, 200, 1)));
    let saving = || FitContext {
        seed: 5,
        checkpoints: Some(Checkpoints { dir: dir.path().into(), every: 1 }),
        ..FitContext::default()
    };
    let of = |epochs| Ngcf { batch_size: 1500, ..small(epochs) };
    of(1).fit(&data, &mut saving()).unwrap();
    let resumed = of(3).fit(&data, &mut saving()).unwrap();
    let (one, two) = (fit(&of(3), &data, 1), fit(&of(3), &data, 2));
    assert_eq!(one.user_factors(), two.user_factors());
    assert_eq!(one.item_factors(), two.item_factors());
    assert_eq!(resumed.item_factors(), two.item_factors());
}

#[test]
fn a_known_user_with_their_own_embedding_and_items_is_embedded_as_trained() {
    let data = dataset(&two_tastes(20, 15, 1));
    let model = fit(&small(3), &data, 1);
    let past: Vec<u32> = model.seen().row(3).to_vec();
    let width = 24;
    let trained = &model.user_factors()[3 * width..4 * width];
    let again = model.embed(&trained[..8], past.iter().copied(), past.len());
    for (got, expected) in again.iter().zip(trained) {
        assert!((got - expected).abs() < 1e-5, "{got} {expected}");
    }
    // What a score loses without an item is what embedding the user without it gives.
    let explanation = model.explain(3, 2).unwrap();
    let mut scores = vec![0f32; 15];
    model.score(&[3], &mut scores).unwrap();
    assert!((explanation.score - scores[2]).abs() < 1e-6 && !explanation.exact);
    assert_eq!(explanation.contributions.len(), past.len());
    let (item, part) = explanation.contributions[0];
    let others = past.iter().copied().filter(|&i| i != item);
    let without = model.embed(&trained[..8], others, past.len());
    let score: f32 =
        without.iter().zip(&model.item_factors()[2 * width..]).map(|(a, b)| a * b).sum();
    assert!((scores[2] - score - part).abs() < 1e-5);
    assert!(model.explain(20, 2).is_err() && model.explain(3, 15).is_err());
    let item = (0..15).find(|item| !past.contains(item)).unwrap();
    let path = model.paths(3, item, 1).unwrap()[0];
    let (users, items) =
        (|u: u32| model.seen().row(u as usize).len(), model.seen().column_counts());
    let ends = (users(3) as f32 * items[item as usize] as f32).sqrt();
    let between = items[path.item as usize] as f32 * users(path.user) as f32;
    assert!((path.weight - 1.0 / (ends * between)).abs() < 1e-6, "{path:?}");
}

#[test]
fn a_folded_in_user_ranks_what_users_with_their_items_do() {
    let data = dataset(&two_tastes(60, 40, 1));
    let model = fit(&small(40), &data, 2);
    // Even items make an even user; order and repetition do not count.
    let mut scores = vec![0f32; 40];
    model.score_histories(&[vec![(4, 1.0), (8, 1.0), (2, 1.0)]], &mut scores).unwrap();
    let side = |odd: usize| scores.iter().skip(odd).step_by(2).sum::<f32>();
    assert!(side(0) > side(1), "{} {}", side(0), side(1));
    let one = model.fold_in(&[vec![(8, 1.0), (2, 2.0), (4, 1.0), (2, 1.0)]]).unwrap();
    assert_eq!(one, model.fold_in(&[vec![(2, 1.0), (4, 1.0), (8, 1.0)]]).unwrap());
    assert!(model.fold_in(&[vec![(40, 1.0)]]).is_err());
}

#[test]
fn a_saved_model_scores_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let model = fit(&small(2), &dataset(&two_tastes(20, 15, 1)), 1);
    model.writer().unwrap().save(dir.path().join("m")).unwrap();
    let loaded = crate::load(dir.path().join("m")).unwrap();
    let (mut before, mut after) = (vec![0f32; 15], vec![0f32; 15]);
    model.score(&[3], &mut before).unwrap();
    loaded.score(&[3], &mut after).unwrap();
    assert_eq!((loaded.kind(), &before), ("ngcf", &after));
    let history = vec![vec![(1, 1.0), (5, 1.0)]];
    model.score_histories(&history, &mut before).unwrap();
    loaded.score_histories(&history, &mut after).unwrap();
    assert_eq!(before, after);
}

#[test]
fn bad_parameters_and_data_are_refused_by_name() {
    let data = dataset(&two_tastes(20, 15, 1));
    let named =
        |estimator: Ngcf, expected: &str| match estimator.fit(&data, &mut FitContext::default()) {
            Err(Error::Parameter { name, .. }) => assert_eq!(name, expected),
            other => panic!("{expected}: {:?}", other.map(|_| ())),
        };
    named(Ngcf { factors: 0, ..small(1) }, "factors");
    named(Ngcf { layers: 0, ..small(1) }, "layers");
    named(Ngcf { layers: 65, ..small(1) }, "layers");
    named(Ngcf { epochs: 0, ..small(1) }, "epochs");
    named(Ngcf { batch_size: 0, ..small(1) }, "batch_size");
    named(Ngcf { learning_rate: 0.0, ..small(1) }, "learning_rate");
    named(Ngcf { l2: -1.0, ..small(1) }, "l2");
    named(Ngcf { message_dropout: 1.0, ..small(1) }, "message_dropout");
    named(Ngcf { node_dropout: f64::NAN, ..small(1) }, "node_dropout");
    let tight = Ngcf { max_memory: 1000, ..small(1) };
    let refused = tight.fit(&data, &mut FitContext::default());
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{:?}", refused.map(|_| ()));
    let empty = dataset(&Csr::zeros(2, 2));
    assert!(matches!(small(1).fit(&empty, &mut FitContext::default()), Err(Error::Empty { .. })));
    let wild = Ngcf { learning_rate: 1e38, ..small(9) };
    assert!(matches!(wild.fit(&data, &mut FitContext::default()), Err(Error::Data { .. })));
    // A user, or an item, of nobody's is not in the way.
    let sparse = dataset(&Csr::from_rows([vec![(0, 1.0)], vec![]], 3));
    let model = fit(&small(2), &sparse, 1);
    assert!(model.user_factors().iter().chain(model.item_factors()).all(|x| x.is_finite()));
    assert!(model.user_factors()[24..].iter().all(|&x| x == 0.0));
}
