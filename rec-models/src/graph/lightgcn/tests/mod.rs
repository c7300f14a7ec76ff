mod beside;
mod torch;

use std::sync::Arc;

use rec_core::data::{Csr, Dataset};
use rec_core::rank::{Explain as _, Recommend as _, Scorer as _};

use super::state::State;
use super::{
    Beside, Contrast, GraphLoss, LightGcn, LightGcnModel, PositiveSampling, ScoreBy, Views,
};
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

fn sampled(epochs: usize) -> LightGcn {
    LightGcn {
        loss: GraphLoss::SampledSoftmax { temperature: 0.2, negatives: 12 },
        ..small(epochs)
    }
}

fn contrasted(views: Views, epochs: usize) -> LightGcn {
    // Few nodes in few dimensions: a heavy contrast spreads them evenly, and tastes are lost.
    let contrast = Some(Contrast { views, weight: 0.02, temperature: 0.2 });
    LightGcn { contrast, residual: Some(0.0), ..small(epochs) }
}

/// XSimGCL, SimGCL, SGL, LightGCN++, and SGL's other two ways of thinning.
fn variants(epochs: usize) -> [LightGcn; 6] {
    let LightGcn { normalization, unit_rows, residual, .. } = LightGcn::plus_plus(0.6, -0.1, 0.2);
    [
        contrasted(Views::CrossLayer { noise: 0.1, layer: 1 }, epochs),
        contrasted(Views::Noise { noise: 0.1 }, epochs),
        LightGcn { residual: None, ..contrasted(Views::EdgeDropout { rate: 0.1 }, epochs) },
        LightGcn { normalization, unit_rows, residual, ..small(epochs) },
        LightGcn { residual: None, ..contrasted(Views::NodeDropout { rate: 0.1 }, epochs) },
        LightGcn { residual: None, ..contrasted(Views::RandomWalk { rate: 0.1 }, epochs) },
    ]
}

fn fit(estimator: &LightGcn, data: &Dataset, threads: usize) -> LightGcnModel {
    let mut ctx = FitContext { seed: 5, threads: Some(threads), ..FitContext::default() };
    estimator.fit(data, &mut ctx).unwrap()
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
        (sampled(20), 0.9),
    ] {
        let auc = taste_auc(&fit(&estimator, &data, 2));
        assert!(auc > least, "{estimator:?}: {auc}");
    }
    for estimator in variants(30) {
        let auc = taste_auc(&fit(&estimator, &data, 2));
        assert!(auc > 0.85, "{estimator:?}: {auc}");
    }
}

