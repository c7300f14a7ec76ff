use std::sync::atomic::AtomicU32;

use ndarray::{Array1, Array2};
use rec_core::data::{Csr, Id};
use rec_core::objective::{self, BprFactors};
use rec_core::rank::{Query, Recommend, Scorer, Similar, Users};
use rec_core::store::ModelReader;

use super::kernel::{Lanes, Plain, Rates, Triple, step};
use super::shared::{get, stride};
use super::{Bpr, BprModel, BprNegatives};
use crate::Error;
use crate::collab::samples::{dataset, taste_auc, two_tastes};
use crate::fit::{Fit, FitContext, Model};

fn small() -> Bpr {
    Bpr { factors: 10, learning_rate: 0.1, epochs: 40, ..Bpr::default() }
}

fn fit(bpr: &Bpr, weights: &Csr) -> BprModel {
    bpr.fit(&dataset(weights), &mut FitContext { seed: 1, ..FitContext::default() }).unwrap()
}

/// A step of a form of the kernel on rows of `dim`, with and without biases, against the gradient
/// of the objective.
fn check_step<L: Lanes>(dim: usize) {
    let value = |k: usize, j: usize| (((k * 37 + j * 11) % 17) as f32 - 8.0) / 20.0;
    let rates = Rates { learning_rate: 0.05, l2: 0.02 };
    for biased in [true, false] {
        let row = |k: usize| -> Vec<AtomicU32> {
            let padded = (0..stride(dim)).map(|j| if j < dim { value(k, j) } else { 0.0 });
            padded.map(|v| AtomicU32::new(v.to_bits())).collect()
        };
        let (user, had, other) = (row(0), row(1), row(2));
        let biases = [0.3f32, -0.1].map(|b| AtomicU32::new(b.to_bits()));
        let [bias_had, bias_other] = &biases;
        let triple = Triple {
            user: &user,
            had: &had,
            other: &other,
            biases: biased.then_some([bias_had, bias_other]),
        };
        let at = BprFactors {
            users: Array2::from_shape_fn((1, dim), |(_, j)| f64::from(value(0, j))),
            items: Array2::from_shape_fn((2, dim), |(k, j)| f64::from(value(k + 1, j))),
            bias: Array1::from_vec(if biased { vec![0.3, -0.1] } else { vec![0.0; 2] }),
        };
        let l2 = f64::from(rates.l2);
        let objective =
            objective::Bpr { l2_user: l2, l2_item: l2, l2_bias: if biased { l2 } else { 0.0 } };
        let gradient = objective.gradient(&at, &[(0, 0, 1)]);
        let p = step::<L>(&triple, rates);
        let want = objective::sigmoid(at.score(0, 0) - at.score(0, 1));
        assert!((f64::from(p) - want).abs() < 1e-6, "{p}, expected {want}");
        let moved = |got: &AtomicU32, from: f64, gradient: f64| {
            let want = from - f64::from(rates.learning_rate) * gradient;
            assert!((f64::from(get(got)) - want).abs() < 1e-6, "{}, expected {want}", get(got));
        };
        for j in 0..dim {
            moved(&user[j], at.users[[0, j]], gradient.users[[0, j]]);
            moved(&had[j], at.items[[0, j]], gradient.items[[0, j]]);
            moved(&other[j], at.items[[1, j]], gradient.items[[1, j]]);
        }
        if biased {
            moved(bias_had, at.bias[0], gradient.bias[0]);
            moved(bias_other, at.bias[1], gradient.bias[1]);
        }
        for row in [&user, &had, &other] {
            assert!(row[dim..].iter().all(|v| get(v) == 0.0));
        }
    }
}

#[test]
fn a_step_follows_the_gradient_of_the_objective() {
    for dim in [1, 8, 10, 64] {
        check_step::<Plain>(dim);
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            check_step::<super::kernel::Wide>(dim);
        }
    }
}

#[test]
fn it_learns_tastes_and_finds_items_alike() {
    for negatives in [BprNegatives::Uniform, BprNegatives::Popularity { alpha: 0.75 }] {
        for (item_bias, workers) in [(true, 1), (false, 1), (true, 3)] {
            let bpr = Bpr { negatives, item_bias, workers, ..small() };
            let model = fit(&bpr, &two_tastes(80, 40, 3));
            assert!(taste_auc(&model) > 0.9, "{bpr:?}: {}", taste_auc(&model));
            assert_eq!(model.item_bias().is_some(), item_bias);
            let alike = model.similar_items(&[Id::from(4)], 5).unwrap();
            assert!(alike.top.row(0).0.iter().filter(|i| *i % 2 == 0).count() >= 4);
        }
    }
}

