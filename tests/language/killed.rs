//! A training run that is killed, or runs out of disk, goes on from its last whole state.
//!
//! The runs to be killed are this test binary, started again.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use rec_core::text::{Tokenizer, TokenizerModel, TrainOptions};
use rec_models::FitContext;
use rec_models::fit::Checkpoints;
use rec_models::language::{
    Bert, BertConfig, BertForMaskedLm, Corpus, DropoutRates, LanguageTraining, MaskedObjective,
};

/// Names the folder that a child trains in.
const FOLDER: &str = "REC_TEST_TRAINING_FOLDER";
const STEPS_BETWEEN: usize = 2;

/// Trains with states in `folder`, if any, and writes the model to `out`.
fn train(folder: Option<&Path>, out: &Path) -> rec_core::Result<()> {
    let goods = ["手机", "耳机", "鞋子", "咖啡", "键盘"];
    let texts: Vec<String> =
        (0..60).map(|i| format!("这款{}很好，第{}次买", goods[i % 5], i)).collect();
    let options = TrainOptions::new(TokenizerModel::WordPiece).vocab_size(120);
    let tokenizer = Tokenizer::train(&texts, options)?;
    let config = BertConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: 64,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 128,
        max_position_embeddings: 32,
        ..BertConfig::default()
    };
    let bert = Bert::init(config, &Device::flex().autodiff(), 1)?;
    let training = LanguageTraining {
        epochs: 20,
        batch_tokens: 250,
        dropout: DropoutRates::all(0.1),
        ..LanguageTraining::default()
    };
    let ctx = FitContext {
        seed: 5,
        checkpoints: folder.map(|dir| Checkpoints { dir: dir.into(), every: STEPS_BETWEEN }),
        ..FitContext::default()
    };
    let corpus = Corpus::encode(&tokenizer, &texts, None)?;
    let objective = MaskedObjective::new(&tokenizer)?;
    let model = BertForMaskedLm::with_new_head(bert, 1);
    training.fit(model, &objective, &corpus, None, &ctx)?.model.save(out)
}

/// What a child does; without a folder to train in, nothing.
#[test]
fn child_trains() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let folder = PathBuf::from(folder);
        if let Err(error) = train(Some(&folder), &folder.join("out")) {
            println!("child: {error}");
            std::process::exit(3);
        }
    }
}

/// Starts a child by `before`, a shell's commands.
fn child(folder: &Path, before: &str) -> Child {
    let binary = std::env::current_exe().unwrap();
    Command::new("sh")
        .args(["-c", &format!("{before} exec \"$0\" --exact killed::child_trains --nocapture")])
        .arg(binary)
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn weights(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("model.safetensors")).unwrap()
}

fn manifest(folder: &Path) -> Option<String> {
    std::fs::read_to_string(folder.join("language-model-checkpoint/manifest.json")).ok()
}

fn names(folder: &Path) -> std::collections::BTreeSet<std::ffi::OsString> {
    folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect()
}

/// Waits until the state in `folder` is another than `before`.
fn next_state(folder: &Path, before: Option<String>) {
    let start = Instant::now();
    while manifest(folder).is_none() || manifest(folder) == before {
        assert!(start.elapsed() < Duration::from_secs(120), "no state was saved");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
#[cfg(unix)]
fn a_killed_run_ends_where_the_unbroken_one_does() {
    let dir = tempfile::tempdir().unwrap();
    let unbroken = dir.path().join("unbroken");
    train(None, &unbroken).unwrap();
    let folder = dir.path().join("killed");
    for pause in [0, 7, 19] {
        let before = manifest(&folder);
        let mut child = child(&folder, "");
        next_state(&folder, before);
        // Somewhere in a step, or in the middle of saving.
        std::thread::sleep(Duration::from_millis(pause));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(!folder.join("out").exists(), "the run was over before it was killed");
    train(Some(&folder), &folder.join("out")).unwrap();
    assert!(weights(&folder.join("out")) == weights(&unbroken), "other weights");
}

#[test]
#[cfg(unix)]
fn a_full_disk_leaves_the_last_state() {
    let dir = tempfile::tempdir().unwrap();
    let unbroken = dir.path().join("unbroken");
    train(None, &unbroken).unwrap();
    let folder = dir.path().join("full");
    let mut first = child(&folder, "");
    next_state(&folder, None);
    first.kill().unwrap();
    first.wait().unwrap();
    let (last, before) = (manifest(&folder), names(&folder));
    // No file may grow past 8 blocks, and to try is an error, not a signal.
    let full = child(&folder, "trap '' XFSZ; ulimit -f 8;");
    let output = full.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("child: ") && said.contains("too large"), "{said}");
    assert_eq!(manifest(&folder), last, "the last state is as it was");
    assert_eq!(names(&folder), before, "a part of a state was left");
    train(Some(&folder), &folder.join("out")).unwrap();
    assert!(weights(&folder.join("out")) == weights(&unbroken), "other weights");
}
