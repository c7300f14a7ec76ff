use faer::Mat;
use rec_core::data::{Csr, Dataset};
use rec_core::rank::{Explain as _, Recommend as _, Scorer as _, Similar as _};

use super::{Bspm, BspmModel, Merge, Solver};
use crate::Error;
use crate::collab::samples::{dataset, taste_auc, two_tastes};
use crate::fit::{Fit, FitContext, Model as _};

fn fit(estimator: &Bspm, data: &Dataset, threads: usize) -> BspmModel {
    let mut ctx = FitContext { seed: 3, threads: Some(threads), ..FitContext::default() };
    estimator.fit(data, &mut ctx).unwrap()
}

fn few() -> Bspm {
    Bspm { factors: 3, ..Bspm::default() }
}

/// Every solver, place of the ideal filter and mean, with more steps than one.
fn all() -> Vec<Bspm> {
    let mut all = Vec::new();
    for solver in [Solver::Euler, Solver::Rk4] {
        for merge in [Merge::Early, Merge::Late] {
            for (mean, sharpening, steps) in [(false, 1.9, 1), (true, 2.2, 3), (true, 0.0, 1)] {
                all.push(Bspm { factors: 4, solver, merge, mean, sharpening, steps, ..few() });
            }
        }
    }
    all.push(Bspm { factors: 0, ..few() });
    all
}

/// The differential equation by its solver's textbook form, on dense matrices in double precision:
/// slopes of a Runge–Kutta step are taken one after another.
fn by_hand(seen: &Csr, by: &Bspm) -> Mat<f64> {
    let (n, m) = (seen.n_rows(), seen.n_cols());
    let degrees = seen.column_counts();
    let root = |x: usize| (x.max(1) as f64).sqrt();
    let item_root = |i: usize| root(degrees[i] as usize);
    let r = Mat::from_fn(n, m, |u, i| f64::from(u8::from(seen.contains(u, i as u32))));
    let normal = Mat::from_fn(n, m, |u, i| r[(u, i)] / (root(seen.row(u).len()) * item_root(i)));
    let p = normal.transpose() * &normal;
    let svd = normal.thin_svd().unwrap();
    let v = svd.V();
    let low = Mat::from_fn(m, m, |j, i| {
        let sum: f64 = (0..by.factors).map(|k| v[(j, k)] * v[(i, k)]).sum();
        sum * item_root(i) / item_root(j)
    });
    let scaled = |x: &Mat<f64>, by: f64| Mat::from_fn(n, m, |u, i| by * x[(u, i)]);
    let ideal = scaled(&(&r * low), f64::from(by.beta));
    let blurred = &r * &p;
    let slope = |y: &Mat<f64>| scaled(&(y * &p), -1.0);
    let h = f64::from(by.sharpening) / by.steps as f64;
    let early = by.merge == Merge::Early;
    let mut y = if early { &blurred + &ideal } else { blurred.clone() };
    let mut points = vec![blurred];
    for _ in 0..by.steps {
        let first = slope(&y);
        y = match by.solver {
            Solver::Euler => &y + scaled(&first, h),
            Solver::Rk4 => {
                let second = slope(&(&y + scaled(&first, h / 2.0)));
                let third = slope(&(&y + scaled(&second, h / 2.0)));
                let fourth = slope(&(&y + scaled(&third, h)));
                &y + scaled(&(first + scaled(&(second + third), 2.0) + fourth), h / 6.0)
            }
        };
        points.push(y.clone());
    }
    let mean = by.mean && by.sharpening > 0.0;
    let zero = Mat::<f64>::zeros(n, m);
    let sum = points.iter().fold(zero, |sum, point| sum + point);
    let end = if mean { scaled(&sum, 1.0 / points.len() as f64) } else { y };
    if early { end } else { end + ideal }
}

#[test]
fn scores_are_those_of_the_process() {
    // More users than are scored at a time.
    let seen = two_tastes(80, 25, 1).binary();
    let data = dataset(&seen);
    for estimator in all() {
        // All vectors: the ideal filter does not depend on where close values are cut.
        let factors = if estimator.factors > 0 { 25 } else { 0 };
        let estimator = Bspm { factors, ..estimator };
        let model = fit(&estimator, &data, 2);
        let expected = by_hand(&seen, &estimator);
        let mut scores = vec![0f32; 80 * 25];
        model.score(&(0..80).collect::<Vec<_>>(), &mut scores).unwrap();
        for (at, score) in scores.iter().enumerate() {
            let expected = expected[(at / 25, at % 25)];
            let apart = (f64::from(*score) - expected).abs();
            assert!(apart < 1e-4, "{estimator:?}: {score} {expected}");
        }
        let history = seen.row(4).iter().rev().map(|&i| (i, 2.0)).collect();
        let mut folded = vec![0f32; 25];
        model.score_histories(&[history], &mut folded).unwrap();
        let apart = folded.iter().zip(&scores[100..125]).map(|(a, b)| (a - b).abs());
        assert!(apart.fold(0.0, f32::max) < 1e-5);
    }
}

