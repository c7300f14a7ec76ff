//! Training runs on a small corpus of patterned sentences.

#[cfg(feature = "libtorch")]
use std::str::FromStr;
use std::sync::Arc;

#[cfg(feature = "libtorch")]
use burn::tensor::DType;
use burn::tensor::{Device, Tensor};
use rec_core::rng;
use rec_core::text::segment::Segmenter;
use rec_core::text::{Tokenizer, TokenizerModel, TrainOptions};

use super::*;
use crate::fit::{Cancel, Checkpoints, Progress};
use crate::language::{
    Batch, Bert, BertConfig, BertForMaskedLm, Gpt2, Gpt2Config, Noise, PoolingMode,
};

/// Sentences in which one word tells the next.
fn texts(n: usize) -> Vec<String> {
    let goods = ["手机", "耳机", "鞋子", "咖啡", "键盘"];
    let praise = ["屏幕清晰", "音质出色", "穿着舒服", "味道香浓", "手感很好"];
    let sentence = |i: usize| format!("这款{}的{}。", goods[i % 5], praise[i % 5]);
    (0..n).map(sentence).collect()
}

fn tokenizer() -> Tokenizer {
    let options = TrainOptions::new(TokenizerModel::WordPiece).vocab_size(120);
    Tokenizer::train(texts(50), options).unwrap()
}

fn bert(tokenizer: &Tokenizer, seed: u64) -> BertForMaskedLm {
    let config = BertConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: 32,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 64,
        max_position_embeddings: 32,
        ..BertConfig::default()
    };
    let bert = Bert::init(config, &Device::flex().autodiff(), seed).unwrap();
    BertForMaskedLm::with_new_head(bert, seed)
}

fn gpt(tokenizer: &Tokenizer) -> Gpt2 {
    let config = Gpt2Config {
        vocab_size: tokenizer.vocab_size(),
        n_positions: 32,
        n_embd: 32,
        n_layer: 2,
        n_head: 2,
        ..Gpt2Config::default()
    };
    Gpt2::init(&config, &Device::flex().autodiff(), 1).unwrap()
}

fn training() -> LanguageTraining {
    LanguageTraining {
        epochs: 2,
        learning_rate: 3e-3,
        batch_tokens: 200,
        ..LanguageTraining::default()
    }
}

fn weights(module: &impl Module) -> crate::train::Snapshot {
    parameters::snapshot(module)
}

/// Asks for a stop once `after` steps are done.
struct StopAfter {
    after: u64,
    cancel: Cancel,
}

impl Progress for StopAfter {
    fn begin(&self, _: &str, _: u64) {}
    fn end(&self) {}
    fn step(&self, done: u64, _: &str) {
        if done >= self.after {
            self.cancel.cancel();
        }
    }
}

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
fn a_resumed_run_ends_where_the_unbroken_one_does() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(100), None).unwrap();
    let held_out = Corpus::encode(&tokenizer, &texts(20), None).unwrap();
    let training = LanguageTraining {
        accumulation: 2,
        evaluate_every: Some(2),
        patience: Some(50),
        dropout: DropoutRates::all(0.1),
        ..training()
    };
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let fit = |ctx: &FitContext<'_>| {
        training.fit(bert(&tokenizer, 3), &objective, &corpus, Some(&held_out), ctx)
    };
    let unbroken = fit(&FitContext { seed: 7, ..FitContext::default() }).unwrap();

    let dir = tempfile::tempdir().unwrap();
    let checkpoints = Some(Checkpoints { dir: dir.path().into(), every: 3 });
    let cancel = Cancel::default();
    let stopped = FitContext {
        seed: 7,
        checkpoints: checkpoints.clone(),
        progress: Arc::new(StopAfter { after: 5, cancel: cancel.clone() }),
        cancel,
        ..FitContext::default()
    };
    assert!(matches!(fit(&stopped), Err(Error::Cancelled(_))));
    // The checkpoint is of step 3: two steps are made again.
    let again = FitContext { seed: 7, checkpoints, threads: Some(1), ..FitContext::default() };
    let resumed = fit(&again).unwrap();
    assert_eq!(weights(&resumed.model), weights(&unbroken.model));
    assert_eq!(resumed.losses, unbroken.losses);
    assert_eq!(resumed.validation, unbroken.validation);
    // A finished run is not run again.
    assert_eq!(weights(&fit(&again).unwrap().model), weights(&unbroken.model));
}

