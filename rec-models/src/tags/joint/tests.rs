use super::*;
use crate::fit::FitContext;
use crate::tags::samples::{TEXTS, classes, encoder, ids};
use crate::tags::{HeadTagger, Learner, NgramOptions, NgramTagger, TagClassifier};

/// What is hot is good of food and bad of phones: no word tells the label by itself.
fn texts_labels_kinds() -> (Vec<String>, Vec<Id>, Vec<Id>) {
    let row = |i: usize| {
        let (kind, word) = (i % 2, i / 2 % 2);
        let of = [["phone", "screen"], ["soup", "noodles"]][kind][i / 4 % 2];
        let said = [["hot", "warm"], ["cold", "cool"]][word][i / 8 % 2];
        let label = ["bad", "good"][usize::from(kind != word)];
        (format!("{of} {said}"), Id::from(label), Id::from(["goods", "food"][kind]))
    };
    let rows: Vec<_> = (0..64).map(row).collect();
    let texts = rows.iter().map(|row| row.0.clone()).collect();
    let labels = rows.iter().map(|row| row.1.clone()).collect();
    (texts, labels, rows.into_iter().map(|row| row.2).collect())
}

fn words(learners: Vec<Learner>) -> NgramTagger {
    let features =
        NgramOptions { words: 1, ideographs: (0, 0), letters: (0, 0), ..NgramOptions::default() };
    NgramTagger { features, learners, stacking: false, ..NgramTagger::default() }
}

fn joint(of: Learner) -> Learner {
    Learner::Joint { of: Box::new(of) }
}

#[test]
fn pairs_stand_in_the_order_of_their_labels() {
    let labelled = Labelled::single(&ids(&["b", "a", "b", "b"])).unwrap();
    let labelled = labelled.with_auxiliary(&ids(&["x", "y", "z", "x"])).unwrap();
    let Joint { rows, labels } = labelled.joint.as_ref().unwrap();
    assert_eq!((rows.indices(), &labels[..]), (&[1, 0, 2, 1][..], &[0, 1, 1][..]));
    let some = labelled.select(&[3, 1]);
    assert_eq!(some.joint.unwrap().rows.indices(), [1, 0]);
    assert_eq!(summed(&[0.5, 0.25, 0.25, 0.0, 0.5, 0.5], labels, 2), [0.5, 0.5, 0.0, 1.0]);
}

#[test]
fn what_a_word_says_may_depend_on_the_kind() {
    let (texts, labels, kinds) = texts_labels_kinds();
    let labelled = Labelled::single(&labels).unwrap();
    let truth: Vec<Vec<Id>> = labels.iter().map(|label| vec![label.clone()]).collect();
    let accuracy = |tagger: &NgramTagger, labelled: &Labelled| {
        let classifier = tagger.fit(&texts, labelled, &FitContext::default()).unwrap();
        (classifier.evaluate(&texts, &truth).unwrap().accuracy, classifier)
    };
    let svm = Learner::Svm { c: 1.0 };
    let (alone, _) = accuracy(&words(vec![svm.clone()]), &labelled);
    assert!(alone < 0.8, "{alone}");
    let labelled = labelled.with_auxiliary(&kinds).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for of in [svm, Learner::NaiveBayes { alpha: 0.1 }] {
        let name = of.name();
        let (beside, classifier) = accuracy(&words(vec![joint(of)]), &labelled);
        assert_eq!(beside, 1.0);
        let path = folder.path().join(name);
        classifier.save(&path).unwrap();
        let found = TagClassifier::load(&path).unwrap().predict_proba(&texts).unwrap();
        assert_eq!(found, classifier.predict_proba(&texts).unwrap());
    }
}

#[test]
fn held_out_scores_of_pairs_are_of_labels() {
    let (texts, labels, kinds) = texts_labels_kinds();
    let labelled = Labelled::single(&labels).unwrap().with_auxiliary(&kinds).unwrap();
    let tagger = words(vec![Learner::Svm { c: 1.0 }]).with_joint_learners();
    assert_eq!(tagger.learners[1], joint(Learner::Svm { c: 1.0 }));
    assert_eq!(tagger.clone().with_joint_learners().learners.len(), 3);
    let found = tagger.held_out(&texts, &labelled, &FitContext::default()).unwrap();
    assert!(found.weights[1] > 0.9, "{:?}", found.weights);
    for (row, scores) in found.learners[1].chunks_exact(2).enumerate() {
        assert!((scores[0].exp() + scores[1].exp() - 1.0).abs() < 1e-5, "{scores:?}");
        let label = labelled.rows.row(row)[0] as usize;
        assert!(scores[label] > scores[1 - label], "{row}: {scores:?}");
    }
}

#[test]
fn labels_that_nothing_can_learn_are_refused() {
    let labelled = Labelled::single(&classes()).unwrap();
    let refused = |labelled: Labelled, kinds: &[Id], what: &str| {
        let error = labelled.with_auxiliary(kinds).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    refused(labelled.clone(), &classes()[1..], "auxiliary labels beside the texts");
    refused(labelled.clone(), &ids(&["same"; 12]), "all texts have the same");
    let sets: Vec<Vec<Id>> = classes().into_iter().map(|label| vec![label]).collect();
    refused(Labelled::multi(&sets).unwrap(), &classes(), "several labels a text");

    let kinds: Vec<Id> = (0..12).map(|i| Id::Int(i % 2)).collect();
    let beside = labelled.clone().with_auxiliary(&kinds).unwrap();
    let fit = |learners: Vec<Learner>, labelled: &Labelled| {
        let tagger = NgramTagger { learners, ..NgramTagger::default() };
        tagger.fit(&TEXTS, labelled, &FitContext::default()).unwrap_err().to_string()
    };
    let svm = Learner::Svm { c: 1.0 };
    let error = fit(vec![joint(svm.clone())], &labelled);
    assert!(error.contains("no auxiliary labels"), "{error}");
    let error = fit(vec![svm.clone()], &beside);
    assert!(error.contains("add {\"learner\": \"joint\""), "{error}");
    let error = fit(vec![joint(joint(svm))], &beside);
    assert!(error.contains("such as svm"), "{error}");
    let error = fit(vec![joint(Learner::Svm { c: 0.0 })], &beside);
    assert!(error.contains("above 0"), "{error}");

    let scratch = tempfile::tempdir().unwrap();
    let encoder = encoder(&scratch.path().join("bert"));
    let found = HeadTagger::default().fit(encoder, &TEXTS, &beside, &FitContext::default());
    assert!(matches!(found, Err(Error::Unsupported { .. })));
}
