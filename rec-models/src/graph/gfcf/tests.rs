use faer::Mat;
use rec_core::data::{Csr, Dataset};
use rec_core::rank::{Explain as _, Recommend as _, Scorer as _, Similar as _};

use super::{GfCf, GfCfModel};
use crate::Error;
use crate::collab::samples::{dataset, taste_auc, two_tastes};
use crate::fit::{Fit, FitContext, Model as _};

fn fit(estimator: &GfCf, data: &Dataset, threads: usize) -> GfCfModel {
    let mut ctx = FitContext { seed: 3, threads: Some(threads), ..FitContext::default() };
    estimator.fit(data, &mut ctx).unwrap()
}

/// The scores of all users by dense matrices and faer's own decomposition, in double precision.
fn by_hand(seen: &Csr, factors: usize, alpha: f64) -> Mat<f64> {
    let (n, m) = (seen.n_rows(), seen.n_cols());
    let degrees = seen.column_counts();
    let root = |x: usize| (x.max(1) as f64).sqrt();
    let item_root = |i: usize| root(degrees[i] as usize);
    let r = Mat::from_fn(n, m, |u, i| f64::from(u8::from(seen.contains(u, i as u32))));
    let normal = Mat::from_fn(n, m, |u, i| r[(u, i)] / (root(seen.row(u).len()) * item_root(i)));
    let svd = normal.thin_svd().unwrap();
    let v = svd.V();
    let ideal = Mat::from_fn(m, m, |j, i| {
        let sum: f64 = (0..factors).map(|k| v[(j, k)] * v[(i, k)]).sum();
        alpha * sum * item_root(i) / item_root(j)
    });
    &r * (normal.transpose() * &normal + ideal)
}

#[test]
fn scores_are_those_of_the_formula() {
    let seen = two_tastes(30, 25, 1).binary();
    let data = dataset(&seen);
    for factors in [0, 1, 2, 25] {
        let model = fit(&GfCf { factors, ..GfCf::default() }, &data, 2);
        let expected = by_hand(&seen, factors, 0.3);
        let mut scores = vec![0f32; 30 * 25];
        model.score(&(0..30).collect::<Vec<_>>(), &mut scores).unwrap();
        for (at, score) in scores.iter().enumerate() {
            let expected = expected[(at / 25, at % 25)];
            assert!((f64::from(*score) - expected).abs() < 1e-3, "{factors}: {score} {expected}");
        }
        let history = seen.row(4).iter().rev().map(|&i| (i, 2.0)).collect();
        let mut folded = vec![0f32; 25];
        model.score_histories(&[history], &mut folded).unwrap();
        // A block of one user is multiplied in another order.
        let apart = folded.iter().zip(&scores[100..125]).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-5);
    }
}

#[test]
fn leading_vectors_are_found_among_many() {
    // More items than vectors and oversampling together, so that iteration has work to do.
    let seen = two_tastes(200, 180, 2).binary();
    let model = fit(&GfCf { factors: 4, ..GfCf::default() }, &dataset(&seen), 2);
    let expected = by_hand(&seen, 4, 0.3);
    let mut scores = vec![0f32; 180];
    model.score(&[7], &mut scores).unwrap();
    for (item, score) in scores.iter().enumerate() {
        let expected = expected[(7, item)];
        // The fourth and the fifth value are close: what is left of one in the other is small.
        assert!((f64::from(*score) - expected).abs() < 0.02, "{item}: {score} {expected}");
    }
    let v = model.vectors();
    for a in 0..4 {
        for b in 0..4 {
            let dot: f32 = v.chunks_exact(4).map(|row| row[a] * row[b]).sum();
            assert!((dot - f32::from(u8::from(a == b))).abs() < 1e-3, "{a} {b}: {dot}");
        }
    }
}

#[test]
fn tastes_are_told_apart_at_any_number_of_threads() {
    let data = dataset(&two_tastes(60, 40, 1));
    let estimator = GfCf { factors: 2, ..GfCf::default() };
    let (one, two) = (fit(&estimator, &data, 1), fit(&estimator, &data, 2));
    assert!(taste_auc(&one) > 0.9);
    assert_eq!(one.vectors(), two.vectors());
}

