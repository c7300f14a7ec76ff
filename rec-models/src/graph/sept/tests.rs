use std::sync::Arc;

use rec_core::data::{Csr, Dataset, SocialGraph, UnknownUsers};
use rec_core::rank::{Explain as _, Recommend as _, Scorer as _};

use super::agree::Agreement;
use super::state::State;
use super::{Sept, SeptModel};
use crate::collab::samples::{dataset, taste_auc, two_tastes};
use crate::fit::{Checkpoints, Fit, FitContext, Model as _};
use crate::graph::lightgcn::loss::Directions;
use crate::{Device, Error};

fn small(epochs: usize) -> Sept {
    Sept {
        factors: 8,
        learning_rate: 0.02,
        epochs,
        batch_size: 64,
        positives: 3,
        ..Sept::default()
    }
}

/// Two tastes; each user's friends are the two next of their taste, who know each other.
fn circle(users: usize, items: usize) -> Dataset {
    let mut data = dataset(&two_tastes(users, items, 1));
    let edges = (0..users)
        .flat_map(|u| [(u, (u + 2) % users), (u, (u + 4) % users)])
        .map(|(u, v)| (u as i64, v as i64, 1.0));
    let ids = data.interactions.ids().clone();
    data.social = Some(SocialGraph::new(ids, edges, true, UnknownUsers::Error).unwrap().into());
    data
}

fn fit(config: &Sept, data: &Dataset, threads: usize) -> SeptModel {
    let mut ctx = FitContext { seed: 5, threads: Some(threads), ..FitContext::default() };
    config.fit(data, &mut ctx).unwrap()
}

fn state(config: &Sept, data: &Dataset) -> State {
    let seen = Arc::new(data.interactions.matrix().binary());
    let friends = crate::graph::social::friends(data).unwrap();
    State::new(config.clone(), data.interactions.ids().clone(), seen, &friends, 3).unwrap()
}

#[test]
fn tastes_are_told_apart() {
    let data = circle(60, 40);
    for config in
        [small(30), Sept { warm_up: 10, ..small(30) }, Sept { agreement: 0.0, ..small(30) }]
    {
        let auc = taste_auc(&fit(&config, &data, 2));
        assert!(auc > 0.9, "{config:?}: {auc}");
    }
}

#[test]
fn agreement_by_hand() {
    // Four users in the plane; the positive of each is the one that the other two views agree on.
    let plane = |angles: [f32; 4]| {
        let rows: Vec<f32> = angles.iter().flat_map(|a| [3.0 * a.cos(), 3.0 * a.sin()]).collect();
        Directions::gather(&rows, 0..4, 2)
    };
    let angles = [[0.1, 0.9, 2.0, 3.0], [0.2, 1.1, 1.8, 2.5], [0.0, 1.0, 2.2, 2.9]];
    let held = [0.3, 0.8, 1.9, 3.1];
    let tau = 0.5f64;
    let agreement = Agreement { temperature: 0.5, positives: 2 };
    let views = angles.map(plane);
    let (loss, _) = agreement.loss(views.each_ref(), &plane(held), 2);
    let cosine = |v: usize, u: usize, w: usize| f64::from((angles[v][u] - held[w]).cos());
    let mut expected = 0.0;
    for v in 0..3 {
        for u in 0..4 {
            let softmax = |o: usize, w: usize| {
                cosine(o, u, w).exp() / (0..4).map(|w| cosine(o, u, w).exp()).sum::<f64>()
            };
            let mut order: Vec<usize> = (0..4).collect();
            let mean = |w: usize| softmax((v + 1) % 3, w) + softmax((v + 2) % 3, w);
            order.sort_by(|&a, &b| mean(b).total_cmp(&mean(a)));
            let odds = |w: usize| (cosine(v, u, w) / tau).exp();
            let all: f64 = (0..4).map(odds).sum();
            expected -= ((odds(order[0]) + odds(order[1])) / all).ln();
        }
    }
    assert!((loss - expected).abs() < 1e-4, "{loss} {expected}");
    // More positives than users: nothing is left to tell apart.
    let (none, _) = Agreement { positives: 9, ..agreement }.loss(views.each_ref(), &plane(held), 2);
    assert!(none.abs() < 1e-5, "{none}");
}

#[test]
fn the_gradient_is_that_of_the_loss() {
    let data = circle(12, 9);
    let config = Sept { agreement: 2.0, temperature: 0.5, positives: 4, l2: 0.0, ..small(1) };
    let mut state = state(&config, &data);
    let fourth = state.fourth(0).unwrap();
    let seen = data.interactions.matrix();
    let batch: Vec<[u32; 3]> = (0..12)
        .filter(|&u| !seen.row(u).is_empty())
        .map(|u| [u as u32, seen.row(u)[0], (seen.row(u)[0] + 1) % 9])
        .collect();
    let (_, gradient) = state.gradient(&batch, Some(&fourth));
    let (mut off, mut largest) = (0, 0f64);
    for at in (0..gradient.len()).step_by(5) {
        let mut nudged = |by: f32| {
            state.embeddings[at] += by;
            let (loss, _) = state.gradient(&batch, Some(&fourth));
            state.embeddings[at] -= by;
            loss
        };
        let expected = (nudged(2e-3) - nudged(-2e-3)) / 4e-3;
        let got = f64::from(gradient[at]);
        // Where a nudge changes who is most alike, the loss jumps.
        off += usize::from((got - expected).abs() > 0.03 * expected.abs() + 0.01);
        largest = expected.abs().max(largest);
    }
    assert!(largest > 0.2, "{largest}");
    assert!(off <= 3, "{off} of {} differ", gradient.len().div_ceil(5));
}

