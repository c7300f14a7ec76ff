use rec_core::data::{Csr, Dataset, SocialGraph, UnknownUsers};
use rec_core::rank::{Explain as _, OnUnknown, Query, Recommend as _, Scorer as _, Users};

use super::{GraphLoss, SocialLightGcn, SocialLightGcnModel};
use crate::collab::samples::{dataset, taste_auc, two_tastes};
use crate::fit::{Checkpoints, Fit, FitContext, Model as _};
use crate::graph::{LightGcn, ScoreBy};
use crate::{Device, Error};

fn small(epochs: usize) -> SocialLightGcn {
    SocialLightGcn {
        factors: 8,
        layers: 2,
        learning_rate: 0.02,
        epochs,
        batch_size: 64,
        ..SocialLightGcn::default()
    }
}

/// Friends by these pairs, one way.
fn with_friends(weights: &Csr, pairs: &[(i64, i64, f32)]) -> Dataset {
    let mut data = dataset(weights);
    let ids = data.interactions.ids().clone();
    let edges = pairs.iter().copied();
    data.social = Some(SocialGraph::new(ids, edges, true, UnknownUsers::Error).unwrap().into());
    data
}

/// Two tastes; each user's friends are the two next of their taste.
fn circle(users: usize, items: usize) -> Dataset {
    let pairs: Vec<(i64, i64, f32)> = (0..users)
        .flat_map(|u| [(u, (u + 2) % users), (u, (u + 4) % users)])
        .map(|(u, v)| (u as i64, v as i64, 1.0))
        .collect();
    with_friends(&two_tastes(users, items, 1), &pairs)
}

fn fit(config: &SocialLightGcn, data: &Dataset, threads: usize) -> SocialLightGcnModel {
    let mut ctx = FitContext { seed: 5, threads: Some(threads), ..FitContext::default() };
    config.fit(data, &mut ctx).unwrap()
}

#[test]
fn tastes_are_told_apart() {
    let data = circle(60, 40);
    for config in
        [small(30), SocialLightGcn { loss: GraphLoss::Softmax { temperature: 0.2 }, ..small(20) }]
    {
        let auc = taste_auc(&fit(&config, &data, 2));
        assert!(auc > 0.9, "{config:?}: {auc}");
    }
}

#[test]
fn a_user_without_items_is_known_by_their_friends() {
    // User 0 loses all items and keeps friends, user 1 loses both.
    let weights = two_tastes(60, 40, 1);
    let rows = (0..60).map(|u| if u < 2 { vec![] } else { weights.iter_row(u).collect() });
    let pairs: Vec<(i64, i64, f32)> = (0..60)
        .filter(|u| *u != 1)
        .flat_map(|u| [(u, (u + 2) % 60, 1.0), (u, (u + 4) % 60, 1.0)])
        .filter(|(_, v, _)| *v != 1)
        .collect();
    let data = with_friends(&Csr::from_rows(rows, 40), &pairs);
    let model = fit(&small(30), &data, 2);
    assert!(model.knows(0) && !model.knows(1));
    let mut query = Query::new(Users::All, 10);
    query.on_unknown = OnUnknown::Skip;
    let answer = model.recommend(&query).unwrap();
    assert_eq!(answer.len(), 59);
    let (found, _) = answer.top.row(0);
    let right = found.iter().filter(|i| *i % 2 == 0).count();
    assert!(right >= 8, "{found:?}");
}

/// The mean of the layers, `[nodes, d]`, over the dense matrix.
fn by_hand(seen: &Csr, friends: &[(usize, usize, f32)], start: &[f64], layers: usize) -> Vec<f64> {
    let (n, m) = (seen.n_rows(), seen.n_cols());
    let d = start.len() / (n + m);
    let mut a = vec![vec![0f64; n + m]; n + m];
    let had = (0..n).flat_map(|u| seen.row(u).iter().map(move |&i| (u, n + i as usize, 1.0)));
    for (u, v, w) in had.chain(friends.iter().copied()) {
        (a[u][v], a[v][u]) = (f64::from(w), f64::from(w));
    }
    let degrees: Vec<f64> = a.iter().map(|row| row.iter().sum()).collect();
    let (mut now, mut sum) = (start.to_vec(), start.to_vec());
    for _ in 0..layers {
        let mut next = vec![0f64; now.len()];
        for i in 0..n + m {
            for j in (0..n + m).filter(|&j| a[i][j] > 0.0) {
                let weight = a[i][j] / (degrees[i] * degrees[j]).sqrt();
                (0..d).for_each(|k| next[i * d + k] += weight * now[j * d + k]);
            }
        }
        sum.iter_mut().zip(&next).for_each(|(sum, x)| *sum += x);
        now = next;
    }
    sum.iter().map(|x| x / (layers + 1) as f64).collect()
}

