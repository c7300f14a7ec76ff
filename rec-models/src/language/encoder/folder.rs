//! From a checkpoint folder to an encoder.

use std::path::Path;

use burn::tensor::Device as TensorDevice;
use rec_core::text::Tokenizer;

use super::frame::Frame;
use super::modules::{self, Step};
use super::{After, EncoderOptions, Head, LongTexts, TextEncoder};
use crate::device::check_dtype;
use crate::language::layers::Linear;
use crate::language::weights::Weights;
use crate::language::{Adapters, adapted_backbone};
use crate::{Error, Result};

impl TextEncoder {
    /// Loads a folder in sentence-transformers layout (`modules.json` and what it names), or one of
    /// a bare transformer in Hugging Face layout, which is pooled by the mean.
    ///
    /// # Errors
    /// A folder that lacks a file or holds a damaged one, an architecture this library does not
    /// know, weights that do not fit `config.json`, a vocabulary larger than the embedding table, a
    /// device that this build lacks.
    pub fn from_pretrained(folder: impl AsRef<Path>, options: &EncoderOptions) -> Result<Self> {
        let folder = folder.as_ref();
        let device = options.device.tensor()?;
        check_dtype(options.device, options.dtype)?;
        let layout = modules::read(folder)?;
        let (backbone, report) = adapted_backbone(
            &layout.transformer,
            &device,
            options.dtype,
            options.adapter.clone().map(Adapters::Merged).as_ref(),
        )?;
        let tokenizer = Tokenizer::from_folder(&layout.transformer)?;
        if tokenizer.vocab_size() > backbone.vocab_size() {
            return Err(Error::shape(
                format!("{}: vocabulary of the tokenizer", folder.display()),
                format!("at most the {} rows of the embedding table", backbone.vocab_size()),
                format!("{} tokens", tokenizer.vocab_size()),
            ));
        }
        let frame = Frame::of(&tokenizer)?;
        let model_max = [backbone.max_len(), layout.max_len, tokenizer.model_max_length()];
        let model_max = model_max.into_iter().flatten().min();
        let max_len = window(options, model_max, frame.len())?;
        let head = head(&layout.steps, options, &device)?;
        check_widths(&head, backbone.hidden_size())?;
        let settings = format!(
            "{:?} {max_len} {:?} {} {:?}",
            head.modes, options.long_texts, layout.lower_case, options.dtype
        );
        Ok(Self {
            folder: folder.to_path_buf(),
            transformer: layout.transformer,
            options: options.clone(),
            tokenizer,
            frame,
            backbone,
            head,
            prompts: layout.prompts,
            default_prompt: layout.default_prompt,
            lower_case: layout.lower_case,
            max_len,
            long_texts: options.long_texts,
            report,
            settings,
            cache: None,
        })
    }
}

/// Windows where neither the model nor the caller bounds the length.
const DEFAULT_WINDOW: usize = 8192;

fn window(options: &EncoderOptions, model: Option<usize>, special: usize) -> Result<usize> {
    let most = model.unwrap_or(usize::MAX);
    let max_len = options.max_len.unwrap_or(most.min(DEFAULT_WINDOW));
    if max_len > most || max_len <= special {
        let why = match model {
            Some(most) => format!("choose {} to {most}", special + 1),
            None => format!("choose {} or more", special + 1),
        };
        return Err(Error::parameter("max_len", max_len, why));
    }
    if let LongTexts::Chunk { overlap } = options.long_texts {
        let room = max_len - special;
        if overlap >= room {
            let why = format!("choose less than the {room} tokens of a window");
            return Err(Error::parameter("overlap", overlap, why));
        }
    }
    Ok(max_len)
}

fn head(steps: &[Step], options: &EncoderOptions, device: &TensorDevice) -> Result<Head> {
    let mut head = Head { modes: Vec::new(), include_prompt: true, after: Vec::new() };
    for step in steps {
        match step {
            Step::Pooling { modes, include_prompt } => {
                head.modes.clone_from(modes);
                head.include_prompt = *include_prompt;
            }
            Step::Normalize => head.after.push(After::Normalize),
            Step::Dense { folder, d_in, d_out, bias, activation } => {
                let weights = Weights::open(folder, device, options.dtype)?;
                let scope = weights.top().at("linear");
                let layer = match bias {
                    true => Linear::load(&scope, *d_in, *d_out)?,
                    false => Linear::load_no_bias(&scope, *d_in, *d_out)?,
                };
                head.after.push(After::Dense(Box::new(layer), *activation));
            }
        }
    }
    if let Some(mode) = options.pooling {
        head.modes = vec![mode];
    }
    if head.modes.is_empty() {
        let why = "no pooling step; name one (pooling = mean)";
        return Err(Error::data("modules.json", why));
    }
    Ok(head)
}

fn check_widths(head: &Head, hidden: usize) -> Result<()> {
    let mut d = hidden * head.modes.len();
    for step in &head.after {
        if let After::Dense(layer, _) = step {
            let [d_out, d_in] = layer.weight.dims();
            if d_in != d {
                return Err(Error::shape("input of the Dense module", d, d_in));
            }
            d = d_out;
        }
    }
    Ok(())
}
