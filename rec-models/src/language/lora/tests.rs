//! Adapters learn alone, and are the same apart, loaded again and merged.

use std::path::Path;

use burn::module::Module;
use burn::tensor::{DType, Device, Tensor};
use rec_core::text::{Tokenizer, TokenizerModel, TrainOptions};

use super::*;
use crate::fit::FitContext;
use crate::language::train::Objective;
use crate::language::{
    Backbone, Batch, BertConfig, CausalConfig, CausalModel, CausalObjective, Corpus, DecoderConfig,
    EncoderConfig, EncoderModel, Gpt2Config, LanguageTraining, PairObjective, Pairs, PoolingMode,
    SimCse,
};
use crate::train::Snapshot;

const TEXTS: [&str; 4] = ["这款手机很好", "这款鞋子很好", "我要买手机", "我要买鞋子"];

fn tokenizer() -> Tokenizer {
    let options = TrainOptions::new(TokenizerModel::WordPiece).vocab_size(60);
    Tokenizer::train(TEXTS, options).unwrap()
}

fn encoder(folder: &Path, device: &Device) {
    let config = BertConfig {
        vocab_size: tokenizer().vocab_size(),
        hidden_size: 16,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 24,
        max_position_embeddings: 32,
        initializer_range: 0.2,
        ..BertConfig::default()
    };
    let config = EncoderConfig::Bert(config);
    EncoderModel::init(config, device, 1).unwrap().save(folder).unwrap();
}

fn decoder(config: &CausalConfig, folder: &Path) {
    CausalModel::init(config, &Device::flex(), 1).unwrap().save(folder).unwrap();
}

fn decoders() -> [CausalConfig; 2] {
    let vocab_size = tokenizer().vocab_size();
    [
        CausalConfig::Gpt2(Gpt2Config {
            vocab_size,
            n_positions: 32,
            n_embd: 16,
            n_layer: 2,
            n_head: 2,
            initializer_range: 0.2,
            ..Gpt2Config::default()
        }),
        CausalConfig::Decoder(DecoderConfig {
            vocab_size,
            hidden_size: 16,
            intermediate_size: 24,
            num_hidden_layers: 2,
            num_attention_heads: 2,
            num_key_value_heads: Some(1),
            max_position_embeddings: 32,
            initializer_range: 0.2,
            ..DecoderConfig::default()
        }),
    ]
}

fn lora() -> LoraConfig {
    LoraConfig { rank: 3, alpha: 5.0, ..LoraConfig::default() }
}

fn training(lora: LoraConfig) -> LanguageTraining {
    LanguageTraining {
        epochs: 4,
        learning_rate: 3e-2,
        lora: Some(lora),
        ..LanguageTraining::default()
    }
}

fn weights(model: &impl Module) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let snapshot: Snapshot = crate::language::train::snapshot(model);
    snapshot.into_arrays().collect()
}

/// That nothing but adapters moved, and all of them.
fn only_adapters_moved(before: &impl Module, after: &impl Module) {
    let mut adapters = 0;
    for ((path, _, old), (_, _, new)) in weights(before).into_iter().zip(weights(after)) {
        let adapter = path.contains(".lora.");
        adapters += usize::from(adapter);
        assert_eq!(old != new, adapter, "{path}");
    }
    assert!(adapters > 0);
}

fn hidden(model: &impl Backbone) -> Vec<f32> {
    let corpus = Corpus::encode(&tokenizer(), &TEXTS, None).unwrap();
    let texts: Vec<&[u32]> = (0..corpus.len()).map(|i| corpus.text(i).ids).collect();
    model.hidden(&Batch::new(&texts)).into_data().iter().collect()
}