#[test]
fn without_sharpening_it_is_gf_cf() {
    let data = dataset(&two_tastes(40, 30, 2));
    let model = fit(&Bspm { factors: 5, beta: 0.3, sharpening: 0.0, ..few() }, &data, 1);
    let mut ctx = FitContext { seed: 3, ..FitContext::default() };
    let of_gfcf = crate::graph::GfCf { factors: 5, alpha: 0.3, ..Default::default() }
        .fit(&data, &mut ctx)
        .unwrap();
    let (mut one, mut other) = (vec![0f32; 60], vec![0f32; 60]);
    model.score(&[7, 3], &mut one).unwrap();
    of_gfcf.score(&[7, 3], &mut other).unwrap();
    for (a, b) in one.iter().zip(&other) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

#[test]
fn tastes_are_told_apart_at_any_number_of_threads() {
    let data = dataset(&two_tastes(60, 40, 1));
    let estimator = Bspm { factors: 2, sharpening: 1.0, ..few() };
    let (one, two) = (fit(&estimator, &data, 1), fit(&estimator, &data, 2));
    assert!(taste_auc(&one) > 0.9);
    assert_eq!(one.vectors(), two.vectors());
}

#[test]
fn parts_of_an_explanation_add_up() {
    let data = dataset(&two_tastes(30, 20, 1));
    for estimator in all() {
        let model = fit(&estimator, &data, 1);
        let mut scores = vec![0f32; 20];
        model.score(&[2], &mut scores).unwrap();
        for item in 0..20 {
            let explanation = model.explain(2, item).unwrap();
            let apart = (explanation.score - scores[item as usize]).abs();
            assert!(apart < 1e-4 && explanation.exact, "{estimator:?} {item}: {apart}");
            assert!(explanation.contributions.is_sorted_by(|a, b| a.1 >= b.1));
        }
        assert!(model.explain(30, 0).is_err() && model.explain(0, 20).is_err());
    }
}

#[test]
fn an_explained_part_is_what_the_score_loses_without_the_item() {
    let data = dataset(&two_tastes(30, 20, 1));
    let model = fit(&few(), &data, 1);
    let past = model.seen().row(2).to_vec();
    let score = |items: &[u32]| {
        let mut out = vec![0f32; 20];
        let history = items.iter().map(|&i| (i, 1.0)).collect();
        model.score_histories(&[history], &mut out).unwrap();
        out[5]
    };
    for (item, part) in model.explain(2, 5).unwrap().contributions {
        let rest: Vec<u32> = past.iter().copied().filter(|&i| i != item).collect();
        assert!((score(&past) - score(&rest) - part).abs() < 1e-5, "{item}");
    }
    assert_eq!(model.similar(&[0], 3).unwrap().row(0).0.len(), 3);
}

#[test]
fn a_saved_model_scores_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let model = fit(&few(), &dataset(&two_tastes(20, 15, 1)), 1);
    model.writer().unwrap().save(dir.path().join("m")).unwrap();
    let loaded = crate::load(dir.path().join("m")).unwrap();
    let (mut before, mut after) = (vec![0f32; 15], vec![0f32; 15]);
    model.score(&[3], &mut before).unwrap();
    loaded.score(&[3], &mut after).unwrap();
    assert_eq!((before, loaded.kind()), (after, "bspm"));
}

#[test]
fn bad_parameters_and_data_are_refused_by_name() {
    let data = dataset(&two_tastes(20, 15, 1));
    let refused = |estimator: Bspm, data: &Dataset| {
        estimator.fit(data, &mut FitContext::default()).map(|_| ()).unwrap_err()
    };
    for (estimator, expected) in [
        (Bspm { factors: 16, ..few() }, "factors"),
        (Bspm { factors: 99_999, ..few() }, "factors"),
        (Bspm { beta: -1.0, ..few() }, "beta"),
        (Bspm { sharpening: f32::NAN, ..few() }, "sharpening"),
        (Bspm { sharpening: 2.1, solver: Solver::Euler, ..few() }, "sharpening"),
        (Bspm { sharpening: 3.0, ..few() }, "sharpening"),
        (Bspm { steps: 0, ..few() }, "steps"),
        (Bspm { steps: 9_999, ..few() }, "steps"),
    ] {
        let error = refused(estimator, &data);
        assert!(matches!(&error, Error::Parameter { name, .. } if name == expected), "{error}");
    }
    let tight = refused(Bspm { max_memory: 99, ..few() }, &data);
    assert!(matches!(tight, Error::TooLarge { limit: 99, .. }), "{tight}");
    assert!(matches!(refused(few(), &dataset(&Csr::zeros(4, 4))), Error::Empty { .. }));
    let negative = dataset(&Csr::from_rows([vec![(0, -1.0)]], 1));
    assert!(matches!(refused(few(), &negative), Error::Data { .. }));
    let model = fit(&few(), &data, 1);
    assert!(model.score_histories(&[vec![(15, 1.0)]], &mut [0.0; 15]).is_err());
    let linear = fit(&Bspm { factors: 0, ..few() }, &data, 1);
    assert!(matches!(linear.similar(&[0], 1), Err(Error::Unsupported { .. })));
}
