//! Tokens a second of greedy decoding with a random GPT-2 of 124 million parameters.
//!
//! `cargo bench --bench generate -- [DEVICE] [DTYPE] [PROMPT] [NEW]`, for instance
//! `libtorch bfloat16 32 128`. The peer is `benches/peers/generate.py` with the same arguments.
#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first failure")]

use std::time::Instant;

use burn::tensor::DType;
use rec_models::Device;
use rec_models::fit::Cancel;
use rec_models::language::config::ConfigFile;
use rec_models::language::weights::Weights;
use rec_models::language::{Causal, GenerateOptions, Gpt2, Gpt2Config, generate};

fn main() {
    let arguments: Vec<String> =
        std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let argument = |i: usize, default: &str| arguments.get(i).map_or(default, |a| a).to_string();
    let device: Device = argument(0, "cpu").parse().unwrap();
    let dtype = match argument(1, "float32").as_str() {
        "bfloat16" => DType::BF16,
        _ => DType::F32,
    };
    let prompt: usize = argument(2, "32").parse().unwrap();
    let new: usize = argument(3, "128").parse().unwrap();

    let model = model(device, dtype);
    let prompt: Vec<u32> = (0..prompt as u32).map(|i| 101 + 37 * i).collect();
    let seconds = |tokens: usize| {
        let options = GenerateOptions { max_new_tokens: tokens, ..GenerateOptions::default() };
        let start = Instant::now();
        let cancel = Cancel::default();
        generate(&model as &dyn Causal, &[&prompt], &options, None, &cancel, |_| Ok(())).unwrap();
        start.elapsed().as_secs_f64()
    };
    seconds(8);
    let (first, all) = (seconds(1), seconds(new));
    let rate = (new - 1) as f64 / (all - first);
    println!(
        "{device} {dtype:?}: {rate:.1} tokens/s, {:.1} ms to the first of {} prompt tokens",
        1e3 * first,
        prompt.len()
    );
}

/// Weights go through a checkpoint, so that they have the type asked for.
fn model(device: Device, dtype: DType) -> Gpt2 {
    let folder = tempfile::tempdir().unwrap();
    let cpu = Device::Cpu.tensor().unwrap();
    Gpt2::init(&Gpt2Config::default(), &cpu, 1).unwrap().save(folder.path()).unwrap();
    let weights = Weights::open(folder.path(), &device.tensor().unwrap(), dtype).unwrap();
    Gpt2::load(&ConfigFile::open(folder.path()).unwrap(), &weights).unwrap()
}
