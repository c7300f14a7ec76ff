//! Training runs on a small corpus of patterned sentences.

mod bad_input;
mod groups;
mod learning;
mod masked;
mod recomputing;
mod replaced;
mod resuming;

use burn::tensor::Device;
use rec_core::text::{Tokenizer, TokenizerModel, TrainOptions};

use super::*;
use crate::language::{Bert, BertConfig, BertForMaskedLm, Electra, Gpt2, Gpt2Config};

/// Sentences in which one word tells the next.
fn texts(n: usize) -> Vec<String> {
    let goods = ["手机", "耳机", "鞋子", "咖啡", "键盘"];
    let praise = ["屏幕清晰", "音质出色", "穿着舒服", "味道香浓", "手感很好"];
    let sentence = |i: usize| format!("这款{}的{}。", goods[i % 5], praise[i % 5]);
    (0..n).map(sentence).collect()
}

fn tokenizer() -> Tokenizer {
    let options = TrainOptions::new(TokenizerModel::WordPiece).vocab_size(120);
    Tokenizer::train(texts(50), options).unwrap()
}

fn bert(tokenizer: &Tokenizer, seed: u64) -> BertForMaskedLm {
    let config = BertConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: 32,
        num_hidden_layers: 2,
        num_attention_heads: 2,
        intermediate_size: 64,
        max_position_embeddings: 32,
        ..BertConfig::default()
    };
    let bert = Bert::init(config, &Device::flex().autodiff(), seed).unwrap();
    BertForMaskedLm::with_new_head(bert, seed)
}

fn gpt(tokenizer: &Tokenizer) -> Gpt2 {
    let config = Gpt2Config {
        vocab_size: tokenizer.vocab_size(),
        n_positions: 32,
        n_embd: 32,
        n_layer: 2,
        n_head: 2,
        ..Gpt2Config::default()
    };
    Gpt2::init(&config, &Device::flex().autodiff(), 1).unwrap()
}

fn training() -> LanguageTraining {
    LanguageTraining {
        epochs: 2,
        learning_rate: 3e-3,
        batch_tokens: 200,
        ..LanguageTraining::default()
    }
}

fn weights(module: &impl Module) -> crate::train::Snapshot {
    parameters::snapshot(module)
}

/// How far each part of the model moved.
fn moved(before: &impl Module, after: &impl Module) -> Vec<(String, f32)> {
    let arrays = |snapshot: crate::train::Snapshot| snapshot.into_arrays().collect::<Vec<_>>();
    let both = arrays(weights(before)).into_iter().zip(arrays(weights(after)));
    both.map(|((path, _, old), (_, _, new))| {
        let far = old.iter().zip(&new).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        (path, far)
    })
    .collect()
}
