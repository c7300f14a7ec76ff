use rec_core::data::Id;

use super::*;
use crate::fit::FitContext;
use crate::tags::samples::{TEXTS, classes, encoder, ids};
use crate::tags::{Learner, NgramTagger, Task, ZeroShot};

fn of(learner: Learner, labelled: &Labelled) -> Arc<TagClassifier> {
    let tagger = NgramTagger { learners: vec![learner], folds: 0, ..NgramTagger::default() };
    Arc::new(tagger.fit(&TEXTS, labelled, &FitContext::default()).unwrap())
}

/// Two that saw the labels as they are, and the wrong way round.
fn members(labelled: &Labelled) -> Vec<Arc<TagClassifier>> {
    let turned: Vec<Id> = classes().into_iter().rev().collect();
    vec![
        of(Learner::Svm { c: 1.0 }, labelled),
        of(Learner::NaiveBayes { alpha: 1.0 }, &Labelled::single(&turned).unwrap()),
    ]
}

fn weights(classifier: &TagClassifier) -> Vec<f32> {
    let mut writer = ModelWriter::new("tags", &()).unwrap();
    let config = classifier.model().write(&mut writer, "").unwrap();
    let weight = |member: &serde_json::Value| member["weight"].as_f64().unwrap() as f32;
    config["members"].as_array().unwrap().iter().map(weight).collect()
}

#[test]
fn who_is_wrong_gets_no_weight() {
    let labelled = Labelled::single(&classes()).unwrap();
    let members = members(&labelled);
    let alone = members[0].clone();
    let mixed = TagClassifier::mixture(members, &TEXTS, &labelled).unwrap();
    let found = weights(&mixed);
    assert!(found[0] > 0.99 && (found[0] + found[1] - 1.0).abs() < 1e-5, "{found:?}");
    // ln p of the mixture is that of the member that is left, but for the calibration.
    let (p, q) = (alone.predict_proba(&TEXTS).unwrap(), mixed.model().scores(&TEXTS).unwrap());
    assert!(p.iter().zip(&q).all(|(p, q)| (p - q.exp()).abs() < 0.02), "{p:?} {q:?}");
}

#[test]
fn scores_are_those_of_the_mixed_probabilities() {
    let labelled = Labelled::single(&classes()).unwrap();
    let members = vec![
        of(Learner::Svm { c: 1.0 }, &labelled),
        of(Learner::NaiveBayes { alpha: 1.0 }, &labelled),
    ];
    let parts: Vec<Vec<f32>> =
        members.iter().map(|m| m.predict_proba(&["屏幕", "书"]).unwrap()).collect();
    let mixed = TagClassifier::mixture(members, &TEXTS, &labelled).unwrap();
    let weights = weights(&mixed);
    let scores = mixed.model().scores(&["屏幕", "书"]).unwrap();
    for (at, score) in scores.iter().enumerate() {
        let p = weights[0] * parts[0][at] + weights[1] * parts[1][at];
        assert!((score - p.ln()).abs() < 1e-4, "{score} {p}");
    }
}

#[test]
fn a_folder_holds_all_members_and_their_encoders() {
    let folder = tempfile::tempdir().unwrap();
    for task in [Task::Single, Task::Multi] {
        let sets: Vec<Vec<Id>> = classes().into_iter().map(|label| vec![label]).collect();
        let labels = Labels::new(classes(), task, None).unwrap();
        let labelled = Labelled::new(labels, &sets).unwrap();
        let checkpoint = folder.path().join(format!("bert-{task:?}"));
        let named = |template: &str| {
            let options = ZeroShot { template: template.into(), ..ZeroShot::default() };
            let encoder = encoder(&checkpoint);
            Arc::new(options.classifier(encoder, labelled.labels.clone()).unwrap())
        };
        let members = vec![of(Learner::Svm { c: 1.0 }, &labelled), named("{}"), named("买{}")];
        let mixed = TagClassifier::mixture(members, &TEXTS, &labelled).unwrap();
        let path = folder.path().join(format!("mixed-{task:?}"));
        mixed.save(&path).unwrap();
        std::fs::remove_dir_all(&checkpoint).unwrap();
        let loaded = TagClassifier::load(&path).unwrap();
        assert_eq!(loaded.model().kind(), KIND);
        assert_eq!(loaded.thresholds(), mixed.thresholds());
        let texts = ["手机", "没见过的话", ""];
        let p = loaded.predict_proba(&texts).unwrap();
        assert_eq!(p.len(), 6);
        assert!(p.iter().all(|p| p.is_finite()));
        // The folder of the checkpoint is gone, so the first encoder is asked from memory.
        assert_eq!(p, mixed.predict_proba(&texts).unwrap());
    }
}

#[test]
fn what_does_not_go_together_is_refused() {
    let labelled = Labelled::single(&classes()).unwrap();
    let member = || vec![of(Learner::Svm { c: 1.0 }, &labelled)];
    let refused = |members, texts: &[&str], labelled: &Labelled| {
        TagClassifier::mixture(members, texts, labelled).unwrap_err()
    };
    assert!(matches!(refused(Vec::new(), &TEXTS, &labelled), Error::Empty { .. }));
    assert!(matches!(refused(member(), &TEXTS[..3], &labelled), Error::Shape { .. }));
    let others = Labelled::single(&ids(&["酒", "手机"].repeat(6))).unwrap();
    assert!(matches!(refused(member(), &TEXTS, &others), Error::Data { .. }));
    let several = Labelled::multi(&classes().into_iter().map(|l| vec![l]).collect::<Vec<_>>());
    assert!(matches!(refused(member(), &TEXTS, &several.unwrap()), Error::Data { .. }));
}
