use std::sync::Arc;

use ndarray::{Array2, ArrayView2};
use rec_core::data::{Csr, Id, IdMap, IdMaps};
use rec_core::objective::{Confidence, ImplicitFactors, ImplicitLeastSquares, dense};
use rec_core::rank::{Explain, OnUnknown, Query, Recommend, Scorer, Similar, Users};
use rec_core::store::ModelReader;
use serde::Deserialize;

use super::kernel::{Arithmetic, Level, Plain};
use super::state::State;
use super::sweep::{Side, Sweep};
use super::{Als, AlsModel, AlsSolver};
use crate::Error;
use crate::collab::samples::{dataset, taste_auc, two_tastes};
use crate::fit::{Cancel, Fit, FitContext, Model};

fn small() -> Als {
    Als { factors: 6, l2: 0.1, alpha: 2.5, epochs: 4, ..Als::default() }
}

fn fit(als: &Als, weights: &Csr) -> AlsModel {
    als.fit(&dataset(weights), &mut FitContext::default()).unwrap()
}

fn table(values: &[f32], dim: usize) -> Array2<f64> {
    let shape = (values.len() / dim, dim);
    Array2::from_shape_vec(shape, values.iter().map(|&v| f64::from(v)).collect()).unwrap()
}

/// The library's objective with the same meaning of `α`: its strengths are confidences less 1.
fn objective(als: &Als) -> ImplicitLeastSquares {
    ImplicitLeastSquares { confidence: Confidence::Linear { alpha: 1.0 }, l2: f64::from(als.l2) }
}

fn strengths(als: &Als, weights: &Csr) -> Csr {
    weights.map_values(|_, _, w| als.alpha * w - 1.0)
}

/// Every row's equations written out and solved in double precision.
fn closed_form(als: &Als, weights: &Csr, other: ArrayView2<'_, f64>) -> Array2<f64> {
    let gram = other.t().dot(&other);
    let strengths = strengths(als, weights);
    let mut out = Array2::zeros((weights.n_rows(), als.factors));
    for row in 0..weights.n_rows() {
        if !weights.row(row).is_empty() {
            let equations =
                objective(als).normal_equations(strengths.iter_row(row), other, gram.view());
            out.row_mut(row).assign(&dense::solve(equations.a.view(), equations.b.view()).unwrap());
        }
    }
    out
}

fn assert_close(got: &[f32], want: &Array2<f64>, tolerance: f64) {
    assert_eq!(got.len(), want.len());
    let scale = want.iter().fold(0f64, |m, v| m.max(v.abs()));
    for (at, (g, w)) in got.iter().zip(want).enumerate() {
        assert!((f64::from(*g) - w).abs() <= tolerance * scale, "value {at}: {g}, expected {w}");
    }
}

#[test]
fn a_sweep_solves_every_row() {
    for (alpha, binary, factors) in [(2.5, false, 6), (1.0, true, 13), (0.5, false, 32)] {
        let mut weights = two_tastes(50, 40, 1);
        if binary {
            weights = weights.binary();
        }
        let als = Als { alpha, factors, ..small() };
        let state = State::new(als.clone(), ids(50, 40), Arc::new(weights.clone()), 3);
        let want = closed_form(&als, &weights, table(&state.items, factors).view());
        for level in [Level::detect(), Level::portable()] {
            for (solver, tolerance) in
                [(AlsSolver::Cholesky, 2e-4), (AlsSolver::Cg { steps: 60 }, 2e-3)]
            {
                let sweep = Sweep { level, solver, dim: factors, l2: als.l2 };
                let mut x = vec![0.5; 50 * factors];
                Side::new(&weights, alpha)
                    .solve(sweep, &mut x, &state.items, &Cancel::default())
                    .unwrap();
                assert_close(&x, &want, tolerance);
            }
        }
    }
}

