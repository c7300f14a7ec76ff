//! A step of fine-tuning is that of torch on the same weights and texts.

use std::path::Path;

use burn::tensor::DType;
use rec_core::data::Id;
use rec_core::text::Tokenizer;
use rec_models::FitContext;
use rec_models::language::{
    ClassifierPooling, Corpus, EncoderClassifier, EncoderModel, LanguageTraining,
};
use rec_models::ops::AdamWConfig;
use rec_models::tags::{
    ClassificationLoss, ClassificationObjective, Labelled, LabelledCorpus, Labels, Task,
};
use rec_models::train::Schedule;
use serde_json::Value;

use crate::{Arrays, devices, peer};

/// The labels of each text, in the task's form.
fn labelled(told: &Value, task: Task) -> Labelled {
    let names = ["a", "b", "c"].map(Id::from);
    let labels = Labels::new(names.clone(), task, None).unwrap();
    let of = |label: &Value| match label {
        Value::Number(at) => vec![names[at.as_u64().unwrap() as usize].clone()],
        several => {
            let has = several.as_array().unwrap().iter();
            names.iter().zip(has).filter(|(_, has)| **has == 1).map(|(n, _)| n.clone()).collect()
        }
    };
    let sets: Vec<Vec<Id>> = told["labels"].as_array().unwrap().iter().map(of).collect();
    Labelled::new(labels, &sets).unwrap()
}

fn training() -> LanguageTraining {
    LanguageTraining {
        epochs: 1,
        learning_rate: 1e-3,
        schedule: Schedule::Constant,
        warmup: 0.0,
        optimizer: AdamWConfig { epsilon: 1e-3, weight_decay: 0.1, ..AdamWConfig::default() },
        ..LanguageTraining::default()
    }
}

#[test]
fn one_step_is_that_of_torch() {
    let scratch = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let out = scratch.path();
    if peer::run("classifier.py", &[out.to_str().unwrap()]).is_none() {
        return;
    }
    for device in devices() {
        for (name, task) in [("single", Task::Single), ("multi", Task::Multi)] {
            let told: Value =
                serde_json::from_slice(&std::fs::read(out.join(format!("{name}.json"))).unwrap())
                    .unwrap();
            let arrays = Arrays::read(&out.join(format!("{name}.safetensors")));
            let before = |part: &str| arrays.get(&format!("before.{part}")).unwrap();
            let bert = out.join("bert");
            let (encoder, _) =
                EncoderModel::load(&bert, &device.clone().autodiff(), DType::F32).unwrap();
            let model = EncoderClassifier::new(encoder, ClassifierPooling::Pooler, 3, 0)
                .unwrap()
                .with_classifier(before("weight"), before("bias"))
                .unwrap();
            let texts: Vec<String> = serde_json::from_value(told["texts"].clone()).unwrap();
            let tokenizer = Tokenizer::from_folder(&bert).unwrap();
            let corpus = Corpus::encode(&tokenizer, &texts, Some(24)).unwrap();
            let data = LabelledCorpus::new(corpus, &labelled(&told, task)).unwrap();
            let loss = ClassificationLoss::default();
            let objective = ClassificationObjective::new(task, vec![1.0; 3], loss).unwrap();
            let trained =
                training().fit(model, &objective, &data, None, &FitContext::default()).unwrap();
            let expected = told["loss"].as_f64().unwrap();
            assert!((trained.losses[0] - expected).abs() < 1e-5, "{name}: {:?}", trained.losses);
            compare(name, &trained.model, &arrays, out);
        }
    }
}

/// Every weight after the step, within 1e-4 of the step's size at most.
fn compare(name: &str, model: &EncoderClassifier, arrays: &Arrays, scratch: &Path) {
    let saved = scratch.join(format!("{name}-after"));
    model.encoder.save(&saved).unwrap();
    let ours = Arrays::read(&saved.join("model.safetensors"));
    let weights = arrays.names().into_iter().filter(|name| !name.starts_with("before."));
    let mut compared = 0;
    for weight in weights {
        let got = match weight.strip_prefix("classifier.") {
            Some("weight") => model.classifier.weight.val().into_data().iter().collect(),
            Some(_) => model.classifier.bias.as_ref().unwrap().val().into_data().iter().collect(),
            None => ours.get(&weight).unwrap(),
        };
        let want = arrays.get(&weight).unwrap();
        let off =
            got.iter().zip(&want).map(|(g, w): (&f32, &f32)| (g - w).abs()).fold(0.0, f32::max);
        assert!(got.len() == want.len() && off < 1e-5, "{name} {weight}: off by {off:e}");
        compared += 1;
    }
    assert!(compared > 35, "{compared} weights");
}