#[test]
fn propagation_is_that_of_the_joint_graph() {
    let weights = two_tastes(12, 9, 1);
    let pairs = [(0, 2, 1.0), (2, 0, 3.0), (4, 1, 2.0), (5, 6, 0.0)];
    let data = with_friends(&weights, &pairs);
    let (seen, config) = (weights.binary(), SocialLightGcn { friends: 0.5, ..small(1) });
    let initial: Vec<f32> = (0..21 * 8).map(|i| ((i * 37 % 29) as f32 - 14.0) / 20.0).collect();
    let friends = super::friends(&data).unwrap();
    let graph = config.graph(&seen, &friends).unwrap();
    let edges = graph.normalized(rec_core::graph::Normalization::Symmetric).unwrap();
    let ids = data.interactions.ids().clone();
    let model = SocialLightGcnModel::propagated(
        config,
        Default::default(),
        ids,
        seen.clone().into(),
        friends.into(),
        &edges,
        &initial,
    )
    .unwrap();
    let start: Vec<f64> = initial.iter().map(|&x| f64::from(x)).collect();
    // The larger weight of either direction, halved; 5 and 6 are no friends.
    let expected = by_hand(&seen, &[(0, 2, 1.5), (4, 1, 1.0)], &start, 2);
    let got = model.user_factors().iter().chain(model.item_factors());
    for (got, expected) in got.zip(&expected) {
        assert!((f64::from(*got) - expected).abs() < 1e-6, "{got} {expected}");
    }
    // Parts of friends, of items, and of the user's own embedding make up a score.
    let explained = model.explain(0, 3).unwrap();
    let influences = model.influences(0, 3).unwrap();
    assert_eq!(influences.iter().map(|i| i.friend).collect::<Vec<_>>(), [2]);
    let parts: f32 = explained.contributions.iter().map(|(_, part)| part).sum();
    let parts = parts + influences.iter().map(|i| i.part).sum::<f32>();
    let own: f32 = (0..8).map(|k| initial[k] / 3.0 * model.item_factors()[3 * 8 + k]).sum();
    assert!((explained.score - parts - own).abs() < 1e-5, "{} {parts} {own}", explained.score);
    assert!(model.influences(12, 0).is_err() && model.explain(0, 9).is_err());
}

#[test]
fn a_folded_in_user_is_one_without_an_embedding_of_their_own() {
    let data = circle(20, 15);
    let model = fit(&SocialLightGcn { friends: 0.5, ..small(2) }, &data, 1);
    let dim = 8;
    // User 3, taken as new with what they have, gets all but their own embedding's part: the parts of
    // an explanation are the same.
    let friends: Vec<u32> = model.neighbourhood(3).0.iter().map(|&(friend, _)| friend).collect();
    let folded = model.fold_in(model.seen().row(3), &friends).unwrap();
    for item in 0..15u32 {
        let row = &model.item_factors()[item as usize * dim..][..dim];
        let score: f32 = folded.iter().zip(row).map(|(a, b)| a * b).sum();
        let parts: f32 = model.explain(3, item).unwrap().contributions.iter().map(|c| c.1).sum();
        let parts = parts + model.influences(3, item).unwrap().iter().map(|i| i.part).sum::<f32>();
        assert!((score - parts).abs() < 1e-5, "{score} {parts}");
    }
    assert!(model.fold_in(&[], &[]).unwrap().iter().all(|x| *x == 0.0));
    assert!(model.fold_in(&[15], &[]).is_err() && model.fold_in(&[], &[20]).is_err());
    let mut scores = vec![0f32; 15];
    model.score_histories(&[vec![(1, 1.0)]], &mut scores).unwrap();
    assert!(scores.iter().any(|x| *x != 0.0));
}

