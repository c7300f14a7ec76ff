//! Steps against plain torch and against differences.

use std::sync::Arc;

use rec_core::data::{Csr, IdMap, IdMaps};
use serde::Deserialize;

use super::super::noise::Noise;
use super::super::state::State;
use super::super::{Beside, Contrast, GraphLoss, LightGcn, Views};
use super::{small, variants};
use crate::collab::samples::two_tastes;
use crate::fit::Cancel;
use crate::ops::check::devices;

#[derive(Deserialize)]
struct Torch {
    rows: Vec<Vec<u32>>,
    n_items: usize,
    factors: usize,
    layers: usize,
    learning_rate: f32,
    l2: f32,
    temperature: f32,
    initial: Vec<f32>,
    batches: Vec<Vec<[u32; 3]>>,
    contrast_weight: f32,
    plus_powers: [f32; 3],
    bpr: Run,
    softmax: Run,
    softmax_over_all: Run,
    plus: Run,
    cross_layer: Run,
    two_views: Run,
}

#[derive(Deserialize)]
struct Run {
    losses: Vec<f64>,
    embeddings: Vec<f64>,
}

#[test]
fn ten_steps_end_where_plain_torch_ends() {
    let text = include_str!("../../../../../tests/fixtures/lightgcn_torch.json");
    let torch: Torch = serde_json::from_str(text).unwrap();
    let rows = torch.rows.iter().map(|row| row.iter().map(|&i| (i, 1.0)).collect());
    let seen = Arc::new(Csr::from_rows(rows, torch.n_items).binary());
    let temperature = torch.temperature;
    let softmax = GraphLoss::Softmax { temperature };
    let over_all = GraphLoss::SampledSoftmax { temperature, negatives: torch.n_items };
    let [alpha, beta, gamma] = torch.plus_powers;
    let contrast = |views| LightGcn {
        contrast: Some(Contrast { views, weight: torch.contrast_weight, temperature }),
        residual: Some(0.0),
        ..LightGcn::default()
    };
    for (model, run) in [
        (LightGcn::default(), &torch.bpr),
        (LightGcn { loss: softmax, ..LightGcn::default() }, &torch.softmax),
        (LightGcn { loss: over_all, ..LightGcn::default() }, &torch.softmax_over_all),
        (LightGcn::plus_plus(alpha, beta, gamma), &torch.plus),
        (contrast(Views::CrossLayer { noise: 0.0, layer: 1 }), &torch.cross_layer),
        (LightGcn { loss: softmax, ..contrast(Views::Noise { noise: 0.0 }) }, &torch.two_views),
        // Nothing dropped, all graphs are the whole one, and the gradient comes by three passes.
        (
            LightGcn { loss: softmax, ..contrast(Views::EdgeDropout { rate: 0.0 }) },
            &torch.two_views,
        ),
        (LightGcn { loss: softmax, ..contrast(Views::RandomWalk { rate: 0.0 }) }, &torch.two_views),
    ] {
        let config = LightGcn {
            factors: torch.factors,
            layers: torch.layers,
            learning_rate: torch.learning_rate,
            l2: torch.l2,
            ..model
        };
        let loss = config.loss;
        let name = format!("{:?} {loss:?}", config.contrast);
        let new = || {
            let ids = IdMaps::shared(IdMap::range(seen.n_rows()), IdMap::range(torch.n_items));
            let config = config.clone();
            let mut state = State::new(config, ids, seen.clone(), Beside::default(), 0).unwrap();
            state.embeddings.copy_from_slice(&torch.initial);
            state
        };
        let mut batches = torch.batches.clone();
        if loss != GraphLoss::Bpr {
            batches.iter_mut().flatten().for_each(|triple| triple[2] = u32::MAX);
        }
        let ends = |state: &State, what: &str| {
            let apart = |(got, expected): (&f32, &f64)| (f64::from(*got) - expected).abs();
            let worst = state.embeddings.iter().zip(&run.embeddings).map(apart).fold(0.0, f64::max);
            assert!(worst < 1e-4, "{name} {what}: {worst}");
        };
        let mut state = new();
        for (batch, expected) in batches.iter().zip(&run.losses) {
            let got = state.step(batch);
            assert!((got - expected).abs() < 1e-5, "{name}: {got}, torch {expected}");
        }
        ends(&state, "threads");
        for device in devices().into_iter().filter(|_| config.contrast.is_none()) {
            let what = format!("{device:?}");
            let mut state = new().on(Some(device));
            for (batch, expected) in batches.iter().zip(&run.losses) {
                let got = state.steps([batch.as_slice()].into_iter(), &Cancel::default()).unwrap();
                let got = got / batch.len() as f64;
                assert!((got - expected).abs() < 1e-5, "{name} {what}: {got}, torch {expected}");
            }
            ends(&state, &what);
        }
    }
}

