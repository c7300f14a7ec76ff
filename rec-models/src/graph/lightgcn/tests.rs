use std::sync::Arc;

use rec_core::data::{Csr, Dataset, IdMap, IdMaps};
use rec_core::rank::{Explain as _, Recommend as _, Scorer as _};
use serde::Deserialize;

use super::state::State;
use super::{GraphLoss, LightGcn, LightGcnModel, PositiveSampling};
use crate::collab::samples::{dataset, taste_auc, two_tastes};
use crate::fit::{Checkpoints, Fit, FitContext, Model as _};
use crate::{Device, Error};

fn small(epochs: usize) -> LightGcn {
    LightGcn {
        factors: 8,
        layers: 2,
        learning_rate: 0.02,
        epochs,
        batch_size: 64,
        ..LightGcn::default()
    }
}

fn softmax(epochs: usize) -> LightGcn {
    LightGcn { loss: GraphLoss::Softmax { temperature: 0.2 }, ..small(epochs) }
}

fn fit(estimator: &LightGcn, data: &Dataset, threads: usize) -> LightGcnModel {
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
    temperature: f32,
    initial: Vec<f32>,
    batches: Vec<Vec<[u32; 3]>>,
    bpr: Run,
    softmax: Run,
}

#[derive(Deserialize)]
struct Run {
    losses: Vec<f64>,
    embeddings: Vec<f64>,
}

#[test]
fn ten_steps_end_where_plain_torch_ends() {
    let text = include_str!("../../../../tests/fixtures/lightgcn_torch.json");
    let torch: Torch = serde_json::from_str(text).unwrap();
    let rows = torch.rows.iter().map(|row| row.iter().map(|&i| (i, 1.0)).collect());
    let seen = Arc::new(Csr::from_rows(rows, torch.n_items).binary());
    let temperature = torch.temperature;
    for (loss, run) in
        [(GraphLoss::Bpr, &torch.bpr), (GraphLoss::Softmax { temperature }, &torch.softmax)]
    {
        let config = LightGcn {
            factors: torch.factors,
            layers: torch.layers,
            learning_rate: torch.learning_rate,
            l2: torch.l2,
            loss,
            ..LightGcn::default()
        };
        let ids = IdMaps::shared(IdMap::range(seen.n_rows()), IdMap::range(torch.n_items));
        let mut state = State::new(config, ids, seen.clone(), 0).unwrap();
        state.embeddings.copy_from_slice(&torch.initial);
        for (batch, expected) in torch.batches.iter().zip(&run.losses) {
            let mut batch = batch.clone();
            if loss != GraphLoss::Bpr {
                batch.iter_mut().for_each(|triple| triple[2] = u32::MAX);
            }
            let got = state.step(&batch);
            assert!((got - expected).abs() < 1e-5, "{loss:?}: {got}, torch {expected}");
        }
        let apart = |(got, expected): (&f32, &f64)| (f64::from(*got) - expected).abs();
        let worst = state.embeddings.iter().zip(&run.embeddings).map(apart).fold(0.0, f64::max);
        assert!(worst < 1e-4, "{loss:?}: {worst}");
    }
}

