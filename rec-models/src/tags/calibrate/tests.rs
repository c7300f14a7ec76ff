use super::*;
use rand::RngExt as _;
use rec_core::data::Id;
use rec_core::rng::stream;

use crate::tags::labels::Labelled;

fn labels(task: Task) -> Labels {
    Labels::new(["a", "b", "c"].map(Id::from), task, None).unwrap()
}

/// Labels drawn from `softmax(s)`, and `3 s`: the temperature that undoes it is 3.
#[test]
fn the_temperature_is_found() {
    let mut rng = stream(1, "temperature", 0);
    let (mut scores, mut truth) = (Vec::new(), Vec::new());
    for _ in 0..20_000 {
        let mut row: Vec<f32> = (0..3).map(|_| rng.random_range(-2.0..2.0)).collect();
        scores.extend(row.iter().map(|s| 3.0 * s));
        softmax(&mut row, 1.0);
        let x: f32 = rng.random();
        truth.push(vec![(u32::from(x > row[0]) + u32::from(x > row[0] + row[1]), 1.0)]);
    }
    let fitted = Calibration::fit(&labels(Task::Single), &scores, &Csr::from_rows(truth, 3));
    let Calibration::Temperature(t) = fitted else { panic!() };
    assert!((t - 3.0).abs() < 0.1, "{t}");
}

#[test]
fn the_sigmoids_are_found() {
    let mut rng = stream(1, "platt", 0);
    let (mut scores, mut truth) = (Vec::new(), Vec::new());
    for _ in 0..20_000 {
        let row: Vec<f32> = (0..3).map(|_| rng.random_range(-2.0..2.0)).collect();
        let has = |(label, s): (u32, &f32)| {
            (rng.random::<f32>() < sigmoid(2.0 * s - 1.0)).then_some((label, 1.0))
        };
        truth.push((0..).zip(&row).filter_map(has).collect::<Vec<_>>());
        scores.extend(row);
    }
    let fitted = Calibration::fit(&labels(Task::Multi), &scores, &Csr::from_rows(truth, 3));
    let Calibration::Platt { a, b } = fitted else { panic!() };
    assert!(a.iter().all(|a| (a - 2.0).abs() < 0.1), "{a:?}");
    assert!(b.iter().all(|b| (b + 1.0).abs() < 0.1), "{b:?}");
}

#[test]
fn equal_scores_give_the_base_rate() {
    let labelled =
        Labelled::multi(&[vec![Id::from("a"), Id::from("b")], vec![Id::from("a")]]).unwrap();
    let calibration = Calibration::fit(&labelled.labels, &[0.5; 4], &labelled.rows);
    let mut p = [0.5f32; 2];
    calibration.apply(&mut p, 2);
    // Platt's targets: 3/4 twice; 2/3 and 1/3.
    assert!((p[0] - 0.75).abs() < 1e-3 && (p[1] - 0.5).abs() < 1e-3, "{p:?}");
}

#[test]
fn the_better_model_gets_the_greater_weight() {
    let truth = Csr::from_rows((0..100).map(|_| vec![(0, 1.0)]), 2);
    // One is right with .9 but wrong on a tenth, the other never sure.
    let sharp = (0..100).flat_map(|i| if i % 10 == 0 { [0.1, 0.9] } else { [0.9, 0.1] }).collect();
    let flat = vec![0.5; 200];
    let weights = mixture_weights(&[sharp, flat], &truth, Task::Single);
    // The likelihood 90 ln(.5 + .4 w) + 10 ln(.5 − .4 w) is greatest at its border, w = 1.
    assert!(weights[0] > 0.97 && (weights[0] + weights[1] - 1.0).abs() < 1e-5, "{weights:?}");
}