#[test]
fn users_who_are_but_their_items_fold_in_to_themselves() {
    // With no share of the initial embeddings in the mean, a user's is all from their items.
    let data = dataset(&two_tastes(40, 30, 1));
    let [cross, _, sgl, plus, ..] = variants(2);
    for estimator in [cross, sgl, plus, LightGcn { loss: softmax(1).loss, ..small(2) }] {
        let model = fit(&LightGcn { residual: Some(0.0), ..estimator }, &data, 1);
        let history = model.seen().row(7).iter().map(|&i| (i, 1.0)).collect();
        let folded = model.fold_in(&[history]).unwrap();
        for (got, expected) in folded.iter().zip(&model.user_factors()[7 * 8..]) {
            assert!((got - expected).abs() < 1e-5, "{got} {expected}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let data = dataset(&two_tastes(300, 200, 1));
    let more = variants(2);
    for estimator in
        [LightGcn { batch_size: 1500, ..small(2) }, softmax(2), sampled(2)].into_iter().chain(more)
    {
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
    for (short, long) in variants(3)
        .into_iter()
        .zip(variants(6))
        .chain([(small(3), small(6)), (sampled(3), sampled(6))])
    {
        short.fit(&data, &mut saving()).unwrap();
        let resumed = long.fit(&data, &mut saving()).unwrap();
        assert_eq!(resumed.item_factors(), fit(&long, &data, 2).item_factors());
        std::fs::remove_dir_all(dir.path().join("lightgcn-checkpoint")).unwrap();
    }
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
    let state = State::new(config, ids, seen.clone(), Beside::default(), 1).unwrap();
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
    let cosine = LightGcn { score_by: ScoreBy::Cosine, ..softmax(1) };
    assert!(matches!(fit(&cosine, &data, 1).explain(0, 2), Err(Error::Unsupported { .. })));
    assert!(fit(&softmax(1), &data, 1).explain(0, 2).is_ok());
}

#[test]
fn the_same_embeddings_score_by_product_or_cosine() {
    let data = dataset(&two_tastes(40, 30, 1));
    let product = fit(&softmax(3), &data, 1);
    let cosine = fit(&LightGcn { score_by: ScoreBy::Cosine, ..softmax(3) }, &data, 1);
    let length = |row: &[f32]| row.iter().map(|x| x * x).sum::<f32>().sqrt();
    let lengths = |rows: &[f32]| rows.chunks_exact(8).map(length).collect::<Vec<_>>();
    let (users, items) = (lengths(product.user_factors()), lengths(product.item_factors()));
    assert!(items.iter().any(|length| (length - 1.0).abs() > 0.1));
    assert!(lengths(cosine.item_factors()).iter().all(|length| (length - 1.0).abs() < 1e-5));
    let history: Vec<(u32, f32)> = product.seen().row(7).iter().map(|&i| (i, 1.0)).collect();
    let (mut one, mut other) = (vec![0f32; 30], vec![0f32; 30]);
    product.score(&[7], &mut one).unwrap();
    cosine.score(&[7], &mut other).unwrap();
    for (item, (product, cosine)) in one.iter().zip(&other).enumerate() {
        assert!((product / (users[7] * items[item]) - cosine).abs() < 1e-5);
    }
    let folded = length(&cosine.fold_in(std::slice::from_ref(&history)).unwrap());
    assert!((folded - 1.0).abs() < 1e-5);
}

#[test]
fn a_folder_without_the_choice_scores_as_it_did() {
    // Before there was one, a model trained on cosines scored by them.
    let data = dataset(&two_tastes(40, 30, 1));
    for (estimator, by) in [
        (LightGcn { score_by: ScoreBy::Cosine, ..softmax(2) }, ScoreBy::Cosine),
        (small(2), ScoreBy::Product),
    ] {
        let model = fit(&estimator, &data, 1);
        let mut config = serde_json::to_value(model.config()).unwrap();
        config.as_object_mut().unwrap().remove("score_by").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut writer = model.writer().unwrap();
        writer.config(&config).unwrap();
        writer.save(dir.path().join("m")).unwrap();
        let reader = rec_core::store::ModelReader::open(dir.path().join("m")).unwrap();
        let loaded = LightGcnModel::load(&reader).unwrap();
        assert_eq!(loaded.config().score_by, by);
        let history = vec![vec![(3, 1.0), (4, 1.0)]];
        assert_eq!(loaded.fold_in(&history).unwrap(), model.fold_in(&history).unwrap());
        assert_eq!(loaded.item_factors(), model.item_factors());
    }
}

#[test]
fn a_saved_model_scores_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let data = dataset(&two_tastes(20, 15, 1));
    for (at, estimator) in
        [small(2), softmax(2), sampled(2)].into_iter().chain(variants(2)).enumerate()
    {
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
    for (temperature, negatives, name) in [(0.0, 9, "loss.temperature"), (0.1, 0, "loss.negatives")]
    {
        let loss = GraphLoss::SampledSoftmax { temperature, negatives };
        named(LightGcn { loss, ..small(1) }, name);
    }
    named(LightGcn { residual: Some(1.5), ..small(1) }, "residual");
    named(LightGcn { content_l2: 0.0, ..small(1) }, "content_l2");
    named(LightGcn { tags: -1.0, ..small(1) }, "tags");
    let views = |views| contrasted(views, 1);
    named(views(Views::CrossLayer { noise: 0.1, layer: 3 }), "contrast.layer");
    named(views(Views::Noise { noise: -0.1 }), "contrast.noise");
    named(views(Views::EdgeDropout { rate: 1.0 }), "contrast.rate");
    named(views(Views::NodeDropout { rate: -0.1 }), "contrast.rate");
    named(views(Views::RandomWalk { rate: f32::NAN }), "contrast.rate");
    let noisy = views(Views::Noise { noise: 0.1 });
    named(LightGcn { layers: 0, ..noisy.clone() }, "layers");
    named(LightGcn { unit_rows: true, ..noisy.clone() }, "unit_rows");
    let contrast = noisy.contrast.map(|contrast| Contrast { temperature: 0.0, ..contrast });
    named(LightGcn { contrast, ..noisy }, "contrast.temperature");
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
    let [views, ..] = variants(1);
    let refused = views.fit(&data, &mut elsewhere);
    assert!(matches!(refused, Err(Error::Unsupported { .. })), "{:?}", refused.map(|_| ()));
    let wild = LightGcn { learning_rate: 1e38, ..small(9) };
    assert!(matches!(wild.fit(&data, &mut FitContext::default()), Err(Error::Data { .. })));
}

#[test]
fn users_and_items_without_interactions_are_not_in_the_way() {
    // User 1 and item 2 are isolated; user 0 had every other item, so that only item 2 is a negative.
    let data = dataset(&Csr::from_rows([vec![(0, 1.0), (1, 1.0)], vec![]], 3));
    for estimator in [small(3), sampled(3)] {
        let model = fit(&estimator, &data, 1);
        assert!(model.user_factors().iter().chain(model.item_factors()).all(|x| x.is_finite()));
        assert!(!model.knows(1) && model.user_factors()[8..].iter().all(|x| *x == 0.0));
        assert!(estimator.loss == GraphLoss::Bpr || model.item_factors()[16..] == [0.0; 8]);
    }
    // A user who had everything leaves no triple at all.
    let all = dataset(&Csr::from_rows([vec![(0, 1.0), (1, 1.0)]], 2));
    assert!(fit(&small(2), &all, 1).user_factors().iter().all(|x| x.is_finite()));
}