#[test]
fn tastes_are_told_apart() {
    let data = dataset(&two_tastes(60, 40, 1));
    for (estimator, least) in [
        (small(30), 0.9),
        (LightGcn { positives: PositiveSampling::Users, ..small(30) }, 0.9),
        // Without propagation it is a plain factorisation, which learns less of so little.
        (LightGcn { layers: 0, ..small(60) }, 0.85),
        (softmax(20), 0.9),
    ] {
        let auc = taste_auc(&fit(&estimator, &data, 2));
        assert!(auc > least, "{estimator:?}: {auc}");
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let data = dataset(&two_tastes(300, 200, 1));
    for estimator in [LightGcn { batch_size: 1500, ..small(2) }, softmax(2)] {
        let (one, two) = (fit(&estimator, &data, 1), fit(&estimator, &data, 2));
        assert_eq!(one.user_factors(), two.user_factors());
        assert_eq!(one.item_factors(), two.item_factors());
    }
}

#[test]
fn a_resumed_run_is_the_unbroken_one() {
    let (dir, data) = (tempfile::tempdir().unwrap(), dataset(&two_tastes(40, 30, 1)));
    let saving = || FitContext {
        seed: 5,
        checkpoints: Some(Checkpoints { dir: dir.path().into(), every: 1 }),
        ..FitContext::default()
    };
    small(3).fit(&data, &mut saving()).unwrap();
    let resumed = small(6).fit(&data, &mut saving()).unwrap();
    assert_eq!(resumed.item_factors(), fit(&small(6), &data, 2).item_factors());
}

#[test]
fn a_folded_in_user_is_one_without_an_embedding_of_their_own() {
    // Propagated by hand over the dense matrix, the new user as one more row whose edges lead from
    // the items to them alone.
    let data = dataset(&two_tastes(20, 15, 1));
    let (layers, d, n, m) = (3, 8, 20, 15);
    let seen = Arc::new(data.interactions.matrix().binary());
    let ids = data.interactions.ids().clone();
    let config = LightGcn { layers, ..small(1) };
    let state = State::new(config, ids, seen.clone(), 1).unwrap();
    let history = [1usize, 4, 6];
    let degrees = seen.column_counts();
    let edge = |u: usize, i: usize| {
        let both = seen.row(u).len() as f64 * f64::from(degrees[i]);
        if seen.contains(u, i as u32) { 1.0 / both.sqrt() } else { 0.0 }
    };
    let mut now: Vec<f64> = state.embeddings.iter().map(|&x| f64::from(x)).collect();
    let mut total = vec![0f64; d];
    for _ in 0..layers {
        for &i in &history {
            let weight = 1.0 / (3.0 * f64::from(degrees[i])).sqrt();
            (0..d).for_each(|k| total[k] += weight * now[(n + i) * d + k]);
        }
        let mut next = vec![0f64; now.len()];
        for u in 0..n {
            for i in 0..m {
                for k in 0..d {
                    next[u * d + k] += edge(u, i) * now[(n + i) * d + k];
                    next[(n + i) * d + k] += edge(u, i) * now[u * d + k];
                }
            }
        }
        now = next;
    }
    let model = crate::train::Epochs::model(&state, Default::default()).unwrap();
    // Order and repetition do not count.
    let told = vec![(4, 1.0), (1, 2.0), (6, 1.0), (4, 1.0)];
    let got = model.fold_in(std::slice::from_ref(&told)).unwrap();
    for (got, total) in got.iter().zip(&total) {
        assert!((f64::from(*got) - total / 4.0).abs() < 1e-6, "{got} {}", total / 4.0);
    }
    let mut scores = vec![0f32; m];
    model.score_histories(&[told], &mut scores).unwrap();
    let by_hand: f32 = got.iter().zip(&model.item_factors()[..d]).map(|(a, b)| a * b).sum();
    assert!((scores[0] - by_hand).abs() < 1e-6);
    assert!(model.fold_in(&[vec![(15, 1.0)]]).is_err());
    let flat = fit(&LightGcn { layers: 0, ..small(1) }, &data, 1);
    assert!(matches!(
        flat.score_histories(&[vec![(1, 1.0)]], &mut scores),
        Err(Error::Unsupported { .. })
    ));
}

#[test]
fn explanations_and_paths_by_hand() {
    // User 0 had items 0 and 1; user 1 had 0 and 2; user 2 had 1 and 2; user 3 had 2.
    let rows = [vec![0, 1], vec![0, 2], vec![1, 2], vec![2]];
    let rows = rows.map(|row| row.into_iter().map(|i: u32| (i, 1.0)).collect());
    let data = dataset(&Csr::from_rows(rows, 3));
    let model = fit(&small(3), &data, 1);
    let paths = model.paths(0, 2, 9).unwrap();
    // 1/√(2·3) for the two ends, 1/2 for the item between, 1/2 for the user.
    let weight = 1.0 / (6f32.sqrt() * 2.0 * 2.0);
    assert_eq!(paths.iter().map(|p| (p.item, p.user)).collect::<Vec<_>>(), [(0, 1), (1, 2)]);
    assert!(paths.iter().all(|p| (p.weight - weight).abs() < 1e-6), "{paths:?}");
    assert_eq!(model.paths(0, 2, 1).unwrap().len(), 1);
    // The parts and the user's own embedding, handed on by no item, make up the score.
    let explanation = model.explain(0, 2).unwrap();
    let parts: f32 = explanation.contributions.iter().map(|(_, part)| part).sum();
    let folded = model.fold_in(&[vec![(0, 1.0), (1, 1.0)]]).unwrap();
    let item = &model.item_factors()[16..24];
    let handed: f32 = folded.iter().zip(item).map(|(a, b)| a * b).sum();
    assert!((parts - handed).abs() < 1e-6 && !explanation.exact);
    let mut scores = vec![0f32; 3];
    model.score(&[0], &mut scores).unwrap();
    assert!((explanation.score - scores[2]).abs() < 1e-6);
    assert!(model.explain(4, 0).is_err() && model.paths(0, 3, 1).is_err());
    assert!(matches!(fit(&softmax(1), &data, 1).explain(0, 2), Err(Error::Unsupported { .. })));
}

#[test]
fn a_saved_model_scores_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let data = dataset(&two_tastes(20, 15, 1));
    for (at, estimator) in [small(2), softmax(2)].into_iter().enumerate() {
        let model = fit(&estimator, &data, 1);
        let path = dir.path().join(at.to_string());
        model.writer().unwrap().save(&path).unwrap();
        let loaded = crate::load(&path).unwrap();
        let (mut before, mut after) = (vec![0f32; 15], vec![0f32; 15]);
        model.score(&[3], &mut before).unwrap();
        loaded.score(&[3], &mut after).unwrap();
        before.iter().zip(&after).for_each(|(a, b)| assert!((a - b).abs() < 1e-6));
        assert_eq!((loaded.kind(), loaded.seen()), ("lightgcn", model.seen()));
    }
}

