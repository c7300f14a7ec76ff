//! The loop over steps.

use std::time::Instant;

use burn::module::Module;
use burn::tensor::Tensor;
use rand::RngExt;
use rec_core::rng;

use super::checkpoint::{Identity, Progress, Saved, Store};
use super::groups::{self, LayerRates};
use super::metrics::{Line, Metrics};
use super::plan::Plan;
use super::{Evaluation, LanguageTraining, Objective, Trained, TrainingData};
use crate::fit::FitContext;
use crate::language::recompute::Tape;
use crate::language::{Backbone, Noise};
use crate::ops::AdamW;
use crate::{Error, Result};

/// A run in progress.
struct Run<'a, O, D> {
    settings: &'a LanguageTraining,
    objective: &'a O,
    data: &'a D,
    plan: Plan<'a, D>,
    seed: u64,
    rates: LayerRates,
    optimizer: AdamW,
    progress: Progress,
}

/// A step's loss (in nats a prediction), predictions and tokens.
struct Stepped {
    loss: f64,
    predictions: usize,
    tokens: usize,
}

pub(super) fn run<M: Backbone + Module, O: Objective<M>>(
    settings: &LanguageTraining,
    model: M,
    objective: &O,
    data: &O::Data,
    validation: Option<&O::Data>,
    ctx: &FitContext<'_>,
) -> Result<Trained<M>> {
    let usable = usable_rows::<M, O>(objective, data, "the corpus")?;
    let held_out = validation
        .map(|data| Ok((data, usable_rows::<M, O>(objective, data, "the validation texts")?)))
        .transpose()?;
    let identity = Identity {
        objective: objective.name().into(),
        seed: ctx.seed,
        vocabulary: data.vocab_size(),
        corpus: data.fingerprint(),
        validation: validation.map(TrainingData::fingerprint),
    };
    let store = match &ctx.checkpoints {
        Some(to) => Some(Store::open(to, settings, identity)?),
        None => None,
    };
    let (model, held) = groups::frozen(model, &settings.frozen)?;
    let mut run = Run {
        settings,
        objective,
        data,
        plan: Plan::new(settings, data, usable, ctx.seed),
        seed: ctx.seed,
        rates: LayerRates::new(&model, settings.layer_decay),
        optimizer: AdamW::new(settings.optimizer.clone())?,
        progress: Progress::default(),
    };
    ctx.progress.begin(objective.name(), run.plan.steps() as u64);
    let outcome = run.train(model, held_out.as_ref(), store.as_ref(), ctx);
    ctx.progress.end();
    outcome.map(|trained| Trained { model: groups::thawed(trained.model, &held), ..trained })
}

/// The rows that anything can be predicted of.
fn usable_rows<M: Backbone, O: Objective<M>>(
    objective: &O,
    data: &O::Data,
    what: &str,
) -> Result<Vec<usize>> {
    let usable: Vec<usize> = (0..data.len()).filter(|&row| objective.usable(data, row)).collect();
    match usable.is_empty() {
        true => Err(Error::empty(what, "no text has tokens to predict; pass texts with words")),
        false => Ok(usable),
    }
}

