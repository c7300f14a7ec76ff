//! Self-supervised training of language models on plain texts.
//!
//! A [`Corpus`] holds the texts as tokens, an [`Objective`] says what is to be predicted
//! ([`MaskedObjective`], [`ReplacedTokens`], [`CausalObjective`], [`SimCse`], [`PairObjective`]), and
//! [`LanguageTraining`] runs the steps: AdamW, a schedule, accumulation, evaluation with early
//! stopping, metrics, checkpoints to resume from.

mod causal;
mod checkpoint;
mod contrastive;
mod corpus;
mod data;
mod groups;
mod masked;
mod metrics;
mod objective;
mod pairs;
mod parameters;
#[cfg(test)]
pub(super) use parameters::snapshot;
mod plan;
mod replaced;
mod run;
#[cfg(test)]
mod tests;

pub use causal::{CausalObjective, CausalPass};
pub use contrastive::{PairObjective, PairPass, SimCse, TwicePass};
pub use corpus::{Corpus, TextTokens};
pub use data::TrainingData;
pub use masked::{MaskedObjective, MaskedPass};
pub use objective::Objective;
pub use pairs::Pairs;
pub use replaced::{ReplacedPass, ReplacedTokens};

use std::path::PathBuf;

use burn::module::Module;
use rec_core::parallel;
use serde::{Deserialize, Serialize};

use super::lora::{Adapters, LoraConfig, has_adapters};
use super::{Backbone, DropoutRates, Noise};
use crate::fit::FitContext;
use crate::ops::AdamWConfig;
use crate::train::Schedule;
use crate::{Error, Result};

/// How a language model is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LanguageTraining {
    /// Passes over the texts.
    pub epochs: usize,
    /// The learning rate at its peak.
    pub learning_rate: f64,
    /// How the rate goes after its rise.
    pub schedule: Schedule,
    /// The share of all steps over which the rate rises to its peak.
    pub warmup: f64,
    /// Tokens of a pass through the model; a longer text passes alone.
    pub batch_tokens: usize,
    /// Rows of a pass at most. Where a loss compares the rows of a pass with one another
    /// (contrastive objectives), this is the batch size of the papers.
    pub batch_rows: Option<usize>,
    /// What is dropped at random while training: nothing, unless told.
    pub dropout: DropoutRates,
    /// Passes of a step: their gradients are summed, each prediction counting the same.
    pub accumulation: usize,
    /// Measure the loss on the validation texts after every so many steps; after every epoch where
    /// none are given.
    pub evaluate_every: Option<usize>,
    /// Stop after so many measurements without a better one, and return the best model.
    pub patience: Option<usize>,
    /// AdamW's other parameters.
    pub optimizer: AdamWConfig,
    /// What each layer's rate is multiplied by, from the top down: below 1, the lower layers, which
    /// know language in general, learn more slowly (Howard & Ruder 2018). 1 treats all alike.
    pub layer_decay: f64,
    /// Parts of the model that stay as they are: runs of names of their parameters' paths
    /// (`embeddings`, `encoder.layer.0`).
    pub frozen: Vec<String>,
    /// Of the adapters that the model was loaded with ([`LanguageTraining::adapters`]): they learn,
    /// and what they adapt stays as it is.
    pub lora: Option<LoraConfig>,
    /// Keep the input of each layer alone, and compute its activations again in the backward pass
    /// (Chen et al. 2016): less is kept, layers are passed forward twice, the steps are the same.
    pub gradient_checkpointing: bool,
    /// Where a line of JSON goes for every step and every measurement.
    #[serde(skip)]
    pub metrics: Option<PathBuf>,
}

impl Default for LanguageTraining {
    /// Three epochs at 5·10⁻⁴, 6 % of it rising, 4,096 tokens a step, gradients clipped at norm 1,
    /// no decay of biases and norms.
    fn default() -> Self {
        let no_decay = ["bias", "LayerNorm", "layer_norm", "layernorm", "ln_", "norm"];
        Self {
            epochs: 3,
            learning_rate: 5e-4,
            schedule: Schedule::Linear,
            warmup: 0.06,
            batch_tokens: 4096,
            batch_rows: None,
            dropout: DropoutRates::default(),
            accumulation: 1,
            evaluate_every: None,
            patience: None,
            optimizer: AdamWConfig {
                no_decay: no_decay.map(Into::into).to_vec(),
                max_norm: Some(1.0),
                ..AdamWConfig::default()
            },
            layer_decay: 1.0,
            frozen: Vec::new(),
            lora: None,
            gradient_checkpointing: false,
            metrics: None,
        }
    }
}

