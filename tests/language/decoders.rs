//! The decoders and T5's encoder: hidden states, scores, greedy tokens and filtered distributions
//! are those of transformers; what is saved here loads there.

use std::path::Path;
use std::sync::OnceLock;

use burn::tensor::{DType, Device};
use rec_models::Result;
use rec_models::fit::Cancel;
use rec_models::language::config::ConfigFile;
use rec_models::language::generate::{candidates, penalise};
use rec_models::language::weights::Weights;
use rec_models::language::{
    Backbone, Batch, Causal, Decoder, GenerateOptions, Gpt2, T5Encoder, TextGenerator, generate,
    likelihoods, load_causal,
};
use serde::Deserialize;

use crate::{Arrays, assert_close, devices, peer};

const DECODERS: [&str; 8] =
    ["gpt2", "gpt2_variant", "llama", "llama_linear", "llama3", "qwen2", "qwen3", "qwen3_untied"];
const ENCODERS: [&str; 4] = ["t5", "t5_v1_1", "t5_buckets", "mt5"];

#[derive(Deserialize)]
struct Expected {
    texts: Vec<Vec<u32>>,
    #[serde(default)]
    log_probabilities: Vec<f64>,
    #[serde(default)]
    greedy: Vec<Vec<u32>>,
    #[serde(default)]
    greedy_penalised: Vec<Vec<u32>>,
}

/// The folder of the cases that the script wrote.
fn cases() -> Option<&'static Path> {
    static CASES: OnceLock<Option<tempfile::TempDir>> = OnceLock::new();
    let made = CASES.get_or_init(|| {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        peer::run("decoders.py", &["make", folder.path().to_str().unwrap()])?;
        Some(folder)
    });
    made.as_ref().map(tempfile::TempDir::path)
}

