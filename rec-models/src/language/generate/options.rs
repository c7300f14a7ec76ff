//! How to choose tokens and when to stop.

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How to generate; the fields are named as in `transformers` where it has them.
///
/// The default is greedy: the likeliest token each time. With `do_sample`, a token is drawn from
/// the distribution that is left after, in this order, `repetition_penalty`, `temperature`,
/// `top_k` and `top_p`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct GenerateOptions {
    /// Tokens to generate at most, for each prompt.
    pub max_new_tokens: usize,
    /// Whether tokens are drawn; else the likeliest is taken.
    pub do_sample: bool,
    /// What scores are divided by before softmax: below 1 favours likely tokens. Above 0.
    pub temperature: f32,
    /// Draw among this many likeliest tokens, and those that tie with the last of them.
    pub top_k: Option<usize>,
    /// Draw among the fewest likeliest tokens whose probabilities sum to this (nucleus sampling,
    /// Holtzman et al. 2020, arXiv:1904.09751). In (0, 1].
    pub top_p: Option<f32>,
    /// What positive scores of tokens already seen, in the prompt or since, are divided by, and
    /// negative ones multiplied by (Keskar et al. 2019, arXiv:1909.05858, §4.1). Above 0; 1 does
    /// nothing. Greedy generation heeds it too.
    pub repetition_penalty: f32,
    /// A token that ends its text; it is the last of the ids and not in the text.
    pub stop_ids: Vec<u32>,
    /// Texts that end the text they occur in; they are cut off. They need a decoder.
    pub stop_strings: Vec<String>,
    /// Seed of the draws. A prompt's draws depend on the seed and its place in the list alone.
    pub seed: u64,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self {
            max_new_tokens: 64,
            do_sample: false,
            temperature: 1.0,
            top_k: None,
            top_p: None,
            repetition_penalty: 1.0,
            stop_ids: Vec::new(),
            stop_strings: Vec::new(),
            seed: 0,
        }
    }
}

impl GenerateOptions {
    /// That every field lies in its domain, for a vocabulary of `vocab_size`.
    pub(super) fn check(&self, vocab_size: usize) -> Result<()> {
        if self.max_new_tokens == 0 {
            return Err(Error::parameter("max_new_tokens", 0, "must be at least 1"));
        }
        self.check_filters()?;
        if let Some(id) = self.stop_ids.iter().find(|&&id| id as usize >= vocab_size) {
            let why = format!("outside the model's vocabulary of {vocab_size}, it would never end");
            return Err(Error::parameter("stop_ids", id, why));
        }
        if self.stop_strings.iter().any(String::is_empty) {
            let why = "an empty text occurs everywhere; leave it out";
            return Err(Error::parameter("stop_strings", "\"\"", why));
        }
        Ok(())
    }

    fn check_filters(&self) -> Result<()> {
        let positive = |value: f32| value > 0.0 && value.is_finite();
        if !positive(self.temperature) {
            let why =
                "must be a positive number; for the likeliest token each time, turn do_sample off";
            return Err(Error::parameter("temperature", self.temperature, why));
        }
        if self.top_k == Some(0) {
            let why = "must be at least 1; to draw among all tokens, leave it out";
            return Err(Error::parameter("top_k", 0, why));
        }
        if let Some(p) = self.top_p.filter(|p| !(*p > 0.0 && *p <= 1.0)) {
            let why = "must lie in (0, 1]; to draw among all tokens, leave it out";
            return Err(Error::parameter("top_p", p, why));
        }
        if !positive(self.repetition_penalty) {
            let why = "must be a positive number; 1 does nothing, more discourages repetition";
            return Err(Error::parameter("repetition_penalty", self.repetition_penalty, why));
        }
        Ok(())
    }
}