#[test]
fn both_forms_of_the_kernels_agree() {
    for n in [1, 7, 8, 21, 64] {
        let value = |k: usize, j: usize| ((k * 31 + j * 7) % 13) as f32 - 6.0;
        let rows: Vec<Vec<f32>> = (0..5).map(|k| (0..n).map(|j| value(k, j)).collect()).collect();
        let four = [&rows[0][..], &rows[1], &rows[2], &rows[3]];
        let exact: Vec<f32> = four.map(|r| r.iter().zip(&rows[4]).map(|(a, b)| a * b).sum()).into();
        assert_eq!(Plain::dot4(four, &rows[4])[..], exact[..]);
        let mut plain = rows[4].clone();
        Plain::axpy4([1.0, -2.0, 0.5, 3.0], four, &mut plain);
        let t = [1.0, -2.0, 0.5, 3.0];
        for (j, got) in plain.iter().enumerate() {
            assert_eq!(*got, rows[4][j] + (0..4).map(|k| t[k] * rows[k][j]).sum::<f32>());
        }
        #[cfg(target_arch = "x86_64")]
        if Level::detect().avx2() {
            use super::kernel::Fused;
            // Small integers and halves: both forms are exact.
            assert_eq!(Fused::dot4(four, &rows[4])[..], exact[..]);
            assert_eq!(Fused::dot(&rows[1], &rows[4]), exact[1]);
            let mut fused = rows[4].clone();
            Fused::axpy4(t, four, &mut fused);
            assert_eq!(fused, plain);
            Fused::axpy(-3.0, &rows[2], &mut fused);
            Plain::axpy(-3.0, &rows[2], &mut plain);
            assert_eq!(fused, plain);
        }
    }
}

fn ids(users: usize, items: usize) -> Arc<IdMaps> {
    IdMaps::shared(IdMap::range(users), IdMap::range(items))
}

#[test]
fn the_loss_is_the_objective_and_falls() {
    for (solver, binary) in [
        (AlsSolver::Cg { steps: 3 }, false),
        (AlsSolver::Cholesky, false),
        (AlsSolver::default(), true),
    ] {
        let mut weights = two_tastes(60, 50, 2);
        let mut als = Als { solver, ..small() };
        if binary {
            (weights, als.alpha) = (weights.binary(), 1.0);
        }
        let mut state = State::new(als.clone(), ids(60, 50), Arc::new(weights.clone()), 1);
        let mut before = f64::INFINITY;
        for _ in 0..6 {
            let loss = state.both_sides(&Cancel::default()).unwrap();
            let at = ImplicitFactors {
                users: table(&state.users, als.factors),
                items: table(&state.items, als.factors),
            };
            let want = objective(&als).loss(&strengths(&als, &weights), &at);
            assert!((loss - want).abs() < 1e-3 * want, "{loss}, expected {want}");
            assert!(loss < before, "{loss} after {before}");
            before = loss;
        }
    }
}

#[derive(Deserialize)]
struct Fixture {
    factors: usize,
    alpha: f32,
    l2: f32,
    n_items: usize,
    indptr: Vec<usize>,
    indices: Vec<u32>,
    weights: Vec<f32>,
    start: Tables,
    cg: Tables,
    cholesky: Tables,
}

#[derive(Deserialize)]
struct Tables {
    users: Vec<f32>,
    items: Vec<f32>,
}

#[test]
fn two_epochs_give_what_implicit_gives() {
    let text = include_str!("../../../../tests/fixtures/als_implicit.json");
    let f: Fixture = serde_json::from_str(text).unwrap();
    let weights = Csr::new(f.indptr, f.indices, Some(f.weights), f.n_items).unwrap();
    for (solver, want) in [(AlsSolver::default(), &f.cg), (AlsSolver::Cholesky, &f.cholesky)] {
        let als = Als { factors: f.factors, l2: f.l2, alpha: f.alpha, epochs: 2, solver };
        let ids = ids(weights.n_rows(), f.n_items);
        let mut state = State::new(als, ids, Arc::new(weights.clone()), 0);
        state.users.copy_from_slice(&f.start.users);
        state.items.copy_from_slice(&f.start.items);
        for _ in 0..2 {
            state.both_sides(&Cancel::default()).unwrap();
        }
        assert_close(&state.users, &table(&want.users, f.factors), 1e-4);
        assert_close(&state.items, &table(&want.items, f.factors), 1e-4);
    }
}

#[test]
fn it_learns_tastes_and_finds_items_alike() {
    let model = fit(&Als { factors: 2, ..small() }, &two_tastes(80, 40, 3));
    assert!(taste_auc(&model) > 0.95, "{}", taste_auc(&model));
    let alike = model.similar_items(&[Id::from(4), Id::from(7)], 5).unwrap();
    for (row, odd) in [(0, 0), (1, 1)] {
        assert!(alike.top.row(row).0.iter().all(|i| i % 2 == odd), "{:?}", alike.top.row(row));
    }
}

