//! What recurrent units know of the language before they have seen a label.

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::RngExt as _;
use rand::seq::SliceRandom;
use rec_core::rng::{Rng, stream};

use super::Recipe;
use super::adam::{Adam, Moments};
use super::batch::Batch;
use super::body::Body;
use super::gradient::{Gradients, scale};
use super::net::Network;
use super::pretrain::Start;
use super::train::{finite, peak_and_fall, scales};
use crate::Result;
use crate::fit::FitContext;
use crate::ops::{self, Activation, CrossEntropy, cross_entropy};

/// Adam's rate at its peak.
const RATE: f32 = 2e-3;
/// Tokens drawn for a step beside those that it has to predict.
const DRAWN: usize = 512;

/// What a network's arrays are after language modelling.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Learned {
    pub(super) embeddings: Vec<f32>,
    pub(super) kernels: Vec<f32>,
    pub(super) body: Body,
    /// The mean loss of the last pass, in nats a token.
    pub(super) loss: f64,
}

/// What predicts a token from the state before it: of a state `h` of one way the scores `E (P h) + b` of
/// all tokens, `E` being the embeddings that learn.
#[derive(Clone)]
pub(super) struct Head {
    /// `P` of each way: `[dim, hidden]`.
    pub(super) projections: [Vec<f32>; 2],
    /// `b`: `[tokens + 1]`.
    pub(super) bias: Vec<f32>,
}

/// The gradients of a step: of the network's arrays, embeddings those of all tokens, and of the head's.
pub(super) struct Step {
    /// The mean of both ways' mean negative log-likelihoods, in nats a token.
    pub(super) loss: f64,
    pub(super) network: Gradients,
    pub(super) projections: [Vec<f32>; 2],
    pub(super) bias: Vec<f32>,
}

impl Recipe {
    /// Has the units of each way predict the token that they read next, in texts as numbers of tokens.
    pub(super) fn learn_language(
        &self,
        start: &Start,
        texts: &[Vec<u32>],
        ctx: &FitContext<'_>,
    ) -> Result<Option<Learned>> {
        let mut rng = stream(ctx.seed, "language of a network", 0);
        let mut network = self.start(start, 0, &mut rng);
        let Body::Recurrent(units) = &network.body else { return Ok(None) };
        let mut head = Head::new(units.hidden, self.dim, start.vocabulary.len() + 1, &mut rng);
        // Where nothing follows anything, there is nothing to predict.
        let mut order: Vec<usize> = (0..texts.len()).filter(|&row| texts[row].len() > 1).collect();
        if order.is_empty() {
            return Ok(None);
        }
        let every: Vec<u32> = (0..=start.vocabulary.len() as u32).collect();
        let mut adam = Adam::new(&network);
        let mut of_head = [&head.projections[0], &head.projections[1], &head.bias]
            .map(|array| Moments::new(array.len()));
        let frequencies = Frequencies::of(texts, every.len());
        let steps = self.language_passes * order.len().div_ceil(self.batch_size);
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
            }
            loss = sum / f64::from(count.max(1));
            tracing::debug!(pass, loss, "language of a network");
        }
        let advice = "choose fewer language_passes, or a greater batch_size";
        finite(self.name, advice, network.kernels.iter().chain(&head.bias))?;
        let Network { embeddings, kernels, body, .. } = network;
        Ok(Some(Learned { embeddings, kernels, body, loss }))
    }
}

impl Head {
    fn new(hidden: usize, dim: usize, tokens: usize, rng: &mut Rng) -> Self {
        let spread = (hidden as f32).sqrt().recip();
        let mut draw = || (0..hidden * dim).map(|_| rng.random_range(-spread..spread)).collect();
        Self { projections: [draw(), draw()], bias: vec![0.0; tokens] }
    }
}

/// How often each token occurs.
struct Frequencies {
    shares: Vec<f64>,
}

