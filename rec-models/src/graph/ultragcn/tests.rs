use std::sync::Arc;

use rec_core::data::{Csr, Dataset, IdMap, IdMaps};
use rec_core::rank::{Explain as _, Recommend as _, Scorer as _};
use serde::Deserialize;

use super::constraint::{Beta, neighbours};
use super::sample::Term;
use super::state::State;
use super::{UltraGcn, UltraGcnModel};
use crate::Error;
use crate::collab::samples::{dataset, taste_auc, two_tastes};
use crate::fit::{Checkpoints, Fit, FitContext, Model as _};

fn small(epochs: usize) -> UltraGcn {
    UltraGcn {
        factors: 10,
        learning_rate: 0.02,
        epochs,
        batch_size: 64,
        negatives: 20,
        negative_weight: 20.0,
        neighbours: 4,
        item_weight: 0.5,
        ..UltraGcn::default()
    }
}

fn fit(estimator: &UltraGcn, data: &Dataset, threads: usize) -> UltraGcnModel {
    let mut ctx = FitContext { seed: 5, threads: Some(threads), ..FitContext::default() };
    estimator.fit(data, &mut ctx).unwrap()
}

/// User 0 had items 0 and 1, user 1 had 0, 1 and 2, user 2 had 2; item 3 is nobody's.
fn by_hand() -> Csr {
    let rows = [vec![0, 1], vec![0, 1, 2], vec![2]];
    Csr::from_rows(rows.map(|row| row.into_iter().map(|i| (i, 1.0)).collect()), 4).binary()
}

#[test]
fn constraints_by_hand() {
    let beta = Beta::new(&by_hand());
    assert!((beta.of(0, 0) - 3f32.sqrt() / 2.0 / 3f32.sqrt()).abs() < 1e-6);
    assert!((beta.of(1, 3) - 2.0 / 3.0).abs() < 1e-6);
    // RᵀR: items 0 and 1 twice together, each once with 2; row sums 5, 5 and 4.
    let all = neighbours(&by_hand(), 9);
    let omega = |i: usize, j: u32| all.iter_row(i).find(|&(k, _)| k == j).map(|(_, w)| w);
    let expected =
        |count: f32, own: f32, other: f32| count * (own + 1.0).sqrt() / own / (other + 1.0).sqrt();
    assert!((omega(0, 1).unwrap() - expected(2.0, 5.0, 5.0)).abs() < 1e-6);
    assert!((omega(0, 2).unwrap() - expected(1.0, 5.0, 4.0)).abs() < 1e-6);
    assert!((omega(2, 0).unwrap() - expected(1.0, 4.0, 5.0)).abs() < 1e-6);
    assert_eq!((all.row(3).len(), omega(2, 3)), (0, None));
    // The most related first: of item 0, itself and item 1 before item 2.
    assert_eq!(neighbours(&by_hand(), 2).row(0), [0, 1]);
}

#[test]
fn terms_and_gradients_are_those_of_the_formula() {
    let seen = Arc::new(by_hand());
    let ids = IdMaps::shared(IdMap::range(3), IdMap::range(4));
    let config = UltraGcn { neighbours: 2, w1: 0.3, w3: 0.2, ..small(1) };
    let mut state = State::new(config, ids, seen, 1);
    // Large enough to be told from rounding.
    state
        .embeddings
        .iter_mut()
        .enumerate()
        .for_each(|(i, x)| *x = ((i * 7) % 11) as f32 / 11.0 - 0.4);
    let (batch, drawn) = ([[1, 2], [0, 1], [1, 0]], [vec![3, 0], vec![2, 2], vec![1, 3]]);
    let terms = |state: &State| -> Vec<Vec<Term>> {
        batch.iter().zip(&drawn).map(|(&event, drawn)| state.terms(event, drawn)).collect()
    };
    let first = &terms(&state)[0];
    let beta = |item: f32| 2.0 / 3.0 / (item + 1.0).sqrt();
    let weights: Vec<f32> = first[..3].iter().map(|t| t.weight).collect();
    for (got, expected) in
        weights.iter().zip([0.3 + beta(2.0), -10.0 * (0.2 + beta(0.0)), -10.0 * (0.2 + beta(2.0))])
    {
        assert!((got - expected).abs() < 1e-5, "{weights:?} {expected}");
    }
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let loss = |state: &State, at: usize, by: f32| -> f64 {
        let mut all: Vec<f64> = state.embeddings.iter().map(|&x| f64::from(x)).collect();
        all[at] += f64::from(by);
        let score = |u: u32, i: u32| -> f64 {
            let (u, i) = (u as usize * 10, (3 + i as usize) * 10);
            (0..10).map(|k| all[u + k] * all[i + k]).sum()
        };
        let of = |(event, terms): (&[u32; 2], &Vec<Term>)| -> f64 {
            let term = |t: &Term| {
                let weight = f64::from(t.weight);
                -weight.abs() * sigmoid(weight.signum() * score(event[0], t.item)).ln()
            };
            terms.iter().map(term).sum()
        };
        batch.iter().zip(&terms(state)).map(of).sum()
    };
    let drawn_terms = terms(&state);
    let got = state.gradients(&batch, drawn_terms);
    assert!((got - loss(&state, 0, 0.0)).abs() < 1e-4, "{got}");
    let gradient = state.gradient().to_vec();
    for (at, &g) in gradient.iter().enumerate() {
        let slope = (loss(&state, at, 1e-3) - loss(&state, at, -1e-3)) / 2e-3;
        assert!((slope - f64::from(g)).abs() < 1e-3, "{at}: {g}, by differences {slope}");
    }
}