/// A trained model, and how training went.
#[derive(Clone, Debug)]
pub struct Trained<M> {
    /// The model: the one that measured best where training was told to be patient, else the last.
    pub model: M,
    /// The mean training loss of every epoch, in nats a prediction; its exponential is the
    /// perplexity.
    pub losses: Vec<f64>,
    /// The losses on the validation texts.
    pub validation: Vec<Evaluation>,
}

/// A loss on the validation texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// After so many steps.
    pub step: usize,
    /// The mean loss of a prediction, in nats.
    pub loss: f64,
}

impl LanguageTraining {
    /// Trains `model`, whose weights lie on an autodiff device.
    ///
    /// With `ctx.checkpoints`, a state is saved after every so many steps (and at the end), and a
    /// run that finds one of its own goes on from there: the same steps, and in the end the same
    /// weights, as if it had not been interrupted.
    ///
    /// # Errors
    /// Parameters outside their domain, data of another vocabulary than the model's or without a
    /// usable row, a checkpoint of another run, [`Error::Cancelled`], and [`Error::Data`] at the
    /// step where the loss is no longer a number; the last checkpoint stays.
    pub fn fit<M: Backbone + Module, O: Objective<M> + Sync>(
        &self,
        model: M,
        objective: &O,
        data: &O::Data,
        validation: Option<&O::Data>,
        ctx: &FitContext<'_>,
    ) -> Result<Trained<M>> {
        self.check()?;
        if has_adapters(&model) != self.lora.is_some() {
            let why = "the model must be loaded with adapters if they are to learn, and only then";
            return Err(Error::parameter("lora", format!("{:?}", self.lora), why));
        }
        objective.check(&model)?;
        for data in std::iter::once(data).chain(validation) {
            if data.vocab_size() > model.vocab_size() {
                let expected = format!("at most the model's {}", model.vocab_size());
                let what = "tokens of the tokenizer";
                return Err(Error::shape(what, expected, data.vocab_size()));
            }
            check_lengths(&model, data)?;
        }
        parallel::install(ctx.threads, || run::run(self, model, objective, data, validation, ctx))
    }

    /// The adapters that a model is to be loaded with, if they are to learn in place of its weights.
    pub fn adapters(&self, seed: u64) -> Option<Adapters> {
        self.lora.clone().map(|config| Adapters::New { config, seed })
    }

    /// The model with its adapters, if it has any, added to its weights.
    pub fn merged<M: Module>(&self, model: M) -> M {
        match &self.lora {
            Some(lora) => lora.merge(model),
            None => model,
        }
    }

    /// What a pass drops.
    fn noise(&self, seed: u64) -> Noise {
        let adapters = self.lora.as_ref().map_or(0.0, |lora| lora.dropout);
        self.dropout.noise(seed).with_adapters(adapters)
    }

    /// Runs of rows that make a pass.
    fn passes<'o>(&self, order: &'o [usize], data: &impl TrainingData) -> Vec<&'o [usize]> {
        data::passes(order, data, self.batch_tokens, self.batch_rows)
    }

    fn check(&self) -> Result<()> {
        let counts = [
            ("epochs", Some(self.epochs)),
            ("batch_tokens", Some(self.batch_tokens)),
            ("batch_rows", self.batch_rows),
            ("accumulation", Some(self.accumulation)),
            ("evaluate_every", self.evaluate_every),
            ("patience", self.patience),
        ];
        if let Some((name, _)) = counts.iter().find(|(_, value)| *value == Some(0)) {
            return Err(Error::parameter(*name, 0, "choose 1 or more"));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            let why = "a positive number; usual are 1e-5 to 1e-3";
            return Err(Error::parameter("learning_rate", self.learning_rate, why));
        }
        if !(0.0..=1.0).contains(&self.warmup) {
            return Err(Error::parameter("warmup", self.warmup, "a share of all steps, 0 to 1"));
        }
        if !(self.layer_decay > 0.0 && self.layer_decay <= 1.0) {
            let why = "above 0, at most 1; usual are 0.8 to 1";
            return Err(Error::parameter("layer_decay", self.layer_decay, why));
        }
        self.dropout.check()?;
        self.lora.as_ref().map_or(Ok(()), LoraConfig::check)?;
        self.optimizer.check()
    }
}

/// That every text fits the model's positions.
fn check_lengths(model: &impl Backbone, data: &impl TrainingData) -> Result<()> {
    let longest = (0..data.len()).map(|row| data.longest(row)).max().unwrap_or(0);
    match model.max_len() {
        Some(most) if longest > most => {
            let expected = format!("at most the model's {most}; pass it as max_len");
            Err(Error::shape("tokens of the longest text", expected, longest))
        }
        _ => Ok(()),
    }
}