#[test]
fn a_checkpoint_of_another_run_is_refused_by_name() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(40), None).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let ctx = FitContext {
        checkpoints: Some(Checkpoints { dir: dir.path().into(), every: 1 }),
        ..FitContext::default()
    };
    let fit = |training: &LanguageTraining, corpus: &Corpus, ctx: &FitContext<'_>| {
        let outcome = training.fit(bert(&tokenizer, 3), &objective, corpus, None, ctx);
        outcome.map(|_| ()).map_err(|e| e.to_string())
    };
    fit(&training(), &corpus, &ctx).unwrap();
    let faster = LanguageTraining { learning_rate: 1e-2, ..training() };
    let other = Corpus::encode(&tokenizer, &texts(41), None).unwrap();
    let seeded =
        FitContext { seed: 9, checkpoints: ctx.checkpoints.clone(), ..FitContext::default() };
    for (error, name) in [
        (fit(&faster, &corpus, &ctx), "learning_rate"),
        (fit(&training(), &other, &ctx), "corpus"),
        (fit(&training(), &corpus, &seeded), "seed"),
    ] {
        let error = error.unwrap_err();
        assert!(error.contains(name) && error.contains("remove it to start anew"), "{error}");
    }
    let few = TrainOptions::new(TokenizerModel::WordPiece).vocab_size(60);
    let few = Tokenizer::train(vec![texts(1).concat(); 9], few).unwrap();
    let other = Corpus::encode(&few, &texts(40), None).unwrap();
    let error = fit(&training(), &other, &ctx).unwrap_err();
    assert!(error.contains("vocabulary") || error.contains("corpus"), "{error}");
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
fn whole_words_are_masked_together() {
    let tokenizer = tokenizer();
    let corpus = Corpus::with_words(&tokenizer, &texts(5), None, &Segmenter::chinese()).unwrap();
    let text = corpus.text(0);
    let words = text.words.unwrap();
    assert_eq!(text.ids, Corpus::encode(&tokenizer, &texts(5), None).unwrap().text(0).ids);
    // [CLS] 这 款 手 机 的 …: 手 and 机 are one word, [CLS] is none's.
    let joined = |i: usize, j: usize| words[i] == words[j];
    assert!(joined(3, 4) && !joined(4, 5) && !joined(0, 1), "{words:?}");
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let sentence = text.ids.len() as u32;
    for seed in 0..50 {
        let mut rng = rng::stream(seed, "masks", 0);
        let pass = objective.pass(&corpus, &[0, 1, 2, 3, 4], &mut rng);
        let chosen = |position: u32| pass.masked_positions().contains(&position);
        for text in 0..5 {
            let first = text * sentence;
            assert_eq!(chosen(first + 3), chosen(first + 4), "both of 手机 or none");
        }
    }
}

#[test]
fn bad_input_says_what_to_do() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(20), None).unwrap();
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let ctx = FitContext::default();
    let error = |training: LanguageTraining, corpus: &Corpus| {
        let outcome = training.fit(bert(&tokenizer, 1), &objective, corpus, None, &ctx);
        outcome.unwrap_err().to_string()
    };
    let none: Corpus = Corpus::encode(&tokenizer, &["", ""], None).unwrap();
    assert!(error(training(), &none).contains("pass texts with words"));
    let long = Corpus::encode(&tokenizer, &[texts(5).concat()], None).unwrap();
    assert!(error(training(), &long).contains("max_len"));
    let model = bert(&tokenizer, 1);
    let outcome = training().fit(model, &objective, &corpus, Some(&long), &ctx);
    assert!(outcome.unwrap_err().to_string().contains("max_len"), "validation texts too");
    let zero = |change: fn(&mut LanguageTraining)| {
        let mut training = training();
        change(&mut training);
        training
    };
    assert!(error(zero(|t| t.epochs = 0), &corpus).contains("epochs"));
    assert!(error(zero(|t| t.accumulation = 0), &corpus).contains("accumulation"));
    assert!(error(zero(|t| t.learning_rate = f64::NAN), &corpus).contains("learning_rate"));
    let wild = LanguageTraining {
        learning_rate: 1e30,
        warmup: 0.0,
        optimizer: AdamWConfig { max_norm: None, ..training().optimizer },
        ..training()
    };
    let message = error(wild, &corpus);
    assert!(message.contains("step") && message.contains("lower learning_rate"), "{message}");
    // A corpus smaller than one batch is one step an epoch.
    let small = LanguageTraining { batch_tokens: 100_000, epochs: 3, ..training() };
    let trained = small.fit(bert(&tokenizer, 1), &objective, &corpus, Some(&corpus), &ctx).unwrap();
    assert_eq!(trained.validation.iter().map(|e| e.step).collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn the_loss_is_the_mean_over_masked_tokens() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(4), None).unwrap();
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let model = bert(&tokenizer, 5);
    let pass = objective.pass(&corpus, &[0, 1, 2, 3], &mut rng::stream(1, "masks", 0));
    let loss: f32 = objective.loss(&model, &pass, Noise::none()).into_scalar();
    let expected = pass.mean_loss(&model);
    assert!((loss - expected).abs() < 1e-5, "{loss} {expected}");
}