/// The gradient by every third of the initial numbers against the slope of the loss.
fn agrees_with_differences(mut state: State, batch: &[[u32; 3]]) {
    state.gradients(batch);
    let gradient = state.take_gradient();
    let largest = gradient.iter().fold(0f32, |a, b| a.max(b.abs()));
    for (at, &expected) in gradient.iter().enumerate().step_by(3) {
        let (start, h) = (state.embeddings[at], 2e-3);
        let mut at_value = |x| {
            state.embeddings[at] = x;
            let loss = state.gradients(batch);
            state.take_gradient();
            loss
        };
        let slope = (at_value(start + h) - at_value(start - h)) / f64::from(2.0 * h);
        state.embeddings[at] = start;
        let off = (slope - f64::from(expected)).abs() / f64::from(largest);
        assert!(off < 5e-3, "{:?} {at}: {expected}, by differences {slope}", state.config());
    }
}

#[test]
fn gradients_of_noisy_and_thinned_views_are_those_of_differences() {
    let seen = Arc::new(two_tastes(14, 10, 1).binary());
    let batch: Vec<[u32; 3]> = (0..14)
        .map(|u| [u, seen.row(u as usize).first().copied().unwrap_or(0), 9 - u % 3])
        .collect();
    for estimator in variants(1) {
        let ids = IdMaps::shared(IdMap::range(14), IdMap::range(10));
        let contrast = estimator.contrast.map(|contrast| Contrast { weight: 0.5, ..contrast });
        let config = LightGcn { l2: 0.0, contrast, ..estimator };
        let state = State::new(config, ids, seen.clone(), Beside::default(), 3).unwrap();
        agrees_with_differences(state, &batch);
    }
}

#[test]
fn gradients_against_drawn_items_are_those_of_differences() {
    let seen = Arc::new(two_tastes(14, 10, 1).binary());
    let batch: Vec<[u32; 3]> = (0..14)
        .map(|u| [u, seen.row(u as usize).first().copied().unwrap_or(0), u32::MAX])
        .collect();
    let ids = IdMaps::shared(IdMap::range(14), IdMap::range(10));
    let loss = GraphLoss::SampledSoftmax { temperature: 0.2, negatives: 6 };
    let config = LightGcn { l2: 0.0, loss, ..small(1) };
    let state = State::new(config, ids, seen, Beside::default(), 3).unwrap();
    agrees_with_differences(state, &batch);
}

#[test]
fn noise_has_its_length_and_keeps_signs() {
    let (d, rows) = (20, 700);
    let start: Vec<f32> = (0..rows * d).map(|i| [1.0, -1.0, 0.0][i % 3]).collect();
    let noisy = |seed, layer| {
        let mut table = start.clone();
        Noise { size: 0.3, seed }.add(layer, &mut table, d, None);
        table
    };
    let table = noisy(1, 1);
    assert!(table.iter().zip(&start).all(|(x, s)| x * s >= 0.0 && x.abs() >= s.abs()));
    assert!(table.iter().zip(&start).all(|(x, s)| *s != 0.0 || *x == 0.0));
    // Where no number is zero the noise is of length 0.3.
    let mut ones = vec![1f32; rows * d];
    Noise { size: 0.3, seed: 1 }.add(1, &mut ones, d, None);
    for row in ones.chunks(d) {
        let length = row.iter().map(|x| (x - 1.0) * (x - 1.0)).sum::<f32>().sqrt();
        assert!((length - 0.3).abs() < 1e-4, "{length}");
    }
    assert!(ones[..d] != ones[d..2 * d]);
    assert!(table == noisy(1, 1) && table != noisy(2, 1) && table != noisy(1, 2));
    // Rows that are not wanted stay as they are, the others get the same noise.
    let wanted: Vec<bool> = (0..rows).map(|row| row % 5 == 0).collect();
    let mut some = start.clone();
    Noise { size: 0.3, seed: 1 }.add(1, &mut some, d, Some(&wanted));
    for (row, wanted) in wanted.iter().enumerate() {
        let from = if *wanted { &table } else { &start };
        assert_eq!(some[row * d..][..d], from[row * d..][..d]);
    }
}
