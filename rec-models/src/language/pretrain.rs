//! Self-supervised training of encoders on plain texts.

use burn::module::Module;
use burn::tensor::{Int, Tensor};
use rand::seq::SliceRandom;
use rec_core::parallel;
use rec_core::rng::{self, Rng};
use rec_core::sampling::TokenMasking;
use rec_core::text::{EncodeOptions, PackedBatch, SpecialRole, Tokenizer};

use super::masked::MaskedLm;
use super::{Backbone, Batch};
use crate::fit::FitContext;
use crate::ops::{AdamW, AdamWConfig, CrossEntropy, Packed, cross_entropy};
use crate::{Error, Result};

/// Masked-language-model training (Devlin et al. 2019) with masks drawn anew every epoch (Liu et
/// al. 2019), AdamW and a learning rate that rises and falls linearly.
///
/// The model is trained as it is, without dropout.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskedPretraining {
    /// Passes over the texts.
    pub epochs: usize,
    /// The learning rate at its peak.
    pub learning_rate: f64,
    /// The share of all steps over which the rate rises to its peak.
    pub warmup: f64,
    /// Tokens of a step.
    pub batch_tokens: usize,
    /// Tokens a text is cut to, special ones included; `None` for as many as the model takes.
    pub max_len: Option<usize>,
    /// The share of tokens to predict.
    pub mask_probability: f64,
    /// AdamW's other parameters.
    pub optimizer: AdamWConfig,
}

impl Default for MaskedPretraining {
    /// Three epochs at 5·10⁻⁴, 4,096 tokens a step, 15 % masked, no decay of biases and norms.
    fn default() -> Self {
        Self {
            epochs: 3,
            learning_rate: 5e-4,
            warmup: 0.06,
            batch_tokens: 4096,
            max_len: None,
            mask_probability: 0.15,
            optimizer: AdamWConfig {
                no_decay: vec!["bias".into(), "LayerNorm".into()],
                max_norm: Some(1.0),
                ..AdamWConfig::default()
            },
        }
    }
}

impl MaskedPretraining {
    /// Trains `model`, whose weights lie on an autodiff device; returns it with the mean loss (in
    /// nats a masked token) of every epoch.
    ///
    /// # Errors
    /// Parameters outside their domain, a tokenizer without a mask token or with more tokens than
    /// the model, no text with a token, [`Error::Cancelled`], and [`Error::Data`] at the step where
    /// the loss is no longer a number.
    pub fn fit<M: MaskedLm + Module, T: AsRef<str> + Sync>(
        &self,
        model: M,
        tokenizer: &Tokenizer,
        texts: &[T],
        ctx: &FitContext<'_>,
    ) -> Result<(M, Vec<f64>)> {
        let masking = self.masking(tokenizer, &model)?;
        let optimizer = AdamW::new(self.optimizer.clone())?;
        parallel::install(ctx.threads, || {
            let packed = self.tokens(tokenizer, texts, &model)?;
            let order = (0..packed.len())
                .filter(|&i| packed.row(i).iter().any(|id| !masking.special_ids.contains(id)));
            let order: Vec<usize> = order.collect();
            if order.is_empty() {
                return Err(Error::empty(
                    "the corpus",
                    "no text has a token; pass texts with words",
                ));
            }
            let steps = self.epochs * batches(&order, &packed, self.batch_tokens).len();
            ctx.progress.begin("masked LM", steps as u64);
            let mut run = Run { plan: self, masking, packed, optimizer, steps, step: 0 };
            let outcome = run.epochs(model, order, ctx);
            ctx.progress.end();
            outcome
        })
    }

    fn masking(&self, tokenizer: &Tokenizer, model: &impl Backbone) -> Result<TokenMasking> {
        let at_least_one = |name: &str, value: usize| match value {
            0 => Err(Error::parameter(name, 0, "choose 1 or more")),
            _ => Ok(()),
        };
        at_least_one("epochs", self.epochs)?;
        at_least_one("batch_tokens", self.batch_tokens)?;
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            let why = "a number above 0; 5e-4 from scratch, 5e-5 from a checkpoint";
            return Err(Error::parameter("learning_rate", self.learning_rate, why));
        }
        if !(0.0..=1.0).contains(&self.warmup) {
            return Err(Error::parameter("warmup", self.warmup, "a share of the steps, 0 to 1"));
        }
        if tokenizer.vocab_size() > model.vocab_size() {
            let expected = format!("at most the model's {}", model.vocab_size());
            return Err(Error::shape("tokens of the tokenizer", expected, tokenizer.vocab_size()));
        }
        let special = tokenizer.special_tokens();
        let mask = special.get(SpecialRole::Mask).ok_or_else(|| {
            Error::data("the tokenizer", "it has no mask token; train one with [MASK] or <mask>")
        })?;
        let masking = TokenMasking {
            probability: self.mask_probability,
            ..TokenMasking::new(mask.id, tokenizer.vocab_size() as u32, special.ids())
        };
        masking.check()?;
        Ok(masking)
    }

    fn tokens<T: AsRef<str> + Sync>(
        &self,
        tokenizer: &Tokenizer,
        texts: &[T],
        model: &impl Backbone,
    ) -> Result<PackedBatch> {
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let most = [self.max_len, model.max_len()].into_iter().flatten().min();
        let options = most.map_or_else(EncodeOptions::default, EncodeOptions::truncated);
        tokenizer.encode_packed(&texts, &options)
    }
}

