//! Texts in, texts out: a decoder with its tokenizer.

use std::path::Path;

use burn::tensor::DType;
use rec_core::text::{EncodeOptions, Tokenizer};
use serde_json::{Map, Value};

use super::{GenerateOptions, Generated, Generator, Piece};
use crate::device::{Device, check_dtype};
use crate::fit::Cancel;
use crate::language::config::ConfigFile;
use crate::language::{Causal, Likelihood, LoadReport, likelihoods, load_causal};
use crate::{Error, Result};

/// A decoder, its tokenizer, and how its checkpoint would have it generate.
pub struct TextGenerator {
    model: Box<dyn Causal>,
    tokenizer: Tokenizer,
    options: GenerateOptions,
    report: LoadReport,
}

impl TextGenerator {
    /// The decoder in a folder of Hugging Face layout. Nothing is downloaded.
    ///
    /// # Errors
    /// A folder that lacks a file or holds a damaged one, an architecture that is no decoder known
    /// here, weights that do not fit `config.json`, a vocabulary larger than the token table, a
    /// device or type that this build lacks.
    pub fn from_pretrained(folder: impl AsRef<Path>, device: Device, dtype: DType) -> Result<Self> {
        let folder = folder.as_ref();
        let on = device.tensor()?;
        check_dtype(device, dtype)?;
        let (model, report) = load_causal(folder, &on, dtype)?;
        let tokenizer = Tokenizer::from_folder(folder)?;
        if tokenizer.vocab_size() > model.vocab_size() {
            return Err(Error::shape(
                format!("{}: vocabulary of the tokenizer", folder.display()),
                format!("at most the {} rows of the token table", model.vocab_size()),
                format!("{} tokens", tokenizer.vocab_size()),
            ));
        }
        let options = suggested(folder)?;
        Ok(Self { model, tokenizer, options, report })
    }

    /// What the checkpoint's `generation_config.json` suggests, and the end tokens of its
    /// `config.json` where it names none; else the default.
    pub fn options(&self) -> &GenerateOptions {
        &self.options
    }

    /// The decoder.
    pub fn model(&self) -> &dyn Causal {
        &*self.model
    }

    /// The tokenizer.
    pub fn tokenizer(&self) -> &Tokenizer {
        &self.tokenizer
    }

    /// What of the checkpoint was used.
    pub fn report(&self) -> &LoadReport {
        &self.report
    }

    /// Continuations of the prompts, a token of each in turn, as they come. Prompts get the special
    /// tokens that the tokenizer puts around a text.
    ///
    /// # Errors
    /// As [`Generator::new`].
    pub fn stream<T: AsRef<str>>(
        &self,
        prompts: &[T],
        options: &GenerateOptions,
    ) -> Result<Generator<'_>> {
        Generator::new(&*self.model, &self.encode(prompts)?, options, Some(&self.tokenizer))
    }

    /// The whole continuation of every prompt.
    ///
    /// # Errors
    /// As [`super::generate`].
    pub fn generate<T: AsRef<str>>(
        &self,
        prompts: &[T],
        options: &GenerateOptions,
        cancel: &Cancel,
        on_piece: impl FnMut(&Piece) -> Result<()>,
    ) -> Result<Vec<Generated>> {
        let ids = self.encode(prompts)?;
        super::generate(&*self.model, &ids, options, Some(&self.tokenizer), cancel, on_piece)
    }

    /// How likely the model finds each text; see [`likelihoods`].
    ///
    /// # Errors
    /// As [`likelihoods`].
    pub fn likelihoods<T: AsRef<str>>(
        &self,
        texts: &[T],
        tokens_a_pass: usize,
        cancel: &Cancel,
    ) -> Result<Vec<Likelihood>> {
        likelihoods(&*self.model, &self.encode(texts)?, tokens_a_pass, cancel)
    }

    fn encode<T: AsRef<str>>(&self, texts: &[T]) -> Result<Vec<Vec<u32>>> {
        let encode = |text: &T| {
            let encoding = self.tokenizer.encode(text.as_ref(), &EncodeOptions::default())?;
            Ok(encoding.ids)
        };
        texts.iter().map(encode).collect()
    }
}

/// How the folder says to generate.
fn suggested(folder: &Path) -> Result<GenerateOptions> {
    let config = ConfigFile::open(folder)?.over(&Map::new())?;
    let path = folder.join("generation_config.json");
    let generation: Map<String, Value> = match path.is_file() {
        false => Map::new(),
        true => {
            let text = std::fs::read_to_string(&path).map_err(Error::io(&path))?;
            serde_json::from_str(&text)
                .map_err(|e| Error::format(&path, Some(e.line() as u64), e.to_string()))?
        }
    };
    Ok(options(&config, &generation))
}

fn options(config: &Map<String, Value>, generation: &Map<String, Value>) -> GenerateOptions {
    let default = GenerateOptions::default();
    let number = |key: &str| generation.get(key).and_then(Value::as_f64).map(|n| n as f32);
    let count = |key: &str| generation.get(key).and_then(Value::as_u64).map(|n| n as usize);
    let end = ids(generation.get("eos_token_id")).or_else(|| ids(config.get("eos_token_id")));
    GenerateOptions {
        max_new_tokens: count("max_new_tokens").unwrap_or(default.max_new_tokens),
        do_sample: generation.get("do_sample").and_then(Value::as_bool).unwrap_or(false),
        temperature: number("temperature").unwrap_or(default.temperature),
        // Zero, in these files, is how to turn it off.
        top_k: count("top_k").filter(|k| *k > 0),
        top_p: number("top_p"),
        repetition_penalty: number("repetition_penalty").unwrap_or(default.repetition_penalty),
        stop_ids: end.unwrap_or_default(),
        ..default
    }
}

/// One id, or a list of them.
fn ids(value: Option<&Value>) -> Option<Vec<u32>> {
    match value? {
        Value::Array(ids) => Some(ids.iter().filter_map(id).collect()),
        one => id(one).map(|id| vec![id]),
    }
}

fn id(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|id| u32::try_from(id).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(json: &str) -> Map<String, Value> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_the_checkpoint_suggests_is_read() {
        let generation = r#"{"do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95,
            "eos_token_id": [7, 5], "bos_token_id": 1}"#;
        let got = options(&map(r#"{"eos_token_id": 2}"#), &map(generation));
        let expected = GenerateOptions {
            do_sample: true,
            temperature: 0.6,
            top_k: Some(20),
            top_p: Some(0.95),
            stop_ids: vec![7, 5],
            ..GenerateOptions::default()
        };
        assert_eq!(got, expected);
        let bare = options(&map(r#"{"eos_token_id": 2}"#), &map(r#"{"top_k": 0}"#));
        assert_eq!(bare, GenerateOptions { stop_ids: vec![2], ..GenerateOptions::default() });
    }
}
