//! One step of predicting the next token: its loss and gradients.

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::RngExt as _;
use rec_core::rng::Rng;

use super::candidates::Candidates;
use crate::ops::{self, Activation, CrossEntropy, cross_entropy};
use crate::tags::learn::network::batch::Batch;
use crate::tags::learn::network::body::{Body, States};
use crate::tags::learn::network::gradient::{Gradients, scale};
use crate::tags::learn::network::net::Network;

/// What predicts a token from the state before it: of a state `h` of one way the scores `E (P h) + b` of
/// all tokens, `E` being the embeddings that learn.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Head {
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

impl Head {
    pub(super) fn new(hidden: usize, dim: usize, tokens: usize, rng: &mut Rng) -> Self {
        let spread = (hidden as f32).sqrt().recip();
        let mut draw = || (0..hidden * dim).map(|_| rng.random_range(-spread..spread)).collect();
        Self { projections: [draw(), draw()], bias: vec![0.0; tokens] }
    }
}

/// The states of a batch's texts and what is to be predicted from them, as plain numbers.
struct Asked {
    /// Of each way, the rows of its states after which another token is read.
    rows: [Vec<usize>; 2],
    /// These states: `[n, hidden]`.
    features: [Vec<f32>; 2],
    /// The places of those tokens among the candidates.
    targets: [Vec<i32>; 2],
    /// The candidates' embeddings that learn: `[candidates, dim]`.
    words: Vec<f32>,
    /// The candidates' biases, with their shifts.
    bias: Vec<f32>,
    dim: usize,
    hidden: usize,
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
        let asked = self.asked(&states, batch, head, candidates, hidden)?;
        let scored = head.score(&asked);

        let of_states = [0, 1].map(|way| {
            let mut all = vec![0.0; states.of(way).len()];
            let of_rows = scored.features[way].chunks_exact(hidden);
            for (&row, of) in asked.rows[way].iter().zip(of_rows) {
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

    /// The mean of both ways' mean negative log-likelihoods of a batch, in nats a token, and how many tokens
    /// each way predicts; none where no token follows another.
    pub(super) fn language_loss(&self, batch: &Batch, head: &Head) -> Option<(f64, usize)> {
        let Body::Recurrent(units) = &self.body else { return None };
        let states = units.states(&self.projected(&self.embedded(batch)), batch);
        let all = Candidates::all(head.bias.len());
        let asked = self.asked(&states, batch, head, &all, units.hidden)?;
        let tokens = asked.rows[0].len();
        let [there, back] = Head::losses(&asked, &Leaves::new(head, &asked, &Device::flex()));
        let loss = (there + back) * 0.5;
        Some((loss.into_data().iter::<f64>().sum(), tokens))
    }

    /// What is to be predicted from the states of a batch.
    fn asked(
        &self,
        states: &States,
        batch: &Batch,
        head: &Head,
        candidates: &Candidates,
        hidden: usize,
    ) -> Option<Asked> {
        let [(there, next), (back, before)] = [0, 1].map(|way| states.followed(way, batch));
        if there.is_empty() {
            return None;
        }
        let rows = [there, back];
        let features = [0, 1].map(|way| -> Vec<f32> {
            let state = |&row: &usize| &states.of(way)[row * hidden..][..hidden];
            rows[way].iter().flat_map(state).copied().collect()
        });
        let targets = [next, before].map(|tokens| -> Vec<i32> {
            tokens.iter().map(|&token| candidates.place(token)).collect()
        });
        let (width, dim) = (self.dim(), self.dim() - self.fixed);
        let words = candidates.rows(&self.embeddings, width, dim).collect();
        let bias = candidates.rows(&head.bias, 1, 1).zip(&candidates.shifts);
        let bias = bias.map(|(bias, shift)| bias + shift).collect();
        Some(Asked { rows, features, targets, words, bias, dim, hidden })
    }
}

/// What scores are computed from, as tensors.
struct Leaves {
    features: [Tensor<2>; 2],
    projections: [Tensor<2>; 2],
    words: Tensor<2>,
    bias: Tensor<1>,
}

impl Leaves {
    fn new(head: &Head, asked: &Asked, device: &Device) -> Self {
        let leaf = |values: &[f32], columns: usize| {
            let shape = [values.len() / columns, columns];
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), shape), device)
        };
        Self {
            features: asked.features.each_ref().map(|values| leaf(values, asked.hidden)),
            projections: head.projections.each_ref().map(|values| leaf(values, asked.hidden)),
            words: leaf(&asked.words, asked.dim),
            bias: Tensor::<1>::from_floats(asked.bias.as_slice(), device),
        }
    }

    fn require_grad(self) -> Self {
        Self {
            features: self.features.map(Tensor::require_grad),
            projections: self.projections.map(Tensor::require_grad),
            words: self.words.require_grad(),
            bias: self.bias.require_grad(),
        }
    }
}

impl Head {
    /// The mean negative log-likelihood of each way.
    fn losses(asked: &Asked, leaves: &Leaves) -> [Tensor<1>; 2] {
        [0, 1].map(|way| {
            let (h, p) = (leaves.features[way].clone(), leaves.projections[way].clone());
            let predicted = ops::linear(h, p, None, Activation::Identity);
            let targets = asked.targets[way].as_slice();
            let targets = Tensor::<1, Int>::from_ints(targets, &leaves.words.device());
            let (words, bias) = (leaves.words.clone(), Some(leaves.bias.clone()));
            cross_entropy(predicted, words, bias, targets, None, CrossEntropy::default())
        })
    }

    fn score(&self, asked: &Asked) -> Scored {
        let leaves = Leaves::new(self, asked, &Device::flex().autodiff()).require_grad();
        let [there, back] = Self::losses(asked, &leaves);
        let loss = (there + back) * 0.5;
        let value = loss.clone().into_data().iter::<f64>().sum();
        let gradients = loss.backward();
        let of = |tensor: &Tensor<2>| -> Vec<f32> {
            tensor.grad(&gradients).map_or(Vec::new(), |of| of.into_data().iter().collect())
        };
        let bias = leaves.bias.grad(&gradients);
        Scored {
            loss: value,
            features: leaves.features.each_ref().map(of),
            projections: leaves.projections.each_ref().map(of),
            words: of(&leaves.words),
            bias: bias.map_or(Vec::new(), |of| of.into_data().iter().collect()),
        }
    }
}
