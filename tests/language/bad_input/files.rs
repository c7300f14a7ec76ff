//! Missing, foreign and damaged files.

use std::fs;

use burn::tensor::{DType, Device};
use rec_models::language::{MaskedLmModel, load_backbone};

use super::{assert_refused, checkpoint, load};

#[test]
fn a_whole_folder_loads() {
    let folder = checkpoint();
    let (_, report) = load(folder.path()).unwrap();
    assert!(report.missing.is_empty() && report.unexpected.is_empty(), "{report:?}");
    let names: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing but the two files: {names:?}");
}

#[test]
fn a_folder_without_config_or_without_weights_says_what_it_lacks() {
    let folder = checkpoint();
    assert_refused(&folder.path().join("none"), &["no such folder"]);
    fs::rename(folder.path().join("config.json"), folder.path().join("kept")).unwrap();
    assert_refused(folder.path(), &["no config.json"]);
    fs::rename(folder.path().join("kept"), folder.path().join("config.json")).unwrap();
    fs::remove_file(folder.path().join("model.safetensors")).unwrap();
    assert_refused(folder.path(), &["model.safetensors", "pytorch_model.bin", "index.json"]);
}

#[test]
fn an_unknown_architecture_lists_those_known() {
    let folder = checkpoint();
    for (text, said) in [(r#"{"model_type": "mamba"}"#, "mamba"), ("{}", "no model_type")] {
        fs::write(folder.path().join("config.json"), text).unwrap();
        let known = ["bert", "roberta", "xlm-roberta", "distilbert", "albert", said];
        assert_refused(folder.path(), &known);
        let backbone = load_backbone(folder.path(), &Device::flex(), DType::F32);
        let message = backbone.map(|_| ()).unwrap_err().to_string();
        assert!(known.iter().all(|part| message.contains(part)), "{message}");
    }
}

#[test]
fn a_config_that_no_model_can_have_is_refused_by_the_field() {
    let folder = checkpoint();
    let path = folder.path().join("config.json");
    let whole = fs::read_to_string(&path).unwrap();
    let changes = [
        (r#""num_attention_heads": 2"#, r#""num_attention_heads": 3"#, "num_attention_heads"),
        (r#""hidden_act": "gelu""#, r#""hidden_act": "mish""#, "gelu_new"),
        (r#""is_decoder": false"#, r#""is_decoder": true"#, "is_decoder"),
        (r#""hidden_size": 8"#, r#""hidden_size": "eight""#, "config.json"),
    ];
    for (from, to, said) in changes {
        assert!(whole.contains(from), "{from} is not in {whole}");
        fs::write(&path, whole.replace(from, to)).unwrap();
        assert_refused(folder.path(), &[said]);
    }
}

#[test]
fn a_safetensors_file_cut_anywhere_is_refused() {
    let folder = checkpoint();
    let path = folder.path().join("model.safetensors");
    let whole = fs::read(&path).unwrap();
    for keep in [0, 7, 8, 100, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..keep]).unwrap();
        assert_refused(folder.path(), &["model.safetensors"]);
    }
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert_refused(folder.path(), &["cut short", "copy the file again"]);
    fs::write(&path, b"<html>not a model</html>").unwrap();
    assert_refused(folder.path(), &["model.safetensors"]);
}

#[test]
fn an_index_names_shards_that_are_there_and_beside_it() {
    let folder = checkpoint();
    let index = folder.path().join("model.safetensors.index.json");
    fs::rename(folder.path().join("model.safetensors"), folder.path().join("part")).unwrap();
    let name = "embeddings.word_embeddings.weight";
    let write = |weight: &str, file: &str| {
        let map = serde_json::json!({"weight_map": {weight: file}});
        fs::write(&index, map.to_string()).unwrap();
    };
    write(name, "part");
    load(folder.path()).unwrap();
    write(name, "absent");
    assert_refused(folder.path(), &["absent"]);
    write(name, "../part");
    assert_refused(folder.path(), &["../part", "same folder"]);
    write("of.no.shard", "part");
    assert_refused(folder.path(), &["of.no.shard"]);
    fs::write(&index, "{}").unwrap();
    assert_refused(folder.path(), &["weight_map"]);
}

#[test]
fn a_checkpoint_without_a_head_says_how_to_get_one() {
    let folder = checkpoint();
    let loaded = MaskedLmModel::load(folder.path(), &Device::flex(), DType::F32);
    let message = loaded.map(|_| ()).unwrap_err().to_string();
    assert!(message.contains("cls.predictions") && message.contains("new head"), "{message}");
}

#[test]
fn saving_replaces_a_checkpoint_and_leaves_other_files() {
    let folder = checkpoint();
    fs::write(folder.path().join("vocab.txt"), "[PAD]").unwrap();
    let (model, _) = load(folder.path()).unwrap();
    model.save(folder.path()).unwrap();
    assert_eq!(fs::read_to_string(folder.path().join("vocab.txt")).unwrap(), "[PAD]");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    load(folder.path()).unwrap();
    let file = folder.path().join("vocab.txt");
    assert!(model.save(&file).unwrap_err().to_string().contains("vocab.txt"));
}