#[derive(Deserialize)]
struct Torch {
    rows: Vec<Vec<u32>>,
    n_items: usize,
    factors: usize,
    learning_rate: f32,
    l2: f32,
    negative_weight: f32,
    item_weight: f32,
    neighbours: usize,
    weights: [f32; 4],
    initial: Vec<f32>,
    /// Of each interaction its user, its item and the items drawn for it.
    batches: Vec<Vec<Vec<u32>>>,
    run: Run,
}

#[derive(Deserialize)]
struct Run {
    losses: Vec<f64>,
    embeddings: Vec<f64>,
}

#[test]
fn ten_steps_end_where_plain_torch_ends() {
    let text = include_str!("../../../../tests/fixtures/ultragcn_torch.json");
    let torch: Torch = serde_json::from_str(text).unwrap();
    let rows = torch.rows.iter().map(|row| row.iter().map(|&i| (i, 1.0)).collect());
    let seen = Arc::new(Csr::from_rows(rows, torch.n_items).binary());
    let ids = IdMaps::shared(IdMap::range(seen.n_rows()), IdMap::range(torch.n_items));
    let [w1, w2, w3, w4] = torch.weights;
    let config = UltraGcn {
        factors: torch.factors,
        learning_rate: torch.learning_rate,
        l2: torch.l2,
        negative_weight: torch.negative_weight,
        item_weight: torch.item_weight,
        neighbours: torch.neighbours,
        w1,
        w2,
        w3,
        w4,
        ..UltraGcn::default()
    };
    let mut state = State::new(config, ids, seen, 0);
    state.embeddings.copy_from_slice(&torch.initial);
    for (batch, expected) in torch.batches.iter().zip(&torch.run.losses) {
        let events: Vec<[u32; 2]> = batch.iter().map(|row| [row[0], row[1]]).collect();
        let terms = batch.iter().map(|row| state.terms([row[0], row[1]], &row[2..])).collect();
        let got = state.step(&events, terms);
        assert!((got - expected).abs() < 1e-4, "{got}, torch {expected}");
    }
    let apart = |(got, expected): (&f32, &f64)| (f64::from(*got) - expected).abs();
    let worst = state.embeddings.iter().zip(&torch.run.embeddings).map(apart).fold(0.0, f64::max);
    assert!(worst < 1e-4, "{worst}");
}

#[test]
fn tastes_are_told_apart() {
    let data = dataset(&two_tastes(60, 40, 1));
    for estimator in [small(60), UltraGcn { neighbours: 0, ..small(60) }] {
        let auc = taste_auc(&fit(&estimator, &data, 2));
        assert!(auc > 0.9, "{estimator:?}: {auc}");
    }
}

#[test]
fn threads_and_interruptions_change_nothing() {
    let (dir, data) = (tempfile::tempdir().unwrap(), dataset(&two_tastes(300, 200, 1)));
    let saving = || FitContext {
        seed: 5,
        checkpoints: Some(Checkpoints { dir: dir.path().into(), every: 1 }),
        ..FitContext::default()
    };
    small(1).fit(&data, &mut saving()).unwrap();
    let resumed = small(2).fit(&data, &mut saving()).unwrap();
    let (one, two) = (fit(&small(2), &data, 1), fit(&small(2), &data, 2));
    assert_eq!(one.user_factors(), two.user_factors());
    assert_eq!(one.item_factors(), two.item_factors());
    assert_eq!(resumed.item_factors(), two.item_factors());
}