fn off(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Trains an encoder's adapters; the model before and after.
fn trained<O: Objective<EncoderModel> + Sync>(
    folder: &Path,
    training: &LanguageTraining,
    objective: &O,
    data: &O::Data,
) -> (EncoderModel, EncoderModel) {
    let adapters = training.adapters(7);
    let device = Device::flex().autodiff();
    let before = EncoderModel::adapted(folder, &device, DType::F32, adapters.as_ref()).unwrap().0;
    let ctx = FitContext::default();
    let after = training.fit(before.clone(), objective, data, None, &ctx).unwrap().model;
    (before, after)
}

#[test]
fn an_encoder_learns_by_adapters_alone_that_can_be_saved_and_merged() {
    let base = tempfile::tempdir().unwrap();
    encoder(base.path(), &Device::flex());
    let corpus = Corpus::encode(&tokenizer(), &TEXTS, None).unwrap();
    // An intermediate layer's activation comes after what its adapter adds.
    let targets = ["query", "attention.output.dense", "intermediate.dense"];
    let lora = LoraConfig { targets: targets.map(Into::into).to_vec(), dropout: 0.1, ..lora() };
    let training = training(lora.clone());
    let (before, after) = trained(base.path(), &training, &SimCse::new(PoolingMode::Mean), &corpus);
    let load = |adapters: Option<Adapters>| {
        let device = Device::flex();
        EncoderModel::adapted(base.path(), &device, DType::F32, adapters.as_ref()).unwrap().0
    };
    assert!(off(&hidden(&before), &hidden(&load(None))) < 1e-5, "new adapters add nothing");
    only_adapters_moved(&before, &after);

    let apart = base.path().join("adapters");
    after.save_adapters(&lora, &apart, base.path()).unwrap();
    let expected = hidden(&after);
    assert!(off(&expected, &hidden(&before)) > 1e-2);
    assert!(off(&expected, &hidden(&load(Some(Adapters::Saved(apart.clone()))))) < 1e-6);
    assert!(off(&expected, &hidden(&load(Some(Adapters::Merged(apart))))) < 1e-5);

    let refused = after.save(&base.path().join("lost")).unwrap_err().to_string();
    assert!(refused.contains("merge them"), "{refused}");
    let merged = training.merged(after);
    assert!(off(&expected, &hidden(&merged)) < 1e-5);
    let whole = base.path().join("whole");
    merged.save(&whole).unwrap();
    let (again, report) = EncoderModel::load(&whole, &Device::flex(), DType::F32).unwrap();
    assert!(off(&expected, &hidden(&again)) < 1e-5);
    assert!(report.unexpected.is_empty(), "{report:?}");
}

#[test]
fn pairs_train_adapters() {
    let base = tempfile::tempdir().unwrap();
    encoder(base.path(), &Device::flex());
    let pairs = Pairs::encode(&tokenizer(), &TEXTS[..2], &TEXTS[2..], None).unwrap();
    let objective = PairObjective::new(PoolingMode::Mean);
    let (before, after) = trained(base.path(), &training(lora()), &objective, &pairs);
    only_adapters_moved(&before, &after);
}

#[test]
fn decoders_train_adapters_of_their_own_query_and_value_layers() {
    let corpus = Corpus::encode(&tokenizer(), &TEXTS, None).unwrap();
    for config in decoders() {
        let base = tempfile::tempdir().unwrap();
        decoder(&config, base.path());
        let training = training(lora());
        let adapters = training.adapters(7);
        let load = |device: &Device, adapters: Option<&Adapters>| {
            CausalModel::adapted(base.path(), device, DType::F32, adapters).unwrap().0
        };
        let before = load(&Device::flex().autodiff(), adapters.as_ref());
        let ctx = FitContext::default();
        let trained = training.fit(before.clone(), &CausalObjective, &corpus, None, &ctx).unwrap();
        assert!(trained.losses[3] < trained.losses[0], "{:?}", trained.losses);
        only_adapters_moved(&before, &trained.model);
        let apart = base.path().join("adapters");
        trained.model.save_adapters(&lora(), &apart, base.path()).unwrap();
        let expected = hidden(&trained.model);
        let merged = load(&Device::flex(), Some(&Adapters::Merged(apart)));
        assert!(off(&expected, &hidden(&merged)) < 1e-5);
        assert!(off(&expected, &hidden(&training.merged(trained.model))) < 1e-5);
    }
}

#[test]
fn frozen_weights_get_no_gradient() {
    let base = tempfile::tempdir().unwrap();
    encoder(base.path(), &Device::flex());
    let adapters = Adapters::New { config: lora(), seed: 1 };
    let device = Device::flex().autodiff();
    let model = EncoderModel::adapted(base.path(), &device, DType::F32, Some(&adapters)).unwrap().0;
    let EncoderModel::Bert(bert) = &model else { panic!("a BERT was saved") };
    let gradients = bert.hidden(&Batch::new(&[vec![2, 5, 3]])).sum().backward();
    let query = &bert.encoder.layer[0].attention.self_.query;
    assert!(query.weight.val().grad(&gradients).is_none());
    let lora = query.lora.as_ref().unwrap();
    let b: Tensor<2> = lora.b.val().grad(&gradients).unwrap();
    assert!(b.abs().sum().into_scalar::<f32>() > 0.0 && lora.a.val().dims() == [3, 16]);
    assert!(bert.embeddings.word_embeddings.weight.val().grad(&gradients).is_none());
}

#[test]
fn what_goes_into_adapters_is_dropped_by_the_noise() {
    let base = tempfile::tempdir().unwrap();
    encoder(base.path(), &Device::flex());
    let corpus = Corpus::encode(&tokenizer(), &TEXTS, None).unwrap();
    let (_, model) =
        trained(base.path(), &training(lora()), &SimCse::new(PoolingMode::Mean), &corpus);
    let rates = crate::language::DropoutRates::default();
    let out = |rate: f64, seed: u64| -> Vec<f32> {
        let noise = rates.noise(seed).with_adapters(rate);
        let batch = Batch::new(&[corpus.text(0).ids]).with_noise(noise);
        model.hidden(&batch).into_data().iter().collect()
    };
    assert_eq!(out(0.5, 1), out(0.5, 1));
    assert_ne!(out(0.5, 1), out(0.5, 2));
    assert_ne!(out(0.5, 1), out(0.0, 1));
}

#[test]
fn bad_adapters_say_what_to_do() {
    let base = tempfile::tempdir().unwrap();
    encoder(base.path(), &Device::flex());
    let load = |adapters: Adapters| {
        let device = Device::flex().autodiff();
        EncoderModel::adapted(base.path(), &device, DType::F32, Some(&adapters))
    };
    let new = |config: LoraConfig| load(Adapters::New { config, seed: 1 }).unwrap_err().to_string();
    let message = new(LoraConfig { targets: vec!["q_proj".into()], ..lora() });
    assert!(message.contains("q_proj") && message.contains("query"), "{message}");
    assert!(new(LoraConfig { rank: 0, ..lora() }).contains("lora.rank"));
    assert!(new(LoraConfig { alpha: f64::NAN, ..lora() }).contains("lora.alpha"));
    assert!(new(LoraConfig { dropout: 1.0, ..lora() }).contains("lora.dropout"));

    let (model, _) = load(Adapters::New { config: lora(), seed: 1 }).unwrap();
    let corpus = Corpus::encode(&tokenizer(), &TEXTS, None).unwrap();
    let ctx = FitContext::default();
    let objective = SimCse::new(PoolingMode::Mean);
    let forgotten = LanguageTraining { lora: None, ..training(lora()) };
    let error = forgotten.fit(model.clone(), &objective, &corpus, None, &ctx).unwrap_err();
    assert!(error.to_string().contains("lora"), "{error}");

    let apart = base.path().join("adapters");
    model.save_adapters(&lora(), &apart, base.path()).unwrap();
    let card = apart.join("adapter_config.json");
    let text = std::fs::read_to_string(&card).unwrap();
    std::fs::write(&card, text.replace("\"use_dora\": false", "\"use_dora\": true")).unwrap();
    let error = load(Adapters::Saved(apart.clone())).unwrap_err().to_string();
    assert!(error.contains("use_dora"), "{error}");
    std::fs::write(&card, text).unwrap();
    let other = tempfile::tempdir().unwrap();
    decoder(&decoders()[0], other.path());
    let adapters = Adapters::Saved(apart);
    let error = CausalModel::adapted(other.path(), &Device::flex(), DType::F32, Some(&adapters));
    assert!(error.unwrap_err().to_string().contains("another model"));
    assert!(load(Adapters::Saved(base.path().join("nowhere"))).is_err());
}
