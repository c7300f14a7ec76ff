//! Tokens a second of masked-language-model training steps, and the most memory the process took.
//!
//! ```text
//! cargo bench --bench masked_lm -- --model FOLDER --texts texts.json --device cpu
//! ```
//!
//! `benches/peers/masked_lm.py` makes the texts and runs this beside transformers.

use std::path::PathBuf;

use clap::Parser;
use rec_core::text::Tokenizer;
use rec_models::device::parse_dtype;
use rec_models::language::{
    Corpus, EncoderModel, LanguageTraining, LoraConfig, MaskedLmModel, MaskedObjective,
};
use rec_models::{Device, Error, FitContext, Result};

#[derive(Parser)]
struct Args {
    /// A checkpoint folder
    #[arg(long)]
    model: PathBuf,
    /// A JSON list of texts
    #[arg(long)]
    texts: PathBuf,
    #[arg(long, default_value = "cpu")]
    device: String,
    #[arg(long, default_value = "float32")]
    dtype: String,
    #[arg(long, default_value_t = 2048)]
    batch_tokens: usize,
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Compute each layer's activations again in the backward pass
    #[arg(long)]
    gradient_checkpointing: bool,
    /// Train LoRA adapters of this rank alone, and the new head
    #[arg(long)]
    lora: Option<usize>,
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let texts = std::fs::read_to_string(&args.texts).map_err(Error::io(&args.texts))?;
    let texts: Vec<String> = serde_json::from_str(&texts)
        .map_err(|e| Error::format(&args.texts, None, e.to_string()))?;
    let device: Device = args.device.parse()?;
    let on = device.tensor()?.autodiff();
    let tokenizer = Tokenizer::from_folder(&args.model)?;
    let corpus = Corpus::encode(&tokenizer, &texts, Some(128))?;
    let metrics = std::env::temp_dir().join(format!("masked-lm-{}.jsonl", std::process::id()));
    let training = LanguageTraining {
        epochs: 1,
        learning_rate: 1e-5,
        batch_tokens: args.batch_tokens,
        gradient_checkpointing: args.gradient_checkpointing,
        lora: args.lora.map(|rank| LoraConfig { rank, ..LoraConfig::default() }),
        metrics: Some(metrics.clone()),
        ..LanguageTraining::default()
    };
    let (dtype, adapters) = (parse_dtype(&args.dtype)?, training.adapters(1));
    let (encoder, _) = EncoderModel::adapted(&args.model, &on, dtype, adapters.as_ref())?;
    let model = MaskedLmModel::with_new_head(encoder, 1);
    let ctx = FitContext { device, threads: Some(args.threads), ..FitContext::default() };
    training.fit(model, &MaskedObjective::new(&tokenizer)?, &corpus, None, &ctx)?;
    let lines = std::fs::read_to_string(&metrics).map_err(Error::io(&metrics))?;
    std::fs::remove_file(&metrics).map_err(Error::io(&metrics))?;
    // The first step allocates.
    for line in lines.lines().skip(1) {
        let line: serde_json::Value =
            serde_json::from_str(line).map_err(|e| Error::format(&metrics, None, e.to_string()))?;
        println!("tokens/s {}", line["tokens_per_second"]);
    }
    if let Some(peak) = peak_memory() {
        eprintln!("peak memory {peak}");
    }
    Ok(())
}

/// The most memory that the process took, where the system tells.
fn peak_memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_string())
}
