use std::collections::BTreeMap;

use rec_core::data::Id;

use super::samples::{TEXTS, classes, ids};
use super::*;
use crate::fit::{Cancel, FitContext};
use crate::{Error, Result};

fn fit(tagger: &NgramTagger, texts: &[&str], labelled: &Labelled) -> Result<TagClassifier> {
    tagger.fit(texts, labelled, &FitContext::default())
}

fn all_learners() -> NgramTagger {
    let learners = vec![
        Learner::Svm { c: 1.0 },
        Learner::Logistic { c: 1.0 },
        Learner::NbSvm { c: 1.0, alpha: 1.0 },
        Learner::NaiveBayes { alpha: 0.5 },
        Learner::FastText(FastText {
            dim: 8,
            epochs: 100,
            learning_rate: 4.0,
            buckets: 4096,
            ..FastText::default()
        }),
        Learner::Cnn(TextCnn {
            dim: 8,
            filters: 12,
            epochs: 60,
            learning_rate: 1e-2,
            batch_size: 4,
            min_count: 1,
            ..TextCnn::default()
        }),
        Learner::Gru(TextGru {
            dim: 8,
            hidden: 6,
            epochs: 40,
            learning_rate: 1e-2,
            batch_size: 4,
            min_count: 1,
            ..TextGru::default()
        }),
        Learner::Cnn(TextCnn {
            dim: 8,
            filters: 14,
            widths: (1, 2),
            epochs: 30,
            learning_rate: 1e-2,
            batch_size: 4,
            min_count: 1,
            adversary: 0.1,
            tokens: Tokens::Words,
            pretraining: 3,
            fixed_channel: true,
            networks: 2,
            ..TextCnn::default()
        }),
    ];
    NgramTagger { learners, ..NgramTagger::default() }
}

fn names(classifier: &TagClassifier, tags: &[Tag]) -> Vec<String> {
    let name = |tag: &Tag| classifier.labels().name(tag.label).unwrap().to_string();
    tags.iter().map(name).collect()
}

#[test]
fn every_learner_tells_phones_from_books() {
    let labelled = Labelled::single(&classes()).unwrap();
    let mut learners = all_learners().learners;
    // The last reads words alone, of which twelve texts hold too few; it is tested below.
    learners.pop();
    for learner in learners {
        let tagger = NgramTagger { learners: vec![learner.clone()], ..NgramTagger::default() };
        let classifier = fit(&tagger, &TEXTS, &labelled).unwrap();
        let found = classifier.predict(&["这部手机的屏幕", "一本感人的书"]).unwrap();
        assert_eq!(names(&classifier, &found.concat()), ["手机", "书籍"], "{learner:?}");
        let p = classifier.predict_proba(&["手机", "书"]).unwrap();
        assert!((p[0] + p[1] - 1.0).abs() < 1e-5 && p.iter().all(|p| (0.0..=1.0).contains(p)));
    }
}

/// No text with a label has the words that the test asks for; those without have them where the
/// words of the labels stand.
#[test]
fn words_of_texts_without_labels_are_known() {
    let known = [["screen", "battery"], ["story", "author"]];
    let asked = [["display", "charger"], ["plot", "writer"]];
    let text = |words: [&str; 2], others: [&str; 2], n: usize| {
        let (a, b) = (words[n % 2], words[n / 2 % 2]);
        format!("{a} {} {b} {}", others[n % 2], others[n / 4 % 2])
    };
    // "good" and "bad" are said of both, the other words of one.
    let around = [["bright", "fast"], ["moving", "deep"]];
    let texts: Vec<String> = (0..32).map(|n| text(known[n % 2], ["good", "bad"], n / 2)).collect();
    let labels: Vec<Id> = (0..32).map(|n| Id::from(["phone", "book"][n % 2])).collect();
    let labelled = Labelled::single(&labels).unwrap();
    let unlabelled: Vec<String> = (0..800)
        .map(|n| text(if n % 4 < 2 { known } else { asked }[n % 2], around[n % 2], n / 4))
        .collect();
    let cnn = |pretraining| TextCnn {
        dim: 16,
        filters: 16,
        widths: (1, 2),
        epochs: 20,
        learning_rate: 5e-3,
        batch_size: 8,
        min_count: 1,
        tokens: Tokens::Words,
        pretraining,
        fixed_channel: pretraining > 0,
        ..TextCnn::default()
    };
    let with = |pretraining| NgramTagger {
        learners: vec![Learner::Cnn(cnn(pretraining))],
        folds: 0,
        ..NgramTagger::default()
    };
    let ctx = FitContext::default();
    let classifier = with(30).fit_with_unlabelled(&texts, &labelled, &unlabelled, &ctx).unwrap();
    let found = classifier.predict(&["display", "charger", "plot", "writer"]).unwrap();
    assert_eq!(names(&classifier, &found.concat()), ["phone", "phone", "book", "book"]);
    let error = with(0).fit_with_unlabelled(&texts, &labelled, &unlabelled, &ctx).unwrap_err();
    assert!(error.to_string().contains("unlabelled"), "{error}");
}