#[test]
fn folding_in_and_explaining_rest_on_the_constraint() {
    let data = dataset(&two_tastes(20, 15, 1));
    let model = fit(&small(5), &data, 1);
    let history = vec![(4, 1.0), (1, 2.0), (4, 1.0)];
    let folded = model.fold_in(std::slice::from_ref(&history)).unwrap();
    let degrees = model.seen().column_counts();
    for (k, got) in folded.iter().enumerate() {
        let part = |i: usize| {
            3f32.sqrt() / 2.0 / (degrees[i] as f32 + 1.0).sqrt() * model.item_factors()[i * 10 + k]
        };
        assert!((got - part(1) - part(4)).abs() < 1e-6);
    }
    assert!(model.fold_in(&[vec![(15, 1.0)]]).is_err());
    let explanation = model.explain(3, 2).unwrap();
    let past = model.seen().row(3).iter().map(|&i| (i, 1.0)).collect();
    let mut scores = vec![0f32; 15];
    model.score_histories(&[past], &mut scores).unwrap();
    let sum: f32 = explanation.contributions.iter().map(|(_, part)| part).sum();
    assert!((sum - scores[2]).abs() < 1e-5 && !explanation.exact);
    model.score(&[3], &mut scores).unwrap();
    assert!((explanation.score - scores[2]).abs() < 1e-6);
    // A path weighs three constraints, each from the node it leads to.
    let item = (0..15).find(|&item| !model.seen().contains(3, item)).unwrap();
    let path = model.paths(3, item, 1).unwrap()[0];
    let users = |at: u32| model.seen().row(at as usize).len() as f32;
    let items = |at: u32| degrees[at as usize] as f32;
    let beta = |to: f32, from: f32| ((to + 1.0) / (from + 1.0)).sqrt() / to;
    let expected = beta(users(3), items(path.item))
        * beta(items(path.item), users(path.user))
        * beta(users(path.user), items(item));
    assert!((path.weight - expected).abs() < 1e-6, "{path:?} {expected}");
    assert!(model.explain(20, 2).is_err() && model.explain(3, 15).is_err());
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
    assert_eq!((loaded.kind(), before), ("ultragcn", after));
}

#[test]
fn bad_parameters_and_data_are_refused_by_name() {
    let data = dataset(&two_tastes(20, 15, 1));
    let named = |estimator: UltraGcn, expected: &str| match estimator
        .fit(&data, &mut FitContext::default())
    {
        Err(Error::Parameter { name, .. }) => assert_eq!(name, expected),
        other => panic!("{expected}: {:?}", other.map(|_| ())),
    };
    named(UltraGcn { factors: 0, ..small(1) }, "factors");
    named(UltraGcn { epochs: 0, ..small(1) }, "epochs");
    named(UltraGcn { batch_size: 0, ..small(1) }, "batch_size");
    named(UltraGcn { learning_rate: 0.0, ..small(1) }, "learning_rate");
    named(UltraGcn { w4: -1.0, ..small(1) }, "w4");
    named(UltraGcn { negative_weight: f32::NAN, ..small(1) }, "negative_weight");
    let many = UltraGcn { negatives: usize::MAX, ..small(1) };
    let refused = many.fit(&data, &mut FitContext::default());
    assert!(matches!(refused, Err(Error::TooLarge { .. })), "{:?}", refused.map(|_| ()));
    let empty = dataset(&Csr::zeros(2, 2));
    assert!(matches!(small(1).fit(&empty, &mut FitContext::default()), Err(Error::Empty { .. })));
    let wild = UltraGcn { learning_rate: 1e38, ..small(9) };
    assert!(matches!(wild.fit(&data, &mut FitContext::default()), Err(Error::Data { .. })));
    // A user, or an item, of nobody's is not in the way.
    let sparse = dataset(&Csr::from_rows([vec![(0, 1.0)], vec![]], 3));
    let model = fit(&UltraGcn { negatives: 0, ..small(2) }, &sparse, 1);
    assert!(model.user_factors().iter().chain(model.item_factors()).all(|x| x.is_finite()));
}
