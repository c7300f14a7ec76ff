use tempfile::tempdir;

use super::*;
use crate::tags::{Labelled, Learner, NgramTagger, TagClassifier, Tokens};
use rec_core::data::Id;
use rec_core::text::Segmenter;
use rec_core::text::segment::Segmentation;

/// `甲乙丙甲乙丙…` from different signs on, labelled by the first.
fn texts() -> (Vec<String>, Vec<Id>) {
    let signs = ["甲", "乙", "丙"];
    let text = |i: usize| (0..8).map(|t| signs[(i + t) % 3]).collect();
    ((0..48).map(text).collect(), (0..48).map(|i| Id::from(signs[i % 3])).collect())
}

fn units() -> TextGru {
    TextGru {
        dim: 6,
        hidden: 5,
        epochs: 2,
        batch_size: 8,
        language_passes: 12,
        embedding_dropout: 0.1,
        ..TextGru::default()
    }
}

fn learn(units: &TextGru) -> GruLanguageModel {
    let (texts, ctx) = (texts().0, FitContext::default());
    units.learn_language(&NgramOptions::default(), &texts, &ctx).unwrap()
}

fn classifier(units: TextGru) -> Result<TagClassifier> {
    let (texts, labels) = texts();
    let learners = vec![Learner::NaiveBayes { alpha: 0.1 }, Learner::Gru(units)];
    let tagger = NgramTagger { learners, folds: 2, ..NgramTagger::default() };
    tagger.fit(&texts, &Labelled::single(&labels)?, &FitContext::default())
}

#[test]
fn a_language_that_was_kept_serves_as_one_learned_at_once() {
    let (dir, texts) = (tempdir().unwrap(), texts().0);
    let folder = dir.path().join("language");
    let model = learn(&units());
    model.save(&folder).unwrap();
    let read = GruLanguageModel::load(&folder).unwrap();
    assert!(read.learned == model.learned && read.units == model.units);
    assert_eq!(read.perplexity(&texts).unwrap(), model.perplexity(&texts).unwrap());

    let kept = TextGru { language: Some(folder), language_passes: 0, ..units() };
    let (kept, at_once) = (classifier(kept).unwrap(), classifier(units()).unwrap());
    let probabilities = |classifier: &TagClassifier| classifier.predict_proba(&texts).unwrap();
    assert_eq!(probabilities(&kept), probabilities(&at_once));

    // The classifier needs the language no more.
    let saved = dir.path().join("classifier");
    kept.save(&saved).unwrap();
    std::fs::remove_dir_all(dir.path().join("language")).unwrap();
    let read = TagClassifier::load(&saved).unwrap();
    assert_eq!(probabilities(&read), probabilities(&kept));
}

/// What comes next is one of three signs, and certain but for the first.
#[test]
fn perplexity_is_that_of_the_mean_loss_and_falls() {
    let texts = texts().0;
    let model = learn(&TextGru { language_passes: 1, ..units() });
    let Learned { network, head, .. } = &model.learned;
    let bags = NgramOptions::default().sequences(&texts).unwrap();
    let ids: Vec<Vec<u32>> = bags.iter().map(|bag| network.ids(bag.symbols())).collect();
    assert!(ids.iter().all(|ids| ids.len() == 8));
    let batch = Batch::new(ids.iter().map(Vec::as_slice));
    let all = super::super::candidates::Candidates::all(model.n_tokens() + 1);
    let drops = vec![1.0; batch.tokens.len() * 6];
    let step = network.language_step(&batch, &drops, head, &all).unwrap();
    let (found, want) = (model.perplexity(&texts).unwrap(), step.loss.exp());
    assert!((found / want - 1.0).abs() < 1e-5, "{found} {want}");
    assert!(found > 1.5, "{found}");

    let dir = tempdir().unwrap();
    let folder = dir.path().join("language");
    model.save(&folder).unwrap();
    let on = TextGru { language: Some(folder), language_passes: 80, ..units() };
    let (first, long) = (learn(&TextGru { language_passes: 80, ..units() }), learn(&on));
    for model in [&first, &long] {
        assert!(model.perplexity(&texts).unwrap() < 1.2, "{:?}", model.perplexity(&texts));
    }
    assert!(first.learned != long.learned, "it went on from where it was");
    assert_eq!(long.units().language, None);
}

#[test]
fn what_does_not_go_with_a_language_is_refused_by_name() {
    let dir = tempdir().unwrap();
    let folder = dir.path().join("language");
    learn(&TextGru { language_passes: 1, ..units() }).save(&folder).unwrap();
    let on = |units: TextGru| TextGru { language: Some(folder.clone()), ..units };
    let from = |units: TextGru| TextGru { language_passes: 0, ..on(units) };
    let refused = |units: TextGru| classifier(from(units)).unwrap_err().to_string();
    for (units, named) in [
        (TextGru { hidden: 4, ..units() }, ["hidden", "5"]),
        (TextGru { dim: 4, ..units() }, ["dim", "6"]),
        (TextGru { tokens: Tokens::Words, ..units() }, ["tokens", "\"characters\""]),
        (TextGru { fixed_channel: true, ..units() }, ["fixed_channel", "false"]),
        (TextGru { pretraining: 3, ..units() }, ["pretraining", "language"]),
    ] {
        let told = refused(units);
        assert!(named.iter().all(|part| told.contains(part)), "{told}");
    }
    let elsewhere = TextGru { language: Some(dir.path().join("none")), ..units() };
    assert!(classifier(elsewhere).unwrap_err().to_string().contains("none"));

    let words = Segmenter::new(Segmentation::default()).unwrap();
    let pipeline = Pipeline::default().then(words).unwrap();
    let other = NgramOptions { pipeline, ..NgramOptions::default() };
    let ctx = FitContext::default();
    let told = on(units()).learn_language(&other, &["甲乙"], &ctx).unwrap_err().to_string();
    assert!(told.contains("pipeline"), "{told}");

    let learn = |units: TextGru, texts: &[&str]| {
        units.learn_language(&NgramOptions::default(), texts, &ctx).unwrap_err().to_string()
    };
    let none = TextGru { language_passes: 0, ..units() };
    assert!(learn(none, &["甲乙"]).contains("language_passes"));
    assert!(learn(units(), &["甲", "", "乙"]).contains("two tokens"));
    assert!(learn(units(), &[]).contains("two tokens"));
    assert!(learn(on(units()), &["甲"]).contains("two tokens"));

    // Another model's folder.
    let classes = dir.path().join("classes");
    classifier(TextGru { language_passes: 0, ..units() }).unwrap().save(&classes).unwrap();
    assert!(GruLanguageModel::load(&classes).unwrap_err().to_string().contains("tags"));
}
