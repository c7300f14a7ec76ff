use std::path::Path;

use burn::tensor::Device;
use rec_core::text::{Tokenizer, TokenizerModel, TokenizerTrainer, TrainOptions};

use super::{Encode, EncoderOptions, LongTexts, MappedVectors, PoolingMode, Prompt, TextEncoder};
use crate::language::{Bert, BertConfig};

const TEXTS: [&str; 8] = [
    "我今天在电商平台上浏览了一款手机，很喜欢它的设计和性能。",
    "手机壳",
    "a blue running shoe, light and fast",
    "",
    "😀😀",
    "手机壳",
    "耳机降噪效果好，音质清晰，佩戴舒服，电池也够用，值得买",
    "\u{0}NUL and \u{fffd}",
];

/// A small BERT with random weights and a tokenizer trained on [`TEXTS`].
fn checkpoint(folder: &Path) {
    let mut trainer =
        TokenizerTrainer::new(TrainOptions::new(TokenizerModel::WordPiece).vocab_size(200))
            .unwrap();
    trainer.feed(&TEXTS).unwrap();
    let tokenizer: Tokenizer = trainer.train().unwrap();
    tokenizer.save_folder(folder).unwrap();
    let config = BertConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: 24,
        num_hidden_layers: 2,
        num_attention_heads: 3,
        intermediate_size: 48,
        max_position_embeddings: 32,
        initializer_range: 0.3,
        ..BertConfig::default()
    };
    Bert::init(config, &Device::flex(), 1).unwrap().save(folder).unwrap();
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    checkpoint(folder.path());
    folder
}

fn load(folder: &tempfile::TempDir, options: EncoderOptions) -> TextEncoder {
    TextEncoder::from_pretrained(folder.path(), &options).unwrap()
}

fn assert_close(got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len());
    let off = got.iter().zip(expected).map(|(g, e)| (g - e).abs()).fold(0.0, f32::max);
    assert!(off <= tolerance, "off by {off:e}");
}

#[test]
fn a_vector_is_the_same_whatever_the_batch() {
    let folder = folder();
    let encoder = load(&folder, EncoderOptions::default());
    let all = encoder.encode(&TEXTS, &Encode::default()).unwrap();
    assert_eq!((all.len(), all.dim()), (8, 24));
    assert_eq!(all.row(1), all.row(5), "equal texts, equal vectors");
    for (i, text) in TEXTS.iter().enumerate() {
        let alone = encoder.encode(&[text], &Encode::default()).unwrap();
        assert_close(alone.row(0), all.row(i), 1e-5);
    }
    for batch_tokens in [1, 20, 50] {
        let options = Encode { batch_tokens, ..Encode::default() };
        let split = encoder.encode(&TEXTS, &options).unwrap();
        assert_close(split.as_slice(), all.as_slice(), 1e-5);
    }
    let one = Encode { threads: Some(1), ..Encode::default() };
    assert_eq!(encoder.encode(&TEXTS, &one).unwrap(), all, "any number of threads");
}

#[test]
fn no_texts_give_no_vectors() {
    let folder = folder();
    let encoder = load(&folder, EncoderOptions::default());
    assert!(encoder.encode::<&str>(&[], &Encode::default()).unwrap().is_empty());
    assert!(encoder.rank::<&str>("手机", &[], &Encode::default()).unwrap().is_empty());
}

#[test]
fn vectors_have_length_one_when_asked_for() {
    let folder = folder();
    let encoder = load(&folder, EncoderOptions::default());
    let options = Encode { normalize: Some(true), ..Encode::default() };
    let unit = encoder.encode(&TEXTS, &options).unwrap();
    for i in 0..unit.len() {
        let norm: f32 = unit.row(i).iter().map(|x| x * x).sum();
        assert!((norm - 1.0).abs() < 1e-5, "{norm}");
    }
    let plain = encoder.encode(&TEXTS, &Encode::default()).unwrap();
    assert_close(plain.normalized().as_slice(), unit.as_slice(), 1e-6);
}

#[test]
fn a_text_ranks_itself_first() {
    let folder = folder();
    let encoder = load(&folder, EncoderOptions::default());
    let ranked = encoder.rank(TEXTS[2], &TEXTS, &Encode::default()).unwrap();
    assert_eq!(ranked.len(), 8);
    assert_eq!(ranked[0].0, 2);
    assert!((ranked[0].1 - 1.0).abs() < 1e-5);
    assert!(ranked.windows(2).all(|pair| pair[0].1 >= pair[1].1));
}