fn expected(folder: &Path) -> Expected {
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn expected_array(folder: &Path, name: &str) -> Vec<f32> {
    Arrays::read(&folder.join("expected.safetensors")).get(name).unwrap()
}

/// Every decoder on every device.
fn decoders() -> impl Iterator<Item = (Device, &'static str)> {
    devices().into_iter().flat_map(|device| DECODERS.map(|name| (device.clone(), name)))
}

fn causal(folder: &Path, device: &Device) -> Box<dyn Causal> {
    let (model, report) = load_causal(folder, device, DType::F32).unwrap();
    assert!(report.missing.is_empty() && report.unexpected.is_empty(), "{folder:?}: {report:?}");
    model
}

fn t5(folder: &Path, device: &Device) -> T5Encoder {
    let weights = Weights::open(folder, device, DType::F32).unwrap();
    let model = T5Encoder::load(&ConfigFile::open(folder).unwrap(), &weights).unwrap();
    let report = weights.report();
    let of_decoder = |name: &String| name.starts_with("decoder.") || name == "lm_head.weight";
    assert!(report.missing.is_empty(), "{report:?}");
    assert!(report.unexpected.iter().all(of_decoder), "{report:?}");
    model
}

fn assert_hidden(name: &str, folder: &Path, device: &Device, model: &dyn Backbone) {
    let hidden = model.hidden(&Batch::new(&expected(folder).texts));
    for how in ["alone", "padded"] {
        let what = format!("{name} on {device:?}, hidden vectors of texts {how}");
        assert_close(&what, &hidden, &expected_array(folder, how));
    }
}

#[test]
fn hidden_vectors_and_scores_are_those_of_transformers() {
    let Some(root) = cases() else { return };
    for device in devices() {
        for name in DECODERS {
            let folder = root.join(name);
            let model = causal(&folder, &device);
            assert_hidden(name, &folder, &device, &*model);
            let logits = model.logits(model.hidden(&Batch::new(&expected(&folder).texts)));
            let what = format!("{name} on {device:?}, scores");
            assert_close(&what, &logits, &expected_array(&folder, "logits"));
        }
        for name in ENCODERS {
            let folder = root.join(name);
            assert_hidden(name, &folder, &device, &t5(&folder, &device));
        }
        let folder = root.join("gpt2_bare");
        assert_hidden("gpt2_bare", &folder, &device, &*causal(&folder, &device));
    }
}

#[test]
fn greedy_tokens_are_those_of_transformers() {
    let Some(root) = cases() else { return };
    for (device, name) in decoders() {
        let folder = root.join(name);
        let (model, expected) = (causal(&folder, &device), expected(&folder));
        let greedy = |repetition_penalty| {
            let options = GenerateOptions {
                max_new_tokens: 24,
                repetition_penalty,
                ..GenerateOptions::default()
            };
            let cancel = Cancel::default();
            generate(&*model, &expected.texts, &options, None, &cancel, |_| Ok(())).unwrap()
        };
        for (got, want) in
            [(greedy(1.0), &expected.greedy), (greedy(1.4), &expected.greedy_penalised)]
        {
            let got: Vec<Vec<u32>> = got.into_iter().map(|generated| generated.ids).collect();
            assert_eq!(&got, want, "{name} on {device:?}");
        }
    }
}

#[test]
fn likelihoods_are_those_of_transformers() {
    let Some(root) = cases() else { return };
    for (device, name) in decoders() {
        let folder = root.join(name);
        let expected = expected(&folder);
        let model = causal(&folder, &device);
        let got = likelihoods(&*model, &expected.texts, 64, &Cancel::default()).unwrap();
        for (got, want) in got.iter().zip(&expected.log_probabilities) {
            let off = (got.log_probability - want).abs();
            assert!(off <= 1e-5 * (1.0 + want.abs()), "{name} on {device:?}: {got:?} for {want}");
        }
    }
}

fn save(folder: &Path, into: &Path) -> Result<()> {
    let device = Device::flex();
    let weights = Weights::open(folder, &device, DType::F32)?;
    let config = ConfigFile::open(folder)?;
    match config.model_type() {
        Some("gpt2") => Gpt2::load(&config, &weights)?.save(into),
        Some("t5" | "mt5") => T5Encoder::load(&config, &weights)?.save(into),
        _ => Decoder::load(&config, &weights)?.save(into),
    }
}

#[test]
fn transformers_loads_what_is_saved_with_equal_outputs() {
    let Some(root) = cases() else { return };
    let mut arguments = vec!["compare".to_string()];
    for name in DECODERS.iter().chain(&ENCODERS).chain(&["gpt2_bare"]) {
        let folder = root.join(name);
        save(&folder, &folder.join("saved")).unwrap();
        arguments.push(folder.to_str().unwrap().to_string());
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    peer::run("decoders.py", &arguments).unwrap();
}

#[derive(Deserialize)]
struct Written {
    prompt: String,
    ids: Vec<u32>,
    text: String,
}

#[test]
fn texts_are_those_of_transformers_and_come_in_whole_characters() {
    let Some(root) = cases() else { return };
    let folder = root.join("text");
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap();
    let expected: Vec<Written> = serde_json::from_str(&text).unwrap();
    let prompts: Vec<&str> = expected.iter().map(|written| written.prompt.as_str()).collect();
    let generator =
        TextGenerator::from_pretrained(&folder, rec_models::Device::Cpu, DType::F32).unwrap();
    let options = GenerateOptions { max_new_tokens: 40, ..generator.options().clone() };
    assert_eq!(options.stop_ids.len(), 1);
    let mut streamed = vec![String::new(); prompts.len()];
    let got = generator
        .generate(&prompts, &options, &Cancel::default(), |piece| {
            streamed[piece.prompt] += &piece.text;
            Ok(())
        })
        .unwrap();
    for ((got, streamed), expected) in got.iter().zip(&streamed).zip(&expected) {
        assert_eq!(got.ids, expected.ids);
        assert_eq!(got.text.as_ref(), Some(&expected.text));
        assert_eq!(streamed, &expected.text);
    }
}

#[derive(Deserialize)]
struct Warped {
    scores: Vec<f32>,
    seen: Vec<u32>,
    temperature: f32,
    top_k: Option<usize>,
    top_p: Option<f32>,
    repetition_penalty: f32,
    probabilities: Vec<f64>,
}

#[test]
fn filtered_distributions_are_those_of_transformers() {
    let Some(root) = cases() else { return };
    let text = std::fs::read_to_string(root.join("warpers.json")).unwrap();
    let cases: Vec<Warped> = serde_json::from_str(&text).unwrap();
    assert_eq!(cases.len(), 16);
    for case in cases {
        let options = GenerateOptions {
            temperature: case.temperature,
            top_k: case.top_k,
            top_p: case.top_p,
            ..GenerateOptions::default()
        };
        let mut scores = case.scores;
        penalise(&mut scores, &case.seen.into_iter().collect(), case.repetition_penalty);
        let mut got = vec![0.0; scores.len()];
        for candidate in candidates(&scores, &options) {
            got[candidate.id as usize] = candidate.probability;
        }
        for (id, (g, e)) in got.iter().zip(&case.probabilities).enumerate() {
            assert_eq!(*g == 0.0, *e == 0.0, "token {id}: {g} for {e}, {options:?}");
            assert!((g - e).abs() < 1e-6, "token {id}: {g} for {e}, {options:?}");
        }
    }
}

#[test]
fn a_checkpoint_of_another_kind_lists_those_known() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), r#"{"model_type": "bert"}"#).unwrap();
    let device = Device::flex();
    let Err(error) = load_causal(folder.path(), &device, DType::F32) else { panic!("loaded") };
    let message = error.to_string();
    for part in ["config.json", "bert", "gpt2", "qwen3"] {
        assert!(message.contains(part), "{message}");
    }
}
