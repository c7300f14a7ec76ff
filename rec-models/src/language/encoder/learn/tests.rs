use std::path::PathBuf;

use rec_core::text::{TokenizerModel, TrainOptions};
use tempfile::TempDir;

use super::*;
use crate::language::encoder::publish::copy_small;
use crate::language::{Bert, BertConfig, Encode, EncoderOptions, LoraConfig, TextEncoder};

const GOODS: [&str; 6] = ["手机", "耳机", "鞋子", "咖啡", "键盘", "相机"];

fn texts(start: &str) -> Vec<String> {
    GOODS.iter().map(|goods| format!("{start}{goods}很好")).collect()
}

fn strs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// A bare BERT in Hugging Face layout.
fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let all = [texts("这款"), texts("我要买")].concat();
    let options = TrainOptions::new(TokenizerModel::WordPiece).vocab_size(90);
    let tokenizer = Tokenizer::train(all, options).unwrap();
    let config = BertConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: 32,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 64,
        max_position_embeddings: 32,
        ..BertConfig::default()
    };
    Bert::init(config, &Device::flex(), 1).unwrap().save(dir.path()).unwrap();
    tokenizer.save_folder(dir.path()).unwrap();
    dir
}

fn how() -> EncoderTraining {
    let mut how = EncoderTraining::default();
    (how.training.epochs, how.training.learning_rate) = (20, 2e-3);
    how
}

fn cosine(folder: &Path, a: &str, b: &str) -> f32 {
    let encoder = TextEncoder::from_pretrained(folder, &EncoderOptions::default()).unwrap();
    let options = Encode { normalize: Some(true), ..Encode::default() };
    let vectors = encoder.encode(&[a, b], &options).unwrap();
    vectors.row(0).iter().zip(vectors.row(1)).map(|(x, y)| x * y).sum()
}

#[test]
fn pairs_make_an_encoder_that_knows_them() {
    let (from, out) = (folder(), tempfile::tempdir().unwrap());
    let to = out.path().join("trained");
    let (anchors, positives) = (texts("这款"), texts("我要买"));
    let lesson = Lesson::Pairs {
        anchors: &strs(&anchors),
        positives: &strs(&positives),
        negatives: &[],
        temperature: 0.05,
        symmetric: true,
    };
    let ctx = FitContext::default();
    let learnt = train_encoder(from.path(), &to, lesson, &how(), &ctx).unwrap();
    assert_eq!(learnt.losses.len(), 20);
    let margin = |folder: &Path| {
        cosine(folder, &anchors[0], &positives[0]) - cosine(folder, &anchors[0], &positives[1])
    };
    assert!(margin(&to) > margin(from.path()) + 0.3, "{} {}", margin(&to), margin(from.path()));
    let error = train_encoder(from.path(), &to, lesson, &how(), &ctx).unwrap_err();
    assert!(error.to_string().contains("holds files"), "{error}");
}

#[test]
fn masking_keeps_its_head_for_the_next_time() {
    let (from, out) = (folder(), tempfile::tempdir().unwrap());
    let [first, second] = ["first", "second"].map(|name| out.path().join(name));
    let texts = texts("这款");
    let texts = strs(&texts);
    let lesson = Lesson::Masked { texts: &texts, validation: &texts, whole_words: true };
    let ctx = FitContext::default();
    let before = train_encoder(from.path(), &first, lesson, &how(), &ctx).unwrap();
    let after = train_encoder(&first, &second, lesson, &how(), &ctx).unwrap();
    let (end, start) = (before.validation[19].loss, after.validation[0].loss);
    assert!(before.validation[0].loss > end + 0.5, "{before:?}");
    assert!((start - end).abs() < 0.1, "{end} {start}");
    assert_eq!(after.validation.len(), 20);
}

