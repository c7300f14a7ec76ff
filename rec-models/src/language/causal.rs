//! What a decoder is to those who generate with it.

use burn::tensor::Tensor;

use super::batch::{check_ids, id_tensor};
use super::cache::{Cache, Step};
use super::noise::Noise;
use super::{Backbone, Batch};
use crate::ops::{self, Activation, Attention};
use crate::{Error, Result};

/// A transformer that predicts the next token.
pub trait Causal: Backbone {
    /// An empty cache for `texts` texts, with room for `tokens` tokens each before it must grow.
    fn cache(&self, texts: usize, tokens: usize) -> Cache;

    /// As [`Backbone::hidden`] for tokens that continue the texts in `cache`, one row of `batch` a
    /// text, none for a text that rests: `[new tokens, hidden_size]`.
    ///
    /// # Errors
    /// Ids outside the vocabulary, texts that outgrow [`Backbone::max_len`], and a batch of another
    /// number of texts than the cache.
    fn advance(&self, batch: &Batch, cache: &mut Cache) -> Result<Tensor<2>>;

    /// The table that tokens are predicted with: `[vocab_size, hidden_size]`.
    fn head(&self) -> Tensor<2>;

    /// Scores of every token to follow, before softmax, from rows of hidden vectors:
    /// `[rows, hidden_size] → [rows, vocab_size]`. Ask only for the rows you need: the vocabulary
    /// is wide.
    fn logits(&self, hidden: Tensor<2>) -> Tensor<2> {
        ops::linear(hidden, self.head(), None, Activation::Identity)
    }

    /// Scores of the token after each text: `[texts, vocab_size]`.
    ///
    /// # Errors
    /// As [`Backbone::check`].
    fn next_scores(&self, batch: &Batch) -> Result<Tensor<2>> {
        self.check(batch)?;
        let last: Vec<u32> = batch.rows.ranges().map(|range| range.end as u32 - 1).collect();
        let hidden = self.hidden(batch);
        let device = hidden.device();
        Ok(self.logits(hidden.select(0, id_tensor(&last, &device))))
    }
}

/// That ids lie in the vocabulary and texts, `seen` tokens of each already passed, within the
/// positions.
pub(super) fn check<M: Backbone + ?Sized>(
    model: &M,
    batch: &Batch,
    seen: impl Fn(usize) -> usize,
) -> Result<()> {
    check_ids("token id", &batch.ids, model.vocab_size(), "encode with the model's tokenizer")?;
    let Some(limit) = model.max_len() else { return Ok(()) };
    for (i, range) in batch.rows.ranges().enumerate() {
        let length = seen(i) + range.len();
        if length > limit {
            let why = format!("the model has {limit} positions; shorten it, or generate less");
            return Err(Error::data(format!("text {i} of {length} tokens"), why));
        }
    }
    Ok(())
}

/// A pass without a cache.
#[derive(Clone)]
pub(super) struct ByItself {
    step: Step,
    noise: Noise,
}

impl ByItself {
    pub(super) fn into_pass(self) -> Pass<'static> {
        Pass { step: self.step, cache: None, noise: self.noise }
    }
}

/// One pass of tokens through the layers: by themselves, or after those in a cache.
pub(super) struct Pass<'a> {
    step: Step,
    cache: Option<&'a mut Cache>,
    noise: Noise,
}

impl<'a> Pass<'a> {
    /// Of whole texts.
    pub(super) fn whole(batch: &Batch) -> Self {
        Self { step: Step::whole(batch), cache: None, noise: batch.noise }
    }

    /// Of tokens that continue those in `cache`.
    pub(super) fn after(batch: &Batch, cache: &'a mut Cache) -> Result<Self> {
        Ok(Self { step: cache.step(&batch.rows)?, cache: Some(cache), noise: batch.noise })
    }

    /// The pass, to be made again, where there is no cache that it fills.
    pub(super) fn by_itself(&self) -> Option<ByItself> {
        let again = || ByItself { step: self.step.clone(), noise: self.noise };
        self.cache.is_none().then(again)
    }

    /// Each token's position in its text.
    pub(super) fn positions(&self) -> &[u32] {
        &self.step.positions
    }

    /// What is dropped on the way.
    pub(super) fn noise(&self) -> Noise {
        self.noise
    }

    /// Causal attention of layer `layer` over all tokens seen.
    pub(super) fn attend(
        &mut self,
        layer: usize,
        [q, k, v]: [Tensor<2>; 3],
        shape: Attention,
    ) -> Tensor<2> {
        let (k, v) = match &mut self.cache {
            Some(cache) => cache.append(layer, &self.step, k, v),
            None => (k, v),
        };
        let shape = self.noise.at(layer).attention(shape);
        ops::attention(q, k, v, &self.step.queries, &self.step.keys, shape, None)
    }
}
