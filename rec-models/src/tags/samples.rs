//! Texts for tests, and an encoder for them.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use rec_core::data::Id;
use rec_core::text::{Tokenizer, TokenizerModel, TrainOptions};

use crate::language::{Bert, BertConfig, EncoderOptions, TextEncoder};

/// Six of phones, six of books.
pub(super) const TEXTS: [&str; 12] = [
    "屏幕清晰，手机很快",
    "电池耐用的手机",
    "手机太小",
    "手机信号好",
    "屏幕漂亮",
    "充电很快",
    "情节感人的书",
    "这本书文笔很好",
    "故事精彩",
    "作者的书值得读",
    "书的纸张很好",
    "读完这本书",
];

/// The label of each of [`TEXTS`].
pub(super) fn classes() -> Vec<Id> {
    ids(&[["手机"; 6], ["书籍"; 6]].concat())
}

pub(super) fn ids(names: &[&str]) -> Vec<Id> {
    names.iter().map(|&name| Id::from(name)).collect()
}

/// Writes a BERT that was never trained: its vectors are of the characters of a text.
pub(super) fn checkpoint(folder: &Path) {
    let options = TrainOptions::new(TokenizerModel::WordPiece).vocab_size(120);
    let tokenizer = Tokenizer::train(TEXTS, options).unwrap();
    tokenizer.save_folder(folder).unwrap();
    let config = BertConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: 32,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        intermediate_size: 64,
        max_position_embeddings: 32,
        ..BertConfig::default()
    };
    Bert::init(config, &Device::flex(), 3).unwrap().save(folder).unwrap();
}

/// [`checkpoint`], loaded.
pub(super) fn encoder(folder: &Path) -> Arc<TextEncoder> {
    checkpoint(folder);
    Arc::new(TextEncoder::from_pretrained(folder, &EncoderOptions::default()).unwrap())
}
