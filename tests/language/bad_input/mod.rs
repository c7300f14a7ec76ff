//! Folders that are no checkpoints, weights that do not fit, batches that a model cannot take.

mod batches;
mod files;
mod pickles;
mod weights;

use std::path::Path;

use burn::tensor::{DType, Device};
use rec_models::Error;
use rec_models::language::{Bert, BertConfig, EncoderModel, LoadReport};

/// A BERT of a few numbers.
fn small() -> BertConfig {
    BertConfig {
        vocab_size: 11,
        hidden_size: 8,
        num_hidden_layers: 1,
        num_attention_heads: 2,
        intermediate_size: 16,
        max_position_embeddings: 6,
        ..BertConfig::default()
    }
}

/// A folder with that BERT.
fn checkpoint() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    Bert::init(small(), &Device::flex(), 1).unwrap().save(folder.path()).unwrap();
    folder
}

fn load(folder: &Path) -> Result<(EncoderModel, LoadReport), Error> {
    EncoderModel::load(folder, &Device::flex(), DType::F32)
}

/// The message of a load that must fail, which says each of `parts`.
#[track_caller]
fn assert_refused(folder: &Path, parts: &[&str]) {
    let message = load(folder).map(|_| ()).unwrap_err().to_string();
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
}