#[test]
fn the_layout_of_sentence_transformers_is_kept() {
    let (bare, from) = (folder(), tempfile::tempdir().unwrap());
    let write = |name: &str, text: &str| {
        let path = from.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(
        "modules.json",
        r#"[{"path": "0_T", "type": "sentence_transformers.models.Transformer"},
            {"path": "1_Pooling", "type": "sentence_transformers.models.Pooling"}]"#,
    );
    write("1_Pooling/config.json", r#"{"pooling_mode_cls_token": true}"#);
    write("0_T/model.safetensors.index.json", "{}");
    copy_small(bare.path(), &from.path().join("0_T"), &[bare.path().to_path_buf()]).unwrap();
    std::fs::remove_file(from.path().join("0_T/model.safetensors.index.json")).unwrap();
    let to = from.path().parent().unwrap().join(format!("st-{}", std::process::id()));
    let texts = texts("这款");
    let texts = strs(&texts);
    let lesson = Lesson::SimCse { texts: &texts, validation: &[], temperature: 0.05 };
    train_encoder(from.path(), &to, lesson, &how(), &FitContext::default()).unwrap();
    let encoder = TextEncoder::from_pretrained(&to, &EncoderOptions::default()).unwrap();
    assert_eq!(encoder.pooling(), [PoolingMode::Cls]);
    assert_ne!(cosine(&to, texts[0], texts[1]), cosine(from.path(), texts[0], texts[1]));
    std::fs::remove_dir_all(&to).unwrap();
}

#[test]
fn adapters_lie_apart_and_are_merged() {
    let (from, out) = (folder(), tempfile::tempdir().unwrap());
    let [pairs, masked] = ["pairs", "masked"].map(|name| out.path().join(name));
    let (anchors, positives) = (texts("这款"), texts("我要买"));
    let lesson = Lesson::Pairs {
        anchors: &strs(&anchors),
        positives: &strs(&positives),
        negatives: &[],
        temperature: 0.05,
        symmetric: true,
    };
    let mut how = how();
    how.training.lora = Some(LoraConfig { dropout: 0.1, ..LoraConfig::default() });
    let ctx = FitContext::default();
    train_encoder(from.path(), &pairs, lesson, &how, &ctx).unwrap();
    let vectors = |folder: &Path, adapter: Option<PathBuf>| {
        let options = EncoderOptions { adapter, ..EncoderOptions::default() };
        let encoder = TextEncoder::from_pretrained(folder, &options).unwrap();
        encoder.encode(&strs(&anchors), &Encode::default()).unwrap().into_vec()
    };
    let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
    let trained = vectors(&pairs, None);
    assert!(!close(&trained, &vectors(from.path(), None)));
    assert!(close(&trained, &vectors(from.path(), Some(pairs.join("lora")))));

    // What was loaded with an adapter is kept with it merged, and cached apart.
    let options = EncoderOptions { adapter: Some(pairs.join("lora")), ..EncoderOptions::default() };
    let encoder = TextEncoder::from_pretrained(from.path(), &options).unwrap();
    assert!(encoder.trainable_folder().unwrap_err().to_string().contains("merge"));
    let kept = out.path().join("kept");
    encoder.save(&kept).unwrap();
    assert!(close(&trained, &vectors(&kept, None)));
    assert!(encoder.save(&kept).unwrap_err().to_string().contains("holds files"));
    let bare = TextEncoder::from_pretrained(from.path(), &EncoderOptions::default()).unwrap();
    let cache = out.path().join("cache");
    let (one, other) = (encoder.with_cache(&cache).unwrap(), bare.with_cache(&cache).unwrap());
    assert_ne!(one.cache().unwrap().path(), other.cache().unwrap().path());

    // A bare encoder's new head learns as a whole; the next time it is there.
    let lesson = Lesson::Masked { texts: &strs(&anchors), validation: &[], whole_words: false };
    how.training.learning_rate = 1e-2;
    let learnt = train_encoder(&pairs, &masked, lesson, &how, &ctx).unwrap();
    let last = learnt.losses[15..].iter().sum::<f64>() / 5.0;
    assert!(last < learnt.losses[0] - 0.15, "{:?}", learnt.losses);
    assert!(MaskedLmModel::has_head(&masked).unwrap());
    assert!(masked.join("lora/adapter_model.safetensors").is_file());
    let again = out.path().join("again");
    train_encoder(&masked, &again, lesson, &how, &ctx).unwrap();
}