/// The tokens that a step's are told from: all of few, else those that stand in its texts and some drawn,
/// each less the logarithm of how probable it is to be among them (sampled softmax: Jean, Cho, Memisevic
/// and Bengio 2015), so that scores become those of all tokens.
pub(super) struct Candidates {
    /// Ascending.
    pub(super) tokens: Vec<u32>,
    /// What is added to each one's score.
    pub(super) shifts: Vec<f32>,
}

impl Candidates {
    /// All of so many tokens.
    pub(super) fn all(tokens: usize) -> Self {
        Self { tokens: (0..tokens as u32).collect(), shifts: vec![0.0; tokens] }
    }

    /// Their rows of an array of all tokens' rows, as far as `columns` of `width`.
    fn rows<'a>(
        &'a self,
        array: &'a [f32],
        width: usize,
        columns: usize,
    ) -> impl Iterator<Item = f32> + 'a {
        let row = move |&token: &u32| &array[token as usize * width..][..columns];
        self.tokens.iter().flat_map(row).copied()
    }

    fn place(&self, token: u32) -> i32 {
        // Whoever draws candidates has put the tokens of the texts among them.
        self.tokens.binary_search(&token).unwrap_or_default() as i32
    }
}

impl Frequencies {
    fn of(texts: &[Vec<u32>], tokens: usize) -> Self {
        let mut shares = vec![0.0; tokens];
        texts.iter().flatten().for_each(|&token| shares[token as usize] += 1.0);
        let all = shares.iter().sum::<f64>().max(1.0);
        shares.iter_mut().for_each(|share| *share /= all);
        Self { shares }
    }

    fn draw(&self, batch: &Batch, rng: &mut Rng) -> Candidates {
        let all = self.shares.len();
        if all <= 4 * DRAWN {
            return Candidates::all(all);
        }
        let drawn = (0..DRAWN).map(|_| rng.random_range(0..all as u32));
        let mut tokens: Vec<u32> = batch.tokens.iter().copied().chain(drawn).collect();
        tokens.sort_unstable();
        tokens.dedup();
        let read: usize = (0..batch.len()).map(|text| batch.text(text).len()).sum();
        let undrawn = (1.0 - (all as f64).recip()).powi(DRAWN as i32);
        let shift = |&token: &u32| {
            let unread = (1.0 - self.shares[token as usize]).powf(read as f64);
            -(1.0 - unread * undrawn).ln() as f32
        };
        let shifts = tokens.iter().map(shift).collect();
        Candidates { tokens, shifts }
    }
}

/// What a burn graph gave for the head: the loss, and its gradients.
struct Scored {
    loss: f64,
    features: [Vec<f32>; 2],
    projections: [Vec<f32>; 2],
    words: Vec<f32>,
    bias: Vec<f32>,
}

