//! Linear tag models against scikit-learn's (`fixtures/tags_sklearn.py` wrote the file).

use rec_core::data::Id;
use rec_models::FitContext;
use rec_models::tags::{Labelled, Learner, NgramOptions, NgramTagger, TfIdf};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixture {
    train: Vec<String>,
    labels: Vec<i64>,
    test: Vec<String>,
    n_features: usize,
    svm: Vec<f32>,
    logistic: Vec<f32>,
}

#[test]
fn scores_are_those_of_liblinear() {
    let of: Fixture = serde_json::from_str(include_str!("fixtures/tags_sklearn.json")).unwrap();
    let labels: Vec<Id> = of.labels.iter().map(|&label| Id::Int(label)).collect();
    let labelled = Labelled::single(&labels).unwrap();
    let features =
        NgramOptions { words: 2, ideographs: (0, 0), letters: (2, 4), ..NgramOptions::default() };
    let test: Vec<&str> = of.test.iter().map(String::as_str).collect();
    for (learner, want) in
        [(Learner::Svm { c: 0.5 }, &of.svm), (Learner::Logistic { c: 2.0 }, &of.logistic)]
    {
        let tagger = NgramTagger {
            features: features.clone(),
            learners: vec![learner.clone()],
            folds: 0,
            tolerance: 1e-5,
            max_iterations: 10_000,
            ..NgramTagger::default()
        };
        let classifier = tagger.fit(&of.train, &labelled, &FitContext::default()).unwrap();
        // One learner without held-out texts: ln softmax of its scores, so differences are its own.
        let found = classifier.model().scores(&test).unwrap();
        assert_eq!(found.len(), want.len());
        for (found, want) in found.chunks_exact(3).zip(want.chunks_exact(3)) {
            for label in 1..3 {
                let (got, want) = (found[label] - found[0], want[label] - want[0]);
                assert!((got - want).abs() < 2e-4, "{learner:?}: {got}, scikit-learn {want}");
            }
        }
        let bags = tagger.features.bags(&of.train).unwrap();
        let bags: Vec<_> = bags.iter().collect();
        assert_eq!(TfIdf::fit(&tagger.features, &bags).n_features(), of.n_features);
    }
}
