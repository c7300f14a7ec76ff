//! Text generation with a cache: greedy, or drawn from a filtered distribution.
//!
//! [`TextGenerator`] continues texts with a checkpoint folder's model and tokenizer. Below it,
//! [`Generator`] hands out tokens as they come and [`generate`] runs it to the end, in token ids.

mod continuation;
mod filter;
mod options;
mod run;
mod stop;
#[cfg(test)]
mod tests;
mod text;
mod text_generator;

pub use filter::{Candidate, candidates, penalise};
pub use options::GenerateOptions;
pub use run::Generator;
#[cfg(test)]
use run::floats;
pub use text::{TextDecoder, TextStream};
pub use text_generator::TextGenerator;

use super::Causal;
use crate::Result;
use crate::fit::Cancel;

/// A token as it comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Which prompt it continues, its place in the list.
    pub prompt: usize,
    /// The token.
    pub id: u32,
    /// The text that is certain with it; empty where a character is not whole yet, where it may
    /// become a stop text, and without a decoder.
    pub text: String,
    /// Why the continuation ends with it, if it does.
    pub finish: Option<Finish>,
}

/// Why a continuation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finish {
    /// One of the stop tokens came.
    StopId,
    /// One of the stop texts came.
    StopText,
    /// `max_new_tokens` were generated.
    Length,
    /// The model has no position for another token.
    Positions,
    /// Nobody asked for more.
    Interrupted,
}

/// A prompt's continuation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generated {
    /// The tokens generated, a stop token included.
    pub ids: Vec<u32>,
    /// Their text, where there was a decoder; without the stop token or stop text.
    pub text: Option<String>,
    /// Why it ended.
    pub finish: Finish,
}

/// Continues every prompt to its end, telling `on_piece` each token as it comes.
///
/// # Errors
/// As [`Generator::new`] and its steps, and whatever `on_piece` returns.
pub fn generate<P: AsRef<[u32]>>(
    model: &dyn Causal,
    prompts: &[P],
    options: &GenerateOptions,
    decoder: Option<&dyn TextDecoder>,
    cancel: &Cancel,
    mut on_piece: impl FnMut(&Piece) -> Result<()>,
) -> Result<Vec<Generated>> {
    let mut generator = Generator::new(model, prompts, options, decoder)?.cancelled_by(cancel);
    for piece in &mut generator {
        on_piece(&piece?)?;
    }
    Ok(generator.finish())
}