#[test]
fn bad_parameters_and_data_are_refused_by_name() {
    let data = dataset(&two_tastes(20, 15, 1));
    let named = |estimator: LightGcn, expected: &str| match estimator
        .fit(&data, &mut FitContext::default())
    {
        Err(Error::Parameter { name, .. }) => assert_eq!(name, expected),
        other => panic!("{expected}: {:?}", other.map(|_| ())),
    };
    named(LightGcn { factors: 0, ..small(1) }, "factors");
    named(LightGcn { layers: 65, ..small(1) }, "layers");
    named(LightGcn { epochs: 0, ..small(1) }, "epochs");
    named(LightGcn { batch_size: 0, ..small(1) }, "batch_size");
    named(LightGcn { learning_rate: f32::NAN, ..small(1) }, "learning_rate");
    named(LightGcn { l2: -1.0, ..small(1) }, "l2");
    named(LightGcn { batch_size: 40_000, ..softmax(1) }, "batch_size");
    let loss = GraphLoss::Softmax { temperature: 0.0 };
    named(LightGcn { loss, ..small(1) }, "loss.temperature");
    let tight = LightGcn { max_memory: 1000, ..small(1) };
    assert!(matches!(
        tight.fit(&data, &mut FitContext::default()),
        Err(Error::TooLarge { limit: 1000, .. })
    ));
    let empty = dataset(&Csr::zeros(2, 2));
    assert!(matches!(small(1).fit(&empty, &mut FitContext::default()), Err(Error::Empty { .. })));
    let negative = dataset(&Csr::from_rows([vec![(0, -1.0)]], 1));
    assert!(matches!(small(1).fit(&negative, &mut FitContext::default()), Err(Error::Data { .. })));
    let mut elsewhere =
        FitContext { device: Device::LibTorch(Default::default()), ..FitContext::default() };
    let refused = small(1).fit(&data, &mut elsewhere);
    assert!(matches!(refused, Err(Error::Unsupported { .. })), "{:?}", refused.map(|_| ()));
    let wild = LightGcn { learning_rate: 1e38, ..small(9) };
    assert!(matches!(wild.fit(&data, &mut FitContext::default()), Err(Error::Data { .. })));
}

#[test]
fn users_and_items_without_interactions_are_not_in_the_way() {
    // User 1 and item 2 are isolated; user 0 had every other item, so that only item 2 is a negative.
    let data = dataset(&Csr::from_rows([vec![(0, 1.0), (1, 1.0)], vec![]], 3));
    let model = fit(&small(3), &data, 1);
    assert!(model.user_factors().iter().chain(model.item_factors()).all(|x| x.is_finite()));
    assert!(!model.knows(1) && model.user_factors()[8..].iter().all(|x| *x == 0.0));
    // A user who had everything leaves no triple at all.
    let all = dataset(&Csr::from_rows([vec![(0, 1.0), (1, 1.0)]], 2));
    assert!(fit(&small(2), &all, 1).user_factors().iter().all(|x| x.is_finite()));
}
