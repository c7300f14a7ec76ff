use faer::Mat;
use rec_core::data::{Csr, Dataset};
use rec_core::rank::{Explain as _, Recommend as _, Scorer as _, Similar as _};

use super::{Sgfcf, SgfcfModel, homogeneity};
use crate::Error;
use crate::collab::samples::{dataset, taste_auc, two_tastes};
use crate::fit::{Fit, FitContext, Model as _};

fn fit(estimator: &Sgfcf, data: &Dataset, threads: usize) -> SgfcfModel {
    let mut ctx = FitContext { seed: 3, threads: Some(threads), ..FitContext::default() };
    estimator.fit(data, &mut ctx).unwrap()
}

fn small() -> Sgfcf {
    Sgfcf { factors: 3, ..Sgfcf::default() }
}

/// Of each row the share of the pairs of its columns that another row has, by looking at all.
fn pairs_joined(rows: &[Vec<u32>]) -> Vec<f64> {
    let joined = |row: usize, a: u32, b: u32| {
        rows.iter().enumerate().any(|(r, had)| r != row && had.contains(&a) && had.contains(&b))
    };
    let share = |(row, had): (usize, &Vec<u32>)| {
        let pairs = had.iter().flat_map(|&a| had.iter().map(move |&b| (a, b)));
        let pairs: Vec<(u32, u32)> = pairs.filter(|(a, b)| a != b).collect();
        let count = pairs.iter().filter(|&&(a, b)| joined(row, a, b)).count();
        if pairs.is_empty() { 0.0 } else { count as f64 / pairs.len() as f64 }
    };
    rows.iter().enumerate().map(share).collect()
}

fn rows(matrix: &Csr) -> Vec<Vec<u32>> {
    (0..matrix.n_rows()).map(|row| matrix.row(row).to_vec()).collect()
}

/// The scores of all users by dense matrices and faer's own decomposition, in double precision.
fn by_hand(seen: &Csr, config: &Sgfcf) -> Mat<f64> {
    let (n, m) = (seen.n_rows(), seen.n_cols());
    let degrees = seen.column_counts();
    let (epsilon, alpha) = (f64::from(config.epsilon), f64::from(config.alpha));
    let divisor = |d: usize| (d.max(1) as f64 + alpha).powf(epsilon);
    let normal = Mat::from_fn(n, m, |u, i| {
        let had = f64::from(u8::from(seen.contains(u, i as u32)));
        had / (divisor(seen.row(u).len()) * divisor(degrees[i] as usize))
    });
    let svd = normal.thin_svd().unwrap();
    let (u, v, values) = (svd.U(), svd.V(), svd.S().column_vector());
    let [first, last] = config.betas.map(f64::from);
    let exponents = |matrix: &Csr| -> Vec<f64> {
        let of = pairs_joined(&rows(matrix));
        let least = of.iter().copied().fold(f64::INFINITY, f64::min);
        let span = of.iter().copied().fold(0.0, f64::max) - least;
        let place = |h: f64| if span > 0.0 { (h - least) / span } else { 0.0 };
        of.into_iter().map(|h| first + (last - first) * place(h)).collect()
    };
    let (of_users, of_items) = (exponents(seen), exponents(&seen.transpose()));
    let ideal = Mat::from_fn(n, m, |a, b| {
        let part = |k: usize| {
            let share: f64 = values[k] / values[0];
            u[(a, k)] * v[(b, k)] * share.powf(of_users[a]) * share.powf(of_items[b])
        };
        (0..config.factors).map(part).sum::<f64>()
    });
    let linear = &normal * normal.transpose() * &normal;
    let sum = |of: &Mat<f64>, row: usize| (0..m).map(|i| of[(row, i)]).sum::<f64>();
    Mat::from_fn(n, m, |u, i| {
        let gamma = f64::from(config.gamma);
        ideal[(u, i)] / sum(&ideal, u) + gamma * linear[(u, i)] / sum(&linear, u)
    })
}

#[test]
fn scores_are_those_of_the_formula() {
    let seen = two_tastes(30, 25, 1).binary();
    let data = dataset(&seen);
    // Two tastes make two vectors that stand out; further ones are near each other.
    let two = Sgfcf { factors: 2, ..small() };
    for config in [
        two.clone(),
        Sgfcf { factors: 25, ..small() },
        Sgfcf { betas: [0.5, 2.5], ..two.clone() },
        Sgfcf { epsilon: 0.5, alpha: 4.0, gamma: 0.0, betas: [1.5; 2], ..two },
    ] {
        let model = fit(&config, &data, 2);
        let expected = by_hand(&seen, &config);
        let mut scores = vec![0f32; 30 * 25];
        model.score(&(0..30).collect::<Vec<_>>(), &mut scores).unwrap();
        for (at, score) in scores.iter().enumerate() {
            let expected = expected[(at / 25, at % 25)];
            // Vectors are found until their values settle, in single precision.
            assert!((f64::from(*score) - expected).abs() < 5e-4, "{config:?}: {score} {expected}");
        }
    }
}

