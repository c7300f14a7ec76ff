//! Texts a second through a checkpoint's encoder.
//!
//! ```text
//! cargo bench --bench encode -- --model FOLDER --texts texts.json --device cpu --dtype float32
//! ```
//!
//! `benches/peers/encode.py` makes the texts, runs this beside sentence-transformers and compares
//! the vectors.

use std::path::PathBuf;
use std::time::Instant;

use clap::Parser;
use rec_models::Result;
use rec_models::device::parse_dtype;
use rec_models::language::{Encode, EncoderOptions, TextEncoder};

#[derive(Parser)]
struct Args {
    /// A checkpoint folder
    #[arg(long)]
    model: PathBuf,
    /// A JSON list of texts
    #[arg(long)]
    texts: PathBuf,
    /// Where the vectors of the last round go, as a NumPy file
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value = "cpu")]
    device: String,
    #[arg(long, default_value = "float32")]
    dtype: String,
    #[arg(long, default_value_t = 4096)]
    batch_tokens: usize,
    #[arg(long, default_value_t = 2)]
    threads: usize,
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Passed by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let texts = std::fs::read_to_string(&args.texts).map_err(rec_models::Error::io(&args.texts))?;
    let texts: Vec<String> = serde_json::from_str(&texts)
        .map_err(|e| rec_models::Error::format(&args.texts, None, e.to_string()))?;
    let options = EncoderOptions {
        device: args.device.parse()?,
        dtype: parse_dtype(&args.dtype)?,
        ..EncoderOptions::default()
    };
    let encoder = TextEncoder::from_pretrained(&args.model, &options)?;
    let encode = Encode {
        batch_tokens: args.batch_tokens,
        threads: Some(args.threads),
        ..Encode::default()
    };
    encoder.encode(&texts[..texts.len().min(50)], &encode)?;
    for _ in 0..args.rounds {
        let started = Instant::now();
        encoder.encode(&texts, &encode)?;
        println!("seconds {:.4}", started.elapsed().as_secs_f64());
    }
    encoder.encode_to_file(texts.into_iter().map(Ok), &args.out, &encode)?;
    Ok(())
}
