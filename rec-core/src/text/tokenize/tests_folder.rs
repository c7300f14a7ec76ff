use std::fs;
use std::path::Path;

use super::tests::{corpus, train};
use super::*;
use crate::text::EncodeOptions;

const WORDS: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nhello\nwor\n##ld\n你\n好\nhellö\nHello\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn load(files: &[(&str, &str)]) -> Result<Tokenizer> {
    Tokenizer::from_folder(folder(files).path())
}

fn tokens(tokenizer: &Tokenizer, text: &str) -> Vec<String> {
    tokenizer.encode(text, &EncodeOptions::default()).unwrap().tokens
}

fn message(result: Result<Tokenizer>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn vocab_txt_is_bert() {
    let tokenizer = load(&[("vocab.txt", WORDS)]).unwrap();
    assert_eq!(
        tokens(&tokenizer, "Hellö world你好"),
        ["[CLS]", "hello", "wor", "##ld", "你", "好", "[SEP]"]
    );
    assert_eq!(tokenizer.special_tokens().mask.as_ref().unwrap().id, 4);
    assert_eq!(tokens(&tokenizer, "[MASK]"), ["[CLS]", "[MASK]", "[SEP]"]);
    assert_eq!(tokenizer.model_max_length(), None);
}

#[test]
fn tokenizer_config_sets_up_bert() {
    let config = r#"{"do_lower_case": false, "model_max_length": 512, "tokenizer_class": "BertTokenizerFast"}"#;
    let tokenizer = load(&[("vocab.txt", WORDS), ("tokenizer_config.json", config)]).unwrap();
    assert_eq!(tokens(&tokenizer, "Hello hellö"), ["[CLS]", "Hello", "hellö", "[SEP]"]);
    assert_eq!(tokenizer.model_max_length(), Some(512));
    let config = r#"{"strip_accents": false, "tokenize_chinese_chars": false, "model_max_length": 1000000000000000019884624838656}"#;
    let tokenizer = load(&[("vocab.txt", WORDS), ("tokenizer_config.json", config)]).unwrap();
    assert_eq!(tokens(&tokenizer, "HELLÖ 你好"), ["[CLS]", "hellö", "[UNK]", "[SEP]"]);
    assert_eq!(tokenizer.model_max_length(), None);
}

#[test]
fn windows_line_ends_are_no_part_of_a_token() {
    let tokenizer = load(&[("vocab.txt", &WORDS.replace('\n', "\r\n"))]).unwrap();
    assert_eq!(tokenizer.token_to_id("hello"), Some(5));
}

#[test]
fn roles_come_from_the_special_tokens_map() {
    let map = r#"{"cls_token": "hello", "sep_token": {"content": "你", "lstrip": false}}"#;
    let tokenizer = load(&[("vocab.txt", WORDS), ("special_tokens_map.json", map)]).unwrap();
    assert_eq!(tokens(&tokenizer, "wor"), ["hello", "wor", "你"]);
    assert_eq!(tokenizer.special_tokens().cls.as_ref().unwrap().id, 5);
}

#[test]
fn a_vocabulary_without_the_special_tokens_is_refused() {
    let error = message(load(&[("vocab.txt", "[PAD]\n[UNK]\nhello\n")]));
    assert!(error.contains("lacks the cls_token \"[CLS]\""), "{error}");
    let config = r#"{"added_tokens_decoder": {"7": {"content": "[NEW]", "special": true}}}"#;
    let error = message(load(&[("vocab.txt", WORDS), ("tokenizer_config.json", config)]));
    assert!(error.contains("gives \"[NEW]\" the id 7"), "{error}");
    let config = config.replace('7', "12");
    let tokenizer = load(&[("vocab.txt", WORDS), ("tokenizer_config.json", &config)]).unwrap();
    assert_eq!(tokens(&tokenizer, "hello[NEW]")[2], "[NEW]");
    let old = [("vocab.txt", WORDS), ("added_tokens.json", r#"{"[NEW]": 12, "手机": 13}"#)];
    let ids = load(&old).unwrap().encode("手机[NEW]", &EncodeOptions::default()).unwrap().ids;
    assert_eq!(ids[1..3], [13, 12], "as old layouts have them: found in the normalised text");
}

/// `vocab.json` and `merges.txt` of a byte-level BPE that was trained here.
fn bpe_files(special: &[&str]) -> (String, String) {
    let tokenizer = train(TokenizerModel::Bpe, 320);
    let json: serde_json::Value = serde_json::from_str(&tokenizer.to_json().unwrap()).unwrap();
    let mut vocab = json["model"]["vocab"].as_object().unwrap().clone();
    for token in special {
        let next = vocab.len();
        vocab.entry(*token).or_insert(next.into());
    }
    let merges = json["model"]["merges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| format!("{} {}\n", pair[0].as_str().unwrap(), pair[1].as_str().unwrap()));
    let merges = "#version: 0.2\n".to_owned() + &merges.collect::<String>();
    (serde_json::to_string(&vocab).unwrap(), merges)
}

#[test]
fn vocab_json_and_merges_are_gpt2() {
    let (vocab, merges) = bpe_files(&[]);
    let trained = train(TokenizerModel::Bpe, 320);
    let loaded = load(&[("vocab.json", &vocab), ("merges.txt", &merges)]).unwrap();
    for text in corpus() {
        assert_eq!(tokens(&loaded, &text), tokens(&trained, &text));
    }
    assert_eq!(loaded.special_tokens().eos.as_ref().unwrap().token, "<|endoftext|>");
    let config = r#"{"tokenizer_class": "GPT2Tokenizer", "add_bos_token": true}"#;
    let files =
        [("vocab.json", &*vocab), ("merges.txt", &merges), ("tokenizer_config.json", config)];
    assert_eq!(tokens(&load(&files).unwrap(), "a")[0], "<|endoftext|>");
}

#[test]
fn vocab_json_and_merges_are_roberta_or_qwen2_where_the_folder_says_so() {
    let (vocab, merges) = bpe_files(&["<s>", "</s>", "<unk>", "<pad>", "<mask>"]);
    let files =
        |config| [("vocab.json", &*vocab), ("merges.txt", &*merges), ("config.json", config)];
    let tokenizer = load(&files(r#"{"model_type": "roberta"}"#)).unwrap();
    let pair = tokenizer.encode(("good", "phone"), &EncodeOptions::default()).unwrap();
    assert_eq!(
        (pair.tokens.first(), pair.tokens.last()),
        (Some(&"<s>".into()), Some(&"</s>".into()))
    );
    assert_eq!(pair.tokens.iter().filter(|t| *t == "</s>").count(), 3);
    assert!(pair.type_ids.iter().all(|&t| t == 0));
    let qwen = load(&files(r#"{"model_type": "qwen3"}"#)).unwrap();
    let encoding = qwen.encode("phone 12", &EncodeOptions::default()).unwrap();
    assert_eq!(encoding.tokens.last(), Some(&"2".into()), "every digit by itself");
    let error = message(load(&files(r#"{"model_type": "camembert"}"#)));
    assert!(error.contains("camembert") && error.contains("RobertaTokenizer"), "{error}");
}

#[test]
fn merges_that_do_not_fit_the_vocabulary_are_refused_with_the_line() {
    let (vocab, merges) = bpe_files(&[]);
    for (line, why) in
        [("g zzz", "is not in vocab.json"), ("abc", "two tokens"), ("a b c", "two tokens")]
    {
        let lines = 1 + merges.lines().count();
        let bad = format!("{merges}{line}\n");
        let error = message(load(&[("vocab.json", &vocab), ("merges.txt", &bad)]));
        assert!(error.contains(&format!("merges.txt:{lines}")) && error.contains(why), "{error}");
    }
}

#[test]
fn folders_without_a_tokenizer_say_what_is_missing() {
    let error = message(load(&[("README.md", "hi")]));
    assert!(error.contains("neither tokenizer.json"), "{error}");
    let error = message(load(&[("spiece.model", "\u{1}")]));
    assert!(
        error.contains("spiece.model is a sentencepiece model") && error.contains("AutoTokenizer"),
        "{error}"
    );
    assert!(matches!(Tokenizer::from_folder("/no/such/folder"), Err(Error::Io { .. })));
    let dir = folder(&[("vocab.txt", WORDS)]);
    assert!(message(Tokenizer::from_file(dir.path())).contains("a folder"));
    assert!(matches!(Tokenizer::from_file(dir.path().join("none.json")), Err(Error::Io { .. })));
    assert!(message(Tokenizer::from_file(dir.path().join("x.model"))).contains("sentencepiece"));
    let config = r#"{"tokenizer_class": "BertJapaneseTokenizer"}"#;
    let error = message(load(&[("vocab.txt", WORDS), ("tokenizer_config.json", config)]));
    assert!(
        error.contains("BertJapaneseTokenizer") && error.contains("ElectraTokenizer"),
        "{error}"
    );
}

#[test]
fn damaged_files_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokenizer.json");
    let whole = train(TokenizerModel::WordPiece, 100).to_json().unwrap();
    let write = |bytes: &[u8]| fs::write(&path, bytes).unwrap();
    for cut in [0, 1, whole.len() / 2, whole.len() - 1] {
        write(&whole.as_bytes()[..cut]);
        let error = message(Tokenizer::from_file(&path));
        assert!(error.contains("tokenizer.json") && error.contains("cut short"), "{cut}: {error}");
    }
    write(b"{}");
    assert!(message(Tokenizer::from_file(&path)).contains("not a tokenizer.json"));
    write(b"[1, 2");
    assert!(matches!(Tokenizer::from_file(&path), Err(Error::Format { .. })));
    write(b"{\n\"a\": \"\xff\"}");
    let error = message(Tokenizer::from_file(&path));
    assert!(error.contains("tokenizer.json:2: not UTF-8"), "{error}");
    fs::remove_file(&path).unwrap();
    fs::write(dir.path().join("vocab.txt"), b"[PAD]\n\xff\n").unwrap();
    assert!(message(Tokenizer::from_folder(dir.path())).contains("vocab.txt:2: not UTF-8"));
    fs::write(dir.path().join("vocab.txt"), b"").unwrap();
    assert!(message(Tokenizer::from_folder(dir.path())).contains("no token in it"));
    fs::write(dir.path().join("vocab.txt"), WORDS).unwrap();
    fs::write(dir.path().join("tokenizer_config.json"), b"{\"do_lower_case\": ").unwrap();
    assert!(message(Tokenizer::from_folder(dir.path())).contains("tokenizer_config.json:1"));
}

fn same(a: &Tokenizer, b: &Tokenizer) {
    let options = EncodeOptions::default();
    for text in corpus() {
        assert_eq!(a.encode(&text, &options).unwrap(), b.encode(&text, &options).unwrap());
    }
    assert_eq!(a.vocab(), b.vocab());
}

#[test]
fn saved_tokenizers_load_again() {
    let dir = tempfile::tempdir().unwrap();
    for (model, size) in [
        (TokenizerModel::WordPiece, 120),
        (TokenizerModel::Bpe, 300),
        (TokenizerModel::Unigram, 90),
    ] {
        let options = TrainOptions { model_max_length: Some(64), ..TrainOptions::new(model) };
        let trained = Tokenizer::train(corpus(), options.vocab_size(size)).unwrap();
        let path = dir.path().join("tokenizer.json");
        trained.save(&path).unwrap();
        let from_file = Tokenizer::from_file(&path).unwrap();
        same(&trained, &from_file);
        assert_eq!(trained.special_tokens().cls, from_file.special_tokens().cls);
        trained.save_folder(dir.path().join("new/folder")).unwrap();
        let from_folder = Tokenizer::from_folder(dir.path().join("new/folder")).unwrap();
        same(&trained, &from_folder);
        assert_eq!(trained.special_tokens(), from_folder.special_tokens());
        assert_eq!(from_folder.model_max_length(), Some(64));
    }
    let trained = train(TokenizerModel::Bpe, 300);
    assert!(matches!(trained.save(Path::new("/no/such/dir/t.json")), Err(Error::Io { .. })));
}

/// A file may ask for truncation and padding; here only calls do, and the file keeps its wish.
#[test]
fn stored_truncation_and_padding_are_kept_and_not_applied() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tokenizer.json");
    let trained = train(TokenizerModel::WordPiece, 120);
    let mut json: serde_json::Value = serde_json::from_str(&trained.to_json().unwrap()).unwrap();
    json["truncation"] = serde_json::json!({"direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0});
    json["padding"] = serde_json::json!({"strategy": {"Fixed": 128}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"});
    fs::write(&path, json.to_string()).unwrap();
    let loaded = Tokenizer::from_file(&path).unwrap();
    same(&trained, &loaded);
    let saved: serde_json::Value = serde_json::from_str(&loaded.to_json().unwrap()).unwrap();
    assert_eq!((&saved["truncation"], &saved["padding"]), (&json["truncation"], &json["padding"]));
}