impl MaskedObjective {
    fn pass(&self, corpus: &Corpus, rows: &[usize], rng: &mut rng::Rng) -> MaskedPass {
        <Self as Objective<BertForMaskedLm>>::prepare(self, corpus, rows, rng)
    }
}

impl MaskedPass {
    fn masked_positions(&self) -> &[u32] {
        &self.masked.positions
    }

    /// By the logits of every position, softmax and logarithm in burn's own terms.
    fn mean_loss(&self, model: &BertForMaskedLm) -> f32 {
        use crate::language::{Backbone, Batch, MaskedLm};
        let masked = &self.masked;
        let rows = self.rows.clone();
        let hidden = model.hidden(&Batch {
            ids: masked.ids.clone(),
            type_ids: None,
            rows,
            noise: Noise::none(),
        });
        let logits = model.mlm_logits(hidden);
        let logs: Tensor<2> = burn::tensor::activation::log_softmax(logits, 1);
        let logs: Vec<f32> = logs.into_data().iter().collect();
        let width = logs.len() / masked.ids.len();
        let each = masked.positions.iter().zip(&masked.targets);
        let sum: f32 = each.map(|(&p, &t)| -logs[p as usize * width + t as usize]).sum();
        sum / masked.targets.len() as f32
    }
}

/// On LibTorch, from a checkpoint loaded as bf16: the new head is of the encoder's type.
#[cfg(feature = "libtorch")]
#[test]
fn half_precision_trains_on_libtorch() {
    use crate::language::{EncoderModel, MaskedLmModel};
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(100), None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    bert(&tokenizer, 1).bert.save(folder.path()).unwrap();
    let device = crate::Device::from_str("libtorch").unwrap();
    let on = device.tensor().unwrap().autodiff();
    let (encoder, _) = EncoderModel::load(folder.path(), &on, DType::BF16).unwrap();
    let model = MaskedLmModel::with_new_head(encoder, 1);
    let training = LanguageTraining { epochs: 6, ..training() };
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let trained = training.fit(model, &objective, &corpus, None, &FitContext::default()).unwrap();
    assert!(trained.losses[5] < 0.9 * trained.losses[0], "{:?}", trained.losses);
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

#[test]
fn layers_computed_again_give_the_same_step() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(40), None).unwrap();
    // With so large an epsilon a step goes along the gradient, not its sign.
    let optimizer = AdamWConfig { epsilon: 1.0, max_norm: None, ..training().optimizer };
    let whole = LanguageTraining {
        epochs: 1,
        learning_rate: 1.0,
        accumulation: 2,
        dropout: DropoutRates::all(0.1),
        optimizer,
        ..training()
    };
    let again = LanguageTraining { gradient_checkpointing: true, ..whole.clone() };
    let ctx = FitContext::default();
    let same = |one: crate::train::Snapshot, other: crate::train::Snapshot| {
        for ((path, _, a), (_, _, b)) in one.into_arrays().zip(other.into_arrays()) {
            let off = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(off < 1e-6, "{path}: {off:e}");
        }
    };
    let causal = [&whole, &again].map(|training| {
        training.fit(gpt(&tokenizer), &CausalObjective, &corpus, None, &ctx).unwrap()
    });
    assert_eq!(causal[0].losses, causal[1].losses);
    assert!(moved(&gpt(&tokenizer), &causal[0].model).iter().any(|(_, far)| *far > 1e-3));
    same(weights(&causal[0].model), weights(&causal[1].model));
    let masked = MaskedObjective::new(&tokenizer).unwrap();
    let models = [&whole, &again].map(|training| {
        let model = bert(&tokenizer, 3);
        weights(&training.fit(model, &masked, &corpus, None, &ctx).unwrap().model)
    });
    let [one, other] = models;
    same(one, other);
    // Two passes for one loss, and embeddings that do not learn.
    let twice = [whole, again].map(|training| {
        let training = LanguageTraining { frozen: vec!["embeddings".into()], ..training };
        let objective = SimCse::new(PoolingMode::Mean);
        let model = bert(&tokenizer, 3).bert;
        weights(&training.fit(model, &objective, &corpus, None, &ctx).unwrap().model)
    });
    let [one, other] = twice;
    same(one, other);
}