#[test]
fn contributions_add_up_to_the_score() {
    let weights = two_tastes(40, 30, 4);
    let model = fit(&small(), &weights);
    let mut scores = vec![0f32; 30];
    for user in [0, 7, 39] {
        model.score(&[user], &mut scores).unwrap();
        for item in [0, 1, 29] {
            let explained = model.explain(user, item).unwrap();
            let sum: f32 = explained.contributions.iter().map(|c| c.1).sum();
            assert!((sum - scores[item as usize]).abs() < 1e-4, "{sum} {}", scores[item as usize]);
            assert!((explained.score - scores[item as usize]).abs() < 1e-6);
            assert!(explained.exact);
            let mut past: Vec<u32> = explained.contributions.iter().map(|c| c.0).collect();
            past.sort_unstable();
            assert_eq!(past, weights.row(user as usize));
        }
    }
    assert!(matches!(model.explain(40, 0), Err(Error::Shape { .. })));
    assert!(matches!(model.explain(0, 30), Err(Error::Shape { .. })));
}

#[test]
fn a_users_history_folds_in_to_their_factor() {
    let weights = two_tastes(40, 30, 5);
    let model = fit(&small(), &weights);
    let mut histories: Vec<Vec<(u32, f32)>> =
        [0, 3, 39].map(|u| weights.iter_row(u).collect()).into();
    histories[1].reverse();
    let folded = model.fold_in_users(&histories).unwrap();
    for (row, user) in folded.chunks(6).zip([0usize, 3, 39]) {
        let trained = table(&model.user_factors()[user * 6..][..6], 6);
        assert_close(row, &trained, 1e-4);
    }
    let mut scores = vec![0f32; 3 * 30];
    model.score_histories(&histories, &mut scores).unwrap();
    let mut trained = vec![0f32; 3 * 30];
    model.score(&[0, 3, 39], &mut trained).unwrap();
    assert_close(&scores, &table(&trained, 30), 1e-4);
}

#[test]
fn new_items_are_solved_against_the_users() {
    let weights = two_tastes(40, 30, 6);
    let als = small();
    let model = fit(&als, &weights);
    let by_item = weights.transpose();
    let histories: Vec<Vec<(u32, f32)>> = (0..30).map(|i| by_item.iter_row(i).collect()).collect();
    let want = closed_form(&als, &by_item, table(model.user_factors(), 6).view());
    assert_close(&model.fold_in_items(&histories).unwrap(), &want, 2e-4);
    assert_eq!(model.fold_in_items(&[vec![]]).unwrap(), [0.0; 6]);
}

#[test]
fn bad_histories_are_refused() {
    let model = fit(&small(), &two_tastes(20, 10, 7));
    for history in [vec![(0, -1.0)], vec![(0, f32::NAN)], vec![(0, f32::INFINITY)]] {
        assert!(matches!(model.fold_in_users(&[history]), Err(Error::Data { .. })));
    }
    assert!(matches!(model.fold_in_users(&[vec![(10, 1.0)]]), Err(Error::Shape { .. })));
    assert!(matches!(model.fold_in_items(&[vec![(20, 1.0)]]), Err(Error::Shape { .. })));
}

#[test]
fn unknown_users_are_answered_by_their_history() {
    let model = fit(&Als { factors: 2, ..small() }, &two_tastes(60, 20, 8));
    let past = vec![vec![(Id::from(0), 1.0), (Id::from(2), 2.0)]];
    let mut query = Query::new(Users::Histories(&past), 5);
    query.on_unknown = OnUnknown::Error;
    let answer = model.recommend(&query).unwrap();
    let items = answer.top.row(0).0;
    assert!(items.iter().all(|i| i % 2 == 0 && *i != 0 && *i != 2), "{items:?}");
}

#[test]
fn threads_do_not_change_the_result() {
    let data = dataset(&two_tastes(300, 200, 9));
    let run = |threads| {
        let mut ctx = FitContext { threads: Some(threads), seed: 5, ..FitContext::default() };
        small().fit(&data, &mut ctx).unwrap()
    };
    let (one, three) = (run(1), run(3));
    assert_eq!(one.user_factors(), three.user_factors());
    assert_eq!(one.item_factors(), three.item_factors());
    let mut ctx = FitContext { seed: 6, ..FitContext::default() };
    assert_ne!(one.item_factors(), small().fit(&data, &mut ctx).unwrap().item_factors());
}

