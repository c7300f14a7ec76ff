//! From a sentence to a vector, and from a query to the products that are like it.
//!
//! ```text
//! cargo run --release --example 02_sentence_embedding -- --model path/to/bert-base-chinese
//! ```
//!
//! Loads a checkpoint from a local folder in Hugging Face or sentence-transformers layout, encodes
//! a sentence, prints the vector of its first token (`[CLS]`), and ranks product texts by their
//! similarity to it. Without `--model` it first trains a tokenizer and a small BERT on generated
//! product texts by masking, saves them as such a folder, and goes on with that: so it runs
//! anywhere, and shows how a model of your own texts comes about.

mod products;
mod small;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use rec_models::device::parse_dtype;
use rec_models::language::{Encode, EncoderOptions, PoolingMode, TextEncoder};

/// From a sentence to a vector, and to the products that are like it.
#[derive(Parser)]
#[command(name = "02_sentence_embedding")]
struct Args {
    /// A checkpoint folder; a small BERT is trained if not given
    #[arg(long)]
    model: Option<PathBuf>,
    /// Where to keep the model that is trained here
    #[arg(long, conflicts_with = "model")]
    save: Option<PathBuf>,
    /// The sentence
    #[arg(long, default_value = "我今天在电商平台上浏览了一款手机，很喜欢它的设计和性能。")]
    text: String,
    /// A file of product texts, one a line; a dozen are built in
    #[arg(long)]
    products: Option<PathBuf>,
    /// cpu, or libtorch in a build that has it
    #[arg(long, default_value = "cpu")]
    device: String,
    /// float32; bfloat16 on libtorch
    #[arg(long, default_value = "float32")]
    dtype: String,
    /// Pooling for the ranking, if not the folder's own (the mean, where it names none)
    #[arg(long)]
    pooling: Option<PoolingMode>,
    /// Seed of all that is random
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let folder = match (&args.model, &args.save) {
        (Some(folder), _) => folder.clone(),
        (None, kept) => {
            let folder = kept.clone().unwrap_or_else(|| scratch.path().join("small-bert"));
            small::train(&folder, args.device.parse()?, args.seed)?;
            folder
        }
    };
    let options = |pooling| -> Result<EncoderOptions, rec_models::Error> {
        Ok(EncoderOptions {
            device: args.device.parse()?,
            dtype: parse_dtype(&args.dtype)?,
            pooling,
            ..EncoderOptions::default()
        })
    };

    // The vector of the first token: what BERT's authors take for the whole sentence.
    let encoder = TextEncoder::from_pretrained(&folder, &options(Some(PoolingMode::Cls))?)?;
    let vectors = encoder.encode(&[&args.text], &Encode::default())?;
    println!("\n{}", args.text);
    println!("[CLS] vector, the first 8 of {} values:", vectors.dim());
    let shown: Vec<String> = vectors.row(0).iter().take(8).map(|x| format!("{x:+.4}")).collect();
    println!("  {} …", shown.join(" "));

    // For similarity, the mean over tokens says more than the first one.
    let encoder = TextEncoder::from_pretrained(&folder, &options(args.pooling)?)?;
    let texts = match &args.products {
        Some(path) => read_lines(path)?,
        None => products::SHELF.iter().map(ToString::to_string).collect(),
    };
    println!("\nproducts by similarity:");
    for (i, cosine) in encoder.rank(&args.text, &texts, &Encode::default())?.iter().take(10) {
        println!("  {cosine:+.3}  {}", texts[*i]);
    }
    Ok(())
}

fn read_lines(path: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let text = std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let lines: Vec<String> =
        text.lines().filter(|l| !l.trim().is_empty()).map(Into::into).collect();
    if lines.is_empty() {
        return Err(format!("{}: no line with a text", path.display()).into());
    }
    Ok(lines)
}
