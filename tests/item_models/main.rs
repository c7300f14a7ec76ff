//! Popularity, neighbourhood, co-transition, EASE and SLIM models against hand computation, closed
//! forms and published implementations.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first failure")]

mod bad_input;
mod contracts;
mod hand;
mod parity;

use rec_core::data::{Dataset, IdMap, IdMaps, Interactions, TimeUnit};
use rec_core::rank::{Recommend, Scorer};
use rec_models::collab::ItemWeights;
use rec_models::fit::{Fit, FitContext};

/// Events `(user, item, weight, time)` of so many users and items.
fn events(
    (n_users, n_items): (usize, usize),
    rows: &[(u32, u32, f32, i64)],
    unit: TimeUnit,
) -> Dataset {
    let users: Vec<u32> = rows.iter().map(|r| r.0).collect();
    Interactions::from_columns(
        IdMaps::shared(IdMap::range(n_users), IdMap::range(n_items)),
        &users,
        rows.iter().map(|r| r.1).collect(),
        Some(rows.iter().map(|r| r.2).collect()),
        Some(rows.iter().map(|r| r.3).collect()),
        unit,
    )
    .unwrap()
    .into()
}

/// The entries of a dense matrix that are not 0, with their values or as plain events.
fn dense(rows: &[Vec<f32>], plain: bool) -> Dataset {
    let (mut users, mut items, mut weights) = (vec![], vec![], vec![]);
    for (u, row) in rows.iter().enumerate() {
        for (i, &x) in row.iter().enumerate().filter(|e| *e.1 != 0.0) {
            users.push(u as u32);
            items.push(i as u32);
            weights.push(x);
        }
    }
    let ids = IdMaps::shared(IdMap::range(rows.len()), IdMap::range(rows[0].len()));
    let weights = (!plain).then_some(weights);
    Interactions::from_columns(ids, &users, items, weights, None, TimeUnit::Unknown).unwrap().into()
}

/// A reproducible log: `n_users` users of 3 to 14 events each, repetitions included.
fn log(n_users: usize, n_items: usize) -> Dataset {
    let mut rows = Vec::new();
    for user in 0..n_users as u64 {
        for at in 0..3 + rec_core::rng::mix(user) % 12 {
            let draw = rec_core::rng::mix(user * 1_000 + at);
            let skewed = (draw >> 40) as f64 / (1u64 << 24) as f64;
            let item = (skewed * skewed * n_items as f64) as u32;
            rows.push((user as u32, item, 1.0 + (draw % 4) as f32, at as i64));
        }
    }
    events((n_users, n_items), &rows, TimeUnit::Unknown)
}

fn fit<F: Fit>(estimator: &F, data: &Dataset) -> F::Model {
    estimator.fit(data, &mut FitContext::default()).unwrap()
}

fn scores(model: &impl Recommend, user: u32) -> Vec<f32> {
    let mut out = vec![f32::NAN; Scorer::n_items(model)];
    model.score(&[user], &mut out).unwrap();
    out
}

fn full(weights: &ItemWeights) -> Vec<Vec<f32>> {
    let n = weights.n_items() as u32;
    (0..n).map(|s| (0..n).map(|t| weights.get(s, t)).collect()).collect()
}

#[track_caller]
fn close(got: &[Vec<f32>], want: &[Vec<f64>], relative: f64) {
    assert_eq!(got.len(), want.len());
    for (s, (got, want)) in got.iter().zip(want).enumerate() {
        for (t, (&g, &w)) in got.iter().zip(want).enumerate() {
            let g = f64::from(g);
            assert!((g - w).abs() <= relative * w.abs().max(1e-2), "[{s}, {t}]: {g} against {w}");
        }
    }
}