#[test]
fn threads_and_interruptions_change_nothing() {
    let data = circle(100, 60);
    let config = Sept { batch_size: 500, ..small(2) };
    let (one, two) = (fit(&config, &data, 1), fit(&config, &data, 2));
    assert_eq!(one.lightgcn().user_factors(), two.lightgcn().user_factors());
    let dir = tempfile::tempdir().unwrap();
    let saving = |config: &Sept| {
        let checkpoints = Some(Checkpoints { dir: dir.path().into(), every: 1 });
        let mut ctx = FitContext { seed: 5, checkpoints, ..FitContext::default() };
        config.fit(&data, &mut ctx).unwrap()
    };
    saving(&Sept { epochs: 1, ..config.clone() });
    assert_eq!(saving(&config).lightgcn().item_factors(), one.lightgcn().item_factors());
}

#[test]
fn a_saved_model_scores_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let model = fit(&small(2), &circle(20, 15), 1);
    let path = dir.path().join("model");
    model.writer().unwrap().save(&path).unwrap();
    let loaded = crate::load(&path).unwrap();
    let (mut before, mut after) = (vec![0f32; 15], vec![0f32; 15]);
    model.score(&[3], &mut before).unwrap();
    loaded.score(&[3], &mut after).unwrap();
    before.iter().zip(&after).for_each(|(a, b)| assert!((a - b).abs() < 1e-6));
    assert_eq!((loaded.kind(), loaded.seen()), ("sept", model.seen()));
    let explained = loaded.as_explain().unwrap().explain(3, 1).unwrap();
    assert_eq!(explained, model.explain(3, 1).unwrap());
}

#[test]
fn bad_parameters_and_data_are_refused_by_name() {
    let data = circle(20, 15);
    let named = |config: Sept, expected: &str| match config.fit(&data, &mut FitContext::default()) {
        Err(Error::Parameter { name, .. }) => assert_eq!(name, expected),
        other => panic!("{expected}: {:?}", other.map(|_| ())),
    };
    named(Sept { layers: 0, ..small(1) }, "layers");
    named(Sept { positives: 0, ..small(1) }, "positives");
    named(Sept { agreement: -1.0, ..small(1) }, "agreement");
    named(Sept { temperature: 0.0, ..small(1) }, "temperature");
    named(Sept { drop_rate: 1.0, ..small(1) }, "drop_rate");
    named(Sept { batch_size: 40_000, ..small(1) }, "batch_size");
    named(Sept { factors: 0, ..small(1) }, "factors");
    let refused =
        |config: &Sept, data: &Dataset| config.fit(data, &mut FitContext::default()).map(|_| ());
    let tight = Sept { max_memory: 1000, ..small(1) };
    assert!(matches!(refused(&tight, &data), Err(Error::TooLarge { limit: 1000, .. })));
    let alone = dataset(&two_tastes(20, 15, 1));
    assert!(matches!(refused(&small(1), &alone), Err(Error::Empty { .. })));
    let mut empty = dataset(&Csr::zeros(20, 15));
    empty.social = data.social.clone();
    assert!(matches!(refused(&small(1), &empty), Err(Error::Empty { .. })));
    let device = Device::LibTorch(Default::default());
    let mut elsewhere = FitContext { device, ..FitContext::default() };
    assert!(matches!(small(1).fit(&data, &mut elsewhere), Err(Error::Unsupported { .. })));
    let wild = Sept { learning_rate: 1e38, ..small(9) };
    assert!(matches!(refused(&wild, &data), Err(Error::Data { .. })));
}

#[test]
fn users_without_items_or_friends_are_not_in_the_way() {
    let weights = two_tastes(20, 15, 1);
    let rows = (0..20).map(|u| if u < 2 { vec![] } else { weights.iter_row(u).collect() });
    let mut data = dataset(&Csr::from_rows(rows, 15));
    let ids = data.interactions.ids().clone();
    let edges = [(0i64, 1i64, 1.0), (2, 3, 2.0), (4, 5, 0.0)];
    data.social = Some(SocialGraph::new(ids, edges, true, UnknownUsers::Error).unwrap().into());
    let model = fit(&small(3), &data, 1);
    assert!(model.lightgcn().user_factors().iter().all(|x| x.is_finite()));
    assert!(!model.knows(0) && model.knows(19));
}