/// How far each part of the model moved.
fn moved(before: &impl Module, after: &impl Module) -> Vec<(String, f32)> {
    let arrays = |snapshot: crate::train::Snapshot| snapshot.into_arrays().collect::<Vec<_>>();
    let both = arrays(weights(before)).into_iter().zip(arrays(weights(after)));
    both.map(|((path, _, old), (_, _, new))| {
        let far = old.iter().zip(&new).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        (path, far)
    })
    .collect()
}

#[test]
fn frozen_parts_stay_and_lower_layers_learn_more_slowly() {
    let tokenizer = tokenizer();
    let corpus = Corpus::encode(&tokenizer, &texts(30), None).unwrap();
    let objective = MaskedObjective::new(&tokenizer).unwrap();
    let model = bert(&tokenizer, 3);
    // One step: AdamW moves every number with a gradient by the rate.
    let once = LanguageTraining {
        epochs: 1,
        batch_tokens: 10_000,
        warmup: 0.0,
        schedule: Schedule::Constant,
        optimizer: AdamWConfig { weight_decay: 0.0, max_norm: None, ..AdamWConfig::default() },
        ..training()
    };
    let ctx = FitContext::default();
    let fit =
        |training: &LanguageTraining| training.fit(model.clone(), &objective, &corpus, None, &ctx);
    let held = ["embeddings".to_string(), "encoder.layer.0".to_string()];
    let frozen = LanguageTraining { frozen: held.to_vec(), ..once.clone() };
    let trained = fit(&frozen).unwrap().model;
    for (path, far) in moved(&model, &trained) {
        let stays = path.contains("embeddings.") || path.contains("layer.0.");
        // The keys' bias and the pooler get no gradient from masked tokens.
        let learns = path.contains("layer.1.output.dense") || path.starts_with("cls");
        assert!(!(stays && far > 0.0) && (!learns || far > 0.0), "{path} {far}");
    }
    let again = fit(&once).unwrap();
    let all = once.fit(trained, &objective, &corpus, None, &ctx).unwrap().model;
    assert!(
        moved(&fit(&frozen).unwrap().model, &all)
            .iter()
            .any(|(path, far)| path.contains("layer.0.output.dense.weight") && *far > 0.0),
        "what was frozen learns in the next run"
    );
    let slow = fit(&LanguageTraining { layer_decay: 0.5, ..once.clone() }).unwrap();
    let fast: std::collections::BTreeMap<_, _> = moved(&model, &again.model).into_iter().collect();
    for (path, far) in moved(&model, &slow.model) {
        let share = match path.as_str() {
            p if p.contains("embeddings.") => 0.125,
            p if p.contains("layer.0.") => 0.25,
            p if p.contains("layer.1.") => 0.5,
            _ => 1.0,
        };
        let expected = fast[&path] * share;
        assert!((far - expected).abs() <= 1e-6 + 1e-3 * expected, "{path}: {far} {expected}");
    }
    let says = |training: LanguageTraining, part: &str| {
        let message = fit(&training).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    };
    let part = |part: &str| LanguageTraining { frozen: vec![part.into()], ..once.clone() };
    says(part("encoder.layer.2"), "encoder.layer.2");
    says(part("encoder.layer.2"), "bert.encoder.layer.0");
    says(
        LanguageTraining { frozen: vec!["bert".into(), "cls".into()], ..once.clone() },
        "nothing is left",
    );
    says(LanguageTraining { layer_decay: 0.0, ..once.clone() }, "layer_decay");
}