#[test]
fn a_saved_model_comes_back() {
    let dir = tempfile::tempdir().unwrap();
    let model = fit(&small(), &two_tastes(20, 10, 10));
    model.writer().unwrap().save(dir.path().join("m")).unwrap();
    let reader = ModelReader::open(dir.path().join("m")).unwrap();
    let loaded = AlsModel::load(&reader).unwrap();
    assert_eq!(loaded.user_factors(), model.user_factors());
    assert_eq!(loaded.item_factors(), model.item_factors());
    assert_eq!((loaded.config(), loaded.log()), (model.config(), model.log()));
    assert_eq!(loaded.seen(), model.seen());
    assert_eq!(loaded.explain(3, 4).unwrap(), model.explain(3, 4).unwrap());
    assert!(crate::collab::BprModel::load(&reader).is_err());
}

#[test]
fn parameters_outside_their_domain_are_refused() {
    let data = dataset(&two_tastes(5, 5, 11));
    let bad = [
        ("factors", Als { factors: 0, ..small() }),
        ("factors", Als { factors: usize::MAX, ..small() }),
        ("epochs", Als { epochs: 0, ..small() }),
        ("l2", Als { l2: -0.1, ..small() }),
        ("l2", Als { l2: f32::NAN, ..small() }),
        ("alpha", Als { alpha: 0.0, ..small() }),
        ("alpha", Als { alpha: f32::INFINITY, ..small() }),
        ("solver.steps", Als { solver: AlsSolver::Cg { steps: 0 }, ..small() }),
    ];
    for (parameter, als) in bad {
        match als.fit(&data, &mut FitContext::default()) {
            Err(Error::Parameter { name, .. }) => assert_eq!(name, parameter),
            other => panic!("{parameter}: {:?}", other.map(|_| ())),
        }
    }
    let mut ctx = FitContext { threads: Some(0), ..FitContext::default() };
    assert!(matches!(small().fit(&data, &mut ctx), Err(Error::Parameter { .. })));
}

#[test]
fn negative_weights_are_refused_and_zeros_count_for_nothing() {
    let rows = |w| Csr::from_rows([vec![(0, 1.0), (1, w)], vec![(0, 1.0)], vec![(1, 2.0)]], 2);
    match small().fit(&dataset(&rows(-1.0)), &mut FitContext::default()) {
        Err(Error::Data { what, .. }) => assert_eq!(what, "weight -1 of user 0 on item 1"),
        other => panic!("{:?}", other.map(|_| ())),
    }
    let als = Als { solver: AlsSolver::Cholesky, ..small() };
    let model = fit(&als, &rows(0.0));
    let want = closed_form(&als, &rows(0.0), table(model.item_factors(), 6).view());
    assert_close(model.user_factors(), &want, 1e-4);
}

#[test]
fn the_smallest_data_works() {
    for (n, m) in [(1, 1), (1, 3), (3, 1)] {
        let weights =
            Csr::from_rows((0..n).map(|_| (0..m).map(|i| (i, 1.0)).collect()), m as usize);
        let model = fit(&small(), &weights);
        let mut scores = vec![0f32; m as usize];
        model.score(&[0], &mut scores).unwrap();
        assert!(scores.iter().all(|s| (0.5..=1.0).contains(s)), "{scores:?}");
    }
    // A user and an item without events have factors of zeros.
    let model = fit(&small(), &Csr::from_rows([vec![(0, 1.0)], vec![]], 2));
    assert!(model.user_factors()[6..].iter().chain(&model.item_factors()[6..]).all(|&x| x == 0.0));
    let nothing = dataset(&two_tastes(3, 3, 1));
    let nothing = nothing.with_interactions(nothing.interactions.filter(|_, _| false));
    assert!(matches!(small().fit(&nothing, &mut FitContext::default()), Err(Error::Empty { .. })));
}

#[test]
fn what_cannot_be_solved_says_what_to_do() {
    let weights = two_tastes(6, 4, 12);
    let singular = Als { factors: 32, l2: 0.0, solver: AlsSolver::Cholesky, ..small() };
    match singular.fit(&dataset(&weights), &mut FitContext::default()) {
        Err(Error::Data { why, .. }) => assert!(why.contains("l2"), "{why}"),
        other => panic!("{:?}", other.map(|_| ())),
    }
    let huge = weights.map_values(|_, _, _| 1e38);
    match (Als { alpha: 1e3, ..small() }).fit(&dataset(&huge), &mut FitContext::default()) {
        Err(Error::Data { what, why }) => {
            assert_eq!(what, "ALS diverged in epoch 1");
            assert!(why.contains("alpha"), "{why}");
        }
        other => panic!("{:?}", other.map(|_| ())),
    }
}