#[test]
fn long_texts_are_cut_or_averaged_over_windows() {
    let folder = folder();
    let long = TEXTS[0].repeat(4);
    let cut = load(&folder, EncoderOptions { max_len: Some(12), ..EncoderOptions::default() });
    let chunked = EncoderOptions {
        max_len: Some(12),
        long_texts: LongTexts::Chunk { overlap: 0 },
        ..EncoderOptions::default()
    };
    let chunked = load(&folder, chunked);
    assert_eq!(cut.max_len(), 12);
    // Chinese characters are one token each, so ten of them fill a window.
    let characters: Vec<char> = long.chars().collect();
    let parts: Vec<String> = characters.chunks(10).map(|part| part.iter().collect()).collect();
    let tokens = |text: &str| cut.tokenizer().encode(text, &Default::default()).unwrap().len() - 2;
    assert!(parts.iter().all(|part| tokens(part) == part.chars().count()), "{parts:?}");
    let vectors = cut.encode(&parts, &Encode::default()).unwrap();
    let mut expected = vec![0.0; 24];
    for (i, part) in parts.iter().enumerate() {
        let weight = part.chars().count() as f32 / characters.len() as f32;
        expected.iter_mut().zip(vectors.row(i)).for_each(|(sum, x)| *sum += weight * x);
    }
    let whole = [long.as_str()];
    assert_close(chunked.encode(&whole, &Encode::default()).unwrap().row(0), &expected, 1e-5);
    assert_close(cut.encode(&whole, &Encode::default()).unwrap().row(0), vectors.row(0), 1e-5);
}

#[test]
fn a_file_holds_what_encoding_gives() {
    let folder = folder();
    let encoder = load(&folder, EncoderOptions::default());
    let path = folder.path().join("vectors.npy");
    let texts = TEXTS.iter().map(|text| Ok(text.to_string()));
    let written = encoder.encode_to_file(texts, &path, &Encode::default()).unwrap();
    let vectors = encoder.encode(&TEXTS, &Encode::default()).unwrap();
    assert_eq!((written.len(), written.dim()), (8, 24));
    assert!((0..8).all(|i| written.row(i) == vectors.row(i)));
    drop(written);
    let failing = [Ok("a".to_string()), Err(crate::Error::data("line 2", "not UTF-8"))];
    assert!(encoder.encode_to_file(failing, &path, &Encode::default()).is_err());
    assert_eq!(MappedVectors::open(&path).unwrap().len(), 8, "the old file stays");
}

#[test]
fn a_cache_gives_the_same_vectors_and_keeps_settings_apart() {
    let folder = folder();
    let cache = folder.path().join("cache");
    let plain =
        load(&folder, EncoderOptions::default()).encode(&TEXTS, &Encode::default()).unwrap();
    let encoder = load(&folder, EncoderOptions::default()).with_cache(&cache).unwrap();
    assert_eq!(encoder.encode(&TEXTS[..3], &Encode::default()).unwrap().as_slice().len(), 72);
    assert_eq!(encoder.cache().unwrap().len(), 3);
    let vectors = encoder.encode(&TEXTS, &Encode::default()).unwrap();
    assert_close(vectors.as_slice(), plain.as_slice(), 1e-5);
    assert_eq!(encoder.cache().unwrap().len(), 7, "equal texts are kept once");
    assert_eq!(encoder.encode(&TEXTS, &Encode::default()).unwrap(), vectors);
    drop(encoder);
    let again = load(&folder, EncoderOptions::default()).with_cache(&cache).unwrap();
    assert_eq!(again.cache().unwrap().len(), 7);
    assert_eq!(again.encode(&TEXTS, &Encode::default()).unwrap(), vectors);
    let cls = EncoderOptions { pooling: Some(PoolingMode::Cls), ..EncoderOptions::default() };
    assert_eq!(load(&folder, cls).with_cache(&cache).unwrap().cache().unwrap().len(), 0);
}