impl<O, D: TrainingData> Run<'_, O, D> {
    fn train<M: Backbone + Module>(
        &mut self,
        mut model: M,
        held_out: Option<&(&D, Vec<usize>)>,
        store: Option<&Store>,
        ctx: &FitContext<'_>,
    ) -> Result<Trained<M>>
    where
        O: Objective<M, Data = D>,
    {
        let mut best = None;
        let device = model.device();
        if let Some(store) = store
            && let Some(saved) = store.resume(&model, &mut self.optimizer, &device)?
        {
            let Saved { model: last, best: kept, progress } = saved;
            (model, best, self.progress) = (last, kept, progress);
            ctx.progress.step(self.progress.step as u64, "resumed");
        }
        let mut metrics = Metrics::open(self.settings.metrics.as_deref())?;
        let (steps, mut epoch_steps) = (self.plan.steps(), (usize::MAX, Vec::new()));
        while self.progress.step < steps && !self.exhausted() {
            let step = self.progress.step;
            ctx.cancel
                .check(&format!("{} after {step} of {steps} steps", self.objective.name()))?;
            let (epoch, at) = self.plan.place(step);
            if epoch_steps.0 != epoch {
                epoch_steps = (epoch, self.plan.epoch(epoch));
            }
            let started = Instant::now();
            let (trained, stepped) = self.step(model, &epoch_steps.1[at])?;
            model = trained;
            let speed = stepped.tokens as f64 / started.elapsed().as_secs_f64();
            self.record(epoch, &stepped);
            let done = self.progress.step;
            metrics.write(&Line {
                step: done,
                epoch: epoch + 1,
                loss: Some(stepped.loss),
                learning_rate: Some(self.rate(step)),
                tokens_per_second: Some(speed),
                ..Line::default()
            })?;
            let note = format!(
                "epoch {} loss {:.3} {speed:.0} tokens/s",
                epoch + 1,
                self.epoch_loss(epoch)
            );
            ctx.progress.step(done as u64, &note);
            if let Some((data, rows)) = held_out
                && self.evaluation_is_due(done)
            {
                let loss = self.evaluate(&model, data, rows)?;
                metrics.write(&Line {
                    step: done,
                    epoch: epoch + 1,
                    validation_loss: Some(loss),
                    ..Line::default()
                })?;
                tracing::debug!(step = done, loss, "validation");
                if self.is_best(loss) {
                    best = self.settings.patience.map(|_| model.clone());
                }
            }
            if let Some(store) = store
                && (done.is_multiple_of(store.every) || done == steps || self.exhausted())
            {
                store.save(&model, best.as_ref(), &self.optimizer, &self.progress)?;
            }
        }
        Ok(Trained {
            model: best.unwrap_or(model),
            losses: (0..self.progress.epochs.len()).map(|epoch| self.epoch_loss(epoch)).collect(),
            validation: self.evaluations().collect(),
        })
    }

    /// The model after a step.
    fn step<M: Backbone + Module>(
        &mut self,
        model: M,
        passes: &[Vec<usize>],
    ) -> Result<(M, Stepped)>
    where
        O: Objective<M, Data = D>,
    {
        let step = self.progress.step;
        let mut rng = rng::stream(self.seed, self.objective.name(), step as u64);
        let prepared: Vec<O::Pass> =
            passes.iter().map(|rows| self.objective.prepare(self.data, rows, &mut rng)).collect();
        let predictions: usize = prepared.iter().map(|p| self.objective.predictions(p)).sum();
        let mut loss = 0.0;
        for pass in &prepared {
            let share = self.objective.predictions(pass) as f64 / predictions as f64;
            let noise = self.settings.noise(rng.random());
            let forward = || self.objective.loss(&model, pass, noise) * share;
            let (part, tape) = match self.settings.gradient_checkpointing {
                true => Tape::record(forward),
                false => (forward(), Tape::default()),
            };
            let value = number(&part);
            if !value.is_finite() {
                let what = format!("step {} of {}", step + 1, self.plan.steps());
                let why = "the loss is no longer a number; lower learning_rate or lengthen warmup";
                return Err(Error::data(what, why));
            }
            loss += value;
            let mut gradients = part.backward();
            self.optimizer.accumulate(&model, &mut gradients);
            tape.walk_back(&mut gradients, |layer| self.optimizer.accumulate(&model, layer));
        }
        let (rate, rates) = (self.rate(step), &self.rates);
        let model = self.optimizer.apply_by(model, |path| rate * rates.share(path));
        let tokens = passes.iter().flatten().map(|&row| self.data.tokens(row)).sum();
        Ok((model, Stepped { loss, predictions, tokens }))
    }

    /// The mean loss of a prediction on other texts; what is predicted is the same each time.
    fn evaluate<M: Backbone + Module>(&self, model: &M, data: &D, rows: &[usize]) -> Result<f64>
    where
        O: Objective<M, Data = D>,
    {
        // Without autodiff: no graph is kept that nothing would walk back.
        let model = &model.valid();
        let (mut sum, mut predictions) = (0.0, 0);
        for (i, rows) in self.settings.passes(rows, data).into_iter().enumerate() {
            let mut rng = rng::stream(self.seed, "validation", i as u64);
            let pass = self.objective.prepare(data, rows, &mut rng);
            let n = self.objective.predictions(&pass);
            sum += number(&self.objective.loss(model, &pass, Noise::none())) * n as f64;
            predictions += n;
        }
        let loss = sum / predictions as f64;
        match loss.is_finite() {
            true => Ok(loss),
            false => Err(Error::data("the loss on the validation texts", "it is not a number")),
        }
    }

    fn rate(&self, step: usize) -> f64 {
        let (steps, settings) = (self.plan.steps(), self.settings);
        let warmup = settings.warmup * steps as f64;
        settings.learning_rate * settings.schedule.share(step + 1, steps, warmup)
    }

    fn record(&mut self, epoch: usize, stepped: &Stepped) {
        self.progress.step += 1;
        let epochs = &mut self.progress.epochs;
        epochs.resize(epochs.len().max(epoch + 1), (0.0_f64.to_bits(), 0));
        let (sum, predictions) = &mut epochs[epoch];
        *sum = (f64::from_bits(*sum) + stepped.loss * stepped.predictions as f64).to_bits();
        *predictions += stepped.predictions;
    }

    fn epoch_loss(&self, epoch: usize) -> f64 {
        let (sum, predictions) = self.progress.epochs[epoch];
        f64::from_bits(sum) / predictions as f64
    }

    fn evaluation_is_due(&self, done: usize) -> bool {
        let last = done == self.plan.steps();
        match self.settings.evaluate_every {
            Some(every) => last || done.is_multiple_of(every),
            None => self.plan.ends_epoch(done),
        }
    }

    fn evaluations(&self) -> impl Iterator<Item = Evaluation> + '_ {
        let evaluation = |&(step, bits)| Evaluation { step, loss: f64::from_bits(bits) };
        self.progress.evaluations.iter().map(evaluation)
    }

    /// Notes a measurement, and whether it is the best so far.
    fn is_best(&mut self, loss: f64) -> bool {
        let least = self.evaluations().map(|e| e.loss).fold(f64::INFINITY, f64::min);
        self.progress.evaluations.push((self.progress.step, loss.to_bits()));
        if loss < least {
            self.progress.best = Some(self.progress.evaluations.len() - 1);
        }
        loss < least
    }

    /// Whether patience has run out.
    fn exhausted(&self) -> bool {
        match (self.settings.patience, self.progress.best) {
            (Some(patience), Some(best)) => self.progress.evaluations.len() - 1 - best >= patience,
            _ => false,
        }
    }
}

fn number(loss: &Tensor<1>) -> f64 {
    loss.clone().into_data().iter::<f64>().sum()
}
