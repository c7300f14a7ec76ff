use rand::RngExt as _;
use rec_core::data::Id;
use rec_core::rng::{Rng, stream};

use super::*;
use crate::tags::TagClassifier;
use crate::tags::calibrate::softmax;
use crate::tags::class_weights::ClassWeights;

/// Probabilities of two learners who take texts of the label 2 for both others at once.
fn confused(n: usize, rng: &mut Rng) -> (Vec<Vec<f32>>, Labelled) {
    let mut parts = vec![Vec::new(), Vec::new()];
    let mut names = Vec::new();
    for _ in 0..n {
        let label = rng.random_range(0..3usize);
        names.push(Id::Int(label as i64));
        for part in &mut parts {
            let mut scores = [[2.0f32, 0.0, 0.0], [0.0, 2.0, 0.0], [1.0, 1.0, 0.0]][label];
            scores.iter_mut().for_each(|s| *s += rng.random_range(-0.3..0.3));
            softmax(&mut scores, 1.0);
            part.extend(scores);
        }
    }
    (parts, Labelled::single(&names).unwrap())
}

fn mixed(parts: &[Vec<f32>], labelled: &Labelled) -> Vec<f32> {
    let (len, task) = (parts[0].len(), labelled.labels.task());
    mix([0.5, 0.5].into_iter().zip(parts), len, task)
}

fn accuracy(scores: &[f32], labelled: &Labelled) -> f64 {
    let right = scores.chunks_exact(3).enumerate().filter(|(row, s)| {
        let own = s[labelled.rows.row(*row)[0] as usize];
        s.iter().all(|s| *s <= own)
    });
    right.count() as f64 / labelled.len() as f64
}

fn stack(
    parts: &[Vec<f32>],
    labelled: &Labelled,
    weights: &ClassWeights,
) -> Option<(Stack, Vec<f32>)> {
    let ctx = FitContext::default();
    Stack::fit(parts, &mixed(parts, labelled), labelled, weights, &ctx).unwrap()
}

#[test]
fn what_learners_confuse_is_told_apart() {
    let mut rng = stream(7, "confused", 0);
    let (parts, labelled) = confused(600, &mut rng);
    let before = accuracy(&mixed(&parts, &labelled), &labelled);
    assert!(before < 0.7, "{before}");
    let (stack, held_out) = stack(&parts, &labelled, &ClassWeights::Uniform).unwrap();
    let after = accuracy(&held_out, &labelled);
    assert!(after > 0.95, "{after}");
    let (parts, labelled) = confused(600, &mut rng);
    let scores = stack.correct(&parts, mixed(&parts, &labelled), 3);
    let fresh = accuracy(&scores, &labelled);
    assert!(fresh > 0.95, "{fresh}");
}

#[test]
fn a_mixture_that_says_what_is_so_stays() {
    let mut rng = stream(7, "honest", 0);
    let (parts, _) = confused(300, &mut rng);
    let parts = vec![parts[0].clone(), parts[0].clone()];
    let draw = |p: &[f32]| {
        let at: f32 = rng.random_range(0.0..1.0);
        Id::Int(if at < p[0] { 0 } else { i64::from(at >= p[0] + p[1]) + 1 })
    };
    let names: Vec<Id> = parts[0].chunks_exact(3).map(draw).collect();
    let labelled = Labelled::single(&names).unwrap();
    assert!(stack(&parts, &labelled, &ClassWeights::Uniform).is_none());
}

#[test]
fn there_are_no_more_weights_than_texts_and_one_label_a_text() {
    let (parts, labelled) = confused(17, &mut stream(7, "few", 0));
    assert!(stack(&parts, &labelled, &ClassWeights::Uniform).is_none());
    let (parts, labelled) = confused(600, &mut stream(7, "several", 0));
    let several: Vec<Vec<Id>> =
        (0..600).map(|row| vec![Id::Int(i64::from(labelled.rows.row(row)[0]))]).collect();
    let several = Labelled::multi(&several).unwrap();
    assert!(stack(&parts, &several, &ClassWeights::Uniform).is_none());
}

#[test]
fn a_label_that_weighs_more_is_given_more_often() {
    let (mut parts, labelled) = confused(600, &mut stream(7, "weighed", 0));
    // Noise: all labels are to be told by their shares.
    parts.iter_mut().flatten().for_each(|p| *p = 0.2 + 0.4 * *p);
    let share = |weights: Vec<f32>| {
        let (_, scores) = stack(&parts, &labelled, &ClassWeights::Each(weights)).unwrap();
        scores.chunks_exact(3).filter(|s| s[0] > s[1].max(s[2])).count()
    };
    let (even, heavy) = (share(vec![1.0; 3]), share(vec![20.0, 1.0, 1.0]));
    assert!(heavy > even, "{heavy} {even}");
}

/// Naive Bayes, one label against the rest, takes texts with words of two labels for one of them.
#[test]
fn a_stacked_classifier_is_kept_to_the_bit() {
    let mut rng = stream(7, "texts", 0);
    let rows: Vec<(String, Id)> = (0..400usize)
        .map(|i| {
            let words = [["phone", "screen"], ["book", "author"]];
            let mut pick = |label: usize| words[label][rng.random_range(0..2usize)];
            let text = match i % 3 {
                2 => format!("{} {}", pick(0), pick(1)),
                label => format!("{} {}", pick(label), pick(label)),
            };
            let noise = rng.random_range(0..10u32);
            (text, Id::Int(if noise == 0 { 2 } else { i as i64 % 3 }))
        })
        .collect();
    let (texts, names): (Vec<String>, Vec<Id>) = rows.into_iter().unzip();
    let labelled = Labelled::single(&names).unwrap();
    let learners = vec![Learner::NaiveBayes { alpha: 0.1 }, Learner::Svm { c: 1.0 }];
    let tagger = NgramTagger { learners, ..NgramTagger::default() };
    let fit = |tagger: &NgramTagger| tagger.fit(&texts, &labelled, &FitContext::default()).unwrap();
    let classifier = fit(&tagger);
    let plain = fit(&NgramTagger { stacking: false, ..tagger });
    let folder = tempfile::tempdir().unwrap();
    for (classifier, stacked) in [(&classifier, true), (&plain, false)] {
        let path = folder.path().join(if stacked { "stacked" } else { "plain" });
        classifier.save(&path).unwrap();
        let manifest = std::fs::read_to_string(path.join("manifest.json")).unwrap();
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!(manifest["config"]["model_config"]["stacked"], stacked, "{manifest}");
    }
    let loaded = TagClassifier::load(folder.path().join("stacked")).unwrap();
    let proba = classifier.predict_proba(&texts).unwrap();
    assert_eq!(loaded.predict_proba(&texts).unwrap(), proba);
    assert_ne!(plain.predict_proba(&texts).unwrap(), proba);
}
