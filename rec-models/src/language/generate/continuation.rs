//! What has been generated for one prompt.

use std::collections::HashSet;

use rand::RngExt;
use rec_core::rng::{self, Rng};

use super::filter::{candidates, draw, likeliest, penalise};
use super::text::{TextDecoder, TextSoFar};
use super::{Finish, GenerateOptions, Generated, Piece};
use crate::{Error, Result};

/// One prompt's continuation, and the state that the next token depends on.
pub(super) struct Continuation<'a> {
    prompt: usize,
    ids: Vec<u32>,
    /// Every token of prompt and continuation; kept where they are penalised.
    seen: HashSet<u32>,
    text: Option<TextSoFar<'a>>,
    rng: Rng,
    /// Tokens that may come until the model's positions are used up.
    positions_left: Option<usize>,
    pub(super) finish: Option<Finish>,
}

impl<'a> Continuation<'a> {
    pub(super) fn new(
        prompt: usize,
        ids: &[u32],
        max_len: Option<usize>,
        options: &GenerateOptions,
        decoder: Option<&'a dyn TextDecoder>,
    ) -> Self {
        let penalised = options.repetition_penalty != 1.0;
        Self {
            prompt,
            ids: Vec::new(),
            seen: if penalised { ids.iter().copied().collect() } else { HashSet::new() },
            text: decoder.map(|decoder| TextSoFar::new(decoder, &options.stop_strings)),
            rng: rng::stream(options.seed, "generate", prompt as u64),
            // The token after the last position is never fed back, so it has none.
            positions_left: max_len.map(|limit| limit + 1 - ids.len()),
            finish: None,
        }
    }

    /// The last token, to be fed back.
    pub(super) fn last(&self) -> Option<u32> {
        self.ids.last().copied()
    }

    /// Chooses the next token by the scores of all tokens.
    pub(super) fn take(&mut self, scores: &mut [f32], options: &GenerateOptions) -> Result<Piece> {
        let id = self.choose(scores, options)?;
        self.ids.push(id);
        if options.repetition_penalty != 1.0 {
            self.seen.insert(id);
        }
        self.finish = self.why_end(id, options);
        let text = self.read(id)?;
        Ok(Piece { prompt: self.prompt, id, text, finish: self.finish })
    }

    pub(super) fn into_generated(self) -> Generated {
        Generated {
            ids: self.ids,
            text: self.text.map(TextSoFar::into_text),
            finish: self.finish.unwrap_or(Finish::Interrupted),
        }
    }

    fn choose(&mut self, scores: &mut [f32], options: &GenerateOptions) -> Result<u32> {
        penalise(scores, &self.seen, options.repetition_penalty);
        let best = likeliest(scores);
        if !scores.get(best as usize).is_some_and(|score| score.is_finite()) {
            let why = "they are not finite; the weights overflow at this precision, use float32";
            return Err(Error::data("the model's scores", why));
        }
        if !options.do_sample {
            return Ok(best);
        }
        let drawn = draw(&candidates(scores, options), self.rng.random::<f64>());
        Ok(drawn.unwrap_or(best))
    }

    fn why_end(&self, id: u32, options: &GenerateOptions) -> Option<Finish> {
        if options.stop_ids.contains(&id) {
            Some(Finish::StopId)
        } else if self.ids.len() >= options.max_new_tokens {
            Some(Finish::Length)
        } else if self.positions_left.is_some_and(|left| self.ids.len() >= left) {
            Some(Finish::Positions)
        } else {
            None
        }
    }

    /// The text that the token brings. One that ends at a stop text ends the continuation.
    fn read(&mut self, id: u32) -> Result<String> {
        let Some(text) = &mut self.text else { return Ok(String::new()) };
        let (mut new, mut stopped) = match self.finish {
            Some(Finish::StopId) => (String::new(), false),
            _ => text.step(id)?,
        };
        if self.finish.is_some() && !stopped {
            let (rest, late) = text.finish()?;
            new.push_str(&rest);
            stopped = late;
        }
        if stopped {
            self.finish = Some(Finish::StopText);
        }
        Ok(new)
    }
}