impl Network {
    /// The gradients of predicting the tokens of a batch from those before and those after, with
    /// embeddings of its distinct tokens scaled by `drops`; none where no token follows another.
    pub(super) fn language_step(
        &self,
        batch: &Batch,
        drops: &[f32],
        head: &Head,
        candidates: &Candidates,
    ) -> Option<Step> {
        let Body::Recurrent(units) = &self.body else { return None };
        let (dim, hidden) = (self.dim(), units.hidden);
        let learning = dim - self.fixed;
        let mut embedded = self.embedded(batch);
        scale(&mut embedded, drops);
        let projected = self.projected(&embedded);
        let states = units.states(&projected, batch);
        let ways = [0, 1].map(|way| states.followed(way, batch));
        if ways[0].0.is_empty() {
            return None;
        }
        let features = [0, 1].map(|way| -> Vec<f32> {
            let state = |&row: &usize| &states.of(way)[row * hidden..][..hidden];
            ways[way].0.iter().flat_map(state).copied().collect()
        });
        let words: Vec<f32> = candidates.rows(&self.embeddings, dim, learning).collect();
        let targets = [0, 1].map(|way| -> Vec<i32> {
            ways[way].1.iter().map(|&token| candidates.place(token)).collect()
        });
        let bias = candidates.rows(&head.bias, 1, 1).zip(&candidates.shifts);
        let bias: Vec<f32> = bias.map(|(bias, shift)| bias + shift).collect();
        let scored = head.score(features, targets, (words, learning), bias, hidden);

        let of_states = [0, 1].map(|way| {
            let mut all = vec![0.0; states.of(way).len()];
            let rows = scored.features[way].chunks_exact(hidden);
            for (&row, of) in ways[way].0.iter().zip(rows) {
                all[row * hidden..][..hidden].copy_from_slice(of);
            }
            all
        });
        let mut of_projected = vec![0.0; projected.len()];
        let body = units.states_back(&states, &of_states, batch, &mut of_projected).into();
        let (kernels, mut of_embedded) = self.inputs_back(&embedded, &of_projected);
        scale(&mut of_embedded, drops);
        let mut embeddings = vec![0.0; self.embeddings.len()];
        let mut bias = vec![0.0; head.bias.len()];
        let of_tokens = scored.words.chunks_exact(learning).zip(&scored.bias);
        for (&token, (of_word, of_bias)) in candidates.tokens.iter().zip(of_tokens) {
            embeddings[token as usize * dim..][..learning].copy_from_slice(of_word);
            bias[token as usize] = *of_bias;
        }
        for (&token, of) in batch.tokens.iter().zip(of_embedded.chunks_exact(dim)) {
            let row = &mut embeddings[token as usize * dim..][..learning];
            row.iter_mut().zip(of).for_each(|(row, of)| *row += of);
        }
        Some(Step {
            loss: scored.loss,
            network: Gradients {
                embeddings,
                kernels,
                body,
                output: Vec::new(),
                output_bias: Vec::new(),
            },
            projections: scored.projections,
            bias,
        })
    }
}

impl Head {
    /// `features`: the states of each way before tokens, `[n, hidden]`, `targets` being their places
    /// among the candidates; `words`: the candidates' embeddings, `[candidates, dim]`, `bias` theirs.
    fn score(
        &self,
        features: [Vec<f32>; 2],
        targets: [Vec<i32>; 2],
        (words, dim): (Vec<f32>, usize),
        bias: Vec<f32>,
        hidden: usize,
    ) -> Scored {
        let device = Device::flex().autodiff();
        let leaf = |values: Vec<f32>, columns: usize| {
            let shape = [values.len() / columns, columns];
            Tensor::<2>::from_data(TensorData::new(values, shape), &device).require_grad()
        };
        let words = leaf(words, dim);
        let bias = Tensor::<1>::from_floats(bias.as_slice(), &device).require_grad();
        let features = features.map(|values| leaf(values, hidden));
        let projections = [0, 1].map(|way| leaf(self.projections[way].clone(), hidden));
        let losses = [0, 1].map(|way| {
            let (h, p) = (features[way].clone(), projections[way].clone());
            let predicted = ops::linear(h, p, None, Activation::Identity);
            let targets = Tensor::<1, Int>::from_ints(targets[way].as_slice(), &device);
            let (words, bias) = (words.clone(), Some(bias.clone()));
            cross_entropy(predicted, words, bias, targets, None, CrossEntropy::default())
        });
        let [there, back] = losses;
        let loss = (there + back) * 0.5;
        let value = loss.clone().into_data().iter::<f64>().sum();
        let gradients = loss.backward();
        let of = |tensor: &Tensor<2>| -> Vec<f32> {
            tensor.grad(&gradients).map_or(Vec::new(), |of| of.into_data().iter().collect())
        };
        Scored {
            loss: value,
            features: features.each_ref().map(of),
            projections: projections.each_ref().map(of),
            words: of(&words),
            bias: bias.grad(&gradients).map_or(Vec::new(), |of| of.into_data().iter().collect()),
        }
    }
}

#[cfg(test)]
mod tests;