#[test]
fn one_worker_is_deterministic_at_any_thread_count() {
    let data = dataset(&two_tastes(60, 40, 2));
    let run = |threads, seed| {
        let mut ctx = FitContext { threads: Some(threads), seed, ..FitContext::default() };
        let model = Bpr { epochs: 3, ..small() }.fit(&data, &mut ctx).unwrap();
        (model.user_factors().to_vec(), model.item_factors().to_vec())
    };
    assert_eq!(run(1, 4), run(3, 4));
    assert_ne!(run(1, 4), run(1, 5));
}

#[test]
fn a_saved_model_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    for item_bias in [true, false] {
        let model = fit(&Bpr { item_bias, epochs: 2, ..small() }, &two_tastes(20, 10, 10));
        model.writer().unwrap().save(dir.path().join("m")).unwrap();
        let loaded = BprModel::load(&ModelReader::open(dir.path().join("m")).unwrap()).unwrap();
        assert_eq!(loaded.user_factors(), model.user_factors());
        assert_eq!(loaded.item_factors(), model.item_factors());
        assert_eq!(loaded.item_bias(), model.item_bias());
        assert_eq!((loaded.config(), loaded.log()), (model.config(), model.log()));
        assert_eq!(loaded.seen(), model.seen());
    }
}

#[test]
fn parameters_outside_their_domain_are_refused() {
    let data = dataset(&two_tastes(5, 5, 11));
    let bad = [
        ("factors", Bpr { factors: 0, ..small() }),
        ("epochs", Bpr { epochs: 0, ..small() }),
        ("learning_rate", Bpr { learning_rate: 0.0, ..small() }),
        ("learning_rate", Bpr { learning_rate: f32::NAN, ..small() }),
        ("l2", Bpr { l2: -1.0, ..small() }),
        ("l2", Bpr { l2: 10.0, ..small() }),
        ("workers", Bpr { workers: 0, ..small() }),
        ("alpha", Bpr { negatives: BprNegatives::Popularity { alpha: -1.0 }, ..small() }),
    ];
    for (parameter, bpr) in bad {
        match bpr.fit(&data, &mut FitContext::default()) {
            Err(Error::Parameter { name, .. }) => assert_eq!(name, parameter),
            other => panic!("{parameter}: {:?}", other.map(|_| ())),
        }
    }
}

#[test]
fn divergence_names_the_epoch_and_what_to_try() {
    let bpr = Bpr { learning_rate: 1e30, l2: 0.0, ..small() };
    match bpr.fit(&dataset(&two_tastes(20, 10, 1)), &mut FitContext::default()) {
        Err(Error::Data { what, why }) => {
            assert!(what.starts_with("BPR diverged in epoch"), "{what}");
            assert!(why.contains("learning_rate"), "{why}");
        }
        other => panic!("{:?}", other.map(|_| ())),
    }
}

#[test]
fn the_smallest_data_works() {
    for (n, m) in [(1, 1), (1, 3), (3, 1)] {
        // Every user has every item, so that there is no negative to draw.
        let weights =
            Csr::from_rows((0..n).map(|_| (0..m).map(|i| (i, 1.0)).collect()), m as usize);
        let model = fit(&Bpr { epochs: 1, ..small() }, &weights);
        let mut scores = vec![f32::NAN; m as usize];
        model.score(&[0], &mut scores).unwrap();
        assert!(scores.iter().all(|s| s.is_finite()));
    }
    let negative = dataset(&Csr::from_rows([vec![(0, -1.0)]], 1));
    assert!(matches!(small().fit(&negative, &mut FitContext::default()), Err(Error::Data { .. })));
}

#[test]
fn histories_are_refused_with_the_way_out() {
    let model = fit(&Bpr { epochs: 1, ..small() }, &two_tastes(20, 10, 10));
    let past = vec![vec![(Id::from(0), 1.0)]];
    match model.recommend(&Query::new(Users::Histories(&past), 3)) {
        Err(Error::Unsupported { by, why, .. }) => {
            assert_eq!(by, "BPR");
            assert!(why.contains("ALS"), "{why}");
        }
        other => panic!("{:?}", other.map(|_| ())),
    }
}
