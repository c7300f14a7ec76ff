use rec_core::data::Csr;
use serde::Deserialize;

use super::*;
use crate::fit::Cancel;

#[derive(Deserialize)]
struct Fixture {
    rows: Vec<f32>,
    single: Vec<u32>,
    several: Vec<Vec<u32>>,
    weights: Vec<f32>,
    single_scores: Vec<f32>,
    weighted_scores: Vec<f32>,
    several_scores: Vec<f32>,
}

#[test]
fn scores_are_those_of_scikit_learn() {
    let text = include_str!("../../../../tests/fixtures/tags_head_sklearn.json");
    let of: Fixture = serde_json::from_str(text).unwrap();
    let vectors = Vectors::new(5, of.rows).unwrap();
    let single = Csr::from_rows(of.single.iter().map(|&label| vec![(label, 1.0)]), 3);
    let several = of.several.iter().map(|row| {
        (0..).zip(row).filter(|(_, has)| **has == 1).map(|(label, _)| (label, 1.0)).collect()
    });
    let several = Csr::from_rows(several, 3);
    let stop = Stop { tolerance: 1e-8, max_iterations: 1000 };
    let cancel = Cancel::default();
    for (labels, task, weights, want) in [
        (&single, Task::Single, vec![1.0; 3], &of.single_scores),
        (&single, Task::Single, of.weights.clone(), &of.weighted_scores),
        (&several, Task::Multi, of.weights.clone(), &of.several_scores),
    ] {
        let problem = Problem::new(
            (&vectors, Columns::Standardised),
            (labels, task),
            &weights,
            stop,
            &cancel,
        );
        let head = problem.linear(&problem.solve(0.3, problem.zero()).unwrap());
        let found = head.scores(vectors.as_slice());
        assert_eq!(found.len(), want.len());
        for (got, want) in found.iter().zip(want) {
            assert!((got - want).abs() < 2e-3, "{task:?}: {got}, scikit-learn {want}");
        }
    }
}

#[test]
fn offsets_are_learned_around() {
    let text = include_str!("../../../../tests/fixtures/tags_head_sklearn.json");
    let of: Fixture = serde_json::from_str(text).unwrap();
    let vectors = Vectors::new(5, of.rows).unwrap();
    let names: Vec<_> = of.single.iter().map(|&label| i64::from(label).into()).collect();
    let labelled = Labelled::single(&names).unwrap();
    let solve = |offsets: Option<&[f32]>, c| {
        let regression = Regression {
            vectors: &vectors,
            columns: Columns::Centred,
            offsets,
            class_weights: &ClassWeights::Uniform,
            stop: Stop { tolerance: 1e-7, max_iterations: 1000 },
        };
        let held_out = regression.held_out(&labelled, &[c], 4, &FitContext::default()).unwrap();
        let linear = regression.fit(&labelled, c, &FitContext::default()).unwrap();
        (linear.scores(vectors.as_slice()), held_out.unwrap())
    };
    let (alone, held_out) = solve(None, 1e4);
    // What a linear map adds can be taken back by the weights, which such a cost hardly shrinks.
    let added: Vec<f32> =
        (0..alone.len()).map(|i| vectors.row(i / 3)[i % 3] * 0.5 - vectors.row(i / 3)[3]).collect();
    let (beside, with) = solve(Some(&added), 1e4);
    let logits = |scores: &[f32]| -> Vec<f32> {
        scores.chunks_exact(3).flat_map(|s| [s[1] - s[0], s[2] - s[0]]).collect()
    };
    let sum: Vec<f32> = beside.iter().zip(&added).map(|(s, o)| s + o).collect();
    for (a, b) in logits(&alone).iter().zip(logits(&sum)) {
        assert!((a - b).abs() < 0.02 * (1.0 + a.abs()), "{a} {b}");
    }
    for (a, b) in logits(&held_out.scores).iter().zip(logits(&with.scores)) {
        assert!((a - b).abs() < 0.02 * (1.0 + a.abs()), "held out: {a} {b}");
    }
    // At no cost the offsets stay as they are, but for the biases.
    let (beside, _) = solve(Some(&added), 1e-9);
    let first: Vec<f32> = logits(&beside)[..2].to_vec();
    for scores in logits(&beside).chunks_exact(2) {
        scores.iter().zip(&first).for_each(|(a, b)| assert!((a - b).abs() < 1e-4, "{a} {b}"));
    }
}