#[test]
fn homogeneity_counts_pairs_that_others_have() {
    let seen = Csr::from_rows(
        [vec![0, 1, 2], vec![0, 1], vec![2], vec![], vec![3, 4]]
            .map(|row: Vec<u32>| row.into_iter().map(|i| (i, 1.0)).collect()),
        5,
    );
    let by_item = seen.transpose();
    // Only the pair (0, 1) stands in two rows.
    assert_eq!(homogeneity::of_rows(&seen, &by_item), [1.0 / 3.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(homogeneity::of_rows(&by_item, &seen), [1.0, 1.0, 0.0, 0.0, 0.0]);
    assert_eq!(homogeneity::of_new_row(&[0, 1, 4], &seen, &by_item), 1.0 / 3.0);
    assert_eq!(homogeneity::of_new_row(&[3], &seen, &by_item), 0.0);
    let random = two_tastes(40, 30, 2).binary();
    let by_item = random.transpose();
    let expected = pairs_joined(&rows(&random));
    for (got, expected) in homogeneity::of_rows(&random, &by_item).iter().zip(&expected) {
        assert!((f64::from(*got) - expected).abs() < 1e-6, "{got} {expected}");
    }
    // A row that is left out is new to the others.
    let others = random.clone().map_values(|_, _, v| v);
    let kept = rows(&others).into_iter().skip(1);
    let kept = Csr::from_rows(kept.map(|row| row.into_iter().map(|i| (i, 1.0)).collect()), 30);
    let new = homogeneity::of_new_row(random.row(0), &kept, &kept.transpose());
    assert!((f64::from(new) - expected[0]).abs() < 1e-6);
}

#[test]
fn folding_in_is_scoring() {
    let seen = two_tastes(30, 25, 1).binary();
    let model = fit(&small(), &dataset(&seen), 1);
    let mut scores = vec![0f32; 25];
    model.score(&[4], &mut scores).unwrap();
    let history = seen.row(4).iter().rev().map(|&i| (i, 2.0)).collect();
    let mut folded = vec![0f32; 25];
    model.score_histories(&[history, Vec::new()][..1], &mut folded).unwrap();
    assert_eq!(scores, folded);
    let mut nothing = vec![1f32; 25];
    model.score_histories(&[Vec::new()], &mut nothing).unwrap();
    assert_eq!(nothing, [0.0; 25]);
    assert!(model.score_histories(&[vec![(25, 1.0)]], &mut nothing).is_err());
}

#[test]
fn tastes_are_told_apart_at_any_number_of_threads() {
    let data = dataset(&two_tastes(60, 40, 1));
    let estimator = Sgfcf { factors: 2, betas: [0.5, 1.5], ..Sgfcf::default() };
    let (one, two) = (fit(&estimator, &data, 1), fit(&estimator, &data, 2));
    assert!(taste_auc(&one) > 0.9);
    assert_eq!((one.vectors(), &one.weighted), (two.vectors(), &two.weighted));
}

#[test]
fn parts_of_an_explanation_add_up() {
    let data = dataset(&two_tastes(30, 20, 1));
    for betas in [[0.8; 2], [0.5, 2.0]] {
        let model = fit(&Sgfcf { betas, ..small() }, &data, 1);
        let mut scores = vec![0f32; 20];
        model.score(&[2], &mut scores).unwrap();
        for item in 0..20 {
            let explanation = model.explain(2, item).unwrap();
            assert!((explanation.score - scores[item as usize]).abs() < 1e-5 && explanation.exact);
            assert!(explanation.contributions.is_sorted_by(|a, b| a.1 >= b.1));
        }
        assert!(model.explain(30, 0).is_err() && model.explain(0, 20).is_err());
        assert_eq!(model.similar(&[0], 3).unwrap().row(0).0.len(), 3);
    }
}

#[test]
fn a_saved_model_scores_as_before() {
    for betas in [[0.8; 2], [0.5, 2.0]] {
        let dir = tempfile::tempdir().unwrap();
        let model = fit(&Sgfcf { betas, ..small() }, &dataset(&two_tastes(20, 15, 1)), 1);
        model.writer().unwrap().save(dir.path().join("m")).unwrap();
        let loaded = crate::load(dir.path().join("m")).unwrap();
        let (mut before, mut after) = (vec![0f32; 15], vec![0f32; 15]);
        model.score(&[3], &mut before).unwrap();
        loaded.score(&[3], &mut after).unwrap();
        assert_eq!((before, loaded.kind()), (after, "sgfcf"));
    }
}

#[test]
fn bad_parameters_and_data_are_refused_by_name() {
    let data = dataset(&two_tastes(20, 15, 1));
    let refused = |estimator: Sgfcf, data: &Dataset| {
        estimator.fit(data, &mut FitContext::default()).map(|_| ()).unwrap_err()
    };
    for (estimator, expected) in [
        (Sgfcf { factors: 0, ..small() }, "factors"),
        (Sgfcf { factors: 16, ..small() }, "factors"),
        (Sgfcf { epsilon: 1.5, ..small() }, "epsilon"),
        (Sgfcf { epsilon: f32::NAN, ..small() }, "epsilon"),
        (Sgfcf { alpha: -1.0, ..small() }, "alpha"),
        (Sgfcf { betas: [1.0, f32::INFINITY], ..small() }, "betas"),
        (Sgfcf { gamma: -0.1, ..small() }, "gamma"),
    ] {
        let error = refused(estimator, &data);
        assert!(matches!(&error, Error::Parameter { name, .. } if name == expected), "{error}");
    }
    let tight = refused(Sgfcf { max_memory: 99, ..small() }, &data);
    assert!(matches!(tight, Error::TooLarge { limit: 99, .. }), "{tight}");
    assert!(matches!(refused(small(), &dataset(&Csr::zeros(4, 4))), Error::Empty { .. }));
    let negative = dataset(&Csr::from_rows([vec![(0, -1.0)]], 1));
    assert!(matches!(refused(small(), &negative), Error::Data { .. }));
}
