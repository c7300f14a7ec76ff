//! What recurrent units know of the language before they have seen a label.

mod candidates;
mod model;
mod step;
#[cfg(test)]
mod tests;

use rand::seq::SliceRandom;
use rec_core::rng::stream;

pub use model::GruLanguageModel;

use self::candidates::Frequencies;
use self::step::Head;
use super::Recipe;
use super::adam::{Adam, Moments};
use super::batch::Batch;
use super::body::Body;
use super::net::Network;
use super::pretrain::Start;
use super::train::{finite, peak_and_fall, scales};
use crate::Result;
use crate::fit::FitContext;

/// Adam's rate at its peak.
const RATE: f32 = 2e-3;

/// What units know after language modelling.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Learned {
    /// Without labels.
    pub(super) network: Network,
    pub(super) head: Head,
    /// The mean loss of the last pass, in nats a token.
    pub(super) loss: f64,
}

impl Recipe {
    /// Has the units of each way predict the token that they read next, in texts as numbers of tokens;
    /// they go on from what they have learned before, if they have.
    pub(super) fn learn_language(
        &self,
        start: &Start,
        texts: &[Vec<u32>],
        ctx: &FitContext<'_>,
    ) -> Result<Option<Learned>> {
        let mut rng = stream(ctx.seed, "language of a network", 0);
        let mut network = self.start(start, 0, &mut rng);
        let Body::Recurrent(units) = &network.body else { return Ok(None) };
        let every: Vec<u32> = (0..=start.vocabulary.len() as u32).collect();
        let mut head = match &start.learned {
            Some(learned) => learned.head.clone(),
            None => Head::new(units.hidden, self.dim, every.len(), &mut rng),
        };
        // Where nothing follows anything, there is nothing to predict.
        let mut order: Vec<usize> = (0..texts.len()).filter(|&row| texts[row].len() > 1).collect();
        if order.is_empty() {
            return Ok(start.learned.clone());
        }
        let mut adam = Adam::new(&network);
        let mut of_head = [&head.projections[0], &head.projections[1], &head.bias]
            .map(|array| Moments::new(array.len()));
        let frequencies = Frequencies::of(texts, every.len());
        let steps = self.language_passes * order.len().div_ceil(self.batch_size);
        ctx.progress.begin("language", steps as u64);
        let mut loss = 0.0;
        for pass in 0..self.language_passes {
            order.shuffle(&mut rng);
            let (mut sum, mut count) = (0.0, 0);
            for rows in order.chunks(self.batch_size) {
                ctx.cancel.check(self.name)?;
                let batch = Batch::new(rows.iter().map(|&row| texts[row].as_slice()));
                let kept = batch.tokens.len() * network.dim();
                let drops = scales(kept, self.embedding_dropout, &mut rng);
                let candidates = frequencies.draw(&batch, &mut rng);
                let Some(step) = network.language_step(&batch, &drops, &head, &candidates) else {
                    continue;
                };
                let rate = peak_and_fall(RATE, adam.steps() as f32, steps as f32);
                let rates = adam.step(&mut network, &every, &step.network, rate);
                let [there, back] = &mut head.projections;
                let arrays = [there, back, &mut head.bias];
                let gradients = [&step.projections[0], &step.projections[1], &step.bias];
                for ((array, of), moments) in arrays.into_iter().zip(gradients).zip(&mut of_head) {
                    moments.step(0, array, of, rates);
                }
                sum += step.loss;
                count += 1;
                ctx.progress.step(adam.steps() as u64, &format!("loss {:.3}", step.loss));
            }
            loss = sum / f64::from(count.max(1));
            tracing::debug!(pass, loss, "language of a network");
        }
        ctx.progress.end();
        let advice = "choose fewer language_passes, or a greater batch_size";
        finite(self.name, advice, network.kernels.iter().chain(&head.bias))?;
        Ok(Some(Learned { network, head, loss }))
    }
}