#[test]
fn prompts_are_put_before_the_text() {
    let folder = folder();
    let json = r#"{"prompts": {"query": "手机 ", "document": ""}, "default_prompt_name": "query"}"#;
    let modules = r#"[{"path": "", "type": "sentence_transformers.models.Transformer"},
                      {"path": "p", "type": "sentence_transformers.models.Pooling"}]"#;
    std::fs::write(folder.path().join("modules.json"), modules).unwrap();
    std::fs::write(folder.path().join("config_sentence_transformers.json"), json).unwrap();
    std::fs::create_dir(folder.path().join("p")).unwrap();
    let pooling = |text: &str| std::fs::write(folder.path().join("p/config.json"), text).unwrap();
    let encode = |encoder: &TextEncoder, text: &str, prompt: Prompt| {
        encoder.encode(&[text], &Encode { prompt, ..Encode::default() }).unwrap()
    };
    pooling(r#"{"pooling_mode": "mean"}"#);
    let encoder = load(&folder, EncoderOptions::default());
    let none = || Prompt::Text(String::new());
    let prompted = encode(&encoder, "耳机", Prompt::Default);
    assert_eq!(prompted, encode(&encoder, "手机 耳机", none()));
    assert_eq!(prompted, encode(&encoder, "耳机", Prompt::Named("query".into())));
    assert_eq!(
        encode(&encoder, "耳机", Prompt::Named("document".into())),
        encode(&encoder, "耳机", none())
    );
    let unknown = Encode { prompt: Prompt::Named("passage".into()), ..Encode::default() };
    let message = encoder.encode(&["a"], &unknown).unwrap_err().to_string();
    assert!(message.contains("document, query"), "{message}");
    pooling(r#"{"pooling_mode": "mean", "include_prompt": false}"#);
    let without = encode(&load(&folder, EncoderOptions::default()), "耳机", Prompt::Default);
    assert_ne!(without, prompted, "the prompt's tokens are left out of the mean");
}

#[test]
fn a_megabyte_of_text_is_one_vector() {
    let folder = folder();
    let encoder = load(&folder, EncoderOptions::default());
    let text = "手机壳 phone ".repeat(60_000);
    assert!(text.len() > 900_000);
    assert_eq!(encoder.encode(&[text], &Encode::default()).unwrap().len(), 1);
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = folder();
    let options = EncoderOptions::default;
    let refused = |options: EncoderOptions| {
        TextEncoder::from_pretrained(folder.path(), &options).unwrap_err().to_string()
    };
    assert!(refused(EncoderOptions { max_len: Some(2), ..options() }).contains("3 to 32"));
    assert!(refused(EncoderOptions { max_len: Some(33), ..options() }).contains("3 to 32"));
    let chunk = LongTexts::Chunk { overlap: 30 };
    assert!(refused(EncoderOptions { long_texts: chunk, ..options() }).contains("overlap"));
    let half = EncoderOptions { dtype: burn::tensor::DType::BF16, ..options() };
    assert!(refused(half).contains("libtorch"));
    let encoder = load(&folder, options());
    let budget = |bytes| Encode { memory_limit: Some(bytes), ..Encode::default() };
    assert!(matches!(
        encoder.encode(&TEXTS, &budget(1000)).unwrap_err(),
        crate::Error::TooLarge { .. }
    ));
    let small = encoder.encode(&TEXTS, &budget(60_000)).unwrap();
    let plain = encoder.encode(&TEXTS, &Encode::default()).unwrap();
    assert_close(small.as_slice(), plain.as_slice(), 1e-5);
    assert!(encoder.encode(&TEXTS, &Encode { batch_tokens: 0, ..Encode::default() }).is_err());
    let cancelled = Encode::default();
    cancelled.cancel.cancel();
    let stopped = encoder.encode(&TEXTS, &cancelled).unwrap_err();
    assert!(matches!(stopped, crate::Error::Cancelled(_)));
}

#[test]
fn a_vocabulary_larger_than_the_table_is_refused() {
    let folder = folder();
    let path = folder.path().join("tokenizer.json");
    let mut json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    json["model"]["vocab"]["something new"] = 100_000.into();
    std::fs::write(&path, json.to_string()).unwrap();
    let error = TextEncoder::from_pretrained(folder.path(), &EncoderOptions::default());
    let message = error.unwrap_err().to_string();
    assert!(message.contains("embedding table"), "{message}");
}

#[test]
fn a_folder_without_a_config_is_refused_by_name() {
    let empty = tempfile::tempdir().unwrap();
    let error = TextEncoder::from_pretrained(empty.path(), &EncoderOptions::default());
    assert!(error.unwrap_err().to_string().contains("config.json"));
}
