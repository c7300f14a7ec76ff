//! Settings of an encoder, and of one call.

use std::path::PathBuf;
use std::sync::Arc;

use burn::tensor::DType;

use super::{LongTexts, PoolingMode};
use crate::device::Device;
use crate::fit::{Cancel, Progress, Silent};

/// How a checkpoint becomes an encoder.
#[derive(Clone, Debug)]
pub struct EncoderOptions {
    /// Where it runs.
    pub device: Device,
    /// The type of its weights and activations: `F32`, or `BF16` or `F16` where the device has it.
    pub dtype: DType,
    /// Pooling instead of the folder's.
    pub pooling: Option<PoolingMode>,
    /// Tokens a text may have, special ones included, where it is to be less than the model's.
    pub max_len: Option<usize>,
    /// What happens to longer texts.
    pub long_texts: LongTexts,
    /// A folder of LoRA adapters, as `peft` and [`train_encoder`](super::train_encoder) write it,
    /// that are added to the weights.
    pub adapter: Option<PathBuf>,
}

impl Default for EncoderOptions {
    fn default() -> Self {
        Self {
            device: Device::default(),
            dtype: DType::F32,
            pooling: None,
            max_len: None,
            long_texts: LongTexts::default(),
            adapter: None,
        }
    }
}

/// What is put before every text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Prompt {
    /// The folder's default prompt, if it names one.
    #[default]
    Default,
    /// The folder's prompt of this name (`query`).
    Named(String),
    /// This text; empty for none.
    Text(String),
}

/// How to encode a batch of texts.
#[derive(Clone)]
pub struct Encode {
    /// What is put before every text.
    pub prompt: Prompt,
    /// Vectors of length 1; `None` for as the model does it.
    pub normalize: Option<bool>,
    /// Tokens that go through the model at once.
    pub batch_tokens: usize,
    /// Bytes that encoding may take beside the model; batches shrink to fit, and what cannot fit is
    /// refused.
    pub memory_limit: Option<u64>,
    /// Threads; `None` for all cores.
    pub threads: Option<usize>,
    /// Who is told how many texts are done.
    pub progress: Arc<dyn Progress>,
    /// Stops the work from another thread.
    pub cancel: Cancel,
}

impl Default for Encode {
    fn default() -> Self {
        Self {
            prompt: Prompt::default(),
            normalize: None,
            batch_tokens: 4096,
            memory_limit: None,
            threads: None,
            progress: Arc::new(Silent),
            cancel: Cancel::default(),
        }
    }
}
