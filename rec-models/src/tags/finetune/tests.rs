use burn::tensor::{Device, Tensor};
use rec_core::data::Id;

use super::super::labels::Task;
use super::*;
use crate::fit::Cancel;
use crate::language::LoraConfig;
use crate::tags::samples::{TEXTS, checkpoint, classes, ids};

fn tagger() -> FineTuneTagger {
    let training = LanguageTraining {
        epochs: 40,
        learning_rate: 3e-3,
        batch_rows: Some(4),
        patience: None,
        ..FineTuneTagger::default().training
    };
    FineTuneTagger { training, validation_share: 0.25, ..FineTuneTagger::default() }
}

fn fit(tagger: &FineTuneTagger, texts: &[&str], labelled: &Labelled) -> Result<FineTuned> {
    let folder = tempfile::tempdir().unwrap();
    checkpoint(folder.path());
    tagger.fit(folder.path(), (texts, labelled), None, &FitContext::default())
}

#[test]
fn the_losses_by_hand() {
    let device = Device::flex();
    let scores = || Tensor::<2>::from_floats([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0]], &device);
    let targets = |task| match task {
        Task::Single => Tensor::<2>::from_floats([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]], &device),
        Task::Multi => Tensor::<2>::from_floats([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]], &device),
    };
    let value = |task, weights: [f32; 3], loss| -> f32 {
        let objective = ClassificationObjective::new(task, weights.to_vec(), loss).unwrap();
        objective.of_scores(scores(), targets(task)).into_scalar()
    };
    let smooth = |label_smoothing| ClassificationLoss { label_smoothing, ..Default::default() };
    let focal = |focal_gamma| ClassificationLoss { focal_gamma, ..Default::default() };
    let plain = ClassificationLoss::default();
    // By PyTorch: cross_entropy(…, label_smoothing), binary_cross_entropy_with_logits(…, pos_weight);
    // the focal loss by its formula.
    for (got, want) in [
        (value(Task::Single, [1.0; 3], plain), 1.356_981),
        (value(Task::Single, [1.0, 5.0, 2.0], plain), 2.510_159),
        (value(Task::Single, [1.0; 3], smooth(0.3)), 1.381_981),
        (value(Task::Single, [1.0; 3], focal(2.0)), 0.957_694),
        (value(Task::Multi, [1.0; 3], plain), 1.018_97),
        (value(Task::Multi, [1.0, 5.0, 2.0], plain), 1.353_372),
        (value(Task::Multi, [1.0; 3], smooth(0.2)), 0.977_304),
        (value(Task::Multi, [1.0; 3], focal(2.0)), 0.516_432),
    ] {
        assert!((got - want).abs() < 1e-4, "{got} for {want}");
    }
}

#[test]
fn a_fine_tuned_folder_loads_alone_and_its_encoder_elsewhere() {
    let scratch = tempfile::tempdir().unwrap();
    let sets: Vec<Vec<Id>> =
        (0..12).map(|i| ids(if i < 6 { &["货/手机", "新"] } else { &["货/书"] })).collect();
    for (at, (labelled, pooling)) in [
        (Labelled::single(&classes()).unwrap(), None),
        (Labelled::single(&classes()).unwrap(), Some("mean")),
        (Labelled::paths(&sets, '/').unwrap(), Some("cls")),
    ]
    .into_iter()
    .enumerate()
    {
        let tagger = FineTuneTagger { pooling: pooling.map(Into::into), ..tagger() };
        let tuned = fit(&tagger, &TEXTS, &labelled).unwrap();
        assert_eq!((tuned.losses.len(), tuned.validation.len()), (40, 40));
        assert!(tuned.losses[39] < 0.5 * tuned.losses[0], "{pooling:?}: {:?}", tuned.losses);
        let classifier = tuned.classifier;
        let path = scratch.path().join(at.to_string());
        classifier.save(&path).unwrap();
        let p = classifier.predict_proba(&TEXTS).unwrap();
        drop(classifier);
        let loaded = TagClassifier::load(&path).unwrap();
        assert_eq!(loaded.predict_proba(&TEXTS).unwrap(), p);
        let encoder =
            TextEncoder::from_pretrained(path.join("encoder"), &EncoderOptions::default());
        assert_eq!(encoder.unwrap().dim(), 32);
    }
}

