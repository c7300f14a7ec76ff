//! A small BERT of the user's own: tokenizer, model and training, from texts alone.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use rec_core::text::{Tokenizer, TokenizerModel, TrainOptions};
use rec_models::language::{
    Bert, BertConfig, BertForMaskedLm, Corpus, LanguageTraining, MaskedObjective, Trained,
};
use rec_models::train::Bars;
use rec_models::{Device, FitContext};

use crate::products;

/// Texts the model learns from.
const TEXTS: usize = 6000;

/// Trains on generated texts and leaves a checkpoint folder.
pub(crate) fn train(folder: &Path, device: Device, seed: u64) -> Result<(), Box<dyn Error>> {
    let texts = products::generate(TEXTS, seed);
    println!("no --model given: training a small BERT on {TEXTS} generated texts, such as");
    println!("  {}", texts[0]);
    let started = Instant::now();

    // WordPiece, as BERT has it: a Chinese character is a token of its own.
    let options = TrainOptions::new(TokenizerModel::WordPiece).vocab_size(1000);
    let tokenizer = Tokenizer::train(&texts, options)?;
    tokenizer.save_folder(folder)?;

    let config = BertConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: 96,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        intermediate_size: 384,
        max_position_embeddings: 64,
        ..BertConfig::default()
    };
    let bert = Bert::init(config, &device.tensor()?.autodiff(), seed)?;
    let model = BertForMaskedLm::with_new_head(bert, seed);
    let training =
        LanguageTraining { epochs: 8, learning_rate: 2e-3, ..LanguageTraining::default() };
    let corpus = Corpus::encode(&tokenizer, &texts, Some(64))?;
    let objective = MaskedObjective::new(&tokenizer)?;
    let ctx = FitContext {
        device,
        seed,
        progress: std::sync::Arc::new(Bars::new()),
        ..FitContext::default()
    };
    let Trained { model, losses, .. } = training.fit(model, &objective, &corpus, None, &ctx)?;
    model.save(folder)?;

    println!("perplexity of masked tokens, epoch by epoch:");
    let shown: Vec<String> = losses.iter().map(|loss| format!("{:.1}", loss.exp())).collect();
    println!("  {}  ({:.1} s)", shown.join(" "), started.elapsed().as_secs_f64());
    println!("saved in {}", folder.display());
    println!(
        "(masking alone teaches words, not likeness: expect rough neighbours from a model this small)"
    );
    Ok(())
}