#[test]
fn friends_count_as_their_tastes_agree() {
    // Of user 0's friends, user 1 had two of three items in common, user 2 none, user 3 nothing at all.
    let rows = [vec![0, 1, 2], vec![0, 1], vec![3], vec![], vec![2, 3]];
    let rows = rows.map(|row| row.into_iter().map(|i: u32| (i, 1.0)).collect());
    let friends = [(0, 1, 1.0), (0, 2, 1.0), (0, 3, 1.0), (3, 4, 1.0)];
    let data = with_friends(&Csr::from_rows(rows, 4), &friends);
    let estimator = SocialLightGcn { friends: 3.0, by_taste: true, ..small(2) };
    let model = fit(&estimator, &data, 1);
    let (of_first, degree) = model.neighbourhood(0);
    let agreed = 3.0 * 2.0 / 6f32.sqrt();
    assert_eq!(of_first.iter().map(|f| f.0).collect::<Vec<_>>(), [1, 3]);
    assert!((of_first[0].1 - agreed).abs() < 1e-6 && (of_first[1].1 - 3.0).abs() < 1e-6);
    assert!((degree - 6.0 - agreed).abs() < 1e-5);
    assert!(model.knows(3));
    // Taken as new, a user gets all but their own embedding's part.
    let folded = model.fold_in(model.seen().row(0), &[1, 2, 3]).unwrap();
    let item = &model.item_factors()[8..16];
    let score: f32 = folded.iter().zip(item).map(|(a, b)| a * b).sum();
    let past: f32 = model.explain(0, 1).unwrap().contributions.iter().map(|c| c.1).sum();
    let parts = past + model.influences(0, 1).unwrap().iter().map(|i| i.part).sum::<f32>();
    assert!((score - parts).abs() < 1e-5, "{score} {parts}");
}

#[test]
fn friends_of_next_to_no_weight_are_lightgcn() {
    let data = circle(30, 20);
    let social = fit(&SocialLightGcn { friends: 1e-12, ..small(2) }, &data, 1);
    let mut ctx = FitContext { seed: 5, ..FitContext::default() };
    let base = LightGcn {
        factors: 8,
        layers: 2,
        learning_rate: 0.02,
        epochs: 2,
        batch_size: 64,
        ..LightGcn::default()
    };
    let plain = base.fit(&data, &mut ctx).unwrap();
    for (a, b) in social.user_factors().iter().zip(plain.user_factors()) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

#[test]
fn threads_and_interruptions_change_nothing() {
    let data = circle(300, 200);
    let config = SocialLightGcn { batch_size: 1500, ..small(2) };
    let (one, two) = (fit(&config, &data, 1), fit(&config, &data, 2));
    assert_eq!(one.user_factors(), two.user_factors());
    let dir = tempfile::tempdir().unwrap();
    let saving = |config: &SocialLightGcn| {
        let checkpoints = Some(Checkpoints { dir: dir.path().into(), every: 1 });
        let mut ctx = FitContext { seed: 5, checkpoints, ..FitContext::default() };
        config.fit(&data, &mut ctx).unwrap()
    };
    saving(&SocialLightGcn { epochs: 1, ..config.clone() });
    assert_eq!(saving(&config).item_factors(), one.item_factors());
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
    assert_eq!((loaded.kind(), loaded.seen()), ("social_lightgcn", model.seen()));
    let explain = loaded.as_explain().unwrap();
    assert_eq!(explain.explain(3, 1).unwrap(), model.explain(3, 1).unwrap());
}

#[test]
fn bad_parameters_and_data_are_refused_by_name() {
    let data = circle(20, 15);
    let named = |config: SocialLightGcn, expected: &str| match config
        .fit(&data, &mut FitContext::default())
    {
        Err(Error::Parameter { name, .. }) => assert_eq!(name, expected),
        other => panic!("{expected}: {:?}", other.map(|_| ())),
    };
    named(SocialLightGcn { friends: 0.0, ..small(1) }, "friends");
    named(SocialLightGcn { layers: 0, ..small(1) }, "layers");
    named(SocialLightGcn { factors: 0, ..small(1) }, "factors");
    let refused = |config: &SocialLightGcn, data: &Dataset| {
        config.fit(data, &mut FitContext::default()).map(|_| ())
    };
    let tight = SocialLightGcn { max_memory: 1000, ..small(1) };
    assert!(matches!(refused(&tight, &data), Err(Error::TooLarge { limit: 1000, .. })));
    let alone = dataset(&two_tastes(20, 15, 1));
    assert!(matches!(refused(&small(1), &alone), Err(Error::Empty { .. })));
    let none = with_friends(&two_tastes(20, 15, 1), &[]);
    assert!(matches!(refused(&small(1), &none), Err(Error::Empty { .. })));
    let mut other = data.clone();
    other.social = circle(22, 15).social;
    assert!(matches!(refused(&small(1), &other), Err(Error::IdMismatch { .. })));
    let device = Device::LibTorch(Default::default());
    let mut elsewhere = FitContext { device, ..FitContext::default() };
    let refused = small(1).fit(&data, &mut elsewhere);
    assert!(matches!(refused, Err(Error::Unsupported { .. })));
    let cosine = SocialLightGcn { score_by: ScoreBy::Cosine, ..small(1) };
    let model = fit(&cosine, &data, 1);
    assert!(matches!(model.influences(0, 1), Err(Error::Unsupported { .. })));
}