#[test]
fn a_saved_classifier_predicts_the_same_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let sets: Vec<Vec<Id>> =
        (0..12).map(|i| ids(if i < 6 { &["a", "b/c"] } else { &["b"] })).collect();
    let more = ["没见过的话", "", "手机"];
    for (at, labelled) in [
        Labelled::single(&classes()).unwrap(),
        Labelled::single(&(0..12).map(|i| Id::Int(i % 3)).collect::<Vec<_>>()).unwrap(),
        Labelled::multi(&sets).unwrap(),
        Labelled::paths(&sets, '/').unwrap(),
    ]
    .into_iter()
    .enumerate()
    {
        let path = folder.path().join(at.to_string());
        let classifier = fit(&all_learners(), &TEXTS, &labelled).unwrap();
        classifier.save(&path).unwrap();
        let loaded = TagClassifier::load(&path).unwrap();
        assert_eq!(loaded.predict_proba(&more).unwrap(), classifier.predict_proba(&more).unwrap());
        assert_eq!(loaded.predict(&more).unwrap(), classifier.predict(&more).unwrap());
        assert!(loaded.labels().names().same_as(classifier.labels().names()));
        assert_eq!(loaded.labels().separator(), classifier.labels().separator());
        let error = crate::load(&path).err().unwrap().to_string();
        assert!(error.contains("TagClassifier::load"), "{error}");
    }
}

#[test]
fn a_damaged_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m");
    fit(&all_learners(), &TEXTS, &Labelled::single(&classes()).unwrap())
        .unwrap()
        .save(&path)
        .unwrap();
    let manifest = path.join("manifest.json");
    let text = std::fs::read_to_string(&manifest).unwrap();
    for (from, to) in [
        ("\"model\": \"ngrams\"", "\"model\": \"bert\""),
        ("\"dim\": 8", "\"dim\": 0"),
        ("\"buckets\": 4096", "\"buckets\": 63"),
        ("\"filters\": 12", "\"filters\": 13"),
        ("\"fixed_channel\": true", "\"fixed_channel\": false"),
        ("\"networks\": 2", "\"networks\": 3"),
        ("\"task\": \"single\"", "\"task\": \"multi\""),
        ("\"temperature\": ", "\"temperature\": -"),
    ] {
        assert!(text.contains(from), "{from}");
        std::fs::write(&manifest, text.replacen(from, to, 1)).unwrap();
        let error = TagClassifier::load(&path).unwrap_err();
        assert!(matches!(error, Error::Format { .. }), "{to}: {error}");
    }
}

