//! Texts to vectors.

mod batches;
mod cache;
mod copy;
mod folder;
mod frame;
mod learn;
mod modules;
mod options;
mod output;
mod pooling;
pub(super) mod publish;
mod run;
#[cfg(test)]
mod tests;
mod vectors;

pub use cache::VectorCache;
pub use copy::merge_adapter;
pub use frame::LongTexts;
pub use learn::{EncoderTraining, Learnt, Lesson, train_encoder, train_language_model};
pub use options::{Encode, EncoderOptions, Prompt};
pub use output::MappedVectors;
pub use pooling::PoolingMode;
pub use publish::copy_model;
pub use vectors::Vectors;

use std::collections::BTreeMap;
use std::path::PathBuf;

use burn::tensor::{DType, Tensor};
use rec_core::text::Tokenizer;

use self::frame::Frame;
use super::layers::Linear;
use super::weights::LoadReport;
use super::{Backbone, Batch};
use crate::ops::Activation;
use crate::{Error, Result};

/// A transformer with its tokenizer and pooling: one vector a text.
///
/// Texts are tokenised in parallel, sorted by length and packed into batches of about equal work;
/// equal texts are encoded once. A text's vector is the same whatever else is in the batch, to
/// 1e-5 of its length in single precision.
pub struct TextEncoder {
    folder: PathBuf,
    /// Where the transformer itself lies.
    transformer: PathBuf,
    options: EncoderOptions,
    tokenizer: Tokenizer,
    frame: Frame,
    backbone: Box<dyn Backbone>,
    head: Head,
    prompts: BTreeMap<String, String>,
    default_prompt: Option<String>,
    lower_case: bool,
    max_len: usize,
    long_texts: LongTexts,
    report: LoadReport,
    settings: String,
    cache: Option<VectorCache>,
}

impl std::fmt::Debug for TextEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextEncoder")
            .field("folder", &self.folder)
            .field("dim", &self.dim())
            .field("max_len", &self.max_len)
            .field("pooling", &self.head.modes)
            .finish_non_exhaustive()
    }
}

/// From token vectors to the text's vector.
struct Head {
    modes: Vec<PoolingMode>,
    include_prompt: bool,
    after: Vec<After>,
}

/// A step after pooling.
enum After {
    Dense(Box<Linear>, Activation),
    Normalize,
}

impl Head {
    /// Width of the vectors, given that of the tokens'.
    fn dim(&self, hidden: usize) -> usize {
        let pooled = hidden * self.modes.len();
        self.after.iter().fold(pooled, |d, step| match step {
            After::Dense(layer, _) => layer.weight.dims()[0],
            After::Normalize => d,
        })
    }

    /// `[tokens, d] → [texts, dim]`, leaving the first `skip[i]` tokens of text `i` out of the
    /// pooling.
    fn forward(&self, hidden: Tensor<2>, batch: &Batch, skip: &[usize]) -> Tensor<2> {
        let parts = self.modes.iter().map(|mode| mode.apply(hidden.clone(), &batch.rows, skip));
        let pooled = Tensor::cat(parts.collect(), 1);
        self.after.iter().fold(pooled, |x, step| match step {
            After::Dense(layer, activation) => {
                layer.activated(x.cast(layer.weight.val().dtype()), *activation)
            }
            After::Normalize => normalized(x),
        })
    }

    fn normalizes(&self) -> bool {
        self.after.iter().any(|step| matches!(step, After::Normalize))
    }
}

/// Rows of length 1, in single precision: rounded to bf16 their length would be off by up to 1 %.
pub(super) fn normalized(x: Tensor<2>) -> Tensor<2> {
    let x = x.cast(DType::F32);
    let squares = x.clone() * x.clone();
    x / squares.sum_dim(1).sqrt().clamp_min(1e-12)
}

impl TextEncoder {
    /// Columns of the vectors.
    pub fn dim(&self) -> usize {
        self.head.dim(self.backbone.hidden_size())
    }

    /// Tokens of a text that the model sees at once, special ones included.
    pub fn max_len(&self) -> usize {
        self.max_len
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// The transformer.
    pub fn backbone(&self) -> &dyn Backbone {
        self.backbone.as_ref()
    }

    /// The pooling, one mode after another where several are concatenated.
    pub fn pooling(&self) -> &[PoolingMode] {
        &self.head.modes
    }

    /// Whether the model's own steps give vectors of length 1.
    pub fn normalizes(&self) -> bool {
        self.head.normalizes()
    }

    /// The prompts the folder names, by name.
    pub fn prompts(&self) -> &BTreeMap<String, String> {
        &self.prompts
    }

    /// What of the checkpoint was used, and what the model had to do without.
    pub fn report(&self) -> &LoadReport {
        &self.report
    }

    /// The text put before every text.
    fn prompt<'a>(&'a self, prompt: &'a Prompt) -> Result<&'a str> {
        let named = |name: &str| {
            self.prompts.get(name).map(String::as_str).ok_or_else(|| {
                let names: Vec<&str> = self.prompts.keys().map(String::as_str).collect();
                let why = match names.as_slice() {
                    [] => "this model names no prompts; give the prompt as text".to_string(),
                    names => format!("this model's prompts are {}", names.join(", ")),
                };
                Error::parameter("prompt", name, why)
            })
        };
        match prompt {
            Prompt::Text(text) => Ok(text),
            Prompt::Named(name) => named(name),
            Prompt::Default => self.default_prompt.as_deref().map_or(Ok(""), named),
        }
    }
}
