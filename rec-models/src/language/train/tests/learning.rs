//! Models learn, and runs measure themselves.

#[cfg(feature = "libtorch")]
use std::str::FromStr;

#[cfg(feature = "libtorch")]
use burn::tensor::DType;

use super::*;
use crate::language::{Backbone, Batch};

#[test]
fn a_masked_model_learns_and_measures_itself() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(200), None).unwrap();
    let held_out = Corpus::encode(&tokenizer, &texts(30), None).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let training = LanguageTraining {
        epochs: 12,
        metrics: Some(dir.path().join("metrics.jsonl")),
        ..training()
    };
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let model = bert(&tokenizer, 1);
    let ctx = FitContext::default();
    let trained = training.fit(model, &objective, &corpus, Some(&held_out), &ctx).unwrap();
    assert_eq!(trained.losses.len(), 12);
    assert!(trained.losses[0] > 3.0 && trained.losses[11] < 1.5, "{:?}", trained.losses);
    assert_eq!(trained.validation.len(), 12);
    assert!(trained.validation[11].loss < trained.validation[0].loss);

    let lines = std::fs::read_to_string(dir.path().join("metrics.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let steps = trained.validation[11].step;
    assert_eq!(lines.iter().filter(|line| line.get("loss").is_some()).count(), steps);
    assert_eq!(lines.last().unwrap()["validation_loss"], trained.validation[11].loss);
}

#[test]
fn a_causal_model_learns() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(200), None).unwrap();
    let training = LanguageTraining { epochs: 6, ..training() };
    let ctx = FitContext::default();
    let trained = training.fit(gpt(&tokenizer), &CausalObjective, &corpus, None, &ctx).unwrap();
    assert!(trained.losses[5] < 0.5 * trained.losses[0], "{:?}", trained.losses);
}

#[test]
fn a_step_in_parts_is_the_step_in_one() {
    let tokenizer = tokenizer();
    // Texts of different lengths, so that the parts do not count the same.
    let texts: Vec<String> = (1..9).map(|n| texts(5).concat()[..n * 9].to_string()).collect();
    let corpus = Corpus::encode(&tokenizer, &texts, Some(32)).unwrap();
    // With so large an epsilon a step goes along the gradient, not its sign.
    let optimizer = AdamWConfig { epsilon: 1.0, ..training().optimizer };
    let learning_rate = 1.0;
    let whole = LanguageTraining {
        epochs: 1,
        batch_tokens: 10_000,
        learning_rate,
        optimizer,
        ..training()
    };
    let parts = LanguageTraining { batch_tokens: 40, accumulation: 100, ..whole.clone() };
    let ctx = FitContext::default();
    let [one, many] = [whole, parts].map(|training| {
        training.fit(gpt(&tokenizer), &CausalObjective, &corpus, None, &ctx).unwrap()
    });
    assert!((one.losses[0] - many.losses[0]).abs() < 1e-5);
    let mut many: Vec<_> = weights(&many.model).into_arrays().collect();
    for ((name, _, one), (_, _, many)) in weights(&one.model).into_arrays().zip(many.drain(..)) {
        for (a, b) in one.iter().zip(&many) {
            assert!((a - b).abs() < 1e-5, "{name}: {a} {b}");
        }
    }
}

#[test]
fn the_best_model_is_returned_once_patience_runs_out() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(50), None).unwrap();
    // What the corpus teaches does not hold here: the loss goes up in the end.
    let shifted: Vec<String> = texts(5)
        .iter()
        .zip(texts(6).iter().skip(1))
        .map(|(a, b)| a.replace("的", &b[..9]))
        .collect();
    let held_out = Corpus::encode(&tokenizer, &shifted, Some(32)).unwrap();
    let training = LanguageTraining {
        epochs: 200,
        schedule: Schedule::Constant,
        warmup: 0.0,
        patience: Some(3),
        ..training()
    };
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let ctx = FitContext::default();
    let model = bert(&tokenizer, 1);
    let trained = training.fit(model, &objective, &corpus, Some(&held_out), &ctx).unwrap();
    let measured = trained.validation.len();
    assert!(measured < 200, "it stops early");
    let best = trained.validation.iter().min_by(|a, b| a.loss.total_cmp(&b.loss)).unwrap();
    assert_eq!(trained.validation[measured - 4], *best);
    // The model is that of the best measurement.
    let shorter = LanguageTraining { epochs: measured - 3, patience: None, ..training };
    let again = shorter.fit(bert(&tokenizer, 1), &objective, &corpus, None, &ctx).unwrap();
    assert_eq!(weights(&again.model), weights(&trained.model));
}

#[test]
fn dropout_changes_what_is_learnt_and_not_what_is_measured() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(40), None).unwrap();
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let fit = |dropout| {
        let training = LanguageTraining { dropout, epochs: 1, ..training() };
        let ctx = FitContext { seed: 2, ..FitContext::default() };
        training.fit(bert(&tokenizer, 3), &objective, &corpus, Some(&corpus), &ctx)
    };
    let with = fit(DropoutRates::all(0.1)).unwrap();
    assert_eq!(weights(&with.model), weights(&fit(DropoutRates::all(0.1)).unwrap().model));
    assert_ne!(weights(&with.model), weights(&fit(DropoutRates::default()).unwrap().model));
    assert!(fit(DropoutRates::all(1.0)).unwrap_err().to_string().contains("dropout.hidden"));
    // Every family drops, and the same noise the same.
    let batch = Batch::new(&[corpus.text(0).ids, corpus.text(1).ids]);
    let noisy = |seed| batch.clone().with_noise(DropoutRates::all(0.1).noise(seed));
    let (bert, gpt) = (bert(&tokenizer, 1), gpt(&tokenizer));
    let models: [&dyn Backbone; 2] = [&bert, &gpt];
    for model in models {
        let out = |batch: &Batch| model.hidden(batch).into_data().iter::<f32>().collect::<Vec<_>>();
        assert_eq!(out(&noisy(1)), out(&noisy(1)));
        assert_ne!(out(&noisy(1)), out(&noisy(2)));
        assert_ne!(out(&noisy(1)), out(&batch));
    }
}

/// On LibTorch, from a checkpoint loaded as bf16: the new head is of the encoder's type, the loss of
/// the first step is that of single precision, and it falls.
#[cfg(feature = "libtorch")]
#[test]
fn half_precision_trains_on_libtorch() {
    use crate::language::{EncoderModel, MaskedLmModel};
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(100), None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    bert(&tokenizer, 1).bert.save(folder.path()).unwrap();
    let on = crate::Device::from_str("libtorch").unwrap().tensor().unwrap().autodiff();
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let losses = |dtype, training: &LanguageTraining| {
        let (encoder, _) = EncoderModel::load(folder.path(), &on, dtype).unwrap();
        let model = MaskedLmModel::with_new_head(encoder, 1);
        training.fit(model, &objective, &corpus, None, &FitContext::default()).unwrap().losses
    };
    let once = LanguageTraining { epochs: 1, batch_tokens: 10_000, ..training() };
    let (half, single) = (losses(DType::BF16, &once)[0], losses(DType::F32, &once)[0]);
    assert!((half / single - 1.0).abs() < 0.02, "{half} {single}");
    let found = losses(DType::BF16, &LanguageTraining { epochs: 6, ..training() });
    assert!(found[5] < 0.9 * found[0], "{found:?}");
}
