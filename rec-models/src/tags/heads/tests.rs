use std::path::Path;

use rec_core::data::Id;

use super::*;
use crate::fit::Cancel;
use crate::tags::samples::{TEXTS, classes, encoder, ids};

fn fit(folder: &Path, texts: &[&str], labelled: &Labelled) -> Result<TagClassifier> {
    HeadTagger::default().fit(encoder(folder), texts, labelled, &FitContext::default())
}

#[test]
fn a_head_learns_and_its_folder_loads_alone() {
    let scratch = tempfile::tempdir().unwrap();
    let checkpoint = scratch.path().join("bert");
    let sets: Vec<Vec<Id>> =
        (0..12).map(|i| ids(if i < 6 { &["货/手机", "新"] } else { &["货/书"] })).collect();
    for (at, labelled) in
        [Labelled::single(&classes()).unwrap(), Labelled::paths(&sets, '/').unwrap()]
            .into_iter()
            .enumerate()
    {
        let classifier = fit(&checkpoint, &TEXTS, &labelled).unwrap();
        let report = classifier.evaluate(&TEXTS, &names_of(&labelled)).unwrap();
        assert!(report.accuracy >= 0.9, "{}", report.accuracy);
        let path = scratch.path().join(at.to_string());
        classifier.save(&path).unwrap();
        // Saved over itself from its own folder, and with the checkpoint gone.
        let loaded = TagClassifier::load(&path).unwrap();
        loaded.save(&path).unwrap();
        std::fs::remove_dir_all(&checkpoint).unwrap();
        let loaded = TagClassifier::load(&path).unwrap();
        let more = ["没见过的话", "", "手机"];
        assert_eq!(loaded.predict_proba(&more).unwrap(), classifier.predict_proba(&more).unwrap());
        assert_eq!(loaded.predict(&TEXTS).unwrap(), classifier.predict(&TEXTS).unwrap());
        let error = classifier.save(scratch.path().join("other")).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
    }
}

fn names_of(labelled: &Labelled) -> Vec<Vec<Id>> {
    let name = |&label: &u32| Id::from(labelled.labels.name(label).unwrap().to_string().as_str());
    (0..labelled.len()).map(|row| labelled.rows.row(row).iter().map(name).collect()).collect()
}

#[test]
fn threads_change_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let encoder = encoder(scratch.path());
    let labelled = Labelled::single(&classes()).unwrap();
    let with = |threads| {
        let ctx = FitContext { threads: Some(threads), ..FitContext::default() };
        let classifier = HeadTagger::default().fit(encoder.clone(), &TEXTS, &labelled, &ctx);
        let scores = |c: &TagClassifier| c.model().scores(&TEXTS).unwrap();
        scores(&classifier.unwrap())
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn bad_input_is_refused_and_odd_input_is_not() {
    let scratch = tempfile::tempdir().unwrap();
    let labelled = Labelled::single(&classes()).unwrap();
    let folder = scratch.path();
    assert!(matches!(fit(folder, &TEXTS[..5], &labelled), Err(Error::Shape { .. })));
    assert!(matches!(fit(folder, &[" "; 12], &labelled), Err(Error::Empty { .. })));
    let refused = |tagger: HeadTagger| {
        let outcome = tagger.fit(encoder(folder), &TEXTS, &labelled, &FitContext::default());
        assert!(matches!(outcome, Err(Error::Parameter { .. })));
    };
    refused(HeadTagger { c: vec![], ..HeadTagger::default() });
    refused(HeadTagger { c: vec![-1.0], ..HeadTagger::default() });
    refused(HeadTagger { folds: 1, ..HeadTagger::default() });
    refused(HeadTagger { tolerance: 0.0, ..HeadTagger::default() });
    refused(HeadTagger { max_iterations: 0, ..HeadTagger::default() });
    // Empty texts among good ones.
    let mut texts = TEXTS;
    texts[3] = "";
    let classifier = fit(folder, &texts, &labelled).unwrap();
    assert!(classifier.predict_proba(&["", "手机"]).unwrap().iter().all(|p| p.is_finite()));
    // More labels than rows.
    let sets: Vec<Vec<Id>> =
        (0..3).map(|i| (0..4).map(|j| Id::from(format!("tag {i} {j}"))).collect()).collect();
    let classifier = fit(folder, &TEXTS[..3], &Labelled::multi(&sets).unwrap()).unwrap();
    assert_eq!(classifier.predict(&TEXTS).unwrap().len(), 12);
    let cancel = Cancel::default();
    cancel.cancel();
    let ctx = FitContext { cancel, ..FitContext::default() };
    let outcome = HeadTagger::default().fit(encoder(folder), &TEXTS, &labelled, &ctx);
    assert!(matches!(outcome, Err(Error::Cancelled(_))));
}