/// The tensors of a folder that are not those of another one's, by name.
fn changed(one: &Path, other: &Path) -> Vec<String> {
    let bytes = |folder: &Path| std::fs::read(folder.join("model.safetensors")).unwrap();
    let (one, other) = (bytes(one), bytes(other));
    let [one, other] =
        [&one, &other].map(|bytes| safetensors::SafeTensors::deserialize(bytes).unwrap());
    let differs =
        |name: &&str| one.tensor(name).unwrap().data() != other.tensor(name).unwrap().data();
    let mut names: Vec<String> =
        one.names().into_iter().filter(differs).map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn adapters_learn_in_place_of_the_weights() {
    let scratch = tempfile::tempdir().unwrap();
    let start = scratch.path().join("bert");
    std::fs::create_dir(&start).unwrap();
    checkpoint(&start);
    let labelled = Labelled::single(&classes()).unwrap();
    let mut adapted = tagger();
    adapted.training.lora = Some(LoraConfig { rank: 4, ..LoraConfig::default() });
    let all = (&TEXTS[..], &labelled);
    let tuned = adapted.fit(&start, all, None, &FitContext::default()).unwrap();
    assert!(tuned.losses[39] < 0.9 * tuned.losses[0], "{:?}", tuned.losses);
    let path = scratch.path().join("tags");
    tuned.classifier.save(&path).unwrap();
    // Merged: the folder has the checkpoint's weights, those with adapters moved.
    let moved = ["query", "value"];
    let moved = moved.map(|layer| format!("encoder.layer.0.attention.self.{layer}.weight"));
    assert_eq!(changed(&path.join("encoder"), &start), moved);
    let loaded = TagClassifier::load(&path).unwrap();
    assert_eq!(
        loaded.predict_proba(&TEXTS).unwrap(),
        tuned.classifier.predict_proba(&TEXTS).unwrap()
    );
}

#[test]
fn the_scores_are_those_that_were_trained() {
    // One step so small that it changes nothing: the classifier is the probe on the pooler's vectors,
    // once through the network that is trained and once through the folder.
    let folder = tempfile::tempdir().unwrap();
    checkpoint(folder.path());
    let labelled = Labelled::single(&classes()).unwrap();
    let mut still = tagger();
    still.training.epochs = 1;
    still.training.learning_rate = 1e-12;
    still.training.dropout = DropoutRates::default();
    let ctx = FitContext::default();
    let all = (&TEXTS[..], &labelled);
    let tuned = still.fit(folder.path(), all, Some(all), &ctx).unwrap();
    // The loss that the trainer measured is that of the scores of the classifier.
    let scores = tuned.classifier.model().scores(&TEXTS).unwrap();
    let losses = scores.chunks_exact(2).enumerate().map(|(row, s)| {
        let own = s[labelled.rows.row(row)[0] as usize];
        f64::from((s[0].exp() + s[1].exp()).ln() - own)
    });
    let mean = losses.sum::<f64>() / 12.0;
    assert!((mean - tuned.validation[0].loss).abs() < 1e-4, "{mean} {:?}", tuned.validation);
}

#[test]
fn odd_texts_are_no_error_and_bad_input_says_what_to_do() {
    let labelled = Labelled::single(&classes()).unwrap();
    let short = || {
        let mut tagger = tagger();
        tagger.training.epochs = 1;
        tagger
    };
    // Empty texts among good ones, and one past the model's positions.
    let long = "手机".repeat(100);
    let mut texts = TEXTS;
    texts[1] = "";
    texts[8] = &long;
    let tuned = fit(&short(), &texts, &labelled).unwrap();
    let p = tuned.classifier.predict_proba(&["", &long]).unwrap();
    assert!(p.iter().all(|p| p.is_finite()));
    // More labels than rows, and a label that the validation part alone has.
    let sets: Vec<Vec<Id>> =
        (0..4).map(|i| (0..4).map(|j| Id::from(format!("tag {i} {j}"))).collect()).collect();
    let tuned = fit(&short(), &TEXTS[..4], &Labelled::multi(&sets).unwrap()).unwrap();
    assert_eq!(tuned.classifier.labels().len(), 16);

    let refused = |tagger: FineTuneTagger| fit(&tagger, &TEXTS, &labelled).unwrap_err().to_string();
    assert!(matches!(fit(&short(), &TEXTS[..5], &labelled), Err(Error::Shape { .. })));
    assert!(matches!(
        fit(&short(), &["", " "], &Labelled::single(&ids(&["a", "b"])).unwrap()),
        Err(Error::Empty { .. })
    ));
    assert!(
        refused(FineTuneTagger { validation_share: 0.0, ..short() }).contains("validation_share")
    );
    assert!(refused(FineTuneTagger { pooling: Some("middle".into()), ..short() }).contains("mean"));
    assert!(refused(FineTuneTagger { max_len: Some(1), ..short() }).contains("max_len"));
    assert!(refused(FineTuneTagger { probe: Some(-1.0), ..short() }).contains('c'));
    let both = ClassificationLoss { label_smoothing: 0.1, focal_gamma: 2.0 };
    assert!(refused(FineTuneTagger { loss: both, ..short() }).contains("focal_gamma"));
    // A loss that is no number stops with the step and what to try.
    let mut wild = short();
    wild.training.learning_rate = 1e30;
    wild.training.warmup = 0.0;
    wild.training.optimizer.max_norm = None;
    let message = refused(wild);
    assert!(message.contains("step") && message.contains("lower learning_rate"), "{message}");
    let cancel = Cancel::default();
    cancel.cancel();
    let ctx = FitContext { cancel, ..FitContext::default() };
    let folder = tempfile::tempdir().unwrap();
    checkpoint(folder.path());
    let outcome = short().fit(folder.path(), (&TEXTS, &labelled), None, &ctx);
    assert!(matches!(outcome, Err(Error::Cancelled(_))));
}

#[test]
fn the_labels_of_both_parts_must_be_the_same() {
    let folder = tempfile::tempdir().unwrap();
    checkpoint(folder.path());
    let labelled = Labelled::single(&classes()).unwrap();
    let other = Labelled::single(&ids(&["手机", "酒"])).unwrap();
    let outcome = tagger().fit(
        folder.path(),
        (&TEXTS[..], &labelled),
        Some((&TEXTS[..2], &other)),
        &FitContext::default(),
    );
    assert!(outcome.unwrap_err().to_string().contains("same Labels"));
}