/// Runs of texts that make a step: at most `budget` tokens, or one text.
fn batches<'a>(order: &'a [usize], packed: &PackedBatch, budget: usize) -> Vec<&'a [usize]> {
    let mut runs = Vec::new();
    let (mut start, mut tokens) = (0, 0);
    for (at, &text) in order.iter().enumerate() {
        let more = packed.row(text).len();
        if at > start && tokens + more > budget {
            runs.push(&order[start..at]);
            (start, tokens) = (at, 0);
        }
        tokens += more;
    }
    runs.push(&order[start..]);
    runs
}

/// A run in progress.
struct Run<'a> {
    plan: &'a MaskedPretraining,
    masking: TokenMasking,
    packed: PackedBatch,
    optimizer: AdamW,
    steps: usize,
    step: usize,
}

impl Run<'_> {
    fn epochs<M: MaskedLm + Module>(
        &mut self,
        mut model: M,
        mut order: Vec<usize>,
        ctx: &FitContext<'_>,
    ) -> Result<(M, Vec<f64>)> {
        let mut losses = Vec::with_capacity(self.plan.epochs);
        for epoch in 0..self.plan.epochs {
            let mut rng = rng::stream(ctx.seed, "masked LM", epoch as u64);
            order.shuffle(&mut rng);
            let (mut sum, mut masked) = (0.0, 0);
            for texts in batches(&order, &self.packed, self.plan.batch_tokens) {
                ctx.cancel.check("masked-language-model training")?;
                let (trained, loss, tokens) = self.step(model, texts, &mut rng)?;
                model = trained;
                sum += loss * tokens as f64;
                masked += tokens;
                let note = format!("epoch {} loss {:.3}", epoch + 1, sum / masked as f64);
                ctx.progress.step(self.step as u64, &note);
            }
            losses.push(sum / masked as f64);
        }
        Ok((model, losses))
    }

    /// The model after a step, its loss before, and over how many tokens.
    fn step<M: MaskedLm + Module>(
        &mut self,
        model: M,
        texts: &[usize],
        rng: &mut Rng,
    ) -> Result<(M, f64, usize)> {
        let ids: Vec<u32> = texts.iter().flat_map(|&i| self.packed.row(i)).copied().collect();
        let masked = self.masking.mask(&ids, None, rng);
        let rows = Packed::from_lengths(texts.iter().map(|&i| self.packed.row(i).len()));
        let hidden = model.hidden(&Batch { ids: masked.ids, type_ids: None, rows });
        let device = hidden.device();
        let whole = |ids: &[u32]| -> Tensor<1, Int> {
            let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
            Tensor::from_ints(ids.as_slice(), &device)
        };
        let features = model.mlm_features(hidden.select(0, whole(&masked.positions)));
        let (vectors, biases) = model.mlm_vocabulary();
        let targets = whole(&masked.targets);
        let options = CrossEntropy::default();
        let loss = cross_entropy(features, vectors, biases, targets, None, options);
        let value: f64 = loss.clone().into_data().iter::<f64>().sum();
        self.step += 1;
        if !value.is_finite() {
            let why = "the loss is no longer a number; lower learning_rate or lengthen warmup";
            return Err(Error::data(format!("step {} of {}", self.step, self.steps), why));
        }
        let mut gradients = loss.backward();
        let model = self.optimizer.step(model, &mut gradients, self.rate());
        Ok((model, value, masked.targets.len()))
    }

    /// The learning rate of the present step: up to the peak, then down to zero.
    fn rate(&self) -> f64 {
        let warmup = self.plan.warmup * self.steps as f64;
        let step = self.step as f64;
        let share = if step < warmup {
            step / warmup
        } else {
            (self.steps as f64 - step + 1.0) / (self.steps as f64 - warmup + 1.0)
        };
        self.plan.learning_rate * share.min(1.0)
    }
}