#[test]
fn threads_change_nothing() {
    let labelled = Labelled::multi(
        &(0..12).map(|i| ids(&[["a", "b", "c"][i % 3], "d"][..1 + i % 2])).collect::<Vec<_>>(),
    )
    .unwrap();
    let with = |threads| {
        let ctx = FitContext { threads: Some(threads), ..FitContext::default() };
        all_learners().fit(&TEXTS, &labelled, &ctx).unwrap().predict_proba(&TEXTS).unwrap()
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn empty_texts_among_good_ones_get_the_frequent_label() {
    let mut texts = TEXTS.to_vec();
    texts.extend(["", "   ", "\u{200b}"]);
    let mut labels = classes();
    labels.extend(ids(&["书籍", "书籍", "书籍"]));
    let classifier = fit(&all_learners(), &texts, &Labelled::single(&labels).unwrap()).unwrap();
    let found = classifier.predict(&["", "手机屏幕"]).unwrap();
    assert_eq!(names(&classifier, &found.concat()), ["书籍", "手机"]);
    let error = fit(&all_learners(), &["", " "], &Labelled::single(&ids(&["a", "b"])).unwrap());
    assert!(matches!(error, Err(Error::Empty { .. })));
    assert!(classifier.predict::<&str>(&[]).unwrap().is_empty());
}

#[test]
fn more_labels_than_rows_are_no_error() {
    let sets: Vec<Vec<Id>> =
        (0..3).map(|i| (0..4).map(|j| Id::from(format!("tag {i} {j}"))).collect()).collect();
    let labelled = Labelled::multi(&sets).unwrap();
    let classifier = fit(&all_learners(), &TEXTS[..3], &labelled).unwrap();
    assert_eq!(classifier.labels().len(), 12);
    let p = classifier.predict_proba(&TEXTS).unwrap();
    assert!(p.iter().all(|p| p.is_finite()));
    assert_eq!(classifier.top_k(&["手机"], 20).unwrap()[0].len(), 12);
    assert!(classifier.top_k(&["手机"], 0).is_err());
}

#[test]
fn mismatched_lengths_and_bad_parameters_are_refused() {
    let labelled = Labelled::single(&classes()).unwrap();
    let refused = |tagger: NgramTagger| fit(&tagger, &TEXTS, &labelled).unwrap_err();
    assert!(matches!(fit(&all_learners(), &TEXTS[..5], &labelled), Err(Error::Shape { .. })));
    let one = |learner| NgramTagger { learners: vec![learner], ..NgramTagger::default() };
    for tagger in [
        one(Learner::Svm { c: 0.0 }),
        one(Learner::NbSvm { c: 1.0, alpha: f64::NAN }),
        one(Learner::FastText(FastText { dim: 0, ..FastText::default() })),
        one(Learner::Cnn(TextCnn { filters: 0, ..TextCnn::default() })),
        one(Learner::Cnn(TextCnn { fixed_channel: true, ..TextCnn::default() })),
        one(Learner::Gru(TextGru { hidden: 0, ..TextGru::default() })),
        one(Learner::Gru(TextGru { networks: 0, ..TextGru::default() })),
        one(Learner::FastText(FastText { learning_rate: -1.0, ..FastText::default() })),
        one(Learner::FastText(FastText { label_smoothing: 1.0, ..FastText::default() })),
        one(Learner::FastText(FastText {
            label_smoothing: 0.1,
            focal_gamma: 2.0,
            ..FastText::default()
        })),
        NgramTagger { learners: vec![], ..NgramTagger::default() },
        NgramTagger { folds: 1, ..NgramTagger::default() },
        NgramTagger { tolerance: 0.0, ..NgramTagger::default() },
        NgramTagger { max_iterations: 0, ..NgramTagger::default() },
    ] {
        assert!(matches!(refused(tagger), Error::Parameter { .. }));
    }
    let weights = ClassWeights::Each(vec![1.0]);
    let tagger = NgramTagger { class_weights: weights, ..NgramTagger::default() };
    assert!(matches!(refused(tagger), Error::Shape { .. }));
    let cancel = Cancel::default();
    cancel.cancel();
    let ctx = FitContext { cancel, ..FitContext::default() };
    assert!(matches!(all_learners().fit(&TEXTS, &labelled, &ctx), Err(Error::Cancelled(_))));
}

#[test]
fn class_weights_favour_the_rare_label() {
    let labelled = Labelled::single(&ids(&[vec!["rare"; 1], vec!["usual"; 11]].concat())).unwrap();
    let with = |class_weights| {
        let tagger = NgramTagger {
            learners: vec![Learner::Logistic { c: 1.0 }],
            class_weights,
            folds: 0,
            ..NgramTagger::default()
        };
        fit(&tagger, &TEXTS, &labelled).unwrap().predict_proba(&["屏幕"]).unwrap()[0]
    };
    let (uniform, balanced) = (with(ClassWeights::Uniform), with(ClassWeights::Balanced));
    assert!(balanced > uniform + 0.1, "{balanced} {uniform}");
    let one_sided = with(ClassWeights::Each(vec![1.0, 10.0]));
    assert!(one_sided < uniform, "{one_sided} {uniform}");
}

#[test]
fn paths_keep_children_below_their_parents() {
    let sets: Vec<Vec<Id>> = (0..12)
        .map(|i| {
            ids(&[["商品/手机/屏幕", "商品/手机", "商品/书籍"][if i < 3 {
                0
            } else if i < 6 {
                1
            } else {
                2
            }]])
        })
        .collect();
    let mut classifier =
        fit(&all_learners(), &TEXTS, &Labelled::paths(&sets, '/').unwrap()).unwrap();
    let labels = classifier.labels().clone();
    let p = classifier.predict_proba(&TEXTS).unwrap();
    for row in p.chunks_exact(labels.len()) {
        for label in 0..labels.len() as u32 {
            if let Some(parent) = labels.parent(label) {
                assert!(row[label as usize] <= row[parent as usize]);
            }
        }
    }
    // Whatever the thresholds, a path brings those above it.
    let deep = labels.names().get("商品/手机/屏幕").unwrap();
    let mut thresholds = vec![1.0; labels.len()];
    thresholds[deep as usize] = 0.0;
    classifier.set_thresholds(thresholds).unwrap();
    let found: Vec<String> = names(&classifier, &classifier.predict(&["书"]).unwrap()[0]);
    for name in ["商品", "商品/手机", "商品/手机/屏幕"] {
        assert!(found.iter().any(|n| n == name), "{found:?}");
    }
    assert!(classifier.set_thresholds(vec![0.5]).is_err());
}

#[test]
fn several_labels_are_told_apart() {
    let sets: Vec<Vec<Id>> = (0..12)
        .map(|i| ids([&["货/手机", "新"][..], &["货/手机"], &["货/书籍"]][(i / 3).min(2)]))
        .collect();
    let labelled = Labelled::paths(&sets, '/').unwrap();
    let classifier = fit(&NgramTagger::default(), &TEXTS, &labelled).unwrap();
    let found = names(&classifier, &classifier.predict(&["手机屏幕"]).unwrap()[0]);
    assert!(found.contains(&"货/手机".to_owned()) && found.contains(&"货".to_owned()), "{found:?}");
    assert!(!found.contains(&"货/书籍".to_owned()), "{found:?}");
    let texts = [&TEXTS[..], &["酒"]].concat();
    let truth = [&sets[..], &[ids(&["酒"])]].concat();
    let report = classifier.evaluate(&texts, &truth).unwrap();
    assert_eq!(report.unseen, BTreeMap::from([("酒".to_owned(), 1)]));
    assert!(report.mean_average_precision.unwrap() > 0.9 && report.counts.micro_f1() > 0.9);
}

#[test]
fn labels_never_seen_in_training_count_as_missed() {
    let classifier = fit(&all_learners(), &TEXTS, &Labelled::single(&classes()).unwrap()).unwrap();
    let texts = ["手机屏幕", "这本书", "红酒很甜", "手机"];
    let truth: Vec<Vec<Id>> = ["手机", "书籍", "酒", "手机"].map(|l| ids(&[l])).to_vec();
    let report = classifier.evaluate(&texts, &truth).unwrap();
    assert_eq!(report.accuracy, 0.75);
    assert_eq!(report.unseen, BTreeMap::from([("酒".to_owned(), 1)]));
    // In the order of the labels: 书籍, 手机, then the unseen.
    assert_eq!(report.counts.support(), [1, 2, 1]);
    assert_eq!((report.counts.recall()[2], report.counts.n_labels()), (0.0, 3));
    assert!(matches!(classifier.evaluate(&texts, &truth[..2]), Err(Error::Shape { .. })));
}

#[test]
fn the_best_candidate_is_the_one_that_can_learn() {
    let labelled = Labelled::single(&classes()).unwrap();
    let blind = NgramTagger {
        learners: vec![Learner::NaiveBayes { alpha: 1e9 }],
        features: NgramOptions {
            words: 5,
            ideographs: (0, 0),
            letters: (0, 0),
            min_df: 3,
            ..NgramOptions::default()
        },
        ..NgramTagger::default()
    };
    let seeing = NgramTagger::default();
    let ctx = FitContext::default();
    let (best, figures) =
        NgramTagger::best_of(&[blind, seeing.clone()], &TEXTS, &labelled, &ctx).unwrap();
    assert!(figures[1] > figures[0], "{figures:?}");
    assert_eq!(best.learners, seeing.learners);
    assert!(matches!(NgramTagger::best_of(&[], &TEXTS, &labelled, &ctx), Err(Error::Empty { .. })));
    assert!(NgramTagger::candidates().iter().all(|c| fit(c, &TEXTS, &labelled).is_ok()));
}

/// Cosines of a random BERT are of characters in common: enough to tell labels by their names.
fn zero_shot(folder: &std::path::Path, names: &[&str], task: Task) -> Result<TagClassifier> {
    let labels = Labels::new(ids(names), task, None)?;
    ZeroShot::default().classifier(super::samples::encoder(folder), labels)
}

#[test]
fn labels_are_told_by_their_names_without_training() {
    let folder = tempfile::tempdir().unwrap();
    let checkpoint = folder.path().join("bert");
    let classifier = zero_shot(&checkpoint, &["手机", "书"], Task::Single).unwrap();
    let found = classifier.predict(&["手机手机", "书书书"]).unwrap();
    assert_eq!(names(&classifier, &found.concat()), ["手机", "书"]);
    // The same encoder by hand: softmax of cosines over τ.
    let encoder = super::samples::encoder(&checkpoint);
    let vectors = |texts: &[&str]| encoder.encode(texts, &crate::language::Encode::default());
    let cosines =
        vectors(&["屏幕"]).unwrap().similarity(&vectors(&["书", "手机"]).unwrap()).unwrap();
    let expected = 1.0 / (1.0 + ((cosines[1] - cosines[0]) / 0.05).exp());
    let p = classifier.predict_proba(&["屏幕"]).unwrap();
    assert!((p[0] - expected).abs() < 1e-4, "{p:?} {expected}");

    // A label added afterwards is given, and the folder keeps it.
    let classifier = classifier.with_labels(&ids(&["屏幕清晰", "书"])).unwrap();
    assert_eq!(classifier.labels().len(), 3);
    let path = folder.path().join("m");
    classifier.save(&path).unwrap();
    let loaded = TagClassifier::load(&path).unwrap();
    let found = loaded.predict(&["屏幕清晰屏幕", "书"]).unwrap();
    assert_eq!(names(&loaded, &found.concat()), ["屏幕清晰", "书"]);

    let trained = fit(&all_learners(), &TEXTS, &Labelled::single(&classes()).unwrap());
    let error = trained.unwrap().with_labels(&ids(&["酒"])).unwrap_err();
    assert!(matches!(error, Error::Unsupported { .. }) && error.to_string().contains("ZeroShot"));
}

#[test]
fn added_labels_leave_thresholds_with_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let mut classifier = zero_shot(folder.path(), &["b", "d"], Task::Multi).unwrap();
    classifier.set_thresholds(vec![0.2, 0.9]).unwrap();
    let classifier = classifier.with_labels(&ids(&["a", "c"])).unwrap();
    assert_eq!(classifier.thresholds(), [0.5, 0.2, 0.5, 0.9]);
    assert!(matches!(classifier.calibration(), Calibration::Platt { a, .. } if a.len() == 4));
}

#[test]
fn zero_shot_parameters_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let encoder = super::samples::encoder(folder.path());
    for options in [
        ZeroShot { template: "about".into(), ..ZeroShot::default() },
        ZeroShot { temperature: 0.0, ..ZeroShot::default() },
        ZeroShot { least_cosine: 2.0, ..ZeroShot::default() },
    ] {
        let labels = Labels::new(ids(&["a", "b"]), Task::Single, None).unwrap();
        let outcome = options.classifier(encoder.clone(), labels);
        assert!(matches!(outcome, Err(Error::Parameter { .. })));
    }
}