#[test]
fn parts_of_an_explanation_add_up() {
    let data = dataset(&two_tastes(30, 20, 1));
    let model = fit(&GfCf { factors: 3, ..GfCf::default() }, &data, 1);
    let mut scores = vec![0f32; 20];
    model.score(&[2], &mut scores).unwrap();
    for item in 0..20 {
        let explanation = model.explain(2, item).unwrap();
        assert!((explanation.score - scores[item as usize]).abs() < 1e-4 && explanation.exact);
        assert!(explanation.contributions.is_sorted_by(|a, b| a.1 >= b.1));
    }
    assert!(model.explain(30, 0).is_err() && model.explain(0, 20).is_err());
    let alike = model.similar(&[0], 3).unwrap();
    assert_eq!(alike.row(0).0.len(), 3);
}

#[test]
fn all_paths_make_up_the_linear_filter() {
    let data = dataset(&two_tastes(30, 20, 1));
    let model = fit(&GfCf { factors: 0, ..GfCf::default() }, &data, 1);
    let mut scores = vec![0f32; 20];
    model.score(&[2], &mut scores).unwrap();
    for item in (0..20).filter(|&item| !model.seen().contains(2, item)) {
        let paths = model.paths(2, item, usize::MAX).unwrap();
        let sum: f32 = paths.iter().map(|path| path.weight).sum();
        assert!((sum - scores[item as usize]).abs() < 1e-5, "{item}: {sum}");
        assert!(paths.is_sorted_by(|a, b| a.weight >= b.weight));
        assert_eq!(model.paths(2, item, 1).unwrap(), paths[..paths.len().min(1)]);
    }
    assert!(model.paths(30, 0, 1).is_err() && model.paths(0, 20, 1).is_err());
}

#[test]
fn a_saved_model_scores_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let model = fit(&GfCf { factors: 3, ..GfCf::default() }, &dataset(&two_tastes(20, 15, 1)), 1);
    model.writer().unwrap().save(dir.path().join("m")).unwrap();
    let loaded = crate::load(dir.path().join("m")).unwrap();
    let (mut before, mut after) = (vec![0f32; 15], vec![0f32; 15]);
    model.score(&[3], &mut before).unwrap();
    loaded.score(&[3], &mut after).unwrap();
    assert_eq!((before, loaded.kind()), (after, "gfcf"));
}

#[test]
fn bad_parameters_and_data_are_refused_by_name() {
    let data = dataset(&two_tastes(20, 15, 1));
    let refused = |estimator: GfCf, data: &Dataset| {
        estimator.fit(data, &mut FitContext::default()).map(|_| ()).unwrap_err()
    };
    let few = GfCf { factors: 2, ..GfCf::default() };
    for (estimator, expected) in [
        (GfCf { factors: 16, ..GfCf::default() }, "factors"),
        (GfCf { factors: 99_999, ..GfCf::default() }, "factors"),
        (GfCf { alpha: -1.0, ..few.clone() }, "alpha"),
        (GfCf { alpha: f32::INFINITY, ..few.clone() }, "alpha"),
    ] {
        let error = refused(estimator, &data);
        assert!(matches!(&error, Error::Parameter { name, .. } if name == expected), "{error}");
    }
    let tight = refused(GfCf { max_memory: 99, ..few.clone() }, &data);
    assert!(matches!(tight, Error::TooLarge { limit: 99, .. }), "{tight}");
    assert!(matches!(refused(few.clone(), &dataset(&Csr::zeros(2, 2))), Error::Empty { .. }));
    let negative = dataset(&Csr::from_rows([vec![(0, -1.0)]], 1));
    assert!(matches!(refused(few.clone(), &negative), Error::Data { .. }));
    let model = fit(&few, &data, 1);
    assert!(model.score_histories(&[vec![(15, 1.0)]], &mut [0.0; 15]).is_err());
    let linear = fit(&GfCf { factors: 0, ..few }, &data, 1);
    assert!(matches!(linear.similar(&[0], 1), Err(Error::Unsupported { .. })));
}
