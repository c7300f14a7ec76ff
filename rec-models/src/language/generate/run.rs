//! The loop: feed tokens, read scores, choose.

use std::collections::VecDeque;

use burn::tensor::{DType, Tensor, TensorData};

use super::continuation::Continuation;
use super::{GenerateOptions, Generated, Piece, TextDecoder};
use crate::fit::Cancel;
use crate::language::batch::id_tensor;
use crate::language::causal::check;
use crate::language::{Batch, Cache, Causal};
use crate::{Error, Result};

/// Tokens of one pass through the model while prompts are read.
const TOKENS_A_PASS: usize = 2048;

/// Continuations of several prompts, a token of each in turn; an iterator of [`Piece`]s.
///
/// After an error it ends. Dropping it stops generating.
pub struct Generator<'a> {
    model: &'a dyn Causal,
    options: GenerateOptions,
    cancel: Cancel,
    cache: Cache,
    continuations: Vec<Continuation<'a>>,
    /// What the model has not seen yet of each text.
    waiting: Vec<Vec<u32>>,
    ready: VecDeque<Piece>,
    failed: bool,
}

impl<'a> Generator<'a> {
    /// Of these prompts, in token ids. The prompts may differ in length. With a `decoder`, pieces
    /// have texts, and stop texts are heeded.
    ///
    /// # Errors
    /// Options outside their domain, stop texts without a decoder, no prompts, an empty prompt, one
    /// longer than the model's positions, and ids outside its vocabulary.
    pub fn new<P: AsRef<[u32]>>(
        model: &'a dyn Causal,
        prompts: &[P],
        options: &GenerateOptions,
        decoder: Option<&'a dyn TextDecoder>,
    ) -> Result<Self> {
        options.check(model.vocab_size())?;
        if decoder.is_none() && !options.stop_strings.is_empty() {
            let why = "they are looked for in text, and no decoder is given; give one, or stop_ids";
            return Err(Error::parameter("stop_strings", options.stop_strings.len(), why));
        }
        let waiting: Vec<Vec<u32>> = prompts.iter().map(|p| p.as_ref().to_vec()).collect();
        check_prompts(model, &waiting)?;
        let continuation = |(i, ids): (usize, &Vec<u32>)| {
            Continuation::new(i, ids, model.max_len(), options, decoder)
        };
        Ok(Self {
            model,
            options: options.clone(),
            cancel: Cancel::default(),
            cache: model.cache(waiting.len(), room(model, &waiting, options)),
            continuations: waiting.iter().enumerate().map(continuation).collect(),
            waiting,
            ready: VecDeque::new(),
            failed: false,
        })
    }

    /// Has `cancel` stop it, with an error, before the next pass through the model.
    pub fn cancelled_by(mut self, cancel: &Cancel) -> Self {
        self.cancel = cancel.clone();
        self
    }

    /// What has been generated for each prompt.
    pub fn finish(self) -> Vec<Generated> {
        self.continuations.into_iter().map(Continuation::into_generated).collect()
    }

    /// Generates a token of every continuation that goes on.
    fn step(&mut self) -> Result<()> {
        let open: Vec<usize> = self.open().collect();
        if open.is_empty() {
            return Ok(());
        }
        let hidden = self.read_waiting()?;
        let mut scores = floats(self.model.logits(hidden))?;
        let rows = scores.chunks_exact_mut(self.model.vocab_size());
        for (text, row) in open.into_iter().zip(rows) {
            let continuation = &mut self.continuations[text];
            let piece = continuation.take(row, &self.options)?;
            let next = continuation.last().filter(|_| piece.finish.is_none());
            self.waiting[text].extend(next);
            self.ready.push_back(piece);
        }
        Ok(())
    }

    fn open(&self) -> impl Iterator<Item = usize> + '_ {
        let going_on = |(_, c): &(usize, &Continuation<'_>)| c.finish.is_none();
        self.continuations.iter().enumerate().filter(going_on).map(|(i, _)| i)
    }

    /// Passes all waiting tokens through the model, in passes of bounded size; gives the hidden
    /// vector of each open text's last token: `[open texts, hidden_size]`.
    fn read_waiting(&mut self) -> Result<Tensor<2>> {
        let mut last = Vec::new();
        while self.waiting.iter().any(|tokens| !tokens.is_empty()) {
            self.cancel.check("generation")?;
            let batch = Batch::new(&take_tokens(&mut self.waiting, TOKENS_A_PASS));
            let ranges = batch.rows.ranges().zip(&self.waiting);
            let ends: Vec<u32> = ranges
                .filter(|(range, left)| !range.is_empty() && left.is_empty())
                .map(|(range, _)| range.end as u32 - 1)
                .collect();
            let hidden = self.model.advance(&batch, &mut self.cache)?;
            let all = ends.len() == batch.ids.len();
            let device = hidden.device();
            last.push(if all { hidden } else { hidden.select(0, id_tensor(&ends, &device)) });
        }
        Ok(if last.len() == 1 { last.remove(0) } else { Tensor::cat(last, 0) })
    }
}

impl Iterator for Generator<'_> {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Result<Piece>> {
        if self.failed {
            return None;
        }
        if self.ready.is_empty()
            && let Err(error) = self.step()
        {
            self.failed = true;
            return Some(Err(error));
        }
        self.ready.pop_front().map(Ok)
    }
}

fn check_prompts(model: &dyn Causal, prompts: &[Vec<u32>]) -> Result<()> {
    if prompts.is_empty() {
        return Err(Error::empty("the list of prompts", "there is nothing to continue"));
    }
    if let Some(i) = prompts.iter().position(Vec::is_empty) {
        let why = "there is nothing to continue; begin with the model's start token";
        return Err(Error::empty(format!("prompt {i}"), why));
    }
    check(model, &Batch::new(prompts), |_| 0)
}

/// Room for the longest text to come, but for no more than the prompt again at first: it may stop
/// early.
fn room(model: &dyn Causal, prompts: &[Vec<u32>], options: &GenerateOptions) -> usize {
    let prompt = prompts.iter().map(Vec::len).max().unwrap_or(0);
    let whole = prompt.saturating_add(options.max_new_tokens);
    whole.min((2 * prompt).max(128)).min(model.max_len().unwrap_or(usize::MAX))
}

/// At most `budget` tokens from the fronts of the texts, the first texts first; the rest waits.
fn take_tokens(waiting: &mut [Vec<u32>], budget: usize) -> Vec<Vec<u32>> {
    let mut left = budget.max(1);
    let mut take = |tokens: &mut Vec<u32>| {
        let rest = tokens.split_off(left.min(tokens.len()));
        let taken = std::mem::replace(tokens, rest);
        left -= taken.len();
        taken
    };
    waiting.iter_mut().map(&mut take).collect()
}

/// The numbers of a tensor in single precision.
pub(super) fn floats(x: Tensor<2>) -> Result<Vec<f32>> {
    let data: TensorData = x.into_data().convert_dtype(DType::F32);
    let what = "the model's scores";
    data.try_into_vec::<f32>()
        .map_err(|e| Error::data(what, format!("not read from the device: {e:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_prompts_are_read_in_parts() {
        let mut waiting = vec![vec![1, 2, 3], vec![4, 5], vec![6]];
        assert_eq!(take_tokens(&mut waiting, 4), [vec![1, 2, 3], vec![4], vec![]]);
        assert_eq!(waiting, [vec![], vec![5], vec![6]]);
        assert_eq!(take_tokens(&mut waiting, 4), [vec![], vec![5], vec![6]]);
    }
}