#[test]
fn levels_of_single_paths_are_sums_of_what_lies_below() {
    let paths = ["物/手机/屏幕", "物/手机/屏幕", "物/手机/电池", "物/手机/电池", "物/壳", "物/壳"];
    let mut labels = ids(&paths);
    labels.extend(ids(&["书"; 6]));
    let labelled = Labelled::single_paths(&labels, '/').unwrap();
    assert_eq!(labelled.labels.len(), 4, "labels above are no labels");
    let classifier = fit(&NgramTagger::default(), &TEXTS, &labelled).unwrap();
    let levels = classifier.labels().levels();
    let names: Vec<&[String]> = levels.iter().map(|level| level.names.as_slice()).collect();
    assert_eq!(names[0], ["书", "物"]);
    assert_eq!(names[1], ["书", "物/壳", "物/手机"]);
    assert_eq!(names[2], ["书", "物/壳", "物/手机/屏幕", "物/手机/电池"]);
    let p = classifier.predict_proba(&TEXTS).unwrap();
    let (_, top) = classifier.predict_proba_at(&TEXTS, 1).unwrap();
    for (all, top) in p.chunks_exact(4).zip(top.chunks_exact(2)) {
        assert!((top[0] - all[0]).abs() < 1e-6 && (top[0] + top[1] - 1.0).abs() < 1e-5);
    }
    assert!(classifier.predict_proba_at(&TEXTS, 0).is_err());
    assert!(classifier.predict_proba_at(&TEXTS, 4).is_err());

    let truth: Vec<Vec<Id>> = labels.iter().map(|label| vec![label.clone()]).collect();
    // One below a known label: known on the levels above, missed on its own.
    let texts = [&TEXTS[..], &["手机"]].concat();
    let truth = [&truth[..], &[ids(&["物/手机/信号"])]].concat();
    let report = classifier.evaluate(&texts, &truth).unwrap();
    let accuracies: Vec<f64> = report.levels.iter().map(|level| level.accuracy).collect();
    assert_eq!(accuracies[0], 1.0);
    assert!(accuracies[0] >= accuracies[1] && accuracies[1] >= accuracies[2], "{accuracies:?}");
    assert!(accuracies[2] <= 12.0 / 13.0);

    let folder = tempfile::tempdir().unwrap();
    classifier.save(folder.path().join("m")).unwrap();
    let loaded = TagClassifier::load(folder.path().join("m")).unwrap();
    assert_eq!(loaded.labels().levels(), levels);
    assert_eq!(loaded.predict_proba(&TEXTS).unwrap(), p);
}

#[test]
fn levels_of_several_paths_are_labels_of_their_depth() {
    let sets: Vec<Vec<Id>> =
        (0..12).map(|i| if i < 6 { ids(&["货/手机", "新"]) } else { ids(&["货/书"]) }).collect();
    let labelled = Labelled::paths(&sets, '/').unwrap();
    let classifier = fit(&all_learners(), &TEXTS, &labelled).unwrap();
    let levels = classifier.labels().levels();
    assert_eq!(levels[0].names, ["新", "货"]);
    assert_eq!(levels[1].names, ["货/书", "货/手机"]);
    let report = classifier.evaluate(&TEXTS, &sets).unwrap();
    assert_eq!(report.levels.len(), 2);
    // What is right on all labels is right on every level.
    assert!(report.levels.iter().all(|level| level.accuracy >= report.accuracy));
    let flat = fit(&all_learners(), &TEXTS, &Labelled::single(&classes()).unwrap()).unwrap();
    let truth: Vec<Vec<Id>> = classes().into_iter().map(|label| vec![label]).collect();
    assert!(flat.evaluate(&TEXTS, &truth).unwrap().levels.is_empty());
}
